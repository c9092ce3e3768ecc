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
    text-align: left;
  }

  th,
  td {
    padding: 0.625rem 0.75rem;
    border-bottom: 1px solid var(--_border);
    vertical-align: top;
  }

  thead th {
    vertical-align: middle;
    color: var(--_muted);
    font-size: 0.875rem;
    font-weight: 600;
    white-space: nowrap;
  }

  tbody th {
    min-width: 9rem;
    font-weight: 600;
    overflow-wrap: anywhere;
  }

  tr.inactive th {
    color: var(--_muted);
    font-weight: 400;
  }

  .detail {
    display: block;
    color: var(--_muted);
    font-size: 0.875rem;
    overflow-wrap: anywhere;
  }

  .badge {
    display: inline-block;
    padding: 0 0.5rem;
    border: 1px solid currentcolor;
    border-radius: 99px;
    font-size: 0.875rem;
    white-space: nowrap;
  }

  .badge.active {
    background: var(--_success-surface);
    color: var(--_success);
  }

  .badge.inactive {
    color: var(--_muted);
  }

  .badge.warning {
    background: var(--_warning-surface);
    color: var(--_warning);
  }

  .action {
    text-align: right;
  }

  .action button {
    min-height: 1.75rem;
    padding: 0 0.5rem;
    white-space: nowrap;
  }

  .skeleton span {
    display: block;
    height: 1.25rem;
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

  @media (max-width: 48rem) {
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
      margin-bottom: 0.75rem;
      padding: 0.75rem 1rem;
      border: 1px solid var(--_border);
      border-radius: var(--_radius);
    }

    tbody th,
    td {
      padding: 0.125rem 0;
      border: 0;
    }

    td[data-label] {
      display: grid;
      grid-template-columns: 7.5rem 1fr;
      gap: 0 0.5rem;
      justify-items: start;
    }

    td[data-label]::before {
      content: attr(data-label);
      grid-row: span 3;
      color: var(--_muted);
    }

    .action button {
      min-height: 2.5rem;
    }
  }
`;
