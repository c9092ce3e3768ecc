/** Everything about one token, whose name and description can be changed here. */

import { LitElement, css, html, nothing } from "lit";
import { type Client, SessionExpired, type Token, type VersionedToken } from "../../api/client.js";
import { describeError } from "../common/failure.js";
import { sharedStyles } from "../common/styles.js";
import { formatWithZone, renderTime } from "../common/time.js";
import { renderNameAndHandle } from "../common/user-name.js";
import { describeRevocation } from "./revocation.js";
import { statusLabel, statusNow } from "./status.js";

/** Events: `changed` carries the token after a change, and `closed` follows every close. */
export class TokenDetails extends LitElement {
  static override properties = {
    client: { attribute: false },
    callerId: { attribute: false },
    shown: { state: true },
    isEditing: { state: true },
    isBusy: { state: true },
    isCopied: { state: true },
    failure: { state: true },
  };

  client: Client | null = null;
  /** The ID of the signed-in user. */
  callerId = "";
  /** The token as the server last sent it; without its version until it was read again. */
  private shown: { token: Token; version: string | null } | null = null;
  private isEditing = false;
  private isBusy = false;
  private isCopied = false;
  private failure = "";

  /** Shows a token as the list has it, and reads it again. */
  async open(token: Token): Promise<void> {
    this.shown = { token, version: null };
    this.isEditing = false;
    this.isCopied = false;
    await this.updateComplete;
    this.dialog.showModal();
    this.focusTitle();
    await this.read(token.id);
  }

  private get dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog") as HTMLDialogElement;
  }

  private focusTitle(): void {
    this.renderRoot.querySelector<HTMLElement>("#title")?.focus();
  }

  private read(id: string): Promise<boolean> {
    return this.call((client) => client.getToken(id));
  }

  /** Shows what a request returns, or its failure. */
  private async call(request: (client: Client) => Promise<VersionedToken>): Promise<boolean> {
    this.isBusy = true;
    this.failure = "";
    try {
      if (this.client === null) throw new SessionExpired();
      const { token, version } = await request(this.client);
      // The user may have opened another token in the meantime.
      if (this.shown?.token.id !== token.id) return false;
      this.shown = { token, version };
      this.dispatchEvent(new CustomEvent("changed", { detail: token }));
      return true;
    } catch (error) {
      this.failure = describeError(error, this) || "Your session expired. Sign in again.";
      return false;
    } finally {
      this.isBusy = false;
    }
  }

  private async edit(): Promise<void> {
    this.isEditing = true;
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLInputElement>("#name")?.select();
  }

  private async save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (this.isBusy || this.shown === null) return;

    const { token, version } = this.shown;
    const value = (id: string) => this.renderRoot.querySelector<HTMLInputElement>(id)?.value ?? "";
    const change = { name: value("#name"), description: value("#description") || null };
    if (!(await this.call((client) => client.updateToken(token.id, change, version)))) return;
    this.isEditing = false;
    await this.updateComplete;
    this.focusTitle();
  }

  private async copyId(id: string): Promise<void> {
    await navigator.clipboard.writeText(id).then(
      () => (this.isCopied = true),
      () => getSelection()?.selectAllChildren(this.renderRoot.querySelector("#id") as Element),
    );
  }

  override render() {
    return html`
      <dialog aria-labelledby="title" @close=${() => this.dispatchEvent(new CustomEvent("closed"))}>
        ${this.shown === null ? nothing : this.isEditing ? this.renderForm(this.shown.token) : this.renderToken(this.shown.token)}
      </dialog>
    `;
  }

  private renderToken(token: Token) {
    const now = Date.now();
    const status = statusNow(token, now);
    const isChangeable = status !== "revoked";
    return html`
      <h2 id="title" tabindex="-1"><bdi>${token.name}</bdi></h2>
      ${token.description ? html`<p><bdi>${token.description}</bdi></p>` : nothing} ${this.renderFailure()}
      <dl>
        <dt>Status</dt>
        <dd>
          ${statusLabel(status)}${
            status === "revoked" && token.revokedAt !== null
              ? html`, ${renderTime(token.revokedAt, now)} ${describeRevocation(token, this.callerId)}`
              : nothing
          }
        </dd>
        <dt>ID</dt>
        <dd>
          <code id="id">${token.id}</code>
          <button class="link" @click=${() => this.copyId(token.id)}>
            ${this.isCopied ? "Copied" : "Copy ID"}
          </button>
        </dd>
        <dt>Token prefix</dt>
        <dd><code>${token.prefix}…</code></dd>
        ${
          token.owner.id === this.callerId
            ? nothing
            : html`<dt>Owner</dt>
                <dd>${renderNameAndHandle(token.owner)}</dd>`
        }
        <dt>Created</dt>
        <dd>${formatWithZone(new Date(token.createdAt))}</dd>
        <dt>Expires</dt>
        <dd>${token.expiresAt === null ? "Never" : formatWithZone(new Date(token.expiresAt))}</dd>
        <dt>Last used</dt>
        <dd>${token.lastUsedAt === null ? "Never" : formatWithZone(new Date(token.lastUsedAt))}</dd>
      </dl>
      ${token.seenFrom.length > 0 ? this.renderAddresses(token, now) : nothing}
      <div class="actions">
        ${
          isChangeable
            ? html`<button
                aria-disabled=${this.isBusy ? "true" : "false"}
                @click=${() => this.isBusy || this.edit()}
              >
                Edit
              </button>`
            : nothing
        }
        <button @click=${() => this.dialog.close()}>Close</button>
      </div>
    `;
  }

  private renderAddresses(token: Token, now: number) {
    return html`<table>
      <caption>
        Used from
      </caption>
      <thead>
        <tr>
          <th scope="col">Address</th>
          <th scope="col">Last use</th>
        </tr>
      </thead>
      <tbody>
        ${token.seenFrom.map(
          ({ ip, at }) =>
            html`<tr>
              <td><code>${ip}</code></td>
              <td>${renderTime(at, now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  }

  private renderForm(token: Token) {
    return html`<form novalidate @submit=${this.save}>
      <h2 id="title" tabindex="-1">Edit token</h2>
      ${this.renderFailure()}
      <label for="name">Name</label>
      <input id="name" autocomplete="off" maxlength="100" .value=${token.name} />
      <label for="description">Description</label>
      <input id="description" autocomplete="off" maxlength="500" .value=${token.description ?? ""} />
      <div class="actions">
        <button type="button" @click=${() => (this.isEditing = false)}>Cancel</button>
        <button class="primary" aria-disabled=${this.isBusy ? "true" : "false"}>
          ${this.isBusy ? "Saving…" : "Save"}
        </button>
      </div>
    </form>`;
  }

  private renderFailure() {
    return this.failure ? html`<p class="notice error" role="alert">${this.failure}</p>` : nothing;
  }

  static override styles = [
    sharedStyles,
    css`
      dl {
        display: grid;
        grid-template-columns: max-content 1fr;
        gap: calc(0.5 * var(--_u)) var(--_u);
        margin: var(--_u) 0;
      }

      dt,
      caption {
        color: var(--_muted);
      }

      dd {
        margin: 0;
      }

      table {
        width: 100%;
        border-collapse: collapse;
      }

      caption {
        text-align: start;
      }

      th,
      td {
        padding: calc(0.25 * var(--_u)) 0;
        border-bottom: 1px solid var(--_border);
        text-align: start;
      }

      th {
        color: var(--_muted);
        font-weight: 400;
      }

      label {
        display: block;
        margin: var(--_u) 0 calc(0.25 * var(--_u));
        font-weight: 600;
      }

      input {
        width: 100%;
      }
    `,
  ];
}

customElements.define("patgate-token-details", TokenDetails);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-token-details": TokenDetails;
  }
}
