/** The view of users, for administrators: who there is, and whose access ends. */

import { html, nothing } from "lit";
import type { User } from "../api/client.js";
import { sharedStyles } from "./styles.js";
import "./user-table.js";
import { View, viewStyles } from "./view.js";

const PAGE = 100;

export class UserView extends View {
  static override properties = { users: { state: true }, search: { state: true } };

  /** In the order of their names. */
  declare private users: readonly User[];
  declare private search: string;

  constructor() {
    super();
    this.users = [];
    this.search = "";
  }

  protected override clear(): void {
    super.clear();
    this.users = [];
  }

  /** Loads everybody, so that they can be searched and sorted here. */
  async load(): Promise<void> {
    this.isLoaded = false;
    this.notice = "Loading users…";
    this.users = [];
    await this.runLoad(async (isStale) => {
      let cursor: string | null = null;
      do {
        const page = await this.api.listUsers({ limit: PAGE, cursor: cursor ?? undefined });
        if (isStale()) return;
        this.users = [...this.users, ...page.items].sort(byName);
        cursor = page.nextCursor;
        if (cursor) this.notice = `${this.users.length} users loaded, there are more…`;
      } while (cursor);
      this.notice = `${count(this.users.length)} loaded.`;
    });
  }

  private visible(): readonly User[] {
    const wanted = this.search.trim().toLowerCase();
    const texts = (user: User) => [user.name, user.email ?? "", user.id, ...user.roles];
    return this.users.filter((user) => texts(user).some((text) => text.toLowerCase().includes(wanted)));
  }

  private searchFor(search: string): void {
    this.search = search;
    const visible = this.visible().length;
    this.notice = visible === 0 ? "No user matches." : `${count(visible)} shown.`;
  }

  private replace(user: User): void {
    this.users = this.users.map((listed) => (listed.id === user.id ? user : listed));
  }

  private async focusRow(user: User): Promise<void> {
    await this.updateComplete;
    const table = this.renderRoot.querySelector("patgate-user-table");
    await table?.updateComplete;
    if (!table?.focusRow(user.id)) this.focusHeading();
  }

  private async disable(user: User): Promise<void> {
    const isYes = await this.ask({
      title: `Disable ${nameOf(user)}?`,
      text: "All their tokens and sessions are refused from the next request on, until you enable them again.",
      action: "Disable",
    });
    if (isYes) await this.change(user, true);
  }

  private async change(user: User, disabled: boolean): Promise<void> {
    const done = disabled ? "disabled" : "enabled";
    this.failure = "";
    try {
      this.replace(await this.api.updateUser(user.id, { disabled }));
      this.notice = `${nameOf(user)} is ${done}.`;
    } catch (error) {
      this.failAct(error, nameOf(user), done);
    }
    await this.focusRow(user);
  }

  private async revokeAll(user: User): Promise<void> {
    const isYes = await this.ask({
      title: `Revoke all tokens of ${nameOf(user)}?`,
      text: "Every token that they have now stops working at once, and for good. They can create new ones: to cut them off, disable them.",
      action: "Revoke all tokens",
      typed: nameOf(user),
    });
    if (!isYes || this.caller === null) return;
    this.failure = "";
    try {
      await this.api.revokeAllTokens(user.id);
      this.now = Date.now();
      this.replace({ ...user, tokensRevokedAt: new Date().toISOString(), tokensRevokedBy: this.caller.id });
      this.notice = `All tokens of ${nameOf(user)} are revoked.`;
    } catch (error) {
      this.failAct(error, `The tokens of ${nameOf(user)}`, "revoked", "were not");
    }
    await this.focusRow(user);
  }

  override render() {
    const visible = this.visible();
    return html`
      <div class="head"><h1 tabindex="-1">Users</h1></div>
      <p class="muted">Everybody who has signed in.</p>
      <div class="toolbar">
        <div class="field">
          <label for="search">Search</label>
          <input
            id="search"
            type="search"
            .value=${this.search}
            @input=${(event: InputEvent) => this.searchFor((event.target as HTMLInputElement).value)}
          />
        </div>
      </div>
      ${this.renderFailure()}
      ${this.loading && this.users.length > 0 ? html`<p class="muted">${this.notice}</p>` : nothing}
      ${
        visible.length === 0 && this.isLoaded
          ? html`<p class="empty">No user matches.</p>`
          : html`<patgate-user-table
              .users=${visible}
              .now=${this.now}
              .loading=${this.loading}
              .reader=${this.caller?.id ?? ""}
              @tokens=${(event: CustomEvent<User>) =>
                this.dispatchEvent(new CustomEvent("tokens", { detail: event.detail }))}
              @disable=${(event: CustomEvent<User>) => this.disable(event.detail)}
              @enable=${(event: CustomEvent<User>) => this.change(event.detail, false)}
              @revoke-all=${(event: CustomEvent<User>) => this.revokeAll(event.detail)}
            ></patgate-user-table>`
      }
      ${this.renderFoot()}
    `;
  }

  static override styles = [sharedStyles, viewStyles];
}

function byName(one: User, other: User): number {
  return nameOf(one).localeCompare(nameOf(other)) || one.id.localeCompare(other.id);
}

function nameOf(user: User): string {
  return user.name || user.id;
}

function count(users: number): string {
  return users === 1 ? "1 user" : `${users} users`;
}

customElements.define("patgate-user-view", UserView);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-user-view": UserView;
  }
}
