/** How tokens are searched. */

import type { Token } from "../../api/client.js";
import { includesText, startsWithText } from "../common/search.js";

/** Whether the text is in the name or description, or starts the prefix, the ID or an address, as in the API. */
export function matchesSearch(token: Token, searched: string): boolean {
  const beginnings = [token.prefix, token.id, token.lastUsedIp ?? "", ...token.seenFrom.map(({ ip }) => ip)];
  return (
    includesText([token.name, token.description ?? ""], searched) ||
    beginnings.some((text) => startsWithText(text, searched))
  );
}

/** The searched text, with a whole token cut to the prefix that is shown: a secret does not belong in a URL. */
export function withoutSecret(searched: string): string {
  return searched.replace(/\b([a-z][a-z0-9]{1,14}_[0-9A-Za-z]{6})[0-9A-Za-z]{32}\b/g, "$1");
}
