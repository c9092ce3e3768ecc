/** The users, as a table that becomes cards on a phone. */

import { LitElement, css, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { User } from "../../api/client.js";
import { handleOf, nameOf } from "../common/format.js";
import { sharedStyles } from "../common/styles.js";
import { focusRow, renderSkeletons, renderTime, tableStyles } from "../common/table.js";

const COLUMNS = ["Name", "Roles", "Status", "Last sign-in"] as const;

export class UserTable extends LitElement {
  static override properties = {
    users: { attribute: false },
    now: { attribute: false },
    loading: { attribute: false },
    reader: { attribute: false },
    acting: { attribute: false },
  };

  users: readonly User[] = [];
  /** Milliseconds since 1970. */
  now = Date.now();
  loading = false;
  /** The user id of whoever looks at it. */
  reader = "";
  /** The id of the user whose change is under way; empty if there is none. */
  acting = "";

  /** Leads the focus to a user's row; false if it is not shown. */
  focusRow(id: string): boolean {
    return focusRow(this.renderRoot as ShadowRoot, id);
  }

  override render() {
    // The roles stand although the elements imply them: laid out as cards, the elements
    // would lose them.
    return html`
      <table role="table" aria-label="Users" aria-busy=${this.loading ? "true" : "false"}>
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
          ${this.loading ? renderSkeletons(COLUMNS.length + 1) : nothing}
        </tbody>
      </table>
    `;
  }

  private renderRow(user: User) {
    const name = nameOf(user);
    return html`
      <tr role="row" data-id=${user.id} class=${user.disabled ? "ended" : ""}>
        <th role="rowheader" scope="row" tabindex="-1">
          <bdi>${name}</bdi> ${user.id === this.reader ? html`<span class="badge ended">You</span>` : nothing}
          <span class="detail"><bdi>${handleOf(user)}</bdi></span>
        </th>
        <td role="cell" data-label="Roles">${user.roles.length > 0 ? user.roles.join(", ") : "None"}</td>
        <td role="cell" data-label="Status">${this.renderStatus(user)}</td>
        <td role="cell" data-label="Last sign-in">
          ${user.lastSignInAt === null ? "Never" : renderTime(user.lastSignInAt, this.now)}
        </td>
        <td role="cell" class="action">
          ${this.renderAction("tokens", "Tokens", `Tokens of ${name}`, user, "link")}
          ${
            user.disabled
              ? this.renderAction("enable", "Enable", `Enable ${name}`, user, "plain")
              : user.id === this.reader
                ? nothing
                : this.renderAction("disable", "Disable", `Disable ${name}`, user, "quiet")
          }
          ${this.renderAction("revoke-all", "Revoke all tokens", `Revoke all tokens of ${name}`, user, "quiet")}
        </td>
      </tr>
    `;
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
    if (user.tokensRevokedBy === this.reader) return ", by you";
    return user.tokensRevokedBy === user.id ? ", by themselves" : `, by ${user.tokensRevokedBy}`;
  }

  private renderAction(type: string, label: string, name: string, user: User, style: string) {
    return html`<button
      class=${style}
      aria-label=${name}
      aria-disabled=${user.id === this.acting ? "true" : "false"}
      @click=${() => user.id !== this.acting && this.dispatchEvent(new CustomEvent(type, { detail: user }))}
    >
      ${label}
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
        min-width: 8rem;
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
