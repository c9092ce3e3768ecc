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
import { type Caller, Client, type CredentialSource, type User } from "../api/client.js";
import { sharedStyles } from "./styles.js";
import "./token-view.js";
import type { TokenView } from "./token-view.js";
import "./user-view.js";
import type { View } from "./view.js";

const VIEWS = { tokens: "Tokens", users: "Users" } as const;
type ViewName = keyof typeof VIEWS;

export class AccessTokens extends LitElement {
  static override properties = {
    api: { type: String },
    curlUrl: { type: String, attribute: "curl-url" },
    credential: { attribute: false },
    client: { state: true },
    caller: { state: true },
    view: { state: true },
    owner: { state: true },
  };

  /** The API's base URL; empty for the page's own origin. */
  declare api: string;
  /** The request in the `curl` line that a new token comes with. */
  declare curlUrl: string;
  /** Supplies the access token of the signed-in person. Nothing is loaded without it. */
  declare credential: CredentialSource | null;
  declare private client: Client | null;
  declare private caller: Caller | null;
  declare private view: ViewName;
  /** Whose tokens the view of users leads to. */
  declare private owner: TokenView["owner"];

  constructor() {
    super();
    this.api = "";
    this.curlUrl = "";
    this.credential = null;
    this.client = null;
    this.caller = null;
    this.view = "tokens";
    this.owner = null;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    // Scripts run in any order, so the list waits for its credential; a host that sets
    // another function at each rendering does not load it again.
    const isSignedIn = this.credential !== null;
    if (isSignedIn === (this.client !== null) && !(isSignedIn && changed.has("api"))) return;
    this.client = isSignedIn ? new Client(this.api.replace(/\/$/, ""), () => this.credential?.() ?? null) : null;
    this.caller = null;
    this.view = "tokens";
    this.owner = null;
  }

  /** Loads what is shown again. */
  async load(): Promise<void> {
    await this.shown?.load();
  }

  private get shown(): View | null {
    return this.renderRoot.querySelector<View>("patgate-token-view, patgate-user-view");
  }

  private async show(view: ViewName, owner: TokenView["owner"] = null): Promise<void> {
    this.view = view;
    this.owner = owner;
    await this.updateComplete;
    await this.shown?.updateComplete;
    this.shown?.focusHeading();
  }

  override render() {
    return html`
      ${this.caller?.administrator ? this.renderNavigation() : nothing}
      ${
        this.view === "users"
          ? html`<patgate-user-view
              .client=${this.client}
              .caller=${this.caller}
              @tokens=${(event: CustomEvent<User>) => this.show("tokens", event.detail)}
            ></patgate-user-view>`
          : html`<patgate-token-view
              .client=${this.client}
              .caller=${this.caller}
              .curlUrl=${this.curlUrl || `${this.api || location.origin}/api/me`}
              .owner=${this.owner}
              @caller=${(event: CustomEvent<Caller>) => (this.caller = event.detail)}
            ></patgate-token-view>`
      }
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
        padding: 0.375rem 0.25rem;
        border: 0;
        border-bottom: 3px solid transparent;
        border-radius: 0;
        background: none;
      }

      nav button[aria-current] {
        border-bottom-color: var(--_accent);
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
