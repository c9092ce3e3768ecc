/**
 * The script that a page loads. It defines `<access-tokens>` once, however often it is loaded, and does nothing on a
 * server, which renders only the tag.
 */

import type { AccessTokens } from "./access-tokens.js";

if (typeof customElements !== "undefined" && customElements.get("access-tokens") === undefined) {
  await import("./access-tokens.js");
}

export type { AccessTokens };
