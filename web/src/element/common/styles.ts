import { css, unsafeCSS } from "lit";
import theme from "../../theme.css?inline";

/** Styles of every component: the theme and the basic controls. */
export const sharedStyles = css`
  ${unsafeCSS(theme)}

  :host {
    color: var(--_text);
    font: var(--_font);
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
    min-height: var(--_control);
    padding: calc(0.25 * var(--_u)) var(--_u);
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
    min-height: calc(1.5 * var(--_u));
    text-align: start;
    padding: 0;
    border: 0;
    background: none;
    color: var(--_accent);
    text-decoration: underline;
  }

  input,
  select {
    min-height: var(--_control);
    padding: calc(0.25 * var(--_u)) calc(0.75 * var(--_u));
    border: 1px solid var(--_control-border);
    background: var(--_surface);
  }

  .notice {
    display: flex;
    flex-wrap: wrap;
    gap: calc(0.5 * var(--_u)) var(--_u);
    align-items: center;
    margin: 0 0 var(--_u);
    padding: calc(0.75 * var(--_u)) var(--_u);
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
    top: calc(0.5 * var(--_u));
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
    width: min(calc(34 * var(--_u)), calc(100vw - calc(2 * var(--_u))));
    max-height: calc(100dvh - calc(2 * var(--_u)));
    padding: calc(1.5 * var(--_u));
    border: 1px solid var(--_border);
    border-radius: calc(var(--_radius) * 1.5);
    background: var(--_surface);
    color: var(--_text);
  }

  dialog::backdrop {
    background: var(--_backdrop);
  }

  dialog h2 {
    margin: 0 0 var(--_u);
    font-size: calc(1.25 * var(--_u));
  }

  .actions {
    display: flex;
    flex-wrap: wrap;
    justify-content: flex-end;
    gap: calc(0.75 * var(--_u));
    margin-top: calc(1.5 * var(--_u));
  }
`;
