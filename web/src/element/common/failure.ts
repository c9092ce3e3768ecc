/** How the element reports a failed request. */

import { html, nothing } from "lit";
import { SessionExpired } from "../../api/client.js";

/**
 * Describes an error to the user. An expired session is announced to the host page; a page that prevents
 * the event's default reports it itself, and the description is empty.
 */
export function describeError(error: unknown, element: HTMLElement): string {
  if (!(error instanceof SessionExpired)) return error instanceof Error ? error.message : String(error);
  return announceSessionExpired(element) ? "Your session expired. Sign in again." : "";
}

/** Dispatches `session-expired`; returns whether the element itself has to report it. */
export function announceSessionExpired(element: HTMLElement): boolean {
  const event = new CustomEvent("session-expired", { bubbles: true, composed: true, cancelable: true });
  return element.dispatchEvent(event);
}

/** A message with a button. It sticks to the top of the window: the failed row may be far down a long list. */
export function renderFailure(text: string, buttonText: string, onClick: () => void) {
  if (!text) return nothing;
  return html`<div class="notice error" role="alert">
    ${text} <button @click=${onClick}>${buttonText}</button>
  </div>`;
}
