import { css } from "lit";

/** What all parts share. Hosts change the custom properties; see `web/README.md`. */
export const sharedStyles = css`
  :host {
    --_accent: var(--patgate-accent, light-dark(#1f5fa8, #86b7f0));
    --_on-accent: var(--patgate-on-accent, light-dark(#ffffff, #0d1b2a));
    --_text: var(--patgate-text, light-dark(#1c2430, #e6eaf0));
    --_muted: var(--patgate-muted, light-dark(#525d6b, #a7b2c0));
    --_surface: var(--patgate-surface, light-dark(#ffffff, #171c23));
    --_raised: var(--patgate-raised, light-dark(#f3f5f8, #212832));
    --_border: var(--patgate-border, light-dark(#c9d1db, #3b4552));
    --_control-border: light-dark(#76818f, #7d8998);
    --_danger: var(--patgate-danger, light-dark(#b3261e, #ff9d94));
    --_on-danger: light-dark(#ffffff, #2b0805);
    --_warning: light-dark(#8a4b00, #ffc46b);
    --_warning-surface: light-dark(#fff4e0, #33270f);
    --_success: light-dark(#1b6b3a, #7fd6a0);
    --_success-surface: light-dark(#e6f5ec, #12301f);
    --_radius: var(--patgate-radius, 8px);
    color: var(--_text);
    font: var(--patgate-font, 1rem/1.5 system-ui, sans-serif);
    overflow-wrap: anywhere;
  }

  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }

  [hidden] {
    display: none !important;
  }

  :focus-visible {
    outline: 3px solid var(--_accent);
    outline-offset: 2px;
  }

  button,
  input,
  select {
    font: inherit;
    color: inherit;
    border-radius: var(--_radius);
  }

  button {
    min-height: 2.5rem;
    padding: 0.375rem 1rem;
    border: 1px solid var(--_control-border);
    background: var(--_surface);
    cursor: pointer;
  }

  button:hover:not(:disabled) {
    background: var(--_raised);
  }

  button:disabled,
  button[aria-disabled="true"] {
    opacity: 0.6;
    cursor: progress;
  }

  button.primary,
  button.primary:hover:not(:disabled) {
    border-color: var(--_accent);
    background: var(--_accent);
    color: var(--_on-accent);
    font-weight: 600;
  }

  button.danger,
  button.danger:hover:not(:disabled) {
    border-color: var(--_danger);
    background: var(--_danger);
    color: var(--_on-danger);
    font-weight: 600;
  }

  button.quiet {
    border-color: transparent;
    background: transparent;
    color: var(--_danger);
  }

  button.link {
    min-height: 1.5rem;
    text-align: start;
    padding: 0;
    border: 0;
    background: none;
    color: var(--_accent);
    text-decoration: underline;
  }

  input,
  select {
    min-height: 2.5rem;
    padding: 0.375rem 0.75rem;
    border: 1px solid var(--_control-border);
    background: var(--_surface);
  }

  .notice {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 1rem;
    align-items: center;
    margin: 0 0 1rem;
    padding: 0.75rem 1rem;
    border: 1px solid var(--_border);
    border-radius: var(--_radius);
    background: var(--_raised);
  }

  .notice.warning {
    border-color: var(--_warning);
    background: var(--_warning-surface);
    color: var(--_warning);
  }

  .error {
    color: var(--_danger);
  }

  .notice.error {
    position: sticky;
    z-index: 1;
    top: 0.5rem;
  }

  .muted {
    color: var(--_muted);
  }

  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  dialog {
    width: min(34rem, calc(100vw - 2rem));
    max-height: calc(100dvh - 2rem);
    padding: 1.5rem;
    border: 1px solid var(--_border);
    border-radius: calc(var(--_radius) * 1.5);
    background: var(--_surface);
    color: var(--_text);
  }

  dialog::backdrop {
    background: rgb(0 0 0 / 0.5);
  }

  dialog h2 {
    margin: 0 0 1rem;
    font-size: 1.25rem;
  }

  .actions {
    display: flex;
    flex-wrap: wrap;
    justify-content: flex-end;
    gap: 0.75rem;
    margin-top: 1.5rem;
  }
`;
