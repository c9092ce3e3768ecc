/** The expirations that a new token can have. The functions are pure: `now` is an argument. */

import type { Caller } from "../../api/client.js";
import { DAY_MS, dateInputValue } from "../common/time.js";

/** The expirations that the deployment allows. */
export type ExpiryRules = Caller["newTokens"];

/** The rules until the caller is known. */
export const ANY_EXPIRY: ExpiryRules = { expiryRequired: false, maxLifetimeDays: null };

export const NEVER_EXPIRES = "Never expires. Works until you revoke it.";

/** Each choice is a number of days, except `none` and `date`. */
const EXPIRY_CHOICES = [
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "1 year"],
  ["date", "Choose a date"],
  ["none", "Never"],
] as const;

/** Long enough to be useful, and short enough that a forgotten token does no harm for long. */
const DEFAULT_CHOICE: ExpiryChoice = "30";

export type ExpiryChoice = (typeof EXPIRY_CHOICES)[number][0];

/** The choices that the rules allow. */
export function expiryChoices(rules: ExpiryRules) {
  const maxDays = rules.maxLifetimeDays ?? Infinity;
  return EXPIRY_CHOICES.filter(([choice]) => {
    if (choice === "none") return !rules.expiryRequired;
    return choice === "date" || Number(choice) <= maxDays;
  });
}

/** 30 days, or the longest number of days that the rules allow. */
export function defaultExpiryChoice(rules: ExpiryRules): ExpiryChoice {
  const allowed = expiryChoices(rules).map(([choice]) => choice);
  if (allowed.includes(DEFAULT_CHOICE)) return DEFAULT_CHOICE;
  return allowed.filter((choice) => Number(choice) > 0).at(-1) ?? "date";
}

/** The latest date that the rules allow, or undefined if they set no limit. A token lives until the end of it. */
export function lastExpiryDate(rules: ExpiryRules, now: number): string | undefined {
  if (rules.maxLifetimeDays === null) return undefined;
  return dateInputValue(new Date(now + (rules.maxLifetimeDays - 1) * DAY_MS));
}

/**
 * The time that a choice stands for: null for no expiration, undefined while no date is chosen. A date
 * stands for the end of that day in the user's time zone.
 */
export function expiryTime(choice: ExpiryChoice, date: string, now: number): Date | null | undefined {
  if (choice === "none") return null;
  if (choice !== "date") return new Date(now + Number(choice) * DAY_MS);

  const end = new Date(`${date}T23:59:59`);
  return Number.isNaN(end.getTime()) ? undefined : end;
}
