/** The form for a new token. What the user typed stays until the token is created. */

import { LitElement, type PropertyValues, css, html, nothing } from "lit";
import { ApiError, type NewToken, SessionExpired } from "../../api/client.js";
import { sharedStyles } from "../common/styles.js";
import { dateInputValue, formatWithZone } from "../common/time.js";
import {
  ANY_EXPIRY,
  NEVER_EXPIRES,
  type ExpiryChoice,
  type ExpiryRules,
  expiryChoices,
  defaultExpiryChoice,
  expiryTime,
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
    roles: { attribute: false },
    isBusy: { attribute: false },
    name: { state: true },
    choice: { state: true },
    date: { state: true },
    failure: { state: true },
    fieldErrors: { state: true },
    isSessionExpired: { state: true },
  };

  rules: ExpiryRules = ANY_EXPIRY;
  /** The roles that the token would have right now. */
  roles: readonly string[] = [];
  /** Whether a request is under way. */
  isBusy = false;
  private name = "";
  private choice: ExpiryChoice = defaultExpiryChoice(ANY_EXPIRY);
  private date = "";
  /** What is wrong with the request as a whole; empty if nothing is. */
  private failure = "";
  private fieldErrors: Readonly<Partial<Record<Field, string>>> = {};
  private isSessionExpired = false;
  /** The last request, with what the user had entered for it. */
  private submitted: { entered: string; token: NewToken } | null = null;

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
    this.choice = defaultExpiryChoice(this.rules);
    this.date = "";
    this.submitted = null;
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

    const entered = JSON.stringify([this.name, this.choice, this.date]);
    // The same entries are the same request, and not one whose expiry is some seconds later.
    if (this.submitted?.entered !== entered) {
      const token: NewToken = { name: this.name, expiresAt: expiresAt?.toISOString() ?? null };
      this.submitted = { entered, token };
    }
    this.dispatchEvent(new CustomEvent("create", { detail: this.submitted.token }));
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
    return `Expires on ${formatWithZone(time)}.`;
  }

  override render() {
    return html`
      <form novalidate @submit=${this.submit}>
        ${this.failure ? this.renderFailure() : nothing} ${this.renderName()} ${this.renderChoice()}
        ${this.choice === "date" ? this.renderDate() : nothing}
        <span id="expiry" class="muted" aria-live="polite">${this.describeExpiry()}</span>
        ${this.renderFieldError("expiresAt")} ${this.renderRoles()}
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
      <fieldset aria-describedby="expiry expiresAt-error">
        <legend>Expiration</legend>
        <div class="chips">${expiryChoices(this.rules).map((choice) => this.renderChip(choice))}</div>
      </fieldset>
    `;
  }

  private renderChip([value, label]: readonly [ExpiryChoice, string]) {
    return html`<label class="chip">
      <input
        type="radio"
        name="expiration"
        value=${value}
        .checked=${value === this.choice}
        @change=${() => (this.choice = value)}
      />
      <span>${label}</span>
    </label>`;
  }

  private renderRoles() {
    const roles = this.roles.map((role) => html` <code>${role}</code>`);
    return html`<p class="muted roles">
      The token always has your current roles. Right now:${roles.length > 0 ? roles : " none."}
    </p>`;
  }

  private renderDate() {
    return html`
      <label for="date">Last valid day</label>
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
        margin: var(--_u) 0 calc(0.25 * var(--_u));
        font-weight: 600;
      }

      input:not([type="radio"]) {
        width: 100%;
      }

      fieldset {
        margin: var(--_u) 0 0;
        padding: 0;
        border: 0;
      }

      legend {
        margin-bottom: calc(0.25 * var(--_u));
        padding: 0;
        font-weight: 600;
      }

      .chips {
        display: flex;
        flex-wrap: wrap;
        gap: calc(0.5 * var(--_u));
      }

      .chip {
        position: relative;
        margin: 0;
        font-weight: 400;
      }

      .chip input {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        min-height: 0;
        margin: 0;
        opacity: 0;
        cursor: pointer;
      }

      .chip span {
        display: block;
        padding: calc(0.375 * var(--_u)) calc(0.75 * var(--_u));
        border: 1px solid var(--_control-border);
        border-radius: var(--_radius);
      }

      .chip input:checked + span {
        border-color: var(--_accent);
        box-shadow: inset 0 0 0 1px var(--_accent);
        color: var(--_accent);
        font-weight: 600;
      }

      .chip input:focus-visible + span {
        outline: 3px solid var(--_accent);
        outline-offset: 2px;
      }

      /* In forced colours a shadow is not drawn. */
      @media (forced-colors: active) {
        .chip input:checked + span {
          outline: 2px solid Highlight;
        }
      }

      .roles {
        margin: var(--_u) 0 0;
      }

      .roles code {
        padding: 0 calc(0.375 * var(--_u));
        border: 1px solid var(--_border);
        border-radius: 99px;
        background: var(--_raised);
        font: inherit;
      }

      .muted,
      .error:not(.notice) {
        display: block;
        margin-top: calc(0.25 * var(--_u));
        font-size: calc(0.9375 * var(--_u));
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
