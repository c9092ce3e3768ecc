/** The view of users, for administrators: who there is, and whose access ends. */

import { html, nothing } from "lit";
import type { User } from "../../api/client.js";
import { handleOf, nameOf } from "../common/format.js";
import { sharedStyles } from "../common/styles.js";
import { identify } from "../common/table.js";
import "./user-table.js";
import { View, viewStyles } from "../common/list-view.js";

const PAGE = 100;

export class UserView extends View {
  static override properties = { users: { state: true }, status: { state: true }, acting: { state: true } };

  /** In the order of their names. */
  private users: readonly User[] = [];
  private status: "" | "enabled" | "disabled" = "";
  /** The id of the user whose change is under way; empty if there is none. */
  private acting = "";

  /** Loads everybody, so that they can be searched and sorted here. */
  async load(): Promise<void> {
    this.notice = "Loading users…";
    this.users = [];
    await this.loadAll(
      (cursor) => this.api.listUsers({ limit: PAGE, cursor }),
      (items) => (this.users = [...this.users, ...items].sort(byName)),
    );
  }

  protected override count(): string {
    return this.users.length === 1 ? "1 user" : `${this.users.length} users`;
  }

  protected override countVisible(): number {
    return this.visible().length;
  }

  private visible(): readonly User[] {
    const wanted = this.search.trim().toLowerCase();
    const texts = (user: User) => [user.name, user.email ?? "", user.id, ...user.roles];
    return this.users.filter(
      (user) =>
        (this.status === "" || user.disabled === (this.status === "disabled")) &&
        texts(user).some((text) => text.toLowerCase().includes(wanted)),
    );
  }

  /** Changes what is known of a user, and nothing else: they may have been changed meanwhile. */
  private patch(id: string, change: Partial<User>): void {
    this.users = this.users.map((user) => (user.id === id ? { ...user, ...change } : user));
  }

  private async disable(user: User): Promise<void> {
    const isYes = await this.ask({
      title: `Disable ${nameOf(user)}?`,
      text: html`All tokens and sessions of ${identify(user)} are refused from the next request on, until you
      enable them again.`,
      action: "Disable",
    });
    if (isYes) await this.setDisabled(user, true);
  }

  private async setDisabled(user: User, disabled: boolean): Promise<void> {
    const done = disabled ? "disabled" : "enabled";
    await this.change(user, {
      doing: `${disabled ? "Disabling" : "Enabling"} ${nameOf(user)}…`,
      doIt: async () => this.patch(user.id, await this.api.updateUser(user.id, { disabled })),
      done: `${nameOf(user)} is ${done}.`,
      notDone: `${nameOf(user)} was not ${done}.`,
      unknown: `It is not known whether ${nameOf(user)} was ${done}.`,
    });
  }

  private async revokeAll(user: User): Promise<void> {
    const isYes = await this.ask({
      title: `Revoke all tokens of ${nameOf(user)}?`,
      text: html`Every token that ${identify(user)} has now stops working at once, and for good. New ones can
      be created: to cut somebody off, disable them.`,
      action: "Revoke all tokens",
      typed: handleOf(user),
    });
    const { caller } = this;
    if (!isYes || caller === null) return;
    await this.change(user, {
      doing: `Revoking all tokens of ${nameOf(user)}…`,
      doIt: async () => {
        await this.api.revokeAllTokens(user.id);
        this.patch(user.id, { tokensRevokedAt: new Date().toISOString(), tokensRevokedBy: caller.id });
      },
      done: `All tokens of ${nameOf(user)} are revoked.`,
      notDone: `The tokens of ${nameOf(user)} were not revoked.`,
      unknown: `It is not known whether the tokens of ${nameOf(user)} were revoked.`,
    });
  }

  /** Does something to a user, and says what becomes of it; one thing at a time. */
  private async change(user: User, change: Change): Promise<void> {
    if (this.acting) return;
    this.acting = user.id;
    this.notice = change.doing;
    void this.focusRow(user.id);
    const isDone = await this.act(change.doIt, change.notDone, change.unknown);
    this.acting = "";
    this.now = Date.now();
    if (isDone) this.notice = change.done;
  }

  override render() {
    const visible = this.visible();
    const isEmpty = visible.length === 0 && !this.isComing;
    return html`
      <div class="head"><h1 tabindex="-1">Users</h1></div>
      <p class="muted">Everybody who has signed in.</p>
      <div class="toolbar">
        ${this.renderSearch()}
        <div class="field">
          <label for="status">Status</label>
          <select
            id="status"
            @change=${(event: Event) => {
              this.status = (event.target as HTMLSelectElement).value as UserView["status"];
              this.announceVisible();
            }}
          >
            <option value="">All</option>
            <option value="enabled">Enabled</option>
            <option value="disabled">Disabled</option>
          </select>
        </div>
      </div>
      ${this.renderFailures()}
      ${isEmpty && this.isLoaded ? html`<p class="empty">None matches.</p>` : nothing}
      ${
        isEmpty
          ? nothing
          : html`<patgate-user-table
              class="table"
              .users=${visible}
              .now=${this.now}
              .loading=${this.isComing}
              .reader=${this.caller?.id ?? ""}
              .acting=${this.acting}
              @tokens=${(event: CustomEvent<User>) =>
                this.dispatchEvent(new CustomEvent("tokens", { detail: event.detail }))}
              @disable=${(event: CustomEvent<User>) => this.disable(event.detail)}
              @enable=${(event: CustomEvent<User>) => this.setDisabled(event.detail, false)}
              @revoke-all=${(event: CustomEvent<User>) => this.revokeAll(event.detail)}
            ></patgate-user-table>`
      }
      ${this.renderFoot()}
    `;
  }

  static override styles = [sharedStyles, viewStyles];
}

/** Something done to a user, and how it is talked about. */
interface Change {
  doing: string;
  doIt: () => Promise<void>;
  done: string;
  notDone: string;
  unknown: string;
}

function byName(one: User, other: User): number {
  return nameOf(one).localeCompare(nameOf(other)) || one.id.localeCompare(other.id);
}

customElements.define("patgate-user-view", UserView);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-user-view": UserView;
  }
}
