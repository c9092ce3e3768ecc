/** The base of both views: a list that the user loads, searches and changes. */

import { LitElement, type PropertyDeclarations, type PropertyValues, css, html, nothing } from "lit";
import { ApiError, type Caller, type Client, SessionExpired } from "../../api/client.js";
import type { Question } from "./confirm-dialog.js";
import "./confirm-dialog.js";
import { describeError, renderFailure } from "./failure.js";
import { entriesOfPage } from "./pages.js";

/** How often relative times are rendered again. */
const TICK_MS = 30_000;

export abstract class ListView extends LitElement {
  static override properties: PropertyDeclarations = {
    client: { attribute: false },
    caller: { attribute: false },
    isLoading: { state: true },
    isLoaded: { state: true },
    loadFailure: { state: true },
    changeFailure: { state: true },
    announcement: { state: true },
    search: { state: true },
    page: { state: true },
    now: { state: true },
  };

  /** Null while no user is signed in. */
  client: Client | null = null;
  /** The signed-in user, once known. The list loads whenever it changes. */
  caller: Caller | null = null;
  protected isLoading = false;
  /** Whether the whole list is loaded. Only then can the view say that there is no match. */
  protected isLoaded = false;
  protected loadFailure = "";
  protected changeFailure = "";
  /** The text of the live region. */
  protected announcement = "";
  protected search = "";
  /** The page of a loaded list, counted from 0. */
  protected page = 0;
  /** Milliseconds since 1970. */
  protected now = Date.now();

  private ticking: ReturnType<typeof setInterval> | undefined;
  private loadNumber = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.ticking = setInterval(() => (this.now = Date.now()), TICK_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.ticking);
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("caller") && this.caller !== null) void this.load();
  }

  protected get api(): Client {
    if (this.client === null) throw new SessionExpired();
    return this.client;
  }

  /** Loads the list from its beginning. */
  abstract load(): Promise<void>;

  /** The size of the list in words, such as `2 tokens`. */
  protected abstract describeCount(): string;

  /** How many entries match the search and the filters. */
  protected abstract countVisible(): number;

  protected abstract readonly noMatchText: string;

  /** Shows the whole list. */
  protected abstract clearFilters(): void;

  /** Whether the list is loading, or will load as soon as the caller is known. */
  protected get isPending(): boolean {
    return this.isLoading || (this.client !== null && this.caller === null);
  }

  /**
   * Runs a load that makes one or more requests. A later load supersedes an earlier one: after each
   * response, a load calls `isStale` and stops if another one has started.
   */
  protected async runLoad(load: (isStale: () => boolean) => Promise<void>): Promise<void> {
    const number = ++this.loadNumber;
    const isStale = () => number !== this.loadNumber;
    this.isLoading = true;
    this.loadFailure = "";

    try {
      await load(isStale);
      if (!isStale()) this.isLoaded = true;
    } catch (error) {
      if (isStale()) return;
      this.announcement = "";
      this.loadFailure = this.describeError(error);
    } finally {
      if (!isStale()) {
        this.now = Date.now();
        this.isLoading = false;
      }
    }
  }

  /** Loads all pages, one after the other, and adds each to the list as it arrives. */
  protected async loadAllPages<Item>(
    getPage: (cursor: string | undefined) => Promise<{ items: Item[]; nextCursor?: string }>,
    add: (items: readonly Item[]) => void,
  ): Promise<void> {
    this.isLoaded = false;
    await this.runLoad(async (isStale) => {
      let cursor: string | undefined;
      do {
        const { items, nextCursor } = await getPage(cursor);
        if (isStale()) return;

        add(items);
        cursor = nextCursor;
        this.announcement = `${this.describeCount()} loaded${cursor === undefined ? "." : ", loading more…"}`;
      } while (cursor !== undefined);
    });
  }

  /**
   * Makes a request that changes something; returns whether it succeeded. The user reads the text `failed`
   * if the response is an error, and `unknown` without a response, since the change may have been made.
   */
  protected async change(request: () => Promise<void>, failed: string, unknown: string): Promise<boolean> {
    this.changeFailure = "";
    try {
      await request();
      return true;
    } catch (error) {
      const isUnchanged =
        error instanceof SessionExpired || (error instanceof ApiError && error.status !== 0);
      const reason = this.describeError(error);
      this.announcement = "";
      this.changeFailure = isUnchanged
        ? `${failed} ${reason}`.trim()
        : `${reason} ${unknown}; reload the list before you retry.`;
      return false;
    }
  }

  private describeError(error: unknown): string {
    // The user may have lost a role, so the element checks which views to show.
    if (error instanceof ApiError && error.status === 403) this.dispatchEvent(new CustomEvent("forbidden"));
    return describeError(error, this);
  }

  protected async confirm(question: Question): Promise<boolean> {
    return (await this.renderRoot.querySelector("patgate-confirm-dialog")?.ask(question)) ?? false;
  }

  focusHeading(): void {
    this.renderRoot.querySelector<HTMLElement>("h1")?.focus();
  }

  /** Moves the focus to a row, or to the heading if the row is not shown. */
  protected async focusRow(id: string): Promise<void> {
    await this.updateComplete;
    const table = this.renderRoot.querySelector<LitElement & { focusRow(id: string): boolean }>(".table");
    await table?.updateComplete;
    if (!table?.focusRow(id)) this.focusHeading();
  }

  private reload(): void {
    this.changeFailure = "";
    this.focusHeading();
    void this.load();
  }

  /** Shows another page of these entries, and moves the focus to its first row. */
  protected async turnTo(page: number, entries: ReadonlyArray<{ id: string }>): Promise<void> {
    this.page = page;
    const [first] = entriesOfPage(entries, page);
    if (first) await this.focusRow(first.id);
  }

  protected searchFor(search: string): void {
    this.search = search;
    this.page = 0;
    this.announceVisible();
  }

  protected announceVisible(): void {
    const visible = this.countVisible();
    if (visible > 0) this.announcement = `${visible} shown.`;
    else if (this.isLoaded) this.announcement = this.noMatchText;
    else this.announcement = `No match in the ${this.describeCount()} loaded so far.`;
  }

  protected renderFailures() {
    return html`
      ${renderFailure(this.changeFailure, "Reload the list", () => this.reload())}
      ${renderFailure(this.loadFailure, "Try again", () => this.reload())}
      ${this.isLoading && this.countVisible() > 0 ? html`<p class="muted">${this.announcement}</p>` : nothing}
    `;
  }

  protected renderNoMatch() {
    const clear = () => {
      this.focusHeading();
      this.clearFilters();
    };
    return html`<p class="empty">
      ${this.noMatchText} <button class="link" @click=${clear}>Clear filters</button>.
    </p>`;
  }

  /** The live region and the dialog for questions, which every view has. */
  protected renderFoot() {
    return html`
      <p class="visually-hidden" role="status">${this.announcement}</p>
      <patgate-confirm-dialog></patgate-confirm-dialog>
    `;
  }
}

export const listViewStyles = css`
  :host {
    display: block;
  }

  .head {
    display: flex;
    flex-wrap: wrap;
    gap: calc(0.75 * var(--_u)) var(--_u);
    align-items: center;
    justify-content: space-between;
  }

  h1 {
    margin: 0;
    font-size: calc(1.5 * var(--_u));
  }

  h1:focus-visible {
    outline: none;
  }

  .empty {
    padding: calc(2.5 * var(--_u)) var(--_u);
    border: 1px dashed var(--_border);
    border-radius: var(--_radius);
    text-align: center;
  }

  .empty h2 {
    margin: 0;
    font-size: calc(1.125 * var(--_u));
  }
`;
