/** What the element's views have in common: a list that is loaded, searched and acted on. */

import { LitElement, type PropertyDeclarations, type PropertyValues, css, html, nothing } from "lit";
import { ApiError, type Caller, type Client, SessionExpired } from "../../api/client.js";
import type { ConfirmDialog, Question } from "./confirm-dialog.js";
import "./confirm-dialog.js";
import { describe, renderFailure } from "./failure.js";

/** How often relative times are written anew. */
const TICK_MS = 30_000;

export abstract class View extends LitElement {
  static override properties: PropertyDeclarations = {
    client: { attribute: false },
    caller: { attribute: false },
    loading: { state: true },
    isLoaded: { state: true },
    loadFailure: { state: true },
    actFailure: { state: true },
    notice: { state: true },
    search: { state: true },
    now: { state: true },
  };

  /** Null while there is nobody whose list could be loaded. */
  client: Client | null = null;
  /** The list is loaded as soon as it is known who wants it. */
  caller: Caller | null = null;
  protected loading = false;
  /** The list is complete: that something is not in it means something. */
  protected isLoaded = false;
  /** Why the list is not here. */
  protected loadFailure = "";
  /** What was asked for and not done. */
  protected actFailure = "";
  /** What the live region says. */
  protected notice = "";
  protected search = "";
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

  /** Whether the list is here or on its way. */
  protected get isComing(): boolean {
    return this.loading || (this.client !== null && this.caller === null);
  }

  /**
   * Loads something, part by part. Of several loads under way only the latest counts:
   * after each answer, a load asks whether another one has begun, and ends if so.
   */
  protected async runLoad(load: (isStale: () => boolean) => Promise<void>): Promise<void> {
    const number = ++this.loadNumber;
    const isStale = () => number !== this.loadNumber;
    this.loading = true;
    this.loadFailure = "";
    try {
      await load(isStale);
      if (!isStale()) this.isLoaded = true;
    } catch (error) {
      if (isStale()) return;
      this.notice = "";
      this.loadFailure = this.describe(error);
    } finally {
      if (!isStale()) {
        this.now = Date.now();
        this.loading = false;
      }
    }
  }

  /** Loads all pages, one after the other, and hands over each. */
  protected async loadAll<T>(
    page: (cursor: string | undefined) => Promise<{ items: T[]; nextCursor: string | null }>,
    add: (items: readonly T[]) => void,
  ): Promise<void> {
    this.isLoaded = false;
    await this.runLoad(async (isStale) => {
      let cursor: string | undefined;
      do {
        const { items, nextCursor } = await page(cursor);
        if (isStale()) return;
        add(items);
        cursor = nextCursor ?? undefined;
        this.notice =
          cursor === undefined ? `${this.count()} loaded.` : `${this.count()} loaded, there are more…`;
      } while (cursor !== undefined);
    });
  }

  /** How many there are in the list, in words. */
  protected abstract count(): string;

  /** How many of them match what is searched for. */
  protected abstract countVisible(): number;

  /**
   * Does something, and returns whether it was done; if not, says so in one of two
   * sentences. Without an answer nobody knows.
   */
  protected async act(doIt: () => Promise<void>, notDone: string, unknown: string): Promise<boolean> {
    this.actFailure = "";
    try {
      await doIt();
      return true;
    } catch (error) {
      const isKnown = error instanceof SessionExpired || (error instanceof ApiError && error.status !== 0);
      this.notice = "";
      this.actFailure = `${isKnown ? notDone : unknown} ${this.describe(error)}`.trim();
      return false;
    }
  }

  private describe(error: unknown): string {
    // Whoever is refused may have become somebody with fewer rights.
    if (error instanceof ApiError && error.status === 403) this.dispatchEvent(new CustomEvent("forbidden"));
    return describe(error, this);
  }

  protected ask(question: Question): Promise<boolean> {
    const dialog = this.renderRoot.querySelector("patgate-confirm-dialog") as ConfirmDialog;
    return dialog.ask(question);
  }

  focusHeading(): void {
    this.renderRoot.querySelector<HTMLElement>("h1")?.focus();
  }

  /** Leads the focus to a row, or to the heading when it is not shown. */
  protected async focusRow(id: string): Promise<void> {
    await this.updateComplete;
    const table = this.renderRoot.querySelector<LitElement & { focusRow(id: string): boolean }>(".table");
    await table?.updateComplete;
    if (!table?.focusRow(id)) this.focusHeading();
  }

  private reload(): void {
    this.actFailure = "";
    this.focusHeading();
    void this.load();
  }

  private searchFor(search: string): void {
    this.search = search;
    this.announceVisible();
  }

  protected announceVisible(): void {
    const visible = this.countVisible();
    if (visible > 0) this.notice = `${visible} shown.`;
    else this.notice = this.isLoaded ? "None matches." : `None matches of the ${this.count()} loaded so far.`;
  }

  protected renderSearch() {
    return html`<div class="field">
      <label for="search">Search</label>
      <input
        id="search"
        type="search"
        .value=${this.search}
        @input=${(event: InputEvent) => this.searchFor((event.target as HTMLInputElement).value)}
      />
    </div>`;
  }

  protected renderFailures() {
    return html`
      ${renderFailure(this.actFailure, "Reload the list", () => this.reload())}
      ${renderFailure(this.loadFailure, "Retry", () => this.reload())}
      ${this.loading && this.countVisible() > 0 ? html`<p class="muted">${this.notice}</p>` : nothing}
    `;
  }

  /** What every view ends with. */
  protected renderFoot() {
    return html`
      <p class="visually-hidden" role="status">${this.notice}</p>
      <patgate-confirm-dialog></patgate-confirm-dialog>
    `;
  }
}

export const viewStyles = css`
  :host {
    display: block;
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

  h1 {
    margin: 0;
    font-size: 1.5rem;
  }

  h1:focus-visible {
    outline: none;
  }

  .toolbar {
    margin: 1rem 0;
  }

  .field {
    display: flex;
    gap: 0.5rem;
    align-items: center;
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
`;
