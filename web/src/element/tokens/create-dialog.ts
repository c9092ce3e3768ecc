/** Creating a token: a form, and then the token itself, shown this once. */

import { LitElement, type PropertyValues, css, html, nothing } from "lit";
import { ApiError, type Caller, type Client, type CreatedToken, SessionExpired } from "../../api/client.js";
import {
  type ExpiryChoice,
  dateInputValue,
  expiryChoices,
  expiryTime,
  formatExact,
  formatInWords,
  lastExpiryDate,
} from "../common/format.js";
import { sharedStyles } from "../common/styles.js";

const NAME_MAX_CHARACTERS = 100;
/** Where a form waits while its person signs in again. */
const DRAFT = "patgate-draft";

interface Draft {
  name: string;
  choice: ExpiryChoice;
  date: string;
}

export class CreateDialog extends LitElement {
  static override properties = {
    client: { attribute: false },
    curlUrl: { attribute: false },
    rules: { attribute: false },
    name: { state: true },
    choice: { state: true },
    date: { state: true },
    busy: { state: true },
    failure: { state: true },
    fields: { state: true },
    created: { state: true },
    copied: { state: true },
    asking: { state: true },
    hasExpired: { state: true },
  };

  client: Client | null = null;
  /** The request shown in the `curl` line. */
  curlUrl = "";
  /** What this deployment asks of new tokens. */
  rules: Caller["newTokens"] = { expiryRequired: false, maxLifetimeDays: null };
  private name = "";
  private choice: ExpiryChoice = "none";
  private date = "";
  private busy = false;
  private failure = "";
  private fields: Readonly<Record<string, string>> = {};
  /** INVARIANT: the secret is in this property and what is rendered from it, and nowhere else. */
  private created: CreatedToken | null = null;
  private copied: "" | "token" | "curl" | "failed" = "";
  private asking = false;
  private hasExpired = false;

  private readonly forget = () => {
    this.created = null;
  };

  override connectedCallback(): void {
    super.connectedCallback();
    // A page kept for "back" would show the token again.
    window.addEventListener("pagehide", this.forget);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("pagehide", this.forget);
    this.forget();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const isAllowed = expiryChoices(this.rules).some(([choice]) => choice === this.choice);
    if (changed.has("rules") && !isAllowed) this.reset();
  }

  /** Opens the form, as it was left if its last request failed. */
  open(): void {
    this.dialog.showModal();
    this.focusName();
  }

  /** Opens the form again that was being filled in when the session expired, if there was one. */
  async resume(): Promise<void> {
    const draft = sessionStorage.getItem(DRAFT);
    if (draft === null) return;
    sessionStorage.removeItem(DRAFT);
    const { name, choice, date } = JSON.parse(draft) as Draft;
    Object.assign(this, { name, choice, date });
    await this.updateComplete;
    this.open();
  }

  private focusName(): void {
    this.renderRoot.querySelector<HTMLInputElement>("#name")?.focus();
  }

  private get dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog") as HTMLDialogElement;
  }

  private reset(): void {
    this.name = "";
    this.choice = expiryChoices(this.rules)[0]?.[0] ?? "date";
    this.date = "";
    this.clear();
  }

  /** Forgets everything but what was typed. */
  private clear(): void {
    this.busy = false;
    this.hasExpired = false;
    this.failure = "";
    this.fields = {};
    this.created = null;
    this.copied = "";
    this.asking = false;
  }

  private close(): void {
    // What a failed request was about can be tried again.
    if (this.failure && !this.created) this.clear();
    else this.reset();
    this.dialog.close();
  }

  private get isCopied(): boolean {
    return this.copied === "token" || this.copied === "curl";
  }

  /**
   * The dialog has closed, perhaps by the browser alone: it lets nobody hold a dialog
   * open against a second Escape. INVARIANT: no token lives on in a closed dialog.
   */
  private afterClose(): void {
    if (this.busy || (this.created && !this.isCopied)) {
      this.asking = this.created !== null;
      this.dialog.showModal();
      return;
    }
    if (this.created) this.reset();
    this.dispatchEvent(new CustomEvent("closed"));
  }

  /** Closing by button or Escape; asks first if the token would be lost. */
  private requestClose(event?: Event): void {
    event?.preventDefault();
    if (this.busy) return;
    if (this.created && !this.isCopied) {
      this.asking = true;
      void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>("#keep")?.focus());
    } else {
      this.close();
    }
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const expiresAt = expiryTime(this.choice, this.date, Date.now());
    this.fields = expiresAt === undefined ? { expiresAt: "must be chosen" } : {};
    if (this.name.trim() === "") this.fields = { ...this.fields, name: "must not be empty" };
    if (this.busy || Object.keys(this.fields).length > 0) return this.focusFirstError();
    this.busy = true;
    this.failure = "";
    try {
      if (this.client === null) throw new SessionExpired();
      const created = await this.client.createToken({
        name: this.name,
        expiresAt: expiresAt?.toISOString() ?? null,
      });
      this.created = created;
      // The list gets everything but the secret.
      const { token: _secret, ...token } = created;
      this.dispatchEvent(new CustomEvent("created", { detail: token }));
      await this.updateComplete;
      this.renderRoot.querySelector<HTMLElement>("#created-title")?.focus();
    } catch (error) {
      this.fail(error);
    } finally {
      this.busy = false;
    }
  }

  /** Nothing that was typed is lost: the form stays as it is. */
  private fail(error: unknown): void {
    if (error instanceof SessionExpired) {
      this.dispatchEvent(new CustomEvent("session-expired"));
      this.failure = "Your session has expired. Sign in again: this form will be here when you are back.";
      this.hasExpired = true;
      return;
    }
    this.fields = error instanceof ApiError ? error.fields : {};
    const isShownAtField = ["name", "expiresAt"].some((field) => field in this.fields);
    this.failure = isShownAtField ? "" : error instanceof Error ? error.message : String(error);
    this.focusFirstError();
  }

  private focusFirstError(): void {
    void this.updateComplete.then(() => {
      this.renderRoot.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
    });
  }

  /** Leaves for the issuer; what was typed waits in this tab. There is no secret in it yet. */
  private signIn(): void {
    const draft: Draft = { name: this.name, choice: this.choice, date: this.date };
    sessionStorage.setItem(DRAFT, JSON.stringify(draft));
    this.dispatchEvent(new CustomEvent("sign-in", { bubbles: true, composed: true }));
  }

  private async copy(what: "token" | "curl", text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.copied = what;
      this.asking = false;
    } catch {
      this.copied = "failed";
      const shown = this.renderRoot.querySelector(what === "token" ? "#secret" : "#curl");
      if (shown) getSelection()?.selectAllChildren(shown);
    }
  }

  override render() {
    const labelledBy = this.created ? "created-title" : "form-title";
    return html`
      <dialog aria-labelledby=${labelledBy} @cancel=${this.requestClose} @close=${this.afterClose}>
        ${this.created ? this.renderCreated(this.created) : this.renderForm()}
      </dialog>
    `;
  }

  private renderForm() {
    return html`
      <form novalidate @submit=${this.submit}>
        <h2 id="form-title">Create token</h2>
        ${
          this.failure
            ? html`<div class="notice error" role="alert">
                ${this.failure}
                ${this.hasExpired ? html`<button type="button" @click=${this.signIn}>Sign in</button>` : nothing}
              </div>`
            : nothing
        }
        <label for="name">Name</label>
        <input
          id="name"
          autocomplete="off"
          maxlength=${NAME_MAX_CHARACTERS}
          .value=${this.name}
          aria-invalid=${this.fields["name"] ? "true" : "false"}
          aria-describedby="name-help name-error"
          @input=${(event: InputEvent) => (this.name = (event.target as HTMLInputElement).value)}
        />
        <span id="name-help" class="muted">What is it for? For example “deploy pipeline”.</span>
        ${this.renderFieldError("name", "Name")}
        <label for="choice">Expiration</label>
        <select
          id="choice"
          aria-invalid=${this.fields["expiresAt"] && this.choice !== "date" ? "true" : "false"}
          aria-describedby="expiry-words expiresAt-error"
          @change=${(event: Event) => (this.choice = (event.target as HTMLSelectElement).value as ExpiryChoice)}
        >
          ${expiryChoices(this.rules).map(
            ([value, label]) =>
              html`<option value=${value} .selected=${value === this.choice}>${label}</option>`,
          )}
        </select>
        ${this.renderDate()}
        <span id="expiry-words" class="muted" aria-live="polite">${this.expiryInWords()}</span>
        ${this.renderFieldError("expiresAt", "Expiration")}
        <div class="actions">
          <button type="button" @click=${() => this.requestClose()}>Cancel</button>
          <button class="primary" aria-disabled=${this.busy ? "true" : "false"}>
            ${this.busy ? "Creating…" : "Create"}
          </button>
        </div>
      </form>
    `;
  }

  private renderDate() {
    if (this.choice !== "date") return nothing;
    return html`
      <label for="date">Expires at the end of</label>
      <input
        id="date"
        type="date"
        min=${dateInputValue(new Date())}
        max=${lastExpiryDate(this.rules, Date.now()) ?? nothing}
        .value=${this.date}
        aria-invalid=${this.fields["expiresAt"] ? "true" : "false"}
        aria-describedby="expiresAt-error"
        @input=${(event: InputEvent) => (this.date = (event.target as HTMLInputElement).value)}
      />
    `;
  }

  private renderFieldError(field: string, label: string) {
    const message = this.fields[field];
    return html`<span id="${field}-error" class="error" role="alert"
      >${message ? `${label} ${message}.` : ""}</span
    >`;
  }

  private expiryInWords(): string {
    const time = expiryTime(this.choice, this.date, Date.now());
    if (time === undefined) return "";
    return time === null
      ? "It is valid until you revoke it."
      : `It expires on ${formatInWords(time)}, your time.`;
  }

  private renderCreated(created: CreatedToken) {
    const curl = `curl -H "Authorization: Bearer ${created.token}" ${this.curlUrl}`;
    return html`
      <h2 id="created-title" tabindex="-1">Token “${created.name}” created</h2>
      <p class="notice warning">Copy the token now. It will not be shown again.</p>
      <div class="secret">
        <code id="secret" @copy=${() => (this.copied = "token")}>${created.token}</code>
        <button class="primary" @click=${() => this.copy("token", created.token)}>
          ${this.copied === "token" ? "Copied" : "Copy token"}
        </button>
      </div>
      <p class="curl-label" id="curl-label">Try it:</p>
      <div class="secret">
        <code
          id="curl"
          role="group"
          aria-labelledby="curl-label"
          tabindex="0"
          @copy=${() => (this.copied = "curl")}
          >${curl}</code
        >
        <button @click=${() => this.copy("curl", curl)}>
          ${this.copied === "curl" ? "Copied" : "Copy command"}
        </button>
      </div>
      <p class="muted">
        ${created.expiresAt ? `It expires on ${formatExact(created.expiresAt)}.` : "It is valid until you revoke it."}
      </p>
      <p role="status" class="copied">
        ${
          {
            "": "",
            token: "The token is copied.",
            curl: "The command is copied, with the token in it.",
            failed: "Copying is not allowed here. The text is selected: copy it with the keyboard.",
          }[this.copied]
        }
      </p>
      ${
        this.asking
          ? html`
              <div class="notice warning" role="alert">
                You have not copied the token, and it cannot be shown again.
                <button id="keep" @click=${() => (this.asking = false)}>Back to the token</button>
                <button class="danger" @click=${() => this.close()}>Close without copying</button>
              </div>
            `
          : html`<div class="actions"><button @click=${() => this.requestClose()}>Done</button></div>`
      }
    `;
  }

  static override styles = [
    sharedStyles,
    css`
      label {
        display: block;
        margin: 1rem 0 0.25rem;
        font-weight: 600;
      }

      input,
      select {
        width: 100%;
      }

      form .muted,
      form .error:not(.notice) {
        display: block;
        margin-top: 0.25rem;
        font-size: 0.9375rem;
      }

      form .error:empty,
      form .muted:empty {
        margin: 0;
      }

      [aria-invalid="true"] {
        border-color: var(--_danger);
      }

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
        font:
          0.875rem/1.5 ui-monospace,
          monospace;
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

customElements.define("patgate-create-dialog", CreateDialog);
