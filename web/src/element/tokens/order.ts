/** The order of a person's own tokens. Pure: `now` is an argument. */

import type { Status, Token } from "../../api/client.js";
import { statusNow } from "../common/format.js";

/** The columns that can be sorted by. */
export type SortColumn = "name" | "status" | "createdAt" | "expiresAt" | "lastUsedAt";

export interface Sort {
  column: SortColumn;
  descending: boolean;
}

/** What can be chosen where there are no columns. */
export const SORTS: ReadonlyArray<readonly [string, Sort]> = [
  ["Newest", { column: "createdAt", descending: true }],
  ["Oldest", { column: "createdAt", descending: false }],
  ["Name", { column: "name", descending: false }],
  ["Status", { column: "status", descending: false }],
  ["Expires first", { column: "expiresAt", descending: false }],
  ["Last used", { column: "lastUsedAt", descending: true }],
];
/** Order of states, also when sorting by them. */
export const STATUS_ORDER: readonly Status[] = ["active", "expired", "revoked"];

/** Which of two tokens comes first: a number below zero for the one, above it for the other. */
export function compare(one: Token, other: Token, sort: Sort, now: number): number {
  return (sort.descending ? -1 : 1) * ascending(one, other, sort.column, now);
}

function ascending(one: Token, other: Token, column: SortColumn, now: number): number {
  if (column === "name") return one.name.localeCompare(other.name) || one.id.localeCompare(other.id);
  if (column === "status") {
    const order = (token: Token) => STATUS_ORDER.indexOf(statusNow(token, now));
    return order(one) - order(other) || other.id.localeCompare(one.id);
  }
  // Never used is before all times, never expiring after them.
  const missing = column === "expiresAt" ? Infinity : -Infinity;
  const time = (token: Token) => (token[column] === null ? missing : Date.parse(token[column]));
  const [left, right] = [time(one), time(other)];
  return left === right ? one.id.localeCompare(other.id) : left < right ? -1 : 1;
}
