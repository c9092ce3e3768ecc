/** The view of tokens: one's own, and for administrators everybody's. */

import { type PropertyValues, css, html, nothing } from "lit";
import type { Status, Token } from "../api/client.js";
import type { CreateDialog } from "./create-dialog.js";
import "./create-dialog.js";
import { STATUS_LABEL, statusNow } from "./format.js";
import { SORTS, STATUS_ORDER, type Sort, type SortColumn, compare } from "./order.js";
import { sharedStyles } from "./styles.js";
import "./token-table.js";
import { View, viewStyles } from "./view.js";

const OWN_PAGE = 100;
const ALL_PAGE = 25;
/** What has to be typed before all one's tokens end. */
const REVOKE_ALL = "revoke all";

export class TokenView extends View {
  static override properties = {
    curlUrl: { attribute: false },
    owner: { attribute: false },
    tokens: { state: true },
    nextCursor: { state: true },
    allUsers: { state: true },
    status: { state: true },
    search: { state: true },
    sort: { state: true },
  };

  /** The request in the `curl` line that a new token comes with. */
  declare curlUrl: string;
  /** Whose tokens an administrator asked for; null for their own or everybody's. */
  declare owner: Pick<Token["owner"], "id" | "name"> | null;
  declare private tokens: readonly Token[];
  /** Where everybody's list goes on; null at its end. */
  declare private nextCursor: string | null;
  declare private allUsers: boolean;
  declare private status: Status | "";
  declare private search: string;
  declare private sort: Sort;

  constructor() {
    super();
    this.curlUrl = "";
    this.owner = null;
    this.tokens = [];
    this.nextCursor = null;
    this.allUsers = false;
    this.status = "";
    this.search = "";
    this.sort = { column: "createdAt", descending: true };
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("owner") && this.owner !== null) this.allUsers = true;
  }

  protected override clear(): void {
    super.clear();
    this.tokens = [];
    this.nextCursor = null;
  }

  async load(): Promise<void> {
    this.isLoaded = false;
    this.notice = "Loading tokens…";
    this.tokens = [];
    this.nextCursor = null;
    await this.runLoad(async (isStale) => {
      await (this.allUsers ? this.loadPage(isStale) : this.loadOwn(isStale));
    });
    if (this.isLoaded) await this.createDialog.resume();
  }

  /** All own tokens, so that they can be searched and sorted here. */
  private async loadOwn(isStale: () => boolean): Promise<void> {
    let cursor: string | null = null;
    do {
      const page = await this.api.listTokens({ limit: OWN_PAGE, cursor: cursor ?? undefined });
      if (isStale()) return;
      this.tokens = [...this.tokens, ...page.items];
      cursor = page.nextCursor;
      if (cursor) this.notice = `${this.tokens.length} tokens loaded, there are more…`;
    } while (cursor);
    this.notice = `${count(this.tokens.length)} loaded.`;
  }

  /** One more page of everybody's tokens; pages without any are passed over. */
  private async loadPage(isStale: () => boolean): Promise<void> {
    const before = this.tokens.length;
    do {
      const page = await this.api.listTokens({
        limit: ALL_PAGE,
        cursor: this.nextCursor ?? undefined,
        status: this.status || undefined,
        ...(this.owner ? { userId: this.owner.id } : { allUsers: true }),
      });
      if (isStale()) return;
      this.tokens = [...this.tokens, ...page.items];
      this.nextCursor = page.nextCursor;
    } while (this.nextCursor && this.tokens.length === before);
    this.notice = `${count(this.tokens.length)} shown.`;
  }

  private async loadMore(): Promise<void> {
    const shown = this.tokens.length;
    await this.runLoad((isStale) => this.loadPage(isStale));
    const next = this.tokens[shown];
    if (next) await this.focusRow(next.id);
  }

  /** Leads the focus to a token, or to the heading when it is not shown. */
  private async focusRow(id: string): Promise<void> {
    await this.updateComplete;
    const table = this.renderRoot.querySelector("patgate-token-table");
    await table?.updateComplete;
    if (!table?.focusRow(id)) this.focusHeading();
  }

  /** A dialog gives the focus back to what opened it, unless that is gone by now. */
  private afterDialog(): void {
    if (this.renderRoot instanceof ShadowRoot && this.renderRoot.activeElement === null) this.focusHeading();
  }

  private async revoke(token: Token): Promise<void> {
    const isYes = await this.ask({
      title: `Revoke “${token.name}”?`,
      text: html`The token <code>${token.prefix}…</code> stops working at once, and for good: whatever uses it will be
        refused.`,
      action: "Revoke token",
    });
    if (!isYes || this.caller === null) return;
    this.now = Date.now();
    this.replace({
      ...token,
      status: "revoked",
      revokedAt: new Date().toISOString(),
      revokedBy: this.caller.id,
      revocationReason: token.owner.id === this.caller.id ? "owner" : "administrator",
    });
    this.failure = "";
    this.notice = `Token ${token.name} is revoked.`;
    void this.focusRow(token.id);
    try {
      await this.api.revokeToken(token.id);
    } catch (error) {
      this.replace(token);
      this.failAct(error, `“${token.name}”`, "revoked");
    }
  }

  private async revokeAll(): Promise<void> {
    const isYes = await this.ask({
      title: "Revoke all your tokens?",
      text: "Every token that you have now stops working at once, and for good: whatever uses one will be refused.",
      action: "Revoke all tokens",
      typed: REVOKE_ALL,
    });
    if (!isYes || this.caller === null) return;
    this.failure = "";
    this.focusHeading();
    try {
      await this.api.revokeAllTokens(this.caller.id);
    } catch (error) {
      return this.failAct(error, "Your tokens", "revoked", "were not");
    }
    await this.load();
    if (!this.failure) this.notice = "All your tokens are revoked.";
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

  private filterByOwner(owner: TokenView["owner"]): void {
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
      ${this.renderToolbar()} ${this.renderFailure()} ${this.renderTokens()}
      <patgate-create-dialog
        .client=${this.client}
        .curlUrl=${this.curlUrl}
        @created=${(event: CustomEvent<Token>) => this.add(event.detail)}
        @session-expired=${this.announceExpiry}
        @closed=${this.afterDialog}
      ></patgate-create-dialog>
      ${this.renderFoot()}
    `;
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
        .reader=${this.caller?.id ?? ""}
        @sort-by=${(event: CustomEvent<SortColumn>) => this.sortBy(event.detail)}
        @owner=${(event: CustomEvent<Token["owner"]>) => this.filterByOwner(event.detail)}
        @revoke=${(event: CustomEvent<Token>) => this.revoke(event.detail)}
      ></patgate-token-table>
      ${
        this.allUsers && this.nextCursor && !this.loading
          ? html`<p class="more"><button @click=${this.loadMore}>Load more</button></p>`
          : nothing
      }
      ${
        !this.allUsers && this.isLoaded && this.tokens.some((token) => statusNow(token, this.now) === "active")
          ? html`<p class="more"><button class="quiet" @click=${this.revokeAll}>Revoke all my tokens</button></p>`
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

function count(tokens: number): string {
  return tokens === 1 ? "1 token" : `${tokens} tokens`;
}

customElements.define("patgate-token-view", TokenView);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-token-view": TokenView;
  }
}
