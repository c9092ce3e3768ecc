/** What both tables share. They turn into cards on a phone. */

import { css, html } from "lit";

/** Placeholder rows for a list that is loading. */
export function renderSkeletons(columns: number) {
  const row = html`<tr role="row" class="skeleton" aria-hidden="true">
    ${Array.from({ length: columns }, () => html`<td role="cell"><span></span></td>`)}
  </tr>`;
  return [row, row, row];
}

/** Moves the focus to the row with this `data-id`; returns whether there is one. */
export function focusRow(root: ParentNode, id: string): boolean {
  const header = root.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(id)}"] th`);
  header?.focus();
  return header !== null;
}

export const tableStyles = css`
  :host {
    display: block;
  }

  table {
    width: 100%;
    border-collapse: collapse;
    text-align: start;
    font-variant-numeric: tabular-nums;
  }

  th,
  td {
    padding: calc(0.5 * var(--_u)) var(--_u);
    border-bottom: 1px solid var(--_border);
    text-align: start;
    vertical-align: top;
  }

  thead th {
    vertical-align: middle;
    background: var(--_raised);
    color: var(--_muted);
    font-size: calc(0.875 * var(--_u));
    font-weight: 600;
    white-space: nowrap;
  }

  tbody th {
    min-width: calc(9 * var(--_u));
    font-weight: 600;
    overflow-wrap: anywhere;
  }

  tr.inactive th {
    color: var(--_muted);
    font-weight: 400;
  }

  button.link.name {
    color: inherit;
    font-weight: inherit;
    text-decoration: none;
    overflow-wrap: anywhere;
  }

  button.link.name:hover {
    text-decoration: underline;
  }

  .detail {
    display: block;
    font-weight: 400;
    color: var(--_muted);
    font-size: calc(0.875 * var(--_u));
    overflow-wrap: anywhere;
  }

  .badge {
    display: inline-block;
    padding: 0 calc(0.5 * var(--_u));
    border: 1px solid currentcolor;
    border-radius: 99px;
    font-size: calc(0.875 * var(--_u));
    white-space: nowrap;
  }

  /* The normal carries no colour, the exceptions do. */
  .badge.active {
    border-color: transparent;
    padding-inline: 0;
    color: var(--_text);
  }

  .badge.inactive {
    color: var(--_muted);
  }

  .badge.warning {
    background: var(--_warning-surface);
    color: var(--_warning);
  }

  .action {
    text-align: end;
  }

  .action button {
    min-height: calc(1.75 * var(--_u));
    padding: 0 calc(0.5 * var(--_u));
    white-space: nowrap;
  }

  .skeleton span {
    display: block;
    height: calc(1.25 * var(--_u));
    border-radius: 4px;
    background: var(--_raised);
  }

  @media (prefers-reduced-motion: no-preference) {
    .skeleton span {
      animation: pulse 1.2s ease-in-out infinite alternate;
    }
  }

  @keyframes pulse {
    to {
      opacity: 0.4;
    }
  }

  /* A card around the table: the borders of a collapsed table cannot be round. */
  :host {
    overflow: clip;
    border: 1px solid var(--_border);
    border-radius: calc(var(--_radius) * 1.25);
  }

  /* The card would cut off an outline around the first or last cell. */
  th:focus-visible {
    outline-offset: -3px;
  }

  tbody tr:last-child > * {
    border-bottom: 0;
  }

  @container (max-width: 640px) {
    :host {
      border: 0;
      border-radius: 0;
    }

    table,
    tbody,
    tr,
    tbody th,
    td {
      display: block;
    }

    /* Hidden, since its buttons would take an invisible focus. Each cell shows its label. */
    thead {
      display: none;
    }

    tbody tr {
      margin-bottom: calc(0.75 * var(--_u));
      padding: calc(0.75 * var(--_u)) var(--_u);
      border: 1px solid var(--_border);
      border-radius: var(--_radius);
    }

    tbody th,
    td {
      padding: calc(0.125 * var(--_u)) 0;
      border: 0;
    }

    td[data-label] {
      display: grid;
      grid-template-columns: calc(7.5 * var(--_u)) 1fr;
      gap: 0 calc(0.5 * var(--_u));
      justify-items: start;
    }

    td[data-label]::before {
      content: attr(data-label);
      grid-row: span 3;
      color: var(--_muted);
    }

    .action button {
      min-height: calc(2.5 * var(--_u));
    }
  }
`;
