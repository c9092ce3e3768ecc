/** The configuration that the page loads at run time, so that one build serves every deployment. */

import { ConfigError } from "./failure.js";

export interface PageConfig {
  /** The OpenID Connect issuer. */
  issuer: string;
  clientId: string;
  scope: string;
  /** Additional parameters of the authorization request. */
  extraParams: Record<string, string>;
  /** The URL for signing out at issuers without an `end_session_endpoint`; may contain `{redirect}`. */
  logoutUrl: string;
  /** The base URL of the management API; empty for the page's own origin. */
  apiBaseUrl: string;
  /** The request in `curl` commands. */
  curlUrl: string;
}

export async function loadConfig(): Promise<PageConfig> {
  const response = await fetch("/config.json", { cache: "no-cache" }).catch((error: unknown) => {
    throw new ConfigError("cannot load config.json", { cause: error });
  });
  if (!response.ok) throw new ConfigError(`cannot load config.json: HTTP status ${response.status}`);
  return (await response.json()) as PageConfig;
}
