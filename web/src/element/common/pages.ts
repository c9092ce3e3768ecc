/** Pages of a list that is already loaded, so that the document stays small. */

import { css, html, nothing } from "lit";

export const PAGE_SIZE = 25;

/** The number of the last page, counted from 0. */
function lastPage(count: number): number {
  return Math.max(0, Math.ceil(count / PAGE_SIZE) - 1);
}

/** The entries of a page. A page beyond the end, as after a search, is the last one. */
export function entriesOfPage<Entry>(entries: readonly Entry[], page: number): readonly Entry[] {
  const start = Math.min(page, lastPage(entries.length)) * PAGE_SIZE;
  return entries.slice(start, start + PAGE_SIZE);
}

/** Says which entries are shown, and leads to the other pages. */
export function renderPages(
  count: number,
  page: number,
  nouns: readonly [one: string, many: string],
  onPage: (page: number) => void,
) {
  if (count === 0) return nothing;

  const current = Math.min(page, lastPage(count));
  const first = current * PAGE_SIZE + 1;
  const last = Math.min(first + PAGE_SIZE - 1, count);
  const noun = count === 1 ? nouns[0] : nouns[1];
  const turn = (label: string, to: number) => {
    const isPossible = to >= 0 && to <= lastPage(count);
    return html`<button
      aria-disabled=${isPossible ? "false" : "true"}
      @click=${() => isPossible && onPage(to)}
    >
      ${label}
    </button>`;
  };
  return html`<div class="pages">
    <span>${count > PAGE_SIZE ? `${first}–${last} of ${count}` : count} ${noun}</span>
    ${
      count > PAGE_SIZE
        ? html`<span class="turn">${turn("Previous", current - 1)} ${turn("Next", current + 1)}</span>`
        : nothing
    }
  </div>`;
}

export const pagesStyles = css`
  .pages {
    display: flex;
    flex-wrap: wrap;
    gap: calc(0.5 * var(--_u)) var(--_u);
    align-items: center;
    justify-content: space-between;
    min-height: var(--_control);
    padding: calc(0.5 * var(--_u)) 0;
    color: var(--_muted);
    font-variant-numeric: tabular-nums;
  }

  .turn {
    display: flex;
    gap: calc(0.5 * var(--_u));
  }

  .turn button[aria-disabled="true"] {
    cursor: default;
  }
`;
