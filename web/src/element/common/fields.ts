/** The fields of a toolbar, which narrow down a list. */

import { css, html } from "lit";

export function renderSearchField(search: string, onChange: (search: string) => void) {
  return html`<div class="field">
    <label for="search">Search</label>
    <input
      id="search"
      type="search"
      .value=${search}
      @input=${(event: InputEvent) => onChange((event.target as HTMLInputElement).value)}
    />
  </div>`;
}

/** A select with its label; each option is a value with its text. */
export function renderSelectField<Value extends string>(
  id: string,
  label: string,
  options: ReadonlyArray<readonly [Value, string]>,
  selected: Value,
  onChange: (value: Value) => void,
) {
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <select
      id=${id}
      @change=${(event: Event) => onChange((event.target as HTMLSelectElement).value as Value)}
    >
      ${options.map(
        ([value, text]) => html`<option value=${value} .selected=${value === selected}>${text}</option>`,
      )}
    </select>
  </div>`;
}

export const fieldStyles = css`
  .toolbar {
    display: flex;
    flex-wrap: wrap;
    gap: calc(0.75 * var(--_u)) var(--_u);
    align-items: center;
    margin: var(--_u) 0;
  }

  .field {
    display: flex;
    gap: calc(0.5 * var(--_u));
    align-items: center;
  }

  @container (max-width: 640px) {
    .field,
    .narrow-only {
      width: 100%;
    }

    .field label {
      min-width: calc(4.5 * var(--_u));
    }

    .field input,
    .field select {
      flex: 1;
      min-width: 0;
    }
  }
`;
