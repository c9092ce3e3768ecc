/** Asks before something is done that cannot be undone, or hurts. */

import { LitElement, type TemplateResult, css, html, nothing } from "lit";
import { sharedStyles } from "./styles.js";

export interface Question {
  title: string;
  text: string | TemplateResult;
  /** What the button of the dangerous choice says. */
  action: string;
  /** What has to be typed first, so that nobody does it to the wrong one. Never blank. */
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
  private answer: (isYes: boolean) => void = () => {};

  /** Whether the answer is yes. */
  async ask(question: Question): Promise<boolean> {
    this.question = question;
    this.typed = "";
    this.isWrong = false;
    await this.updateComplete;
    this.dialog.showModal();
    // The safe choice has the focus, unless there is something to type.
    this.renderRoot.querySelector<HTMLElement>(question.typed === undefined ? "#cancel" : "#typed")?.focus();
    return new Promise((resolve) => (this.answer = resolve));
  }

  private get dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog") as HTMLDialogElement;
  }

  private confirm(event: SubmitEvent): void {
    event.preventDefault();
    const wanted = this.question?.typed;
    if (wanted !== undefined && (normal(wanted) === "" || normal(this.typed) !== normal(wanted))) {
      // Anew each time, or it would be announced only once.
      this.isWrong = false;
      void this.updateComplete.then(() => (this.isWrong = true));
      this.renderRoot.querySelector<HTMLElement>("#typed")?.focus();
      return;
    }
    // Before `close`, whose event answers no.
    this.answer(true);
    this.dialog.close();
  }

  override render() {
    return html`
      <dialog aria-labelledby="title" aria-describedby="text" @close=${() => this.answer(false)}>
        <form @submit=${this.confirm}>
          <h2 id="title">${this.question?.title ?? ""}</h2>
          <p id="text">${this.question?.text ?? ""}</p>
          ${this.question?.typed === undefined ? nothing : this.renderTyped(this.question.typed)}
          <div class="actions">
            <button id="cancel" type="button" @click=${() => this.dialog.close()}>Cancel</button>
            <button class="danger">${this.question?.action ?? ""}</button>
          </div>
        </form>
      </dialog>
    `;
  }

  private renderTyped(wanted: string) {
    return html`
      <label for="typed"
        >Type <strong><bdi>${wanted}</bdi></strong> to confirm</label
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
      <p id="wrong" class="error" role="alert">${this.isWrong ? "This does not match." : ""}</p>
    `;
  }

  static override styles = [
    sharedStyles,
    css`
      label {
        display: block;
        margin-bottom: 0.25rem;
      }

      input {
        width: 100%;
      }

      #wrong {
        min-height: 1.5rem;
        margin: 0.25rem 0 0;
      }
    `,
  ];
}

/** It may be copied from anywhere: case, spaces and the way an accent is coded do not count. */
function normal(text: string): string {
  return text.normalize("NFC").trim().replace(/\s+/g, " ").toLowerCase();
}

customElements.define("patgate-confirm-dialog", ConfirmDialog);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-confirm-dialog": ConfirmDialog;
  }
}
