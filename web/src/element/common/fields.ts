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
    gap: 0.75rem 1rem;
    align-items: center;
    margin: 1rem 0;
  }

  .field {
    display: flex;
    gap: 0.5rem;
    align-items: center;
  }

  @media (max-width: 48rem) {
    .field,
    .narrow-only {
      width: 100%;
    }

    .field label {
      min-width: 4.5rem;
    }

    .field input,
    .field select {
      flex: 1;
      min-width: 0;
    }
  }
`;
