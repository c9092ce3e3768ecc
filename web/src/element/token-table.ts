/** The tokens, as a table that becomes cards on a phone. */

import { LitElement, css, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Token } from "../api/client.js";
import { STATUS_LABEL, expiresSoon, formatExact, formatRelative, statusNow } from "./format.js";
import type { Sort, SortColumn } from "./order.js";
import { sharedStyles } from "./styles.js";

const COLUMNS: ReadonlyArray<readonly [SortColumn | "prefix" | "owner", string]> = [
  ["name", "Name"],
  ["prefix", "Token prefix"],
  ["owner", "Owner"],
  ["status", "Status"],
  ["createdAt", "Created"],
  ["expiresAt", "Expires"],
  ["lastUsedAt", "Last used"],
];

export class TokenTable extends LitElement {
  static override properties = {
    tokens: { attribute: false },
    now: { attribute: false },
    showOwner: { attribute: false },
    sort: { attribute: false },
    loading: { attribute: false },
  };

  declare tokens: readonly Token[];
  /** Milliseconds since 1970. */
  declare now: number;
  declare showOwner: boolean;
  /** Null where the server decides the order. */
  declare sort: Sort | null;
  declare loading: boolean;

  constructor() {
    super();
    this.tokens = [];
    this.now = Date.now();
    this.showOwner = false;
    this.sort = null;
    this.loading = false;
  }

  /** Leads the focus to a token's row; false if it is not shown. */
  focusRow(id: string): boolean {
    const header = this.renderRoot.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(id)}"] th`);
    header?.focus();
    return header !== null;
  }

  private emit(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  override render() {
    const columns = COLUMNS.filter(([column]) => column !== "owner" || this.showOwner);
    // The roles stand although the elements imply them: laid out as cards, the elements
    // would lose them.
    return html`
      <table role="table" aria-label="Access tokens" aria-busy=${this.loading ? "true" : "false"}>
        <thead role="rowgroup">
          <tr role="row">
            ${columns.map(([column, label]) => this.renderHeader(column, label))}
            <th role="columnheader" scope="col"><span class="visually-hidden">Actions</span></th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          ${repeat(this.tokens, (token) => token.id, (token) => this.renderRow(token))}
          ${this.loading ? [0, 1, 2].map(() => this.renderSkeleton(columns.length + 1)) : nothing}
        </tbody>
      </table>
    `;
  }

  private renderHeader(column: SortColumn | "prefix" | "owner", label: string) {
    if (this.sort === null || column === "prefix" || column === "owner") {
      return html`<th role="columnheader" scope="col">${label}</th>`;
    }
    const isSorted = this.sort.column === column;
    const direction = !isSorted ? "none" : this.sort.descending ? "descending" : "ascending";
    const arrow = !isSorted ? "" : this.sort.descending ? "▼" : "▲";
    return html`
      <th role="columnheader" scope="col" aria-sort=${direction}>
        <button class="sort" @click=${() => this.emit("sort-by", column)}>
          ${label} <span aria-hidden="true">${arrow}</span>
        </button>
      </th>
    `;
  }

  private renderRow(token: Token) {
    const status = statusNow(token, this.now);
    return html`
      <tr role="row" data-id=${token.id} class=${status}>
        <th role="rowheader" scope="row" tabindex="-1">${token.name}</th>
        <td role="cell" data-label="Token prefix"><code>${token.prefix}…</code></td>
        ${this.showOwner ? html`<td role="cell" data-label="Owner">${this.renderOwner(token)}</td>` : nothing}
        <td role="cell" data-label="Status">${this.renderStatus(token)}</td>
        <td role="cell" data-label="Created">${this.renderTime(token.createdAt)}</td>
        <td role="cell" data-label="Expires">
          ${token.expiresAt === null ? "Never" : this.renderTime(token.expiresAt, status === "expired")}
          ${expiresSoon(token, this.now) ? html`<span class="badge soon">Expires soon</span>` : nothing}
        </td>
        <td role="cell" data-label="Last used">${this.renderLastUse(token)}</td>
        <td role="cell" class="action">
          ${
            status === "active"
              ? html`<button
                  class="quiet"
                  aria-label="Revoke ${token.name}"
                  @click=${() => this.emit("revoke", token)}
                >
                  Revoke
                </button>`
              : nothing
          }
        </td>
      </tr>
    `;
  }

  private renderOwner(token: Token) {
    const name = token.owner.name || token.owner.id;
    return html`<button class="link" title="Only the tokens of ${name}" @click=${() => this.emit("owner", token.owner)}>
      ${name}
    </button>`;
  }

  private renderStatus(token: Token) {
    const status = statusNow(token, this.now);
    const revoked = status === "revoked" && token.revokedAt !== null;
    return html`
      <span class="badge ${status}">${STATUS_LABEL[status]}</span>
      ${revoked ? html`<span class="detail">${this.renderTime(token.revokedAt as string)}</span>` : nothing}
    `;
  }

  private renderLastUse(token: Token) {
    if (token.lastUsedAt === null) return "Never";
    return html`
      ${this.renderTime(token.lastUsedAt)}
      ${token.lastUsedIp ? html`<span class="detail">from ${token.lastUsedIp}</span>` : nothing}
    `;
  }

  /** Relative to the eye, with the exact time on hover and to assistive technology. */
  private renderTime(time: string, hasHappened = true) {
    const exact = formatExact(time);
    return html`<time datetime=${time} title=${exact}
      ><span aria-hidden="true">${formatRelative(time, this.now, hasHappened)}</span
      ><span class="visually-hidden">${exact}</span></time
    >`;
  }

  private renderSkeleton(columns: number) {
    return html`<tr role="row" class="skeleton" aria-hidden="true">
      ${Array.from({ length: columns }, () => html`<td role="cell"><span></span></td>`)}
    </tr>`;
  }

  static override styles = [
    sharedStyles,
    css`
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
        font-weight: 600;
        overflow-wrap: anywhere;
      }

      tr.expired th,
      tr.revoked th {
        color: var(--_muted);
        font-weight: 400;
      }

      button.sort {
        min-height: 1.5rem;
        padding: 0;
        border: 0;
        background: none;
        color: inherit;
        font-weight: inherit;
      }

      code {
        font: 0.875rem/1.5 ui-monospace, monospace;
        white-space: nowrap;
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

      .badge.expired,
      .badge.revoked {
        color: var(--_muted);
      }

      .badge.soon {
        background: var(--_warning-surface);
        color: var(--_warning);
      }

      .action {
        text-align: right;
      }

      .action button {
        min-height: 1.75rem;
        padding: 0 0.5rem;
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

        /* Its buttons would take a focus that nobody sees; each cell has its label. */
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
    `,
  ];
}

customElements.define("patgate-token-table", TokenTable);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-token-table": TokenTable;
  }
}
