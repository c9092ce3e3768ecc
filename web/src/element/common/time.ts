/** Times as the user reads them. The functions are pure: `now` is an argument. */

import { html } from "lit";

const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;

/** Each unit with its size and the distance from which it is used: “in 45 days” says more than “next month”. */
const UNITS: ReadonlyArray<readonly [Intl.RelativeTimeFormatUnit, number, number]> = [
  ["year", 365 * DAY_MS, 2 * 365 * DAY_MS],
  ["month", 30 * DAY_MS, 90 * DAY_MS],
  ["day", DAY_MS, DAY_MS],
  ["hour", 60 * MINUTE_MS, 60 * MINUTE_MS],
  ["minute", MINUTE_MS, MINUTE_MS],
];

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en", { dateStyle: "long", timeStyle: "medium" });
const withZone = new Intl.DateTimeFormat("en", {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "numeric",
  minute: "2-digit",
  timeZoneName: "short",
});

/**
 * Formats a time as a distance, such as `3 days ago` or `in 2 hours`. A past event is never shown in the
 * future, even if the server's clock is ahead of this one.
 */
export function formatRelative(time: string, now: number, isPast: boolean): string {
  const distance = isPast ? Math.min(Date.parse(time) - now, 0) : Date.parse(time) - now;

  for (const [unit, size, from] of UNITS) {
    if (Math.abs(distance) >= from) return relative.format(Math.round(distance / size), unit);
  }

  return distance <= 0 ? "just now" : "in less than a minute";
}

/** Formats date and time to the second, in the user's time zone. */
export function formatExact(time: string): string {
  return exact.format(new Date(time));
}

/** Formats a time such as `Sunday, January 31, 2027 at 11:59 PM GMT+1`, with the user's time zone. */
export function formatWithZone(time: Date): string {
  return withZone.format(time);
}

/** Formats a date for `input type=date`, in the user's time zone. */
export function dateInputValue(time: Date): string {
  const twoDigits = (value: number) => String(value).padStart(2, "0");
  return `${time.getFullYear()}-${twoDigits(time.getMonth() + 1)}-${twoDigits(time.getDate())}`;
}

/** Shows a relative time, and gives the exact one on hover and to assistive technology. */
export function renderTime(time: string, now: number, isPast = true) {
  const exactTime = formatExact(time);
  return html`<time datetime=${time} title=${exactTime}
    ><span aria-hidden="true">${formatRelative(time, now, isPast)}</span
    ><span class="visually-hidden">${exactTime}</span></time
  >`;
}
