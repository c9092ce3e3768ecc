/** Times and states in the words of the reader. Pure: `now` is an argument. */

import type { Caller, Status, Token, User } from "../../api/client.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** A token that expires within this time stands out. */
export const EXPIRES_SOON_MS = 7 * DAY;

/** Units with their sizes, and from how far away on they are used: “in 45 days” says more than “next month”. */
const UNITS: ReadonlyArray<readonly [Intl.RelativeTimeFormatUnit, number, number]> = [
  ["year", 365 * DAY, 2 * 365 * DAY],
  ["month", 30 * DAY, 90 * DAY],
  ["day", DAY, DAY],
  ["hour", 60 * MINUTE, 60 * MINUTE],
  ["minute", MINUTE, MINUTE],
];

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en", { dateStyle: "long", timeStyle: "medium" });
const inWords = new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "short" });

/**
 * Such as `3 days ago` or `in 2 hours`. What has happened is never in the future, even
 * if the server's clock is ahead of this one's.
 */
export function formatRelative(time: string, now: number, hasHappened: boolean): string {
  const distance = hasHappened ? Math.min(Date.parse(time) - now, 0) : Date.parse(time) - now;
  for (const [unit, size, from] of UNITS) {
    if (Math.abs(distance) >= from) return relative.format(Math.round(distance / size), unit);
  }
  return distance <= 0 ? "just now" : "in less than a minute";
}

/** Date and time to the second, in the reader's time zone. */
export function formatExact(time: string): string {
  return exact.format(new Date(time));
}

/** Such as `Sunday, January 31, 2027 at 11:59 PM`. */
export function formatInWords(time: Date): string {
  return inWords.format(time);
}

/** A token's state now: one that was active when it was loaded may have expired since. */
export function statusNow(token: Token, now: number): Status {
  const expired = token.expiresAt !== null && Date.parse(token.expiresAt) <= now;
  return token.status === "active" && expired ? "expired" : token.status;
}

export function expiresSoon(token: Token, now: number): boolean {
  if (token.expiresAt === null || statusNow(token, now) !== "active") return false;
  return Date.parse(token.expiresAt) - now <= EXPIRES_SOON_MS;
}

export const STATUS_LABEL: Readonly<Record<Status, string>> = {
  active: "Active",
  expired: "Expired",
  revoked: "Revoked",
};

/** What somebody is called. Names are of their own choosing, and may be blank. */
export function nameOf(user: Pick<User, "id" | "name">): string {
  return user.name.trim() || user.id;
}

/** What tells somebody from everybody else of the same name. */
export function handleOf(user: Pick<User, "id"> & Partial<Pick<User, "email">>): string {
  return user.email?.trim() || user.id;
}

/** By whom and why a token was revoked; `reader` is the user id of whoever reads it. */
export function revocationInWords(token: Token, reader: string): string {
  const by =
    token.revokedBy === reader ? "you" : token.revokedBy === token.owner.id ? "its owner" : token.revokedBy;
  switch (token.revocationReason) {
    case "owner":
      return `by ${by}`;
    case "administrator":
      return by === "you" ? "by you" : `by an administrator${by === null ? "" : ` (${by})`}`;
    case "leaked":
      return "reported as leaked";
    case "revoke-all":
      return by === null ? "with all others" : `with all others, by ${by}`;
    case null:
      return "";
  }
}

/** The choices of an expiry, in days; `none` and `date` are special. */
export const EXPIRY_CHOICES = [
  ["none", "No expiration"],
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "1 year"],
  ["date", "Choose a date…"],
] as const;

export type ExpiryChoice = (typeof EXPIRY_CHOICES)[number][0];

/** The choices that a deployment allows. */
export function expiryChoices(rules: Caller["newTokens"]) {
  const max = rules.maxLifetimeDays ?? Infinity;
  return EXPIRY_CHOICES.filter(([choice]) =>
    choice === "none" ? !rules.expiryRequired : choice === "date" || Number(choice) <= max,
  );
}

/** The last day that may be chosen; undefined for any. Its end must not be too far ahead. */
export function lastExpiryDate(rules: Caller["newTokens"], now: number): string | undefined {
  return rules.maxLifetimeDays === null
    ? undefined
    : dateInputValue(new Date(now + (rules.maxLifetimeDays - 1) * DAY));
}

/**
 * The moment that a choice means; null for none, undefined while no date is chosen.
 * A date means the end of that day where the person is.
 */
export function expiryTime(choice: ExpiryChoice, date: string, now: number): Date | null | undefined {
  if (choice === "none") return null;
  if (choice !== "date") return new Date(now + Number(choice) * DAY);
  const end = new Date(`${date}T23:59:59`);
  return Number.isNaN(end.getTime()) ? undefined : end;
}

/** A date as an `input type=date` wants it, in the person's own time zone. */
export function dateInputValue(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}
