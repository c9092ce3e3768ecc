/** What the element's views have in common: who looks, what goes on, and a question now and then. */

import { LitElement, type PropertyDeclarations, type PropertyValues, css, html, nothing } from "lit";
import { ApiError, type Caller, type Client, SessionExpired } from "../api/client.js";
import type { ConfirmDialog, Question } from "./confirm-dialog.js";
import "./confirm-dialog.js";

/** How often relative times are written anew. */
const TICK_MS = 30_000;

export abstract class View extends LitElement {
  static override properties: PropertyDeclarations = {
    client: { attribute: false },
    caller: { attribute: false },
    loading: { state: true },
    isLoaded: { state: true },
    failure: { state: true },
    notice: { state: true },
    now: { state: true },
  };

  /** Null while nobody is signed in. */
  declare client: Client | null;
  /** Who is signed in, once that is known; the event `caller` says so. */
  declare caller: Caller | null;
  declare protected loading: boolean;
  /** The list is here: that it is empty means something. */
  declare protected isLoaded: boolean;
  declare protected failure: string;
  /** What the live region says. */
  declare protected notice: string;
  declare protected now: number;

  private ticking: ReturnType<typeof setInterval> | undefined;
  private loadNumber = 0;

  constructor() {
    super();
    this.client = null;
    this.caller = null;
    this.loading = false;
    this.isLoaded = false;
    this.failure = "";
    this.notice = "";
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
    if (!changed.has("client")) return;
    if (this.client === null) this.clear();
    else void this.load();
  }

  /** Forgets whose list this was. */
  protected clear(): void {
    this.loadNumber++;
    this.caller = null;
    this.loading = this.isLoaded = false;
  }

  protected get api(): Client {
    if (this.client === null) throw new SessionExpired();
    return this.client;
  }

  /** Loads the list from its beginning. */
  abstract load(): Promise<void>;

  /**
   * Loads something, part by part. Of several loads under way only the latest counts:
   * after each answer, a load asks whether another one has begun, and ends if so.
   */
  protected async runLoad(load: (isStale: () => boolean) => Promise<void>): Promise<void> {
    const number = ++this.loadNumber;
    const isStale = () => number !== this.loadNumber;
    this.loading = true;
    this.failure = "";
    try {
      if (this.caller === null) {
        this.caller = await this.api.getCaller();
        this.dispatchEvent(new CustomEvent("caller", { detail: this.caller }));
      }
      await load(isStale);
      if (!isStale()) this.isLoaded = true;
    } catch (error) {
      if (!isStale()) this.fail(error);
    } finally {
      if (!isStale()) {
        this.now = Date.now();
        this.loading = false;
      }
    }
  }

  protected fail(error: unknown): void {
    if (error instanceof SessionExpired) {
      // A page that says so itself prevents the default.
      const isSaid = !this.announceExpiry();
      this.failure = isSaid ? "" : "Your session has expired. Please sign in again.";
    } else {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  /** Says that something was not done, or may not be: without an answer nobody knows. */
  protected failAct(error: unknown, subject: string, done: string, wasNot = "was not"): void {
    this.notice = "";
    this.fail(error);
    if (error instanceof SessionExpired) return;
    const isKnown = error instanceof ApiError && error.status !== 0;
    this.failure = `${subject} ${isKnown ? wasNot : "may not be"} ${done}. ${this.failure}`;
  }

  protected announceExpiry(): boolean {
    return this.dispatchEvent(
      new CustomEvent("session-expired", { bubbles: true, composed: true, cancelable: true }),
    );
  }

  protected ask(question: Question): Promise<boolean> {
    const dialog = this.renderRoot.querySelector("patgate-confirm-dialog") as ConfirmDialog;
    return dialog.ask(question);
  }

  focusHeading(): void {
    this.renderRoot.querySelector<HTMLElement>("h1")?.focus();
  }

  private retry(): void {
    this.focusHeading();
    void this.load();
  }

  protected renderFailure() {
    if (!this.failure) return nothing;
    return html`<div class="notice error" role="alert">${this.failure} <button @click=${this.retry}>Retry</button></div>`;
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
