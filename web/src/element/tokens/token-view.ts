/** The view of tokens: one's own, and for administrators everybody's. */

import { type PropertyValues, css, html, nothing } from "lit";
import type { Caller, Status, Token, User } from "../../api/client.js";
import type { CreateDialog } from "./create-dialog.js";
import "./create-dialog.js";
import { announceExpiry } from "../common/failure.js";
import { STATUS_LABEL, nameOf, statusNow } from "../common/format.js";
import { SORTS, STATUS_ORDER, type Sort, type SortColumn, compare } from "./order.js";
import { sharedStyles } from "../common/styles.js";
import { identify } from "../common/table.js";
import "./token-table.js";
import { View, viewStyles } from "../common/list-view.js";

const OWN_PAGE = 100;
const ALL_PAGE = 25;
/** Until it is known what this deployment asks of new tokens. */
const ANY_EXPIRY: Caller["newTokens"] = { expiryRequired: false, maxLifetimeDays: null };
/** What has to be typed before all one's tokens end. */
const REVOKE_ALL = "revoke all";

/** Somebody whose tokens are asked for. */
export type Owner = Pick<User, "id" | "name"> & Partial<Pick<User, "email">>;

export class TokenView extends View {
  static override properties = {
    curlUrl: { attribute: false },
    owner: { attribute: false },
    tokens: { state: true },
    nextCursor: { state: true },
    allUsers: { state: true },
    filter: { state: true },
    status: { state: true },
    sort: { state: true },
  };

  /** The request in the `curl` line that a new token comes with. */
  curlUrl = "";
  /** Whose tokens an administrator wants to see at first; null for their own. */
  owner: Owner | null = null;
  private tokens: readonly Token[] = [];
  /** Where everybody's list goes on; null at its end. */
  private nextCursor: string | null = null;
  private allUsers = false;
  /** Whose tokens of everybody's are shown; null for all. */
  private filter: Owner | null = null;
  private status: Status | "" = "";
  private sort: Sort = { column: "createdAt", descending: true };

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("owner") || this.owner === null) return;
    this.allUsers = true;
    this.filter = this.owner;
  }

  async load(): Promise<void> {
    this.notice = "Loading tokens…";
    this.tokens = [];
    this.nextCursor = null;
    if (this.allUsers) {
      this.isLoaded = false;
      await this.runLoad((isStale) => this.loadPage(isStale));
    } else {
      // All of them, so that they can be searched and sorted here.
      await this.loadAll(
        (cursor) => this.api.listTokens({ limit: OWN_PAGE, cursor }),
        (items) => this.addLoaded(items),
      );
    }
    if (this.isLoaded) await this.createDialog.resume();
  }

  protected override count(): string {
    return this.tokens.length === 1 ? "1 token" : `${this.tokens.length} tokens`;
  }

  protected override countVisible(): number {
    return this.visible().length;
  }

  /** One more page of everybody's tokens; pages without any are passed over. */
  private async loadPage(isStale: () => boolean): Promise<void> {
    const before = this.tokens.length;
    do {
      const page = await this.api.listTokens({
        limit: ALL_PAGE,
        cursor: this.nextCursor ?? undefined,
        status: this.status || undefined,
        ...(this.filter ? { userId: this.filter.id } : { allUsers: true }),
      });
      if (isStale()) return;
      this.addLoaded(page.items);
      this.nextCursor = page.nextCursor;
    } while (this.nextCursor && this.tokens.length === before);
    this.notice = `${this.count()} ${this.filter ? `of ${nameOf(this.filter)} ` : ""}shown.`;
  }

  /** A token created while the list was loading is there already. */
  private addLoaded(items: readonly Token[]): void {
    const known = new Set(this.tokens.map((token) => token.id));
    this.tokens = [...this.tokens, ...items.filter((token) => !known.has(token.id))];
  }

  private async loadMore(): Promise<void> {
    if (this.loading) return;
    const shown = this.tokens.length;
    await this.runLoad((isStale) => this.loadPage(isStale));
    const next = this.tokens[shown];
    if (next) await this.focusRow(next.id);
  }

  /** A dialog gives the focus back to what opened it, unless that is gone by now. */
  private afterDialog(): void {
    if (this.renderRoot instanceof ShadowRoot && this.renderRoot.activeElement === null) this.focusHeading();
  }

  private async revoke(token: Token): Promise<void> {
    const isOwn = token.owner.id === this.caller?.id;
    const isYes = await this.ask({
      title: `Revoke “${token.name}”?`,
      text: html`The token <code>${token.prefix}…</code>${isOwn ? "" : html` of ${identify(token.owner)}`}
        stops working at once, and for good: whatever uses it will be refused.`,
      action: "Revoke token",
    });
    if (!isYes || this.caller === null) return;
    this.now = Date.now();
    this.replace({
      ...token,
      status: "revoked",
      revokedAt: new Date().toISOString(),
      revokedBy: this.caller.id,
      revocationReason: isOwn ? "owner" : "administrator",
    });
    this.notice = `Token ${token.name} is revoked.`;
    void this.focusRow(token.id);
    const isDone = await this.act(
      () => this.api.revokeToken(token.id),
      `“${token.name}” was not revoked.`,
      `It is not known whether “${token.name}” was revoked.`,
    );
    if (!isDone) this.replace(token);
  }

  private async revokeAll(): Promise<void> {
    const isYes = await this.ask({
      title: "Revoke all your tokens?",
      text: "Every token that you have now stops working at once, and for good: whatever uses one will be refused.",
      action: "Revoke all tokens",
      typed: REVOKE_ALL,
    });
    const { caller } = this;
    if (!isYes || caller === null) return;
    this.notice = "Revoking all your tokens…";
    this.focusHeading();
    const isDone = await this.act(
      () => this.api.revokeAllTokens(caller.id),
      "Your tokens were not revoked.",
      "It is not known whether your tokens were revoked.",
    );
    if (!isDone) return;
    await this.load();
    if (!this.loadFailure) this.notice = "All your tokens are revoked.";
  }

  private replace(token: Token): void {
    this.tokens = this.tokens.map((listed) => (listed.id === token.id ? token : listed));
  }

  private add(token: Token): void {
    const isElsewhere = this.filter !== null && this.filter.id !== token.owner.id;
    if (this.allUsers && (isElsewhere || (this.status !== "" && this.status !== "active"))) return;
    // The list may have it already, from a load that came in between.
    this.tokens = [token, ...this.tokens.filter((listed) => listed.id !== token.id)];
    this.now = Date.now();
    this.notice = `Token ${token.name} is created.`;
  }

  private sortBy(column: SortColumn): void {
    const again = this.sort.column === column;
    // Names begin with A, times with the latest.
    this.sort = { column, descending: again ? !this.sort.descending : column.endsWith("At") };
  }

  private showAll(allUsers: boolean): void {
    this.allUsers = allUsers;
    this.filter = null;
    this.search = "";
    void this.load();
  }

  private filterByStatus(status: Status | ""): void {
    this.status = status;
    if (this.allUsers) void this.load();
    else this.announceVisible();
  }

  private filterByOwner(owner: Owner | null): void {
    this.filter = owner;
    this.focusHeading();
    void this.load();
  }

  /** Own tokens as filtered and sorted here; everybody's as the server sent them. */
  private visible(): readonly Token[] {
    if (this.allUsers) return this.tokens;
    const wanted = this.search.trim().toLowerCase();
    const matches = (token: Token) =>
      (this.status === "" || statusNow(token, this.now) === this.status) &&
      token.name.toLowerCase().includes(wanted);
    return this.tokens.filter(matches).sort((a, b) => compare(a, b, this.sort, this.now));
  }

  private get createDialog(): CreateDialog {
    return this.renderRoot.querySelector("patgate-create-dialog") as CreateDialog;
  }

  override render() {
    return html`
      <div class="head">
        <h1 tabindex="-1">Access tokens${this.filter ? html` of <bdi>${nameOf(this.filter)}</bdi>` : ""}</h1>
        <button class="primary" ?disabled=${this.caller === null} @click=${() => this.createDialog.open()}>
          Create token
        </button>
      </div>
      ${
        this.filter
          ? html`<p class="notice">
              Only the tokens of ${identify(this.filter)}.
              <button @click=${() => this.filterByOwner(null)}>Show everybody’s</button>
            </p>`
          : html`<p class="muted">
              A token lets scripts and pipelines call the API in ${this.allUsers ? "its owner’s" : "your"}
              name, with the roles ${this.allUsers ? "they" : "you"} have at that moment.
            </p>`
      }
      ${this.renderToolbar()} ${this.renderFailures()} ${this.renderTokens()}
      <patgate-create-dialog
        .client=${this.client}
        .curlUrl=${this.curlUrl}
        .rules=${this.caller?.newTokens ?? ANY_EXPIRY}
        @created=${(event: CustomEvent<Token>) => this.add(event.detail)}
        @session-expired=${() => announceExpiry(this)}
        @closed=${this.afterDialog}
      ></patgate-create-dialog>
      ${this.renderFoot()}
    `;
  }

  private renderToolbar() {
    return html`
      <div class="toolbar">
        ${this.allUsers ? nothing : this.renderSearch()}
        <div class="field">
          <label for="status">Status</label>
          <select
            id="status"
            @change=${(event: Event) => this.filterByStatus((event.target as HTMLSelectElement).value as Status | "")}
          >
            <option value="">All</option>
            ${STATUS_ORDER.map(
              (status) =>
                html`<option value=${status} .selected=${status === this.status}>
                  ${STATUS_LABEL[status]}
                </option>`,
            )}
          </select>
        </div>
        ${this.allUsers ? nothing : this.renderSort()}
        ${
          this.caller?.administrator
            ? html`<label class="toggle">
                <input
                  type="checkbox"
                  role="switch"
                  .checked=${this.allUsers}
                  @change=${(event: Event) => this.showAll((event.target as HTMLInputElement).checked)}
                />
                Show all users
              </label>`
            : nothing
        }
      </div>
    `;
  }

  /** On a phone the columns have no header to sort by. */
  private renderSort() {
    const current = SORTS.findIndex(
      ([, sort]) => sort.column === this.sort.column && sort.descending === this.sort.descending,
    );
    return html`
      <div class="field narrow-only">
        <label for="sort">Sort by</label>
        <select
          id="sort"
          @change=${(event: Event) => {
            const chosen = SORTS[Number((event.target as HTMLSelectElement).value)];
            if (chosen) this.sort = chosen[1];
          }}
        >
          ${SORTS.map(([label], index) => html`<option value=${index} .selected=${index === current}>${label}</option>`)}
        </select>
      </div>
    `;
  }

  private renderTokens() {
    const visible = this.visible();
    if (visible.length === 0 && !this.isComing) return this.isLoaded ? this.renderEmpty() : nothing;
    return html`
      <patgate-token-table
        class="table"
        .tokens=${visible}
        .now=${this.now}
        .showOwner=${this.allUsers}
        .sort=${this.allUsers ? null : this.sort}
        .loading=${this.isComing}
        .reader=${this.caller?.id ?? ""}
        @sort-by=${(event: CustomEvent<SortColumn>) => this.sortBy(event.detail)}
        @owner=${(event: CustomEvent<Owner>) => this.filterByOwner(event.detail)}
        @revoke=${(event: CustomEvent<Token>) => this.revoke(event.detail)}
      ></patgate-token-table>
      ${
        this.allUsers && this.nextCursor
          ? html`<p class="more">
              <button aria-disabled=${this.loading ? "true" : "false"} @click=${this.loadMore}>
                Load more
              </button>
            </p>`
          : nothing
      }
      ${
        !this.allUsers &&
        this.isLoaded &&
        this.tokens.some((token) => statusNow(token, this.now) === "active")
          ? html`<p class="more">
              <button class="quiet" @click=${this.revokeAll}>Revoke all my tokens</button>
            </p>`
          : nothing
      }
    `;
  }

  private renderEmpty() {
    if (this.allUsers || this.tokens.length > 0) {
      return html`<p class="empty">None matches.</p>`;
    }
    return html`
      <div class="empty">
        <h2>You have no tokens yet</h2>
        <p>Create one to call the API from a script, from CI, or with curl.</p>
        <button class="primary" @click=${() => this.createDialog.open()}>Create your first token</button>
      </div>
    `;
  }

  static override styles = [
    sharedStyles,
    viewStyles,
    css`
      .toggle {
        display: flex;
        gap: 0.5rem;
        align-items: center;
        min-height: 2.5rem;
        cursor: pointer;
      }

      .toggle input {
        width: 1.25rem;
        min-height: 1.25rem;
        accent-color: var(--_accent);
      }

      .more {
        text-align: center;
      }

      @media (min-width: 48.01rem) {
        .narrow-only {
          display: none;
        }
      }
    `,
  ];
}

customElements.define("patgate-token-view", TokenView);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-token-view": TokenView;
  }
}
