/** The step that shows the secret of a new token, this one time. */

import { LitElement, css, html, nothing } from "lit";
import type { CreatedToken } from "../../api/client.js";
import { sharedStyles } from "../common/styles.js";
import { formatExact } from "../common/time.js";
import { NEVER_EXPIRES } from "./expiry.js";

const COPY_STATUS = {
  none: "",
  token: "Token copied.",
  command: "Command copied. It contains the token.",
  failed: "Can't access the clipboard. The text is selected; press Ctrl+C or Cmd+C to copy it.",
} as const;

/**
 * The dialog passes the token to `show` and removes the element when it closes.
 *
 * Events: `done` asks to close, `discard` closes without a copy, `forgotten` reports that the user left the
 * page. No event carries the token.
 */
export class CreatedTokenStep extends LitElement {
  static override properties = {
    curlUrl: { attribute: false },
    created: { state: true },
    copyStatus: { state: true },
    isAsking: { state: true },
  };

  /** The request in the `curl` command. */
  curlUrl = "";
  /** INVARIANT: the secret is in this property and in what is rendered from it, and nowhere else. */
  private created: CreatedToken | null = null;
  private copyStatus: keyof typeof COPY_STATUS = "none";
  /** Whether the element asks for confirmation before the token is lost. */
  private isAsking = false;

  override connectedCallback(): void {
    super.connectedCallback();
    // The browser may keep the page in its back/forward cache, and would then show the secret again.
    window.addEventListener("pagehide", this.leave);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("pagehide", this.leave);
    this.created = null;
  }

  private readonly leave = () => {
    this.created = null;
    this.emit("forgotten");
  };

  show(created: CreatedToken): void {
    this.created = created;
  }

  /** Whether the user has copied the token, alone or within the command. */
  get isCopied(): boolean {
    return this.copyStatus === "token" || this.copyStatus === "command";
  }

  /** Asks whether to close although the token was not copied. */
  async askBeforeClosing(): Promise<void> {
    this.isAsking = true;
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("#keep")?.focus();
  }

  private async copy(what: "token" | "command", text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.copyStatus = what;
      this.isAsking = false;
    } catch {
      this.copyStatus = "failed";
      const shown = this.renderRoot.querySelector(what === "token" ? "#secret" : "#curl");
      if (shown) getSelection()?.selectAllChildren(shown);
    }
  }

  private emit(type: string): void {
    this.dispatchEvent(new CustomEvent(type));
  }

  override render() {
    if (this.created === null) return nothing;
    const { token, expiresAt } = this.created;
    const command = `curl -H "Authorization: Bearer ${token}" ${this.curlUrl}`;
    return html`
      <p class="notice warning">Save this token now. You won't see it again.</p>
      <div class="secret">
        <code id="secret" @copy=${() => (this.copyStatus = "token")}>${token}</code>
        <button class="primary" @click=${() => this.copy("token", token)}>
          ${this.copyStatus === "token" ? "Copied" : "Copy token"}
        </button>
      </div>
      <p class="curl-label" id="curl-label">Try it:</p>
      <div class="secret">
        <code
          id="curl"
          role="group"
          aria-labelledby="curl-label"
          tabindex="0"
          @copy=${() => (this.copyStatus = "command")}
          >${command}</code
        >
        <button @click=${() => this.copy("command", command)}>
          ${this.copyStatus === "command" ? "Copied" : "Copy command"}
        </button>
      </div>
      <p class="muted">${expiresAt ? `Expires on ${formatExact(expiresAt)}.` : NEVER_EXPIRES}</p>
      <p role="status" class="copied">${COPY_STATUS[this.copyStatus]}</p>
      ${this.isAsking ? this.renderQuestion() : this.renderDone()}
    `;
  }

  private renderQuestion() {
    return html`
      <div class="notice warning" role="alert">
        You haven't copied the token. You won't see it again.
        <button id="keep" @click=${() => (this.isAsking = false)}>Back to the token</button>
        <button class="danger" @click=${() => this.emit("discard")}>Close without copying</button>
      </div>
    `;
  }

  private renderDone() {
    return html`<div class="actions"><button @click=${() => this.emit("done")}>Done</button></div>`;
  }

  static override styles = [
    sharedStyles,
    css`
      .secret {
        display: flex;
        flex-wrap: wrap;
        gap: 0.75rem;
        align-items: center;
      }

      code {
        flex: 1 1 16rem;
        padding: 0.625rem 0.75rem;
        border: 1px solid var(--_border);
        border-radius: var(--_radius);
        background: var(--_raised);
        font-family: ui-monospace, monospace;
        font-size: 0.875rem;
        overflow-wrap: anywhere;
        user-select: all;
      }

      .curl-label {
        margin: 1rem 0 0.25rem;
      }

      .copied {
        min-height: 1.5rem;
        margin: 0.5rem 0 0;
        color: var(--_success);
      }
    `,
  ];
}

customElements.define("patgate-created-token", CreatedTokenStep);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-created-token": CreatedTokenStep;
  }
}
