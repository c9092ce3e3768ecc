/** Signing in and out by OpenID Connect: authorization code with PKCE. */

import { type User, UserManager, WebStorageStateStore } from "oidc-client-ts";
import type { PageConfig } from "./config.js";

const CALLBACK = "/callback";
const HOME = "/configuration/access-tokens";

export class Session {
  private readonly manager: UserManager;

  constructor(private readonly config: PageConfig) {
    this.manager = new UserManager({
      authority: config.issuer,
      client_id: config.clientId,
      redirect_uri: location.origin + CALLBACK,
      post_logout_redirect_uri: `${location.origin}/`,
      scope: config.scope,
      extraQueryParams: config.extraParams,
      // Ends with the tab. The access token has to be somewhere between two pages.
      userStore: new WebStorageStateStore({ store: sessionStorage }),
      automaticSilentRenew: false,
    });
  }

  /** The signed-in person; null if nobody is. Also takes up the return from the issuer. */
  async restore(): Promise<User | null> {
    if (location.pathname !== CALLBACK) return this.manager.getUser();
    let path = HOME;
    try {
      const user = await this.manager.signinRedirectCallback();
      if (typeof user.state === "string" && /^\/(?!\/)/.test(user.state)) path = user.state;
      return user;
    } finally {
      // The code in the address is spent, and nobody's business.
      history.replaceState(null, "", path);
    }
  }

  /** Goes to the issuer, and back to where one is now. */
  async signIn(): Promise<void> {
    const path = location.pathname === CALLBACK ? HOME : location.pathname + location.search;
    await this.manager.signinRedirect({ state: path });
  }

  /** The access token for the API; null once it has expired. */
  async credential(): Promise<string | null> {
    const user = await this.manager.getUser();
    return user && !user.expired ? user.access_token : null;
  }

  async forget(): Promise<void> {
    await this.manager.removeUser();
  }

  async signOut(): Promise<void> {
    if (!this.config.logoutUrl) return this.manager.signoutRedirect();
    await this.forget();
    location.assign(this.config.logoutUrl.replace("{redirect}", encodeURIComponent(`${location.origin}/`)));
  }
}
