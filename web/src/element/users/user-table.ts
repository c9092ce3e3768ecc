/** The table of users, which turns into cards on a phone. */

import { LitElement, css, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { User } from "../../api/client.js";
import { sharedStyles } from "../common/styles.js";
import { focusRow, renderSkeletons, tableStyles } from "../common/table.js";
import { renderTime } from "../common/time.js";
import { displayName, handle } from "../common/user-name.js";
import { isolate } from "../common/isolate.js";

const COLUMNS = ["Name", "Roles", "Status", "Last sign-in"] as const;

/** The events `tokens`, `enable`, `disable` and `revoke-all` carry the user. */
export class UserTable extends LitElement {
  static override properties = {
    users: { attribute: false },
    now: { attribute: false },
    isLoading: { attribute: false },
    callerId: { attribute: false },
    changingId: { attribute: false },
  };

  users: readonly User[] = [];
  /** Milliseconds since 1970. */
  now = Date.now();
  isLoading = false;
  /** The ID of the signed-in user. */
  callerId = "";
  /** The ID of the user who is being changed; empty if there is none. */
  changingId = "";

  /** Moves the focus to a user's row; returns whether there is one. */
  focusRow(id: string): boolean {
    return focusRow(this.renderRoot as ShadowRoot, id);
  }

  override render() {
    // The roles are explicit because the elements lose them when they are laid out as cards.
    return html`
      <table role="table" aria-label="Users" aria-busy=${this.isLoading ? "true" : "false"}>
        <thead role="rowgroup">
          <tr role="row">
            ${COLUMNS.map((label) => html`<th role="columnheader" scope="col">${label}</th>`)}
            <th role="columnheader" scope="col"><span class="visually-hidden">Actions</span></th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          ${repeat(
            this.users,
            (user) => user.id,
            (user) => this.renderRow(user),
          )}
          ${this.isLoading ? renderSkeletons(COLUMNS.length + 1) : nothing}
        </tbody>
      </table>
    `;
  }

  private renderRow(user: User) {
    const name = displayName(user);
    return html`
      <tr role="row" data-id=${user.id} class=${user.disabled ? "inactive" : ""}>
        <th role="rowheader" scope="row" tabindex="-1">
          <bdi>${name}</bdi>
          ${user.id === this.callerId ? html`<span class="badge inactive">You</span>` : nothing}
          <span class="detail"><bdi>${handle(user)}</bdi></span>
        </th>
        <td role="cell" data-label="Roles">${user.roles.length > 0 ? user.roles.join(", ") : "None"}</td>
        <td role="cell" data-label="Status">${this.renderStatus(user)}</td>
        <td role="cell" data-label="Last sign-in">
          ${user.lastSignInAt === null ? "Never" : renderTime(user.lastSignInAt, this.now)}
        </td>
        <td role="cell" class="action">
          ${this.renderAction("tokens", "Tokens", `Tokens of ${name}`, user, "link")}
          ${this.renderAccessAction(user, name)}
          ${this.renderAction("revoke-all", "Revoke all tokens", `Revoke all tokens of ${name}`, user, "quiet")}
        </td>
      </tr>
    `;
  }

  /** Administrators cannot disable themselves. */
  private renderAccessAction(user: User, name: string) {
    if (user.disabled) return this.renderAction("enable", "Enable", `Enable ${name}`, user, "plain");
    if (user.id === this.callerId) return nothing;
    return this.renderAction("disable", "Disable", `Disable ${name}`, user, "quiet");
  }

  private renderStatus(user: User) {
    return html`
      <span class="badge ${user.disabled ? "warning" : "active"}"
        >${user.disabled ? "Disabled" : "Enabled"}</span
      >
      ${
        user.tokensRevokedAt === null
          ? nothing
          : html`<span class="detail">
              Tokens revoked ${renderTime(user.tokensRevokedAt, this.now)}${this.renderRevokedBy(user)}
            </span>`
      }
    `;
  }

  private renderRevokedBy(user: User) {
    if (user.tokensRevokedBy === null) return nothing;
    if (user.tokensRevokedBy === this.callerId) return ", by you";
    return user.tokensRevokedBy === user.id ? ", by the user" : `, by ${isolate(user.tokensRevokedBy)}`;
  }

  private renderAction(type: string, text: string, label: string, user: User, style: string) {
    const isDisabled = user.id === this.changingId;
    return html`<button
      class=${style}
      aria-label=${label}
      aria-disabled=${isDisabled ? "true" : "false"}
      @click=${() => isDisabled || this.dispatchEvent(new CustomEvent(type, { detail: user }))}
    >
      ${text}
    </button>`;
  }

  static override styles = [
    sharedStyles,
    tableStyles,
    css`
      th .detail {
        font-weight: 400;
      }

      .action {
        min-width: calc(8 * var(--_u));
      }
    `,
  ];
}

customElements.define("patgate-user-table", UserTable);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-user-table": UserTable;
  }
}
