/**
 * `<access-tokens>`: a user's access tokens, for any web page.
 *
 *     <script type="module" src="https://…/access-tokens.js"></script>
 *     <access-tokens api="https://api.example.com"></access-tokens>
 *
 * The host page sets the property `credential` to a function that returns the session's access token, and
 * listens to the event `session-expired`. The event `signed-in` carries the caller once the API knows them.
 */

import { LitElement, type PropertyValues, css, html, nothing } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { type Caller, Client, type CredentialSource, type User } from "../api/client.js";
import { describeError, renderFailure } from "./common/failure.js";
import type { ListView } from "./common/list-view.js";
import { sharedStyles } from "./common/styles.js";
import type { NamedUser } from "./common/user-name.js";
import "./tokens/token-view.js";
import "./users/user-view.js";

const VIEWS = { tokens: "Tokens", users: "Users" } as const;
type ViewName = keyof typeof VIEWS;

export class AccessTokens extends LitElement {
  static override properties = {
    api: { type: String },
    curlUrl: { type: String, attribute: "curl-url" },
    credential: { attribute: false },
    client: { state: true },
    caller: { state: true },
    failure: { state: true },
    hasFailed: { state: true },
    view: { state: true },
    owner: { state: true },
    visit: { state: true },
    hasOpenedUsers: { state: true },
  };

  /** The API's base URL; empty for the page's own origin. */
  api = "";
  /** The request in the `curl` command that is shown with a new token. */
  curlUrl = "";
  /** Returns the session's access token. Nothing loads while this is null. */
  credential: CredentialSource | null = null;
  /** Each session has a client of its own; responses to an earlier one are ignored. */
  private client: Client | null = null;
  private caller: Caller | null = null;
  private failure = "";
  /** Whether the caller could not be loaded. The host may be the one who reports it. */
  private hasFailed = false;
  private view: ViewName = "tokens";
  /** The owner whose tokens the administrator opened from the view of users. */
  private owner: NamedUser | null = null;
  /** Counts the visits of the view of tokens: each one starts with a new view and a new list. */
  private visit = 0;
  /** Once opened, the view of users stays, and with it the search. */
  private hasOpenedUsers = false;

  protected override willUpdate(changed: PropertyValues<this>): void {
    // The list waits for the credential, since the host's scripts run in any order. A host that sets a new
    // function at each rendering does not cause a new load.
    const isSignedIn = this.credential !== null;
    const isNewSession = isSignedIn !== (this.client !== null) || (isSignedIn && changed.has("api"));
    if (!isNewSession) return;

    this.client = isSignedIn
      ? new Client(this.api.replace(/\/$/, ""), () => this.credential?.() ?? null)
      : null;
    this.caller = null;
    this.failure = "";
    this.hasFailed = false;
    this.hasOpenedUsers = false;
    this.open("tokens");
    if (this.client !== null) void this.loadCaller(this.client);
  }

  /** Loads the signed-in user. The views load their lists once the caller is known. */
  private async loadCaller(client: Client): Promise<void> {
    this.failure = "";
    this.hasFailed = false;
    try {
      const caller = await client.getCaller();
      if (client !== this.client) return;
      this.dispatchEvent(new CustomEvent("signed-in", { detail: caller }));

      // Only a different caller makes the views load again.
      const isSame = this.caller?.id === caller.id && this.caller.administrator === caller.administrator;
      if (!isSame) this.caller = caller;
      if (!caller.administrator && this.view === "users") this.open("tokens");
    } catch (error) {
      if (client !== this.client) return;
      this.hasFailed = true;
      this.failure = describeError(error, this);
    }
  }

  /** Loads the visible list again. */
  async load(): Promise<void> {
    if (this.client !== null && this.caller === null) await this.loadCaller(this.client);
    else await this.visibleView?.load();
  }

  private get visibleView(): ListView | null {
    return this.renderRoot.querySelector<ListView>(".view:not([hidden])");
  }

  private open(view: ViewName, owner: NamedUser | null = null): void {
    this.view = view;
    if (view === "users") this.hasOpenedUsers = true;
    if (view === "tokens") {
      this.visit++;
      this.owner = owner;
    }
  }

  /** Opens a view on the user's request and moves the focus to its heading. */
  private async navigate(view: ViewName, owner: NamedUser | null = null): Promise<void> {
    // A click on the open view loads it again.
    if (view === "users" && view === this.view) void this.visibleView?.load();

    this.open(view, owner);
    await this.updateComplete;
    await this.visibleView?.updateComplete;
    this.visibleView?.focusHeading();
  }

  /** Runs after a 403 response: the user may no longer be an administrator, and then has fewer views. */
  private readonly reloadCaller = () => {
    if (this.client !== null && this.caller?.administrator) void this.loadCaller(this.client);
  };

  override render() {
    return html`
      ${this.caller?.administrator ? this.renderNavigation() : nothing} ${this.renderTokenView()}
      ${this.hasOpenedUsers ? this.renderUserView() : nothing}
      ${renderFailure(this.failure, "Try again", () => {
        this.visibleView?.focusHeading();
        void this.load();
      })}
    `;
  }

  private renderNavigation() {
    return html`<nav aria-label="Administration">
      ${Object.entries(VIEWS).map(
        ([view, label]) =>
          html`<button
            aria-current=${view === this.view ? "page" : nothing}
            @click=${() => this.navigate(view as ViewName)}
          >
            ${label}
          </button>`,
      )}
    </nav>`;
  }

  private renderTokenView() {
    return keyed(
      this.visit,
      html`<patgate-token-view
        class="view"
        ?hidden=${this.view !== "tokens"}
        .client=${this.clientForViews}
        .caller=${this.caller}
        .curlUrl=${this.curlUrl || `${this.api || location.origin}/api/me`}
        .owner=${this.owner}
        @forbidden=${this.reloadCaller}
      ></patgate-token-view>`,
    );
  }

  private renderUserView() {
    return html`<patgate-user-view
      class="view"
      ?hidden=${this.view !== "users"}
      .client=${this.clientForViews}
      .caller=${this.caller}
      @forbidden=${this.reloadCaller}
      @tokens=${(event: CustomEvent<User>) => this.navigate("tokens", event.detail)}
    ></patgate-user-view>`;
  }

  /** The views show that they are loading while they have a client, so they get none after a failure. */
  private get clientForViews(): Client | null {
    return this.hasFailed ? null : this.client;
  }

  static override styles = [
    sharedStyles,
    css`
      /* Nothing of the host's style sheets gets in, except what the host sets on the element itself. */
      :host {
        all: initial;
        display: block;
        container-type: inline-size;
        direction: ltr;
        color-scheme: inherit;
        background: var(--_surface);
        color: var(--_text);
        font: var(--_font);
        overflow-wrap: anywhere;
      }

      :host([hidden]) {
        display: none;
      }

      :host([theme="light"]) {
        color-scheme: light;
      }

      :host([theme="dark"]) {
        color-scheme: dark;
      }

      :host([theme="auto"]) {
        color-scheme: light dark;
      }

      nav {
        display: flex;
        gap: var(--_u);
        margin-bottom: var(--_u);
        border-bottom: 1px solid var(--_border);
      }

      nav button {
        padding: calc(0.375 * var(--_u)) calc(0.25 * var(--_u)) calc(calc(0.375 * var(--_u)) + 3px);
        border: 0;
        border-radius: 0;
        background: none;
      }

      nav button[aria-current] {
        padding-bottom: calc(0.375 * var(--_u));
        border-bottom: 3px solid var(--_accent);
        font-weight: 600;
      }
    `,
  ];
}

customElements.define("access-tokens", AccessTokens);

declare global {
  interface HTMLElementTagNameMap {
    "access-tokens": AccessTokens;
  }
}
