/** The table of tokens, which turns into cards on a phone. */

import { LitElement, css, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Token } from "../../api/client.js";
import { sharedStyles } from "../common/styles.js";
import { focusRow, renderSkeletons, tableStyles } from "../common/table.js";
import { renderTime } from "../common/time.js";
import { displayName } from "../common/user-name.js";
import type { Sort, SortColumn } from "./order.js";
import { describeRevocation } from "./revocation.js";
import { statusLabel, expiresSoon, statusNow } from "./status.js";
import { isolate } from "../common/isolate.js";

type Column = SortColumn | "prefix" | "owner";

const COLUMNS: ReadonlyArray<readonly [Column, string]> = [
  ["name", "Name"],
  ["prefix", "Token prefix"],
  ["owner", "Owner"],
  ["status", "Status"],
  ["createdAt", "Created"],
  ["expiresAt", "Expires"],
  ["lastUsedAt", "Last used"],
];

/** Events: `sort-by` carries a column, `owner` the owner to show alone, `details` the token to
 * show, `revoke` the token to revoke. */
export class TokenTable extends LitElement {
  static override properties = {
    tokens: { attribute: false },
    now: { attribute: false },
    showOwner: { attribute: false },
    sort: { attribute: false },
    isLoading: { attribute: false },
    callerId: { attribute: false },
    revokingIds: { attribute: false },
  };

  tokens: readonly Token[] = [];
  /** Milliseconds since 1970. */
  now = Date.now();
  showOwner = false;
  /** Null for a list in the server's order. */
  sort: Sort | null = null;
  isLoading = false;
  /** The ID of the signed-in user. */
  callerId = "";
  /** The tokens whose revocation the server has not confirmed yet. */
  revokingIds: ReadonlySet<string> = new Set();

  /** Moves the focus to a token's row; returns whether there is one. */
  focusRow(id: string): boolean {
    return focusRow(this.renderRoot as ShadowRoot, id);
  }

  private emit(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  override render() {
    const columns = COLUMNS.filter(([column]) => column !== "owner" || this.showOwner);
    // The roles are explicit because the elements lose them when they are laid out as cards.
    return html`
      <table role="table" aria-label="Access tokens" aria-busy=${this.isLoading ? "true" : "false"}>
        <thead role="rowgroup">
          <tr role="row">
            ${columns.map(([column, label]) => this.renderHeader(column, label))}
            <th role="columnheader" scope="col"><span class="visually-hidden">Actions</span></th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          ${repeat(
            this.tokens,
            (token) => token.id,
            (token) => this.renderRow(token),
          )}
          ${this.isLoading ? renderSkeletons(columns.length + 1) : nothing}
        </tbody>
      </table>
    `;
  }

  private renderHeader(column: Column, label: string) {
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
      <tr role="row" data-id=${token.id} class=${status === "active" ? "" : "inactive"}>
        <th role="rowheader" scope="row" tabindex="-1">
          <button class="link name" @click=${() => this.emit("details", token)}>
            <bdi>${token.name}</bdi></button
          >${token.description ? html`<span class="detail"><bdi>${token.description}</bdi></span>` : nothing}
        </th>
        <td role="cell" data-label="Token prefix"><code>${token.prefix}…</code></td>
        ${this.showOwner ? html`<td role="cell" data-label="Owner">${this.renderOwner(token)}</td>` : nothing}
        <td role="cell" data-label="Status">${this.renderStatus(token)}</td>
        <td role="cell" data-label="Created">${renderTime(token.createdAt, this.now)}</td>
        <td role="cell" data-label="Expires">
          ${token.expiresAt === null ? "Never" : renderTime(token.expiresAt, this.now, status === "expired")}
          ${expiresSoon(token, this.now) ? html`<div><span class="badge warning">Expires soon</span></div>` : nothing}
        </td>
        <td role="cell" data-label="Last used">${this.renderLastUse(token)}</td>
        <td role="cell" class="action">${status === "active" ? this.renderRevoke(token) : nothing}</td>
      </tr>
    `;
  }

  private renderRevoke(token: Token) {
    const isRevoking = this.revokingIds.has(token.id);
    return html`<button
      class="quiet"
      aria-label=${isRevoking ? nothing : `Revoke ${token.name}`}
      aria-disabled=${isRevoking ? "true" : "false"}
      @click=${() => isRevoking || this.emit("revoke", token)}
    >
      ${isRevoking ? "Revoking…" : "Revoke"}
    </button>`;
  }

  private renderOwner(token: Token) {
    const name = displayName(token.owner);
    return html`
      <button
        class="link"
        title="Show only the tokens of ${isolate(name)}"
        @click=${() => this.emit("owner", token.owner)}
      >
        <bdi>${name}</bdi>
      </button>
      ${token.owner.disabled ? html`<span class="badge warning">Disabled</span>` : nothing}
    `;
  }

  private renderStatus(token: Token) {
    const status = statusNow(token, this.now);
    return html`
      <span class="badge ${status === "active" ? "active" : "inactive"}">${statusLabel(status)}</span>
      ${
        status === "revoked" && token.revokedAt !== null
          ? html`<span class="detail">
              ${renderTime(token.revokedAt, this.now)}${token.revocationReason === null ? "" : ", "}
              ${describeRevocation(token, this.callerId)}
            </span>`
          : nothing
      }
    `;
  }

  private renderLastUse(token: Token) {
    if (token.lastUsedAt === null) return "Never";

    const earlier = token.seenFrom.filter((sighting) => sighting.ip !== token.lastUsedIp);
    return html`
      ${renderTime(token.lastUsedAt, this.now)}
      ${token.lastUsedIp ? html`<span class="detail">from ${token.lastUsedIp}</span>` : nothing}
      ${
        earlier.length > 0
          ? html`<details>
              <summary>Earlier addresses</summary>
              <ul>
                ${earlier.map((sighting) => html`<li>${sighting.ip}, ${renderTime(sighting.at, this.now)}</li>`)}
              </ul>
            </details>`
          : nothing
      }
    `;
  }

  static override styles = [
    sharedStyles,
    tableStyles,
    css`
      button.sort {
        min-height: calc(1.5 * var(--_u));
        padding: 0;
        border: 0;
        background: none;
        color: inherit;
        font-weight: inherit;
      }

      code {
        font-family: ui-monospace, monospace;
        font-size: calc(0.875 * var(--_u));
        white-space: nowrap;
      }

      details {
        color: var(--_muted);
        font-size: calc(0.875 * var(--_u));
      }

      summary {
        cursor: pointer;
      }

      details ul {
        margin: 0;
        padding: 0;
        list-style: none;
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
