/** The view of tokens: the user's own, and for administrators those of all users. */

import { type PropertyValues, css, html, nothing } from "lit";
import type { Token } from "../../api/client.js";
import { announceSessionExpired } from "../common/failure.js";
import { ListView, listViewStyles } from "../common/list-view.js";
import { entriesOfPage, pagesStyles, renderPages } from "../common/pages.js";
import { sharedStyles } from "../common/styles.js";
import { type NamedUser, displayName, renderNameAndHandle } from "../common/user-name.js";
import type { LostToken } from "./create-dialog.js";
import "./create-dialog.js";
import { ANY_EXPIRY } from "./expiry.js";
import { type Filter, filterQuery, matchesFilter } from "./filter.js";
import { NEWEST_FIRST, type Sort, type SortColumn, selectTokens, sortAfterClick } from "./order.js";
import { matchesSearch, withoutSecret } from "./search.js";
import { REVOKE_ALL_QUESTION, asRevoked, revokeQuestion } from "./revocation.js";
import { statusNow } from "./status.js";
import "./token-details.js";
import "./token-table.js";
import "./token-toolbar.js";
import { isolate } from "../common/isolate.js";

const OWN_PAGE_SIZE = 100;
const ALL_PAGE_SIZE = 25;

/** How long a user pauses before the server searches, so that it does not search for each letter. */
const SEARCH_PAUSE_MS = 300;

const OWN_INTRODUCTION =
  "Use tokens to call the API from scripts and CI. A token always has the roles you have right now.";
const ALL_INTRODUCTION =
  "Use tokens to call the API from scripts and CI. A token always has its owner's current roles.";

export class TokenView extends ListView {
  static override properties = {
    curlUrl: { attribute: false },
    owner: { attribute: false },
    tokens: { state: true },
    nextCursor: { state: true },
    allUsers: { state: true },
    ownerFilter: { state: true },
    filter: { state: true },
    sort: { state: true },
    revokingIds: { state: true },
  };

  /** The request in the `curl` command that is shown with a new token. */
  curlUrl = "";
  /** The owner whose tokens an administrator has opened; null for the caller's own. */
  owner: NamedUser | null = null;
  private tokens: readonly Token[] = [];
  /** Where the list of all users' tokens continues; undefined at its end. */
  private nextCursor: string | undefined;
  private allUsers = false;
  /** The only owner shown in the list of all users' tokens; null for every owner. */
  private ownerFilter: NamedUser | null = null;
  private filter: Filter = "";
  private sort: Sort = NEWEST_FIRST;
  /** The tokens whose revocation the server has not confirmed yet. */
  private revokingIds: ReadonlySet<string> = new Set();
  private searching: ReturnType<typeof setTimeout> | undefined;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("owner") || this.owner === null) return;
    this.allUsers = true;
    this.ownerFilter = this.owner;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.searching);
  }

  async load(): Promise<void> {
    this.announcement = "Loading tokens…";
    this.tokens = [];
    this.nextCursor = undefined;

    if (this.allUsers) {
      this.isLoaded = false;
      await this.runLoad((isStale) => this.loadPage(isStale));
    } else {
      // A user's own tokens are loaded completely, to search and sort them here.
      await this.loadAllPages(
        (cursor) => this.api.listTokens({ limit: OWN_PAGE_SIZE, cursor }),
        (items) => this.addLoaded(items),
      );
    }

    if (this.isLoaded) await this.createDialog?.resume();
  }

  /** Loads one more page of all users' tokens, and skips pages without a match. */
  private async loadPage(isStale: () => boolean): Promise<void> {
    const before = this.tokens.length;
    do {
      const page = await this.api.listTokens({
        limit: ALL_PAGE_SIZE,
        cursor: this.nextCursor,
        ...filterQuery(this.filter, this.now),
        q: this.search.trim(),
        ...(this.ownerFilter ? { userId: this.ownerFilter.id } : { allUsers: true }),
      });
      if (isStale()) return;

      this.addLoaded(page.items);
      this.nextCursor = page.nextCursor;
    } while (this.nextCursor && this.tokens.length === before);

    const owner = this.ownerFilter ? `of ${displayName(this.ownerFilter)} ` : "";
    this.announcement = `${this.describeCount()} ${owner}shown.`;
  }

  /** Adds the tokens that are not in the list yet. A token that was created during the load is already in it. */
  private addLoaded(items: readonly Token[]): void {
    const listed = new Set(this.tokens.map((token) => token.id));
    this.tokens = [...this.tokens, ...items.filter((token) => !listed.has(token.id))];
  }

  private async loadMore(): Promise<void> {
    if (this.isLoading) return;

    const before = this.tokens.length;
    await this.runLoad((isStale) => this.loadPage(isStale));

    const firstNew = this.tokens[before];
    if (firstNew) await this.focusRow(firstNew.id);
  }

  protected override readonly noMatchText = "No tokens match.";

  protected override describeCount(): string {
    return this.tokens.length === 1 ? "1 token" : `${this.tokens.length} tokens`;
  }

  protected override countVisible(): number {
    return this.visible().length;
  }

  /** The user's own tokens as filtered and sorted here, or all users' tokens as the server sent them. */
  private visible(): readonly Token[] {
    if (this.allUsers) return this.tokens;
    const { search, filter } = this;
    return selectTokens(this.tokens, { search, filter }, this.sort, this.now);
  }

  private async revoke(token: Token): Promise<void> {
    const isConfirmed = await this.confirm(revokeQuestion(token, this.caller?.id ?? ""));
    const { caller } = this;
    if (!isConfirmed || caller === null) return;

    const name = isolate(token.name);
    this.revokingIds = new Set([...this.revokingIds, token.id]);
    this.announcement = `Revoking ${name}…`;
    void this.focusRow(token.id);

    const isDone = await this.change(
      () => this.api.revokeToken(token.id),
      `Couldn't revoke “${name}”.`,
      `We couldn't confirm that “${name}” was revoked`,
    );

    this.revokingIds = new Set([...this.revokingIds].filter((id) => id !== token.id));
    this.now = Date.now();
    if (!isDone) return;
    this.replace(asRevoked(token, caller));
    this.announcement = `Token ${name} revoked.`;
  }

  private async revokeAll(): Promise<void> {
    const isConfirmed = await this.confirm(REVOKE_ALL_QUESTION);
    const { caller } = this;
    if (!isConfirmed || caller === null) return;

    this.announcement = "Revoking all your tokens…";
    this.focusHeading();
    const isDone = await this.change(
      () => this.api.revokeAllTokens(caller.pathId),
      "Couldn't revoke your tokens.",
      "Your tokens may have been revoked",
    );
    if (!isDone) return;

    await this.load();
    if (!this.loadFailure) this.announcement = "All your tokens are revoked.";
  }

  private replace(token: Token): void {
    this.tokens = this.tokens.map((listed) => (listed.id === token.id ? token : listed));
  }

  /** Adds a token that was just created, unless the server's filter excludes it. */
  private addCreated(token: Token): void {
    const isOfAnotherOwner = this.ownerFilter !== null && this.ownerFilter.id !== token.owner.id;
    const isFilteredOut = !matchesFilter(token, this.filter, Date.now());
    const isNotSearched = !matchesSearch(token, this.search);
    if (this.allUsers && (isOfAnotherOwner || isFilteredOut || isNotSearched)) return;

    this.page = 0;
    // A load that ran at the same time may have added it already.
    this.tokens = [token, ...this.tokens.filter((listed) => listed.id !== token.id)];
    this.now = Date.now();
    this.announcement = `Token ${isolate(token.name)} created.`;
  }

  /** Shows the token whose secret was lost, so that it can be revoked. */
  private async showLost({ id, name }: LostToken): Promise<void> {
    await this.load();
    this.changeFailure = `“${isolate(name)}” was created, but the answer with its secret was lost. Revoke it and create another.`;
    await this.focusRow(id);
  }

  private showAllUsers(allUsers: boolean): void {
    this.allUsers = allUsers;
    this.ownerFilter = null;
    this.search = "";
    void this.load();
  }

  /** The server searches the tokens of all users, once the user pauses. */
  protected override searchFor(entered: string): void {
    const search = withoutSecret(entered);
    this.page = 0;
    if (!this.allUsers) return super.searchFor(search);
    this.search = search;
    clearTimeout(this.searching);
    this.searching = setTimeout(() => void this.load(), SEARCH_PAUSE_MS);
  }

  private sortBy(sort: Sort): void {
    this.sort = sort;
    this.page = 0;
  }

  private filterBy(filter: Filter): void {
    this.filter = filter;
    this.page = 0;
    if (this.allUsers) void this.load();
    else this.announceVisible();
  }

  protected override clearFilters(): void {
    this.search = "";
    this.filter = "";
    this.ownerFilter = null;
    if (this.allUsers) void this.load();
    else this.announceVisible();
  }

  private get isFiltered(): boolean {
    return this.search !== "" || this.filter !== "" || this.ownerFilter !== null;
  }

  private filterByOwner(owner: NamedUser | null): void {
    this.ownerFilter = owner;
    this.focusHeading();
    void this.load();
  }

  private get createDialog() {
    return this.renderRoot.querySelector("patgate-create-dialog");
  }

  private get details() {
    return this.renderRoot.querySelector("patgate-token-details");
  }

  /** A dialog returns the focus to the button that opened it, unless that button is gone. */
  private afterDialog(): void {
    if (this.renderRoot instanceof ShadowRoot && this.renderRoot.activeElement === null) this.focusHeading();
  }

  override render() {
    return html`
      <div class="head">
        <h1 tabindex="-1">
          Access tokens${this.ownerFilter ? html` of <bdi>${displayName(this.ownerFilter)}</bdi>` : ""}
        </h1>
        <button class="primary" ?disabled=${this.caller === null} @click=${() => this.createDialog?.open()}>
          Create token
        </button>
      </div>
      ${this.renderIntroduction()}
      <patgate-token-toolbar
        .search=${this.search}
        .filter=${this.filter}
        .sort=${this.sort}
        .allUsers=${this.allUsers}
        .isAdministrator=${this.caller?.administrator ?? false}
        @search-change=${(event: CustomEvent<string>) => this.searchFor(event.detail)}
        @filter-change=${(event: CustomEvent<Filter>) => this.filterBy(event.detail)}
        @sort-change=${(event: CustomEvent<Sort>) => this.sortBy(event.detail)}
        @all-users-change=${(event: CustomEvent<boolean>) => this.showAllUsers(event.detail)}
      ></patgate-token-toolbar>
      ${this.renderFailures()} ${this.renderTokens()}
      <patgate-create-dialog
        .client=${this.client}
        .curlUrl=${this.curlUrl}
        .rules=${this.caller?.newTokens ?? ANY_EXPIRY}
        .roles=${this.caller?.roles ?? []}
        @created=${(event: CustomEvent<Token>) => this.addCreated(event.detail)}
        @lost=${(event: CustomEvent<LostToken>) => this.showLost(event.detail)}
        @session-expired=${() => announceSessionExpired(this)}
        @closed=${this.afterDialog}
      ></patgate-create-dialog>
      <patgate-token-details
        .client=${this.client}
        .callerId=${this.caller?.id ?? ""}
        @changed=${(event: CustomEvent<Token>) => this.replace(event.detail)}
        @closed=${this.afterDialog}
      ></patgate-token-details>
      ${this.renderFoot()}
    `;
  }

  private renderIntroduction() {
    if (this.ownerFilter) {
      return html`<p class="notice">
        <span>Showing only the tokens of ${renderNameAndHandle(this.ownerFilter)}.</span>
        <button @click=${() => this.filterByOwner(null)}>Show all tokens</button>
      </p>`;
    }
    return html`<p class="muted">${this.allUsers ? ALL_INTRODUCTION : OWN_INTRODUCTION}</p>`;
  }

  private renderTokens() {
    const visible = this.visible();
    if (visible.length === 0 && !this.isPending) return this.isLoaded ? this.renderEmpty() : nothing;

    const canRevokeAll =
      !this.allUsers && this.isLoaded && this.tokens.some((token) => statusNow(token, this.now) === "active");
    return html`
      <patgate-token-table
        class="table"
        .tokens=${this.allUsers ? visible : entriesOfPage(visible, this.page)}
        .now=${this.now}
        .showOwner=${this.allUsers}
        .sort=${this.allUsers ? null : this.sort}
        .isLoading=${this.isPending}
        .callerId=${this.caller?.id ?? ""}
        .revokingIds=${this.revokingIds}
        @sort-by=${(event: CustomEvent<SortColumn>) => this.sortBy(sortAfterClick(this.sort, event.detail))}
        @owner=${(event: CustomEvent<NamedUser>) => this.filterByOwner(event.detail)}
        @details=${(event: CustomEvent<Token>) => this.details?.open(event.detail)}
        @revoke=${(event: CustomEvent<Token>) => this.revoke(event.detail)}
      ></patgate-token-table>
      ${this.allUsers ? nothing : renderPages(visible.length, this.page, ["token", "tokens"], (page) => this.turnTo(page, visible))}
      ${this.allUsers && this.nextCursor ? this.renderLoadMore() : nothing}
      ${canRevokeAll ? this.renderRevokeAll() : nothing}
    `;
  }

  private renderLoadMore() {
    return html`<p class="more">
      <button aria-disabled=${this.isLoading ? "true" : "false"} @click=${this.loadMore}>Load more</button>
    </p>`;
  }

  private renderRevokeAll() {
    return html`<p class="more">
      <button class="quiet" @click=${this.revokeAll}>Revoke all my tokens</button>
    </p>`;
  }

  private renderEmpty() {
    if (this.allUsers && !this.isFiltered) return html`<p class="empty">There are no tokens yet.</p>`;
    if (this.allUsers || this.tokens.length > 0) return this.renderNoMatch();

    return html`
      <div class="empty">
        <h2>You have no tokens yet</h2>
        <p>Create a token to call the API from scripts and CI.</p>
        <button class="primary" @click=${() => this.createDialog?.open()}>Create your first token</button>
      </div>
    `;
  }

  static override styles = [
    sharedStyles,
    listViewStyles,
    pagesStyles,
    css`
      .notice {
        margin-top: var(--_u);
      }

      .more {
        text-align: center;
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
