/** Which tokens the list shows. The functions are pure: `now` is an argument. */

import type { ListQuery, Token } from "../../api/client.js";
import { DAY_MS } from "../common/time.js";
import { expiresSoon, EXPIRES_SOON_MS, statusNow } from "./status.js";

/** How long an inactive token has not been used, in days. */
const INACTIVE_DAYS = 90;

/** Each filter with its label. `expiring` and `inactive` are active tokens that may need attention. */
export const FILTERS = [
  ["", "All"],
  ["active", "Active"],
  ["expiring", "Expiring soon"],
  ["inactive", `Unused for ${INACTIVE_DAYS} days`],
  ["expired", "Expired"],
  ["revoked", "Revoked"],
] as const;
export type Filter = (typeof FILTERS)[number][0];

export function matchesFilter(token: Token, filter: Filter, now: number): boolean {
  switch (filter) {
    case "":
      return true;
    case "expiring":
      return expiresSoon(token, now);
    case "inactive": {
      const latest = Date.parse(token.lastUsedAt ?? token.createdAt);
      return statusNow(token, now) === "active" && latest < now - INACTIVE_DAYS * DAY_MS;
    }
    default:
      return statusNow(token, now) === filter;
  }
}

/** The parameters with which the server applies the filter. */
export function filterQuery(filter: Filter, now: number): Partial<ListQuery> {
  const time = (milliseconds: number) => new Date(milliseconds).toISOString();
  switch (filter) {
    case "":
      return {};
    case "expiring":
      return { status: "active", expiresBefore: time(now + EXPIRES_SOON_MS) };
    case "inactive":
      return { status: "active", unusedSince: time(now - INACTIVE_DAYS * DAY_MS) };
    default:
      return { status: filter };
  }
}
