/** Asks the user to confirm an action that cannot be undone or that takes access away. */

import { LitElement, type TemplateResult, css, html, nothing } from "lit";
import { sharedStyles } from "./styles.js";

export interface Question {
  title: string | TemplateResult;
  /** What the action applies to, where the title does not identify it. */
  subject?: TemplateResult;
  text: string | TemplateResult;
  /** The text of the button that confirms. */
  action: string;
  /** What the user has to type first, to prevent a mistake. Never blank. */
  typed?: string;
}

export class ConfirmDialog extends LitElement {
  static override properties = {
    question: { state: true },
    typed: { state: true },
    isWrong: { state: true },
  };

  private question: Question | null = null;
  private typed = "";
  private isWrong = false;
  private resolve: (isConfirmed: boolean) => void = () => {};

  /** Shows the question; returns whether the user confirmed. */
  async ask(question: Question): Promise<boolean> {
    this.question = question;
    this.typed = "";
    this.isWrong = false;
    await this.updateComplete;

    this.dialog.showModal();
    // The focus is on the safe choice, unless there is something to type.
    this.renderRoot.querySelector<HTMLElement>(question.typed === undefined ? "#cancel" : "#typed")?.focus();

    return new Promise((resolve) => (this.resolve = resolve));
  }

  private get dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog") as HTMLDialogElement;
  }

  private submit(event: SubmitEvent): void {
    event.preventDefault();
    const expected = this.question?.typed;
    if (expected !== undefined && !isSameText(this.typed, expected)) return this.reject();

    // Before `close`, whose event resolves to false.
    this.resolve(true);
    this.dialog.close();
  }

  /** Reports that the typed text is wrong. The text is removed first, or it would be announced only once. */
  private reject(): void {
    this.isWrong = false;
    void this.updateComplete.then(() => (this.isWrong = true));
    this.renderRoot.querySelector<HTMLElement>("#typed")?.focus();
  }

  override render() {
    return html`
      <dialog aria-labelledby="title" aria-describedby="description" @close=${() => this.resolve(false)}>
        <form @submit=${this.submit}>
          <h2 id="title">${this.question?.title ?? ""}</h2>
          <div id="description">
            ${this.question?.subject ? html`<p class="muted">${this.question.subject}</p>` : nothing}
            <p>${this.question?.text ?? ""}</p>
          </div>
          ${this.question?.typed === undefined ? nothing : this.renderTyped(this.question.typed)}
          <div class="actions">
            <button id="cancel" type="button" @click=${() => this.dialog.close()}>Cancel</button>
            <button class="danger">${this.question?.action ?? ""}</button>
          </div>
        </form>
      </dialog>
    `;
  }

  private renderTyped(expected: string) {
    return html`
      <label for="typed"
        >Type <strong><bdi>${expected}</bdi></strong> to confirm</label
      >
      <input
        id="typed"
        autocomplete="off"
        autocapitalize="off"
        spellcheck="false"
        aria-invalid=${this.isWrong ? "true" : "false"}
        aria-describedby="wrong"
        .value=${this.typed}
        @input=${(event: InputEvent) => {
          this.typed = (event.target as HTMLInputElement).value;
          this.isWrong = false;
        }}
      />
      <p id="wrong" class="error" role="alert">${this.isWrong ? "The text doesn't match." : ""}</p>
    `;
  }

  static override styles = [
    sharedStyles,
    css`
      label {
        display: block;
        margin-bottom: calc(0.25 * var(--_u));
      }

      input {
        width: 100%;
      }

      #wrong {
        min-height: calc(1.5 * var(--_u));
        margin: calc(0.25 * var(--_u)) 0 0;
      }
    `,
  ];
}

/**
 * Compares what the user typed with what is expected, which is not blank. The text may be copied from
 * anywhere: case, spaces and the encoding of accents do not matter.
 */
function isSameText(typed: string, expected: string): boolean {
  return normalize(expected) !== "" && normalize(typed) === normalize(expected);
}

function normalize(text: string): string {
  return text.normalize("NFC").trim().replace(/\s+/g, " ").toLowerCase();
}

customElements.define("patgate-confirm-dialog", ConfirmDialog);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-confirm-dialog": ConfirmDialog;
  }
}
