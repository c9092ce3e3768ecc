/** Sign-in and sign-out by OpenID Connect: authorization code with PKCE. */

import { type User as SessionUser, UserManager, WebStorageStateStore } from "oidc-client-ts";
import type { PageConfig } from "./config.js";

const CALLBACK = "/callback";
const HOME = "/configuration/access-tokens";

export class Session {
  private readonly manager: UserManager;
  /** Whether the user has just come back from the issuer. */
  isNew = false;

  constructor(private readonly config: PageConfig) {
    this.manager = new UserManager({
      authority: config.issuer,
      client_id: config.clientId,
      redirect_uri: location.origin + CALLBACK,
      post_logout_redirect_uri: `${location.origin}/`,
      scope: config.scope,
      extraQueryParams: config.extraParams,
      // This storage ends with the tab. The access token has to survive a reload.
      userStore: new WebStorageStateStore({ store: sessionStorage }),
      automaticSilentRenew: false,
    });
  }

  /** Returns the signed-in user or null, and completes a sign-in when the issuer redirects back. */
  async restore(): Promise<SessionUser | null> {
    if (location.pathname !== CALLBACK) return this.manager.getUser();

    let path = HOME;
    try {
      const user = await this.manager.signinRedirectCallback();
      this.isNew = true;
      if (typeof user.state === "string" && /^\/(?!\/)/.test(user.state)) path = user.state;
      return user;
    } finally {
      // The authorization code is used up and does not belong in the history.
      history.replaceState(null, "", path);
    }
  }

  /** Redirects to the issuer, which redirects back to the current address. */
  async signIn(): Promise<void> {
    const path = location.pathname === CALLBACK ? HOME : location.pathname + location.search;
    await this.manager.signinRedirect({ state: path });
  }

  /** Returns the access token for the API, or null once it has expired. */
  async credential(): Promise<string | null> {
    const user = await this.manager.getUser();
    return user && !user.expired ? user.access_token : null;
  }

  async signOut(): Promise<void> {
    if (!this.config.logoutUrl) return this.manager.signoutRedirect();

    await this.manager.removeUser();
    location.assign(this.config.logoutUrl.replace("{redirect}", encodeURIComponent(`${location.origin}/`)));
  }
}
