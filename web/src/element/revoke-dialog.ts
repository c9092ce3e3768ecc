/** Asks before a token is ended for good. */

import { LitElement, html, nothing } from "lit";
import type { Token } from "../api/client.js";
import { sharedStyles } from "./styles.js";

export class RevokeDialog extends LitElement {
  static override properties = { token: { state: true } };

  declare private token: Token | null;

  constructor() {
    super();
    this.token = null;
  }

  /** Asks about a token; `confirmed` follows if the answer is yes. */
  async ask(token: Token): Promise<void> {
    this.token = token;
    await this.updateComplete;
    this.dialog.showModal();
    // The safe choice has the focus: revoking cannot be undone.
    this.renderRoot.querySelector<HTMLElement>("#cancel")?.focus();
  }

  private get dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog") as HTMLDialogElement;
  }

  private confirm(): void {
    const token = this.token;
    this.dialog.close();
    if (token) this.dispatchEvent(new CustomEvent("confirmed", { detail: token }));
  }

  override render() {
    return html`
      <dialog aria-labelledby="title" aria-describedby="text">
        <h2 id="title">Revoke “${this.token?.name ?? ""}”?</h2>
        <p id="text">
          ${this.token ? html`The token <code>${this.token.prefix}…</code>` : nothing} stops working at once, and for
          good: whatever uses it will be refused.
        </p>
        <div class="actions">
          <button id="cancel" @click=${() => this.dialog.close()}>Cancel</button>
          <button class="danger" @click=${this.confirm}>Revoke token</button>
        </div>
      </dialog>
    `;
  }

  static override styles = sharedStyles;
}

customElements.define("patgate-revoke-dialog", RevokeDialog);
