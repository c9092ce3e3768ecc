/** Search, filter and order of the list of tokens, and the switch between own and all tokens. */

import { LitElement, css, html, nothing } from "lit";
import { fieldStyles, renderSearchField, renderSelectField } from "../common/fields.js";
import { sharedStyles } from "../common/styles.js";
import { SORTS, type Sort } from "./order.js";
import { FILTERS, type Filter } from "./filter.js";

const SORT_OPTIONS = SORTS.map(([label]) => [label, label] as const);

/** The events `search-change`, `filter-change`, `sort-change` and `all-users-change` carry the new value. */
export class TokenToolbar extends LitElement {
  static override properties = {
    search: { attribute: false },
    filter: { attribute: false },
    sort: { attribute: false },
    allUsers: { attribute: false },
    isAdministrator: { attribute: false },
  };

  search = "";
  filter: Filter = "";
  sort: Sort | null = null;
  /** Whether the list shows the tokens of all users, which always has the newest first. */
  allUsers = false;
  isAdministrator = false;

  private emit(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  override render() {
    return html`
      <div class="toolbar">
        ${renderSearchField(this.search, (search) => this.emit("search-change", search))}
        ${renderSelectField("status", "Status", FILTERS, this.filter, (filter) =>
          this.emit("filter-change", filter),
        )}
        ${this.allUsers ? nothing : this.renderSort()} ${this.isAdministrator ? this.renderSwitch() : nothing}
      </div>
    `;
  }

  private renderSort() {
    const current = SORTS.find(
      ([, sort]) => sort.column === this.sort?.column && sort.descending === this.sort.descending,
    );
    const select = renderSelectField("sort", "Sort by", SORT_OPTIONS, current?.[0] ?? "", (chosen) =>
      this.emit("sort-change", SORTS.find(([label]) => label === chosen)?.[1]),
    );
    return html`<div class="narrow-only">${select}</div>`;
  }

  private renderSwitch() {
    return html`<label class="switch">
      <input
        type="checkbox"
        role="switch"
        .checked=${this.allUsers}
        @change=${(event: Event) => this.emit("all-users-change", (event.target as HTMLInputElement).checked)}
      />
      Show all users
    </label>`;
  }

  static override styles = [
    sharedStyles,
    fieldStyles,
    css`
      :host {
        display: block;
      }

      .switch {
        display: flex;
        gap: calc(0.5 * var(--_u));
        align-items: center;
        min-height: calc(2.5 * var(--_u));
        cursor: pointer;
      }

      .switch input {
        width: calc(1.25 * var(--_u));
        min-height: calc(1.25 * var(--_u));
        accent-color: var(--_accent);
      }

      /* A wide table sorts by its header, which a phone does not show. */
      @container (min-width: 640.01px) {
        .narrow-only {
          display: none;
        }
      }
    `,
  ];
}

customElements.define("patgate-token-toolbar", TokenToolbar);

declare global {
  interface HTMLElementTagNameMap {
    "patgate-token-toolbar": TokenToolbar;
  }
}
