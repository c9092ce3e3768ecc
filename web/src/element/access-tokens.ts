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
import { keyed } from "lit/directives/keyed.js";
import { type Caller, Client, type CredentialSource, type User } from "../api/client.js";
import { describe, renderFailure } from "./common/failure.js";
import { sharedStyles } from "./common/styles.js";
import "./tokens/token-view.js";
import type { Owner } from "./tokens/token-view.js";
import "./users/user-view.js";
import type { View } from "./common/list-view.js";

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
    view: { state: true },
    owner: { state: true },
    visit: { state: true },
    knowsUsers: { state: true },
  };

  /** The API's base URL; empty for the page's own origin. */
  api = "";
  /** The request in the `curl` line that a new token comes with. */
  curlUrl = "";
  /** Supplies the access token of the signed-in person. Nothing is loaded without it. */
  credential: CredentialSource | null = null;
  /** One for each session: what an earlier one loads no longer counts. */
  private client: Client | null = null;
  private caller: Caller | null = null;
  private failure = "";
  private view: ViewName = "tokens";
  /** Whose tokens the view of users has led to. */
  private owner: Owner | null = null;
  /** Each visit of the tokens has a view of its own, and begins with a fresh list. */
  private visit = 0;
  /** The view of users stays once it was visited, with what was searched for. */
  private knowsUsers = false;

  protected override willUpdate(changed: PropertyValues<this>): void {
    // Scripts run in any order, so the list waits for its credential; a host that sets
    // another function at each rendering does not load it again.
    const isSignedIn = this.credential !== null;
    const isOther = isSignedIn !== (this.client !== null) || (isSignedIn && changed.has("api"));
    if (!isOther) return;
    this.client = isSignedIn
      ? new Client(this.api.replace(/\/$/, ""), () => this.credential?.() ?? null)
      : null;
    this.caller = null;
    this.failure = "";
    this.knowsUsers = false;
    this.open("tokens");
    if (this.client !== null) void this.identify(this.client);
  }

  /** Finds out who is signed in; the views load when that is known. */
  private async identify(client: Client): Promise<void> {
    this.failure = "";
    try {
      const caller = await client.getCaller();
      if (client !== this.client) return;
      // Views load when they get another caller; the same one is no reason to.
      if (this.caller?.id !== caller.id || this.caller.administrator !== caller.administrator)
        this.caller = caller;
      if (!caller.administrator && this.view === "users") this.open("tokens");
    } catch (error) {
      if (client === this.client) this.failure = describe(error, this);
    }
  }

  /** Loads what is shown again. */
  async load(): Promise<void> {
    if (this.client !== null && this.caller === null) await this.identify(this.client);
    else await this.shown?.load();
  }

  private get shown(): View | null {
    return this.renderRoot.querySelector<View>(".view:not([hidden])");
  }

  private open(view: ViewName, owner: Owner | null = null): void {
    this.view = view;
    if (view === "users") this.knowsUsers = true;
    if (view === "tokens") {
      this.visit++;
      this.owner = owner;
    }
  }

  private async show(view: ViewName, owner: Owner | null = null): Promise<void> {
    // Once more the same view means: as it is now.
    if (view === "users" && view === this.view) void this.shown?.load();
    this.open(view, owner);
    await this.updateComplete;
    await this.shown?.updateComplete;
    this.shown?.focusHeading();
  }

  /** Somebody who is refused may have lost a role: then there is less to show. */
  private readonly askAgain = () => {
    if (this.client !== null && this.caller?.administrator) void this.identify(this.client);
  };

  override render() {
    // Without knowing who is asking nothing can come.
    const client = this.failure ? null : this.client;
    return html`
      ${this.caller?.administrator ? this.renderNavigation() : nothing}
      ${keyed(
        this.visit,
        html`<patgate-token-view
          class="view"
          ?hidden=${this.view !== "tokens"}
          .client=${client}
          .caller=${this.caller}
          .curlUrl=${this.curlUrl || `${this.api || location.origin}/api/me`}
          .owner=${this.owner}
          @forbidden=${this.askAgain}
        ></patgate-token-view>`,
      )}
      ${
        this.knowsUsers
          ? html`<patgate-user-view
              class="view"
              ?hidden=${this.view !== "users"}
              .client=${client}
              .caller=${this.caller}
              @forbidden=${this.askAgain}
              @tokens=${(event: CustomEvent<User>) => this.show("tokens", event.detail)}
            ></patgate-user-view>`
          : nothing
      }
      ${renderFailure(this.failure, "Retry", () => {
        this.shown?.focusHeading();
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
            @click=${() => this.show(view as ViewName)}
          >
            ${label}
          </button>`,
      )}
    </nav>`;
  }

  static override styles = [
    sharedStyles,
    css`
      :host {
        display: block;
        color-scheme: inherit;
      }

      nav {
        display: flex;
        gap: 1rem;
        margin-bottom: 1rem;
        border-bottom: 1px solid var(--_border);
      }

      nav button {
        padding: 0.375rem 0.25rem calc(0.375rem + 3px);
        border: 0;
        border-radius: 0;
        background: none;
      }

      nav button[aria-current] {
        padding-bottom: 0.375rem;
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
