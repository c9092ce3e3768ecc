/** What the page is told at run time, so that one build serves every deployment. */

export interface PageConfig {
  /** The OpenID Connect issuer. */
  issuer: string;
  clientId: string;
  scope: string;
  /** Further parameters of the authorization request. */
  extraParams: Record<string, string>;
  /** Where signing out leads when the issuer names no place; may have `{redirect}` in it. */
  logoutUrl: string;
  /** Where the management endpoints are; empty for this page's own origin. */
  apiBaseUrl: string;
  /** The request in `curl` lines. */
  curlUrl: string;
}

export async function loadConfig(): Promise<PageConfig> {
  const response = await fetch("/config.json", { cache: "no-cache" });
  if (!response.ok) throw new Error(`config.json answered ${response.status}`);
  return (await response.json()) as PageConfig;
}
