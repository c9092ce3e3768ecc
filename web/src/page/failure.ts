/** What the user reads when the page cannot start, or sign-in fails. */

import { ErrorResponse } from "oidc-client-ts";

/** The page's configuration is missing or unreadable. */
export class ConfigError extends Error {}

/** Describes a failure. The console has the error itself. */
export function describeFailure(error: unknown): string {
  console.error(error);
  if (error instanceof ConfigError) return "The page can't load its configuration. Ask your administrator.";
  // The issuer redirected back with an error (RFC 6749, section 4.1.2.1).
  if (error instanceof ErrorResponse) {
    if (error.error === "access_denied") return "The sign-in was cancelled, or you may not use this page.";
    return `The sign-in service refused the sign-in (${error.error ?? "without a reason"}).`;
  }
  // `fetch` fails like this without a response.
  if (error instanceof TypeError) return "Can't reach the sign-in service. Try again.";
  if (error instanceof Error && /state/i.test(error.message)) {
    return "This sign-in took too long, or was started in another tab. Sign in again.";
  }
  return "Something went wrong. Try again.";
}
