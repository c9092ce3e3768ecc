/** The status of a token at a given time. The functions are pure: `now` is an argument. */

import type { Status, Token } from "../../api/client.js";
import { DAY_MS } from "../common/time.js";

/** A token expires soon if it does within this time. */
export const EXPIRES_SOON_MS = 7 * DAY_MS;

const STATUS_LABELS: Readonly<Record<Status, string>> = {
  active: "Active",
  expired: "Expired",
  revoked: "Revoked",
};

/** The order in which statuses are offered and sorted. */
export const STATUS_ORDER: readonly Status[] = ["active", "expired", "revoked"];

/** The label of a status. A status that a newer API has added is its own label. */
export function statusLabel(status: string): string {
  return (STATUS_LABELS as Readonly<Record<string, string>>)[status] ?? status;
}

/** A token's status at `now`: a token that was active when the list loaded may have expired since. */
export function statusNow(token: Token, now: number): string {
  const isExpired = token.expiresAt !== null && Date.parse(token.expiresAt) <= now;
  return token.status === "active" && isExpired ? "expired" : token.status;
}

/** Whether an active token expires within the next seven days. */
export function expiresSoon(token: Token, now: number): boolean {
  if (token.expiresAt === null || statusNow(token, now) !== "active") return false;
  return Date.parse(token.expiresAt) - now <= EXPIRES_SOON_MS;
}
