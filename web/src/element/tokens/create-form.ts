/** The form for a new token. What the user typed stays until the token is created. */

import { LitElement, type PropertyValues, css, html, nothing } from "lit";
import { ApiError, type NewToken, SessionExpired } from "../../api/client.js";
import { sharedStyles } from "../common/styles.js";
import { dateInputValue, formatWithWeekday } from "../common/time.js";
import {
  ANY_EXPIRY,
  NEVER_EXPIRES,
  type ExpiryChoice,
  type ExpiryRules,
  expiryChoices,
  expiryTime,
  firstExpiryChoice,
  lastExpiryDate,
} from "./expiry.js";

const NAME_MAX_CHARACTERS = 100;

/** The key of the draft in `sessionStorage`, which is kept during sign-in. It contains no secret. */
const DRAFT_KEY = "patgate-draft";

interface Draft {
  name: string;
  choice: ExpiryChoice;
  date: string;
}

type Field = "name" | "expiresAt";

const FIELD_LABELS: Readonly<Record<Field, string>> = { name: "Name", expiresAt: "Expiration" };

/** Events: `create` carries the new token, `dismiss` asks to close, `sign-in` follows a saved draft. */
export class CreateForm extends LitElement {
  static override properties = {
    rules: { attribute: false },
    isBusy: { attribute: false },
    name: { state: true },
    choice: { state: true },
    date: { state: true },
    failure: { state: true },
    fieldErrors: { state: true },
    isSessionExpired: { state: true },
  };

  rules: ExpiryRules = ANY_EXPIRY;
  /** Whether a request is under way. */
  isBusy = false;
  private name = "";
  private choice: ExpiryChoice = firstExpiryChoice(ANY_EXPIRY);
  private date = "";
  /** What is wrong with the request as a whole; empty if nothing is. */
  private failure = "";
  private fieldErrors: Readonly<Partial<Record<Field, string>>> = {};
  private isSessionExpired = false;

  protected override willUpdate(changed: PropertyValues<this>): void {
    const isAllowed = expiryChoices(this.rules).some(([choice]) => choice === this.choice);
    if (changed.has("rules") && !isAllowed) this.reset();
  }

  get hasFailed(): boolean {
    return this.failure !== "";
  }

  focusName(): void {
    this.renderRoot.querySelector<HTMLInputElement>("#name")?.focus();
  }

  reset(): void {
    this.name = "";
    this.choice = firstExpiryChoice(this.rules);
    this.date = "";
    this.clearErrors();
  }

  clearErrors(): void {
    this.failure = "";
    this.fieldErrors = {};
    this.isSessionExpired = false;
  }

  showError(error: unknown): void {
    if (error instanceof SessionExpired) {
      this.failure = "Your session expired. Sign in to continue where you left off.";
      this.isSessionExpired = true;
      return;
    }

    const fields = error instanceof ApiError ? error.fields : {};
    for (const field of ["name", "expiresAt"] as const) {
      const message = fields[field];
      if (message) this.fieldErrors = { ...this.fieldErrors, [field]: `${FIELD_LABELS[field]} ${message}.` };
    }
    if (!this.hasFieldErrors) this.failure = describeFailure(error);
    this.focusFirstError();
  }

  /** Restores the draft that was saved when the session expired; returns whether there was one. */
  restoreDraft(): boolean {
    const saved = sessionStorage.getItem(DRAFT_KEY);
    if (saved === null) return false;

    sessionStorage.removeItem(DRAFT_KEY);
    const { name, choice, date } = JSON.parse(saved) as Draft;
    Object.assign(this, { name, choice, date });
    return true;
  }

  private signIn(): void {
    const draft: Draft = { name: this.name, choice: this.choice, date: this.date };
    sessionStorage.setItem(DRAFT_KEY, JSON.stringify(draft));
    this.dispatchEvent(new CustomEvent("sign-in", { bubbles: true, composed: true }));
  }

  private submit(event: SubmitEvent): void {
    event.preventDefault();
    if (this.isBusy) return;

    this.clearErrors();
    const expiresAt = expiryTime(this.choice, this.date, Date.now());
    this.fieldErrors = {
      ...(this.name.trim() === "" ? { name: "Enter a name." } : {}),
      ...(expiresAt === undefined ? { expiresAt: "Choose a date." } : {}),
    };
    if (this.hasFieldErrors) return this.focusFirstError();

    const detail: NewToken = { name: this.name, expiresAt: expiresAt?.toISOString() ?? null };
    this.dispatchEvent(new CustomEvent("create", { detail }));
  }

  private get hasFieldErrors(): boolean {
    return Object.keys(this.fieldErrors).length > 0;
  }

  private focusFirstError(): void {
    void this.updateComplete.then(() => {
      this.renderRoot.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
    });
  }

  private describeExpiry(): string {
    const time = expiryTime(this.choice, this.date, Date.now());
    if (time === undefined) return "";
    if (time === null) return NEVER_EXPIRES;
    return `Expires on ${formatWithWeekday(time)}, your local time.`;
  }

  override render() {
    return html`
      <form novalidate @submit=${this.submit}>
        ${this.failure ? this.renderFailure() : nothing} ${this.renderName()} ${this.renderChoice()}
        ${this.choice === "date" ? this.renderDate() : nothing}
        <span id="expiry" class="muted" aria-live="polite">${this.describeExpiry()}</span>
        ${this.renderFieldError("expiresAt")}
        <div class="actions">
          <button type="button" @click=${() => this.dispatchEvent(new CustomEvent("dismiss"))}>Cancel</button>
          <button class="primary" aria-disabled=${this.isBusy ? "true" : "false"}>
            ${this.isBusy ? "Creating…" : "Create"}
          </button>
        </div>
      </form>
    `;
  }

  private renderFailure() {
    return html`<div class="notice error" role="alert">
      ${this.failure}
      ${this.isSessionExpired ? html`<button type="button" @click=${this.signIn}>Sign in</button>` : nothing}
    </div>`;
  }

  private renderName() {
    return html`
      <label for="name">Name</label>
      <input
        id="name"
        autocomplete="off"
        maxlength=${NAME_MAX_CHARACTERS}
        .value=${this.name}
        aria-invalid=${this.fieldErrors.name ? "true" : "false"}
        aria-describedby="name-help name-error"
        @input=${(event: InputEvent) => (this.name = (event.target as HTMLInputElement).value)}
      />
      <span id="name-help" class="muted">Describe what the token is for, such as “deploy pipeline”.</span>
      ${this.renderFieldError("name")}
    `;
  }

  private renderChoice() {
    return html`
      <label for="choice">Expiration</label>
      <select
        id="choice"
        aria-invalid=${this.fieldErrors.expiresAt && this.choice !== "date" ? "true" : "false"}
        aria-describedby="expiry expiresAt-error"
        @change=${(event: Event) => (this.choice = (event.target as HTMLSelectElement).value as ExpiryChoice)}
      >
        ${expiryChoices(this.rules).map(
          ([value, label]) =>
            html`<option value=${value} .selected=${value === this.choice}>${label}</option>`,
        )}
      </select>
    `;
  }

  private renderDate() {
    return html`
      <label for="date">Expires at the end of</label>
      <input
        id="date"
        type="date"
        min=${dateInputValue(new Date())}
        max=${lastExpiryDate(this.rules, Date.now()) ?? nothing}
        .value=${this.date}
        aria-invalid=${this.fieldErrors.expiresAt ? "true" : "false"}
        aria-describedby="expiresAt-error"
        @input=${(event: InputEvent) => (this.date = (event.target as HTMLInputElement).value)}
      />
    `;
  }

  private renderFieldError(field: Field) {
    const error = this.fieldErrors[field] ?? "";
    return html`<span id="${field}-error" class="error" role="alert">${error}</span>`;
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

      .muted,
      .error:not(.notice) {
        display: block;
        margin-top: 0.25rem;
        font-size: 0.9375rem;
      }

      .error:empty,
      .muted:empty {
        margin: 0;
      }

      [aria-invalid="true"] {
        border-color: var(--_danger);
      }
    `,
  ];
}

function describeFailure(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  const isUnknown = error instanceof ApiError && error.status === 0;
  return isUnknown ? `${reason} Try again: one token is created at most.` : reason;
}

customElements.define("patgate-create-form", CreateForm);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-create-form": CreateForm;
  }
}
