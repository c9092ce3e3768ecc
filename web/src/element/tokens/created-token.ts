/** The step that shows the secret of a new token, this one time. */

import { LitElement, css, html, nothing } from "lit";
import type { CreatedToken } from "../../api/client.js";
import { sharedStyles } from "../common/styles.js";
import { formatWithZone } from "../common/time.js";
import { NEVER_EXPIRES } from "./expiry.js";

const COPY_STATUS = {
  none: "",
  token: "Token copied.",
  example: "Copied. It reads the token from a variable.",
  failed: "Can't access the clipboard. The text is selected; press Ctrl+C or Cmd+C to copy it.",
} as const;

/** How a token is used, always by a variable. */
const EXAMPLES = {
  curl: {
    label: "curl",
    text: (url: string) => `curl -H "Authorization: Bearer $TOKEN" ${url}`,
  },
  environment: {
    label: "Shell",
    text: () => "# Paste the token and press Enter. It is not shown.\nread -rs TOKEN && export TOKEN",
  },
  actions: {
    label: "GitHub Actions",
    text: () => "# Paste the token when asked:\n#   gh secret set TOKEN\nenv:\n  TOKEN: ${{ secrets.TOKEN }}",
  },
} as const;
type ExampleName = keyof typeof EXAMPLES;

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
    example: { state: true },
    isAsking: { state: true },
  };

  /** The request in the `curl` command. */
  curlUrl = "";
  /** INVARIANT: the secret is in this property and in what is rendered from it, and nowhere else. */
  private created: CreatedToken | null = null;
  private copyStatus: keyof typeof COPY_STATUS = "none";
  private hasCopiedToken = false;
  private example: ExampleName = "curl";
  /** Whether the element asks for confirmation before the token is lost. */
  private isAsking = false;

  override connectedCallback(): void {
    super.connectedCallback();
    // The browser may keep the page in its back/forward cache, and would then show the secret again.
    window.addEventListener("pagehide", this.leave);
    window.addEventListener("beforeunload", this.askBeforeLeaving);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("pagehide", this.leave);
    window.removeEventListener("beforeunload", this.askBeforeLeaving);
    this.created = null;
  }

  private readonly leave = () => {
    this.created = null;
    this.emit("forgotten");
  };

  /** The browser asks whether to leave the page and lose the token. */
  private readonly askBeforeLeaving = (event: BeforeUnloadEvent) => {
    if (this.created !== null && !this.hasCopiedToken) event.preventDefault();
  };

  show(created: CreatedToken): void {
    this.created = created;
  }

  /** Whether the user has copied the token. No example contains it. */
  get isCopied(): boolean {
    return this.hasCopiedToken;
  }

  /** Asks whether to close although the token was not copied. */
  async askBeforeClosing(): Promise<void> {
    this.isAsking = true;
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("#keep")?.focus();
  }

  private async copy(what: "token" | "example", text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.wasCopied(what);
    } catch {
      this.copyStatus = "failed";
      const shown = this.renderRoot.querySelector(what === "token" ? "#secret" : "#example");
      if (shown) getSelection()?.selectAllChildren(shown);
    }
  }

  private showExample(name: ExampleName): void {
    this.example = name;
    this.copyStatus = "none";
  }

  private wasCopied(what: "token" | "example"): void {
    this.copyStatus = what;
    if (what === "example") return;
    this.hasCopiedToken = true;
    this.isAsking = false;
  }

  private emit(type: string): void {
    this.dispatchEvent(new CustomEvent(type));
  }

  override render() {
    if (this.created === null) return nothing;
    const { token, expiresAt } = this.created;
    return html`
      <p class="notice warning">Save this token now. You won't see it again.</p>
      <div class="secret">
        <code id="secret" @copy=${() => this.wasCopied("token")}>${token}</code>
        <button class="primary" @click=${() => this.copy("token", token)}>
          ${this.copyStatus === "token" ? "Copied" : "Copy token"}
        </button>
      </div>
      ${this.renderExamples()}
      <p class="muted">${expiresAt ? `Expires on ${formatWithZone(new Date(expiresAt))}.` : NEVER_EXPIRES}</p>
      <p role="status" class=${this.copyStatus === "failed" ? "copied error" : "copied"}>
        ${COPY_STATUS[this.copyStatus]}
      </p>
      ${this.isAsking ? this.renderQuestion() : this.renderDone()}
    `;
  }

  /** How to use the token. No example contains it, so that it gets into no history of a shell. */
  private renderExamples() {
    const text = EXAMPLES[this.example].text(this.curlUrl);
    const choices = Object.entries(EXAMPLES).map(
      ([name, { label }]) =>
        html`<label>
          <input
            type="radio"
            name="example"
            .checked=${name === this.example}
            @change=${() => this.showExample(name as ExampleName)}
          />
          <span>${label}</span>
        </label>`,
    );
    return html`
      <fieldset class="examples">
        <legend>Use it in</legend>
        ${choices}
      </fieldset>
      <div class="secret">
        <code
          id="example"
          role="group"
          aria-label="Example"
          tabindex="0"
          @copy=${() => this.wasCopied("example")}
          >${text}</code
        >
        <button @click=${() => this.copy("example", text)}>
          ${this.copyStatus === "example" ? "Copied" : "Copy example"}
        </button>
      </div>
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
        gap: calc(0.75 * var(--_u));
        align-items: center;
      }

      code {
        flex: 1 1 calc(16 * var(--_u));
        padding: calc(0.625 * var(--_u)) calc(0.75 * var(--_u));
        border: 1px solid var(--_border);
        border-radius: var(--_radius);
        background: var(--_raised);
        font-family: ui-monospace, monospace;
        font-size: calc(0.875 * var(--_u));
        overflow-wrap: anywhere;
        user-select: all;
      }

      #example {
        white-space: pre-wrap;
      }

      .examples {
        display: flex;
        flex-wrap: wrap;
        gap: 0 var(--_u);
        margin: var(--_u) 0 calc(0.25 * var(--_u));
        padding: 0;
        border: 0;
      }

      .examples legend {
        float: inline-start;
        padding: 0;
      }

      .examples label {
        position: relative;
        white-space: nowrap;
        cursor: pointer;
      }

      .examples input {
        position: absolute;
        inset: 0;
        min-height: 0;
        margin: 0;
        opacity: 0;
        cursor: pointer;
      }

      .examples span {
        color: var(--_muted);
      }

      .examples input:checked + span {
        color: var(--_text);
        font-weight: 600;
        text-decoration: underline;
        text-underline-offset: 0.25em;
      }

      .examples input:focus-visible + span {
        outline: 3px solid var(--_accent);
        outline-offset: 2px;
      }

      .copied {
        min-height: calc(1.5 * var(--_u));
        margin: calc(0.5 * var(--_u)) 0 0;
        color: var(--_success);
      }

      .copied.error {
        color: var(--_danger);
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
