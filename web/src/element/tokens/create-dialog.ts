/** Creating a token: a form, and then the step that shows the new token. */

import { LitElement, html } from "lit";
import { ApiError, type Client, type CreatedToken, type NewToken, SessionExpired } from "../../api/client.js";
import { sharedStyles } from "../common/styles.js";
import "./create-form.js";
import "./created-token.js";
import { ANY_EXPIRY, type ExpiryRules } from "./expiry.js";

/** A token that exists, although its secret was lost on the way. */
export interface LostToken {
  id: string;
  name: string;
}

/** A creation with the key that makes it safe to repeat. */
interface Attempt {
  token: NewToken;
  key: string;
}

/**
 * Events: `created` carries the token without its secret; `lost` carries a {@link LostToken};
 * `session-expired`; `closed`.
 */
export class CreateDialog extends LitElement {
  static override properties = {
    client: { attribute: false },
    curlUrl: { attribute: false },
    rules: { attribute: false },
    roles: { attribute: false },
    isBusy: { state: true },
    createdName: { state: true },
  };

  client: Client | null = null;
  /** The request in the `curl` command. */
  curlUrl = "";
  rules: ExpiryRules = ANY_EXPIRY;
  /** The user's current roles. */
  roles: readonly string[] = [];
  private isBusy = false;
  /** The name of the token that was just created; null while the dialog shows the form. */
  private createdName: string | null = null;
  /** The last creation that may have succeeded without a response. */
  private attempt: Attempt | null = null;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.createdName = null;
  }

  /** Opens the form. It is as the user left it if the last request failed. */
  open(): void {
    this.dialog.showModal();
    this.form?.focusName();
  }

  /** Opens the form again with the draft that was kept during sign-in, if there is one. */
  async resume(): Promise<void> {
    if (!this.form?.restoreDraft()) return;
    await this.form.updateComplete;
    this.open();
  }

  private get dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog") as HTMLDialogElement;
  }

  private get form() {
    return this.renderRoot.querySelector("patgate-create-form");
  }

  private get createdStep() {
    return this.renderRoot.querySelector("patgate-created-token");
  }

  /** Whether closing would lose a token that the user has not copied. */
  private get isTokenAtRisk(): boolean {
    return this.createdName !== null && !this.createdStep?.isCopied;
  }

  private async create(token: NewToken): Promise<void> {
    this.isBusy = true;
    try {
      if (this.client === null) throw new SessionExpired();
      await this.showCreated(await this.createOnce(this.client, token));
    } catch (error) {
      if (error instanceof SessionExpired) this.dispatchEvent(new CustomEvent("session-expired"));
      if (error instanceof ApiError && error.code === "already_created") return this.leaveLost(token, error);
      this.form?.showError(error);
    } finally {
      this.isBusy = false;
    }
  }

  /** Repeats a creation without a response once. The key ensures that one token is created at most. */
  private async createOnce(client: Client, token: NewToken): Promise<CreatedToken> {
    const isSame = JSON.stringify(this.attempt?.token) === JSON.stringify(token);
    const attempt = isSame && this.attempt !== null ? this.attempt : { token, key: randomKey() };
    this.attempt = attempt;
    try {
      return await client.createToken(token, attempt.key).catch((error: unknown) => {
        if (isWithoutResponse(error)) return client.createToken(token, attempt.key);
        throw error;
      });
    } catch (error) {
      if (!isWithoutResponse(error)) this.attempt = null;
      throw error;
    }
  }

  /** Closes the form: an earlier request created the token, and its secret is lost. */
  private leaveLost(token: NewToken, error: ApiError): void {
    this.isBusy = false;
    this.attempt = null;
    this.form?.reset();
    this.dialog.close();
    const detail: LostToken = { id: error.tokenId, name: token.name.trim() };
    this.dispatchEvent(new CustomEvent("lost", { detail }));
  }

  private async showCreated(created: CreatedToken): Promise<void> {
    this.attempt = null;
    const { token: _secret, ...withoutSecret } = created;
    this.dispatchEvent(new CustomEvent("created", { detail: withoutSecret }));
    // Without a dialog to show it in, the secret is dropped.
    if (!this.isConnected) return;

    this.createdName = created.name;
    await this.updateComplete;
    this.createdStep?.show(created);
    this.renderRoot.querySelector<HTMLElement>("#title")?.focus();
  }

  /** Handles Escape and the buttons that close; asks first if the token would be lost. */
  private requestClose(event?: Event): void {
    event?.preventDefault();
    if (this.isBusy) return;

    if (this.isTokenAtRisk) void this.createdStep?.askBeforeClosing();
    else this.close();
  }

  private close(): void {
    // After a failed request the user can open the form again and retry.
    if (this.form?.hasFailed) this.form.clearErrors();
    else this.form?.reset();

    this.createdName = null;
    this.dialog.close();
  }

  /**
   * Runs after every close. The browser closes a dialog on a second Escape without asking, so the dialog
   * opens again while a token is at risk.
   *
   * INVARIANT: a closed dialog contains no secret. Removing the step drops it.
   */
  private afterClose(): void {
    if (this.isBusy || this.isTokenAtRisk) {
      this.dialog.showModal();
      if (this.isTokenAtRisk) void this.createdStep?.askBeforeClosing();
      return;
    }

    this.createdName = null;
    this.dispatchEvent(new CustomEvent("closed"));
  }

  override render() {
    return html`
      <dialog aria-labelledby="title" @cancel=${this.requestClose} @close=${this.afterClose}>
        <h2 id="title" tabindex="-1">
          ${this.createdName === null ? "Create token" : html`Token “<bdi>${this.createdName}</bdi>” created`}
        </h2>
        ${this.createdName === null ? this.renderForm() : this.renderCreated()}
      </dialog>
    `;
  }

  private renderForm() {
    return html`<patgate-create-form
      .rules=${this.rules}
      .roles=${this.roles}
      .isBusy=${this.isBusy}
      @create=${(event: CustomEvent<NewToken>) => this.create(event.detail)}
      @dismiss=${() => this.requestClose()}
    ></patgate-create-form>`;
  }

  private renderCreated() {
    return html`<patgate-created-token
      .curlUrl=${this.curlUrl}
      @done=${() => this.requestClose()}
      @discard=${this.close}
      @forgotten=${() => (this.createdName = null)}
    ></patgate-created-token>`;
  }

  static override styles = sharedStyles;
}

function isWithoutResponse(error: unknown): boolean {
  return error instanceof ApiError && error.status === 0;
}

/** A random `Idempotency-Key`. `crypto.randomUUID` is missing on pages without TLS. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

customElements.define("patgate-create-dialog", CreateDialog);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-create-dialog": CreateDialog;
  }
}
