/** What went wrong, in words, where it is seen. */

import { html, nothing } from "lit";
import { SessionExpired } from "../../api/client.js";

/**
 * An error in words. Of an expired session the event `session-expired` tells; a page
 * that says so itself prevents its default, and there are no words left to say here.
 */
export function describe(error: unknown, element: HTMLElement): string {
  if (!(error instanceof SessionExpired)) return error instanceof Error ? error.message : String(error);
  return announceExpiry(element) ? "Your session has expired. Please sign in again." : "";
}

/** Whether nobody but the element itself says it. */
export function announceExpiry(element: HTMLElement): boolean {
  const event = new CustomEvent("session-expired", { bubbles: true, composed: true, cancelable: true });
  return element.dispatchEvent(event);
}

/** It stays in sight however long the list is: what failed may be far down in it. */
export function renderFailure(text: string, action: string, act: () => void) {
  if (!text) return nothing;
  return html`<div class="notice error" role="alert">${text} <button @click=${act}>${action}</button></div>`;
}
