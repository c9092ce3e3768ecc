/** The view of users, where administrators disable users and revoke their tokens. */

import { html, nothing } from "lit";
import type { User } from "../../api/client.js";
import { fieldStyles, renderSearchField, renderSelectField } from "../common/fields.js";
import { ListView, listViewStyles } from "../common/list-view.js";
import { includesText } from "../common/search.js";
import { entriesOfPage, pagesStyles, renderPages } from "../common/pages.js";
import { sharedStyles } from "../common/styles.js";
import { displayName, handle, renderNameAndHandle } from "../common/user-name.js";
import "./user-table.js";
import { isolate } from "../common/isolate.js";

/** How many users one request loads. */
const LOAD_SIZE = 100;

const STATUS_OPTIONS = [
  ["", "All"],
  ["enabled", "Enabled"],
  ["disabled", "Disabled"],
] as const;
type StatusFilter = (typeof STATUS_OPTIONS)[number][0];

/** A change of a user, and how the page reports it. */
interface ReportedChange {
  request: () => Promise<void>;
  running: string;
  done: string;
  failed: string;
  unknown: string;
}

/** The event `tokens` carries the user whose tokens to show. */
export class UserView extends ListView {
  static override properties = {
    users: { state: true },
    status: { state: true },
    changingId: { state: true },
  };

  /** Sorted by name. */
  private users: readonly User[] = [];
  private status: StatusFilter = "";
  /** The ID of the user who is being changed; empty if there is none. */
  private changingId = "";

  /** Loads all users, to search and sort them here. */
  async load(): Promise<void> {
    this.announcement = "Loading users…";
    this.users = [];
    await this.loadAllPages(
      (cursor) => this.api.listUsers({ limit: LOAD_SIZE, cursor }),
      (items) => (this.users = [...this.users, ...items].sort(byName)),
    );
  }

  protected override readonly noMatchText = "No users match.";

  protected override describeCount(): string {
    return this.users.length === 1 ? "1 user" : `${this.users.length} users`;
  }

  protected override countVisible(): number {
    return this.visible().length;
  }

  private visible(): readonly User[] {
    const texts = (user: User) => [user.name, user.email ?? "", user.id, ...user.roles];
    return this.users
      .filter((user) => this.status === "" || user.disabled === (this.status === "disabled"))
      .filter((user) => includesText(texts(user), this.search));
  }

  private filterByStatus(status: StatusFilter): void {
    this.status = status;
    this.page = 0;
    this.announceVisible();
  }

  protected override clearFilters(): void {
    this.search = "";
    this.status = "";
    this.announceVisible();
  }

  private async disable(user: User): Promise<void> {
    const isConfirmed = await this.confirm({
      title: html`Disable <bdi>${displayName(user)}</bdi>?`,
      text: html`All tokens and sessions of ${renderNameAndHandle(user)} stop working immediately. They work
      again once you enable the user.`,
      action: "Disable",
    });
    if (isConfirmed) await this.setDisabled(user, true);
  }

  private async setDisabled(user: User, disabled: boolean): Promise<void> {
    const name = isolate(displayName(user));
    const done = disabled ? "disabled" : "enabled";
    await this.changeUser(user, {
      request: async () => this.patch(user.id, await this.api.updateUser(user.pathId, { disabled })),
      running: `${disabled ? "Disabling" : "Enabling"} ${name}…`,
      done: `${name} is ${done}.`,
      failed: `Couldn't ${disabled ? "disable" : "enable"} ${name}.`,
      unknown: `${name} may have been ${done}`,
    });
  }

  private async revokeAll(user: User): Promise<void> {
    const name = displayName(user);
    const isConfirmed = await this.confirm({
      title: html`Revoke all tokens of <bdi>${name}</bdi>?`,
      text: html`Anything using a token of ${renderNameAndHandle(user)} loses access immediately. This can't
      be undone. The user can still create new tokens; to prevent that, disable the user.`,
      action: "Revoke all tokens",
      typed: handle(user),
    });
    const { caller } = this;
    if (!isConfirmed || caller === null) return;

    const isolated = isolate(name);
    await this.changeUser(user, {
      request: async () => {
        await this.api.revokeAllTokens(user.pathId);
        this.patch(user.id, { tokensRevokedAt: new Date().toISOString(), tokensRevokedBy: caller.id });
      },
      running: `Revoking all tokens of ${isolated}…`,
      done: `All tokens of ${isolated} are revoked.`,
      failed: `Couldn't revoke the tokens of ${isolated}.`,
      unknown: `The tokens of ${isolated} may have been revoked`,
    });
  }

  /** Changes a user and announces the outcome. Ignored while another change is under way. */
  private async changeUser(user: User, change: ReportedChange): Promise<void> {
    if (this.changingId) return;
    this.changingId = user.id;
    this.announcement = change.running;
    void this.focusRow(user.id);

    const isDone = await this.change(change.request, change.failed, change.unknown);

    this.changingId = "";
    this.now = Date.now();
    if (isDone) this.announcement = change.done;
  }

  /** Updates only the given properties of a listed user: others may have changed in the meantime. */
  private patch(id: string, changed: Partial<User>): void {
    this.users = this.users.map((user) => (user.id === id ? { ...user, ...changed } : user));
  }

  override render() {
    const visible = this.visible();
    return html`
      <div class="head"><h1 tabindex="-1">Users</h1></div>
      <p class="muted">Users appear here after they first sign in.</p>
      <div class="toolbar">
        ${renderSearchField(this.search, (search) => this.searchFor(search))}
        ${renderSelectField("status", "Status", STATUS_OPTIONS, this.status, (status) =>
          this.filterByStatus(status),
        )}
      </div>
      ${this.renderFailures()} ${visible.length > 0 || this.isPending ? this.renderTable(visible) : nothing}
      ${visible.length === 0 && !this.isPending && this.isLoaded ? this.renderNoMatch() : nothing}
      ${this.renderFoot()}
    `;
  }

  private renderTable(visible: readonly User[]) {
    return html`<patgate-user-table
        class="table"
        .users=${entriesOfPage(visible, this.page)}
        .now=${this.now}
        .isLoading=${this.isPending}
        .callerId=${this.caller?.id ?? ""}
        .changingId=${this.changingId}
        @tokens=${(event: CustomEvent<User>) =>
          this.dispatchEvent(new CustomEvent("tokens", { detail: event.detail }))}
        @disable=${(event: CustomEvent<User>) => this.disable(event.detail)}
        @enable=${(event: CustomEvent<User>) => this.setDisabled(event.detail, false)}
        @revoke-all=${(event: CustomEvent<User>) => this.revokeAll(event.detail)}
      ></patgate-user-table>
      ${renderPages(visible.length, this.page, ["user", "users"], (page) => this.turnTo(page, visible))}`;
  }

  static override styles = [sharedStyles, listViewStyles, pagesStyles, fieldStyles];
}

function byName(one: User, other: User): number {
  return displayName(one).localeCompare(displayName(other)) || one.id.localeCompare(other.id);
}

customElements.define("patgate-user-view", UserView);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-user-view": UserView;
  }
}
