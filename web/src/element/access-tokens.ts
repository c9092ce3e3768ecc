/**
 * `<access-tokens>`: a person's access tokens, for any page.
 *
 *     <script type="module" src="https://…/access-tokens.js"></script>
 *     <access-tokens api="https://api.example.com"></access-tokens>
 *
 * The page sets the property `credential` to a function that returns the signed-in
 * person's access token, and listens to `session-expired`.
 */

import { LitElement, type PropertyValues, css, html, nothing } from "lit";
import {
  ApiError,
  type Caller,
  Client,
  type CredentialSource,
  SessionExpired,
  type Status,
  type Token,
} from "../api/client.js";
import type { CreateDialog } from "./create-dialog.js";
import "./create-dialog.js";
import { STATUS_LABEL, statusNow } from "./format.js";
import { SORTS, STATUS_ORDER, type Sort, type SortColumn, compare } from "./order.js";
import type { RevokeDialog } from "./revoke-dialog.js";
import "./revoke-dialog.js";
import { sharedStyles } from "./styles.js";
import "./token-table.js";

const OWN_PAGE = 100;
const ALL_PAGE = 25;
/** How often relative times are written anew. */
const TICK_MS = 30_000;

export class AccessTokens extends LitElement {
  static override properties = {
    api: { type: String },
    curlUrl: { type: String, attribute: "curl-url" },
    credential: { attribute: false },
    caller: { state: true },
    tokens: { state: true },
    nextCursor: { state: true },
    loading: { state: true },
    isLoaded: { state: true },
    failure: { state: true },
    notice: { state: true },
    allUsers: { state: true },
    owner: { state: true },
    status: { state: true },
    search: { state: true },
    sort: { state: true },
    now: { state: true },
  };

  /** The API's base URL; empty for the page's own origin. */
  declare api: string;
  /** The request in the `curl` line that a new token comes with. */
  declare curlUrl: string;
  /** Supplies the access token of the signed-in person. Nothing is loaded without it. */
  declare credential: CredentialSource | null;
  declare private caller: Caller | null;
  declare private tokens: readonly Token[];
  /** Where everybody's list goes on; null at its end. */
  declare private nextCursor: string | null;
  declare private loading: boolean;
  /** The list is here: that it is empty means something. */
  declare private isLoaded: boolean;
  declare private failure: string;
  /** What the live region says. */
  declare private notice: string;
  declare private allUsers: boolean;
  declare private owner: Token["owner"] | null;
  declare private status: Status | "";
  declare private search: string;
  declare private sort: Sort;
  declare private now: number;

  private ticking: ReturnType<typeof setInterval> | undefined;
  /** Of several loads under way only the latest counts. */
  private loadNumber = 0;

  constructor() {
    super();
    this.api = "";
    this.curlUrl = "";
    this.credential = null;
    this.caller = null;
    this.tokens = [];
    this.nextCursor = null;
    this.loading = false;
    this.isLoaded = false;
    this.failure = "";
    this.notice = "";
    this.allUsers = false;
    this.owner = null;
    this.status = "";
    this.search = "";
    this.sort = { column: "createdAt", descending: true };
    this.now = Date.now();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.ticking = setInterval(() => (this.now = Date.now()), TICK_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.ticking);
  }

  protected override updated(changed: PropertyValues<this>): void {
    // Scripts run in any order, so the list waits for its credential; a host that sets
    // another function at each rendering does not load it again.
    if (!changed.has("credential")) return;
    if (this.credential === null) this.clear();
    else if (!changed.get("credential")) void this.load();
  }

  /** Forgets whose tokens these were: the person has signed out. */
  private clear(): void {
    this.loadNumber++;
    this.caller = null;
    this.tokens = [];
    this.nextCursor = null;
    this.loading = this.isLoaded = false;
  }

  private get client(): Client {
    return new Client(this.api.replace(/\/$/, ""), () => this.credential?.() ?? null);
  }

  /** Loads the list from its beginning. */
  async load(): Promise<void> {
    const number = ++this.loadNumber;
    this.loading = true;
    this.isLoaded = false;
    this.failure = "";
    this.notice = "Loading tokens…";
    this.tokens = [];
    this.nextCursor = null;
    try {
      this.caller ??= await this.client.getCaller();
      await (this.allUsers ? this.loadPage(number) : this.loadOwn(number));
      if (number !== this.loadNumber) return;
      this.now = Date.now();
      this.isLoaded = true;
      await this.createDialog.resume();
    } catch (error) {
      if (number === this.loadNumber) this.fail(error);
    } finally {
      if (number === this.loadNumber) this.loading = false;
    }
  }

  /** All own tokens, so that they can be searched and sorted here. */
  private async loadOwn(number: number): Promise<void> {
    let cursor: string | null = null;
    do {
      const page = await this.client.listTokens({ limit: OWN_PAGE, cursor: cursor ?? undefined });
      if (number !== this.loadNumber) return;
      this.tokens = [...this.tokens, ...page.items];
      cursor = page.nextCursor;
      if (cursor) this.notice = `${this.tokens.length} tokens loaded, there are more…`;
    } while (cursor);
    this.notice = `${count(this.tokens.length)} loaded.`;
  }

  /** One more page of everybody's tokens; pages without any are passed over. */
  private async loadPage(number: number): Promise<void> {
    const before = this.tokens.length;
    do {
      const page = await this.client.listTokens({
        limit: ALL_PAGE,
        cursor: this.nextCursor ?? undefined,
        status: this.status || undefined,
        ...(this.owner ? { userId: this.owner.id } : { allUsers: true }),
      });
      if (number !== this.loadNumber) return;
      this.tokens = [...this.tokens, ...page.items];
      this.nextCursor = page.nextCursor;
    } while (this.nextCursor && this.tokens.length === before);
    this.notice = `${count(this.tokens.length)} shown.`;
  }

  private async loadMore(): Promise<void> {
    const number = this.loadNumber;
    const shown = this.tokens.length;
    this.loading = true;
    this.failure = "";
    try {
      await this.loadPage(number);
      const next = this.tokens[shown];
      if (next) await this.focusRow(next.id);
    } catch (error) {
      if (number === this.loadNumber) this.fail(error);
    } finally {
      if (number === this.loadNumber) this.loading = false;
    }
  }

  private fail(error: unknown): void {
    if (error instanceof SessionExpired) {
      // A page that says so itself prevents the default.
      const isSaid = !this.announceExpiry();
      this.failure = isSaid ? "" : "Your session has expired. Please sign in again.";
    } else {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  private announceExpiry(): boolean {
    return this.dispatchEvent(
      new CustomEvent("session-expired", { bubbles: true, composed: true, cancelable: true }),
    );
  }

  /** Leads the focus to a token, or to the heading when it is not shown. */
  private async focusRow(id: string): Promise<void> {
    await this.updateComplete;
    const table = this.renderRoot.querySelector("patgate-token-table");
    await table?.updateComplete;
    if (!table?.focusRow(id)) this.focusHeading();
  }

  private focusHeading(): void {
    this.renderRoot.querySelector<HTMLElement>("h1")?.focus();
  }

  /** A dialog gives the focus back to what opened it, unless that is gone by now. */
  private afterDialog(): void {
    if (this.renderRoot instanceof ShadowRoot && this.renderRoot.activeElement === null) this.focusHeading();
  }

  private async revoke(token: Token): Promise<void> {
    this.now = Date.now();
    this.replace({ ...token, status: "revoked", revokedAt: new Date().toISOString(), revokedBy: this.caller?.id ?? null });
    this.failure = "";
    this.notice = `Token ${token.name} is revoked.`;
    void this.focusRow(token.id);
    try {
      await this.client.revokeToken(token.id);
    } catch (error) {
      this.replace(token);
      this.notice = "";
      this.fail(error);
      // Without an answer nobody knows: the list as the server has it will tell.
      const isKnown = error instanceof ApiError && error.status !== 0;
      const outcome = isKnown ? "was not revoked" : "may not be revoked";
      if (!(error instanceof SessionExpired)) this.failure = `“${token.name}” ${outcome}. ${this.failure}`;
    }
  }

  private replace(token: Token): void {
    this.tokens = this.tokens.map((listed) => (listed.id === token.id ? token : listed));
  }

  private add(token: Token): void {
    const isElsewhere = this.owner !== null && this.owner.id !== token.owner.id;
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
    this.owner = null;
    this.search = "";
    void this.load();
  }

  private filterByStatus(status: Status | ""): void {
    this.status = status;
    if (this.allUsers) void this.load();
    else this.announceVisible();
  }

  private searchFor(search: string): void {
    this.search = search;
    this.announceVisible();
  }

  private announceVisible(): void {
    const visible = this.visible().length;
    this.notice = visible === 0 ? "No token matches." : `${count(visible)} shown.`;
  }

  private filterByOwner(owner: Token["owner"] | null): void {
    this.owner = owner;
    this.focusHeading();
    void this.load();
  }

  /** Own tokens as filtered and sorted here; everybody's as the server sent them. */
  private visible(): readonly Token[] {
    if (this.allUsers) return this.tokens;
    const wanted = this.search.trim().toLowerCase();
    const matches = (token: Token) =>
      (this.status === "" || statusNow(token, this.now) === this.status) && token.name.toLowerCase().includes(wanted);
    return this.tokens.filter(matches).sort((a, b) => compare(a, b, this.sort, this.now));
  }

  private get createDialog(): CreateDialog {
    return this.renderRoot.querySelector("patgate-create-dialog") as CreateDialog;
  }

  override render() {
    return html`
      <div class="head">
        <h1 tabindex="-1">Access tokens</h1>
        <button class="primary" ?disabled=${this.caller === null} @click=${() => this.createDialog.open()}>
          Create token
        </button>
      </div>
      <p class="muted">
        A token lets scripts and pipelines call the API in your name, with the roles you have at that moment.
      </p>
      ${this.renderToolbar()}
      ${
        this.failure
          ? html`<div class="notice error" role="alert">
              ${this.failure} <button @click=${this.retry}>Retry</button>
            </div>`
          : nothing
      }
      ${this.renderTokens()}
      <p class="visually-hidden" role="status">${this.notice}</p>
      <patgate-create-dialog
        .client=${this.client}
        .curlUrl=${this.curlUrl || `${this.api || location.origin}/api/me`}
        @created=${(event: CustomEvent<Token>) => this.add(event.detail)}
        @session-expired=${this.announceExpiry}
        @closed=${this.afterDialog}
      ></patgate-create-dialog>
      <patgate-revoke-dialog
        @confirmed=${(event: CustomEvent<Token>) => this.revoke(event.detail)}
      ></patgate-revoke-dialog>
    `;
  }

  private retry(): void {
    this.focusHeading();
    void this.load();
  }

  private renderToolbar() {
    return html`
      <div class="toolbar">
        ${
          this.allUsers
            ? nothing
            : html`<div class="field">
                <label for="search">Search</label>
                <input
                  id="search"
                  type="search"
                  .value=${this.search}
                  @input=${(event: InputEvent) => this.searchFor((event.target as HTMLInputElement).value)}
                />
              </div>`
        }
        <div class="field">
          <label for="status">Status</label>
          <select
            id="status"
            @change=${(event: Event) => this.filterByStatus((event.target as HTMLSelectElement).value as Status | "")}
          >
            <option value="">All</option>
            ${STATUS_ORDER.map(
              (status) =>
                html`<option value=${status} .selected=${status === this.status}>${STATUS_LABEL[status]}</option>`,
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
      ${
        this.owner
          ? html`<p class="notice">
              Only the tokens of ${this.owner.name || this.owner.id}.
              <button @click=${() => this.filterByOwner(null)}>Show everybody’s</button>
            </p>`
          : nothing
      }
    `;
  }

  /** On a phone the columns have no header to sort by. */
  private renderSort() {
    const current = SORTS.findIndex(([, sort]) => sort.column === this.sort.column && sort.descending === this.sort.descending);
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
    if (visible.length === 0 && !this.loading) return this.isLoaded ? this.renderEmpty() : nothing;
    return html`
      ${this.loading && this.tokens.length > 0 ? html`<p class="muted">${this.notice}</p>` : nothing}
      <patgate-token-table
        .tokens=${visible}
        .now=${this.now}
        .showOwner=${this.allUsers}
        .sort=${this.allUsers ? null : this.sort}
        .loading=${this.loading}
        @sort-by=${(event: CustomEvent<SortColumn>) => this.sortBy(event.detail)}
        @owner=${(event: CustomEvent<Token["owner"]>) => this.filterByOwner(event.detail)}
        @revoke=${(event: CustomEvent<Token>) =>
          (this.renderRoot.querySelector("patgate-revoke-dialog") as RevokeDialog).ask(event.detail)}
      ></patgate-token-table>
      ${
        this.allUsers && this.nextCursor && !this.loading
          ? html`<p class="more"><button @click=${this.loadMore}>Load more</button></p>`
          : nothing
      }
    `;
  }

  private renderEmpty() {
    if (this.allUsers || this.tokens.length > 0) {
      return html`<p class="empty">No token matches.</p>`;
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
    css`
      :host {
        display: block;
        color-scheme: inherit;
      }

      .head,
      .toolbar {
        display: flex;
        flex-wrap: wrap;
        gap: 0.75rem 1rem;
        align-items: center;
      }

      .head {
        justify-content: space-between;
      }

      h1:focus-visible {
        outline: none;
      }

      h1 {
        margin: 0;
        font-size: 1.5rem;
      }

      .toolbar {
        margin: 1rem 0;
      }

      .field,
      .toggle {
        display: flex;
        gap: 0.5rem;
        align-items: center;
      }

      @media (min-width: 48.01rem) {
        .narrow-only {
          display: none;
        }
      }

      .toggle {
        min-height: 2.5rem;
        cursor: pointer;
      }

      .toggle input {
        width: 1.25rem;
        min-height: 1.25rem;
        accent-color: var(--_accent);
      }

      .empty {
        padding: 2.5rem 1rem;
        border: 1px dashed var(--_border);
        border-radius: var(--_radius);
        text-align: center;
      }

      .empty h2 {
        margin: 0;
        font-size: 1.125rem;
      }

      .more {
        text-align: center;
      }
    `,
  ];
}

function count(tokens: number): string {
  return tokens === 1 ? "1 token" : `${tokens} tokens`;
}

customElements.define("access-tokens", AccessTokens);

declare global {
  interface HTMLElementTagNameMap {
    "access-tokens": AccessTokens;
  }
}
