/** The order of a user's own tokens. The functions are pure: `now` is an argument. */

import type { Token } from "../../api/client.js";
import { type Filter, matchesFilter } from "./filter.js";
import { matchesSearch } from "./search.js";
import { STATUS_ORDER, statusNow } from "./status.js";

/** The columns that the user can sort by. */
export type SortColumn = "name" | "status" | "createdAt" | "expiresAt" | "lastUsedAt";

export interface Sort {
  column: SortColumn;
  descending: boolean;
}

export const NEWEST_FIRST: Sort = { column: "createdAt", descending: true };

/** The orders that a phone offers, where the table has no header. */
export const SORTS: ReadonlyArray<readonly [string, Sort]> = [
  ["Newest", NEWEST_FIRST],
  ["Oldest", { column: "createdAt", descending: false }],
  ["Name", { column: "name", descending: false }],
  ["Status", { column: "status", descending: false }],
  ["Expires first", { column: "expiresAt", descending: false }],
  ["Last used", { column: "lastUsedAt", descending: true }],
];

/** The order after a click on a column. The same column is reversed. Another column starts with A or the latest time. */
export function sortAfterClick(sort: Sort, column: SortColumn): Sort {
  const isSameColumn = sort.column === column;
  return { column, descending: isSameColumn ? !sort.descending : column.endsWith("At") };
}

export interface Selection {
  /** What is searched for; case and accents do not matter. */
  search: string;
  filter: Filter;
}

/** The tokens that match, in order. */
export function selectTokens(
  tokens: readonly Token[],
  selection: Selection,
  sort: Sort,
  now: number,
): Token[] {
  return tokens
    .filter((token) => matchesFilter(token, selection.filter, now))
    .filter((token) => matchesSearch(token, selection.search))
    .sort((one, other) => (sort.descending ? -1 : 1) * compare(one, other, sort.column, now));
}

function compare(one: Token, other: Token, column: SortColumn, now: number): number {
  if (column === "name") return one.name.localeCompare(other.name) || one.id.localeCompare(other.id);

  if (column === "status") {
    const rank = (token: Token) => (STATUS_ORDER as readonly string[]).indexOf(statusNow(token, now));
    return rank(one) - rank(other) || other.id.localeCompare(one.id);
  }

  // "Never used" sorts before all times, "never expires" after them.
  const missing = column === "expiresAt" ? Infinity : -Infinity;
  const time = (token: Token) => (token[column] === null ? missing : Date.parse(token[column]));
  const [left, right] = [time(one), time(other)];
  return left === right ? one.id.localeCompare(other.id) : left < right ? -1 : 1;
}
