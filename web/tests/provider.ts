/** A certified OpenID provider: `oidc-provider`, in the place of the development issuer. */

import { type JsonWebKey, generateKeyPairSync } from "node:crypto";
import { type RequestListener, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider, { type Configuration, type KoaContextWithOIDC } from "oidc-provider";

export type Algorithm = "RS256" | "ES256" | "EdDSA";

const CLIENT_ID = "patgate-page";
const AUDIENCE = "patgate";
/** A resource is an absolute URI (RFC 8707, section 2), and the audience that it stands for any text. */
const RESOURCE = "urn:patgate:api";
const HTML_START = "<!doctype html><title>Provider</title>";
/** The path of the issuer, as many providers have one. */
const REALM = "/realms/example";
const SCOPE = "openid profile email";

export class OpenIdProvider {
  private handle: RequestListener = (_request, response) => response.writeHead(503).end();
  private keys: JsonWebKey[] = [];

  private constructor(
    private readonly server: Server,
    readonly issuer: string,
  ) {
    server.on("request", (request, response) => this.handle(request, response));
  }

  static async start(): Promise<OpenIdProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return new OpenIdProvider(server, `http://127.0.0.1:${port}${REALM}`);
  }

  /** Serves sign-ins for the page of `api`, and signs with a new key. Former keys stay published. */
  serve(api: string, algorithm: Algorithm): void {
    this.keys = [newKey(algorithm, `key-${this.keys.length + 1}`), ...this.keys];
    const provider = new Provider(this.issuer, configuration(api, algorithm, this.keys));
    provider.use(signInForm(provider));
    const handle = provider.callback();
    this.handle = (request, response) => {
      // The provider finds out its own path from the difference between the two.
      const url = request.url ?? "";
      Object.assign(request, { originalUrl: url, url: url.slice(REALM.length) || "/" });
      return handle(request, response);
    };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function newKey(algorithm: Algorithm, id: string): JsonWebKey {
  const { privateKey } = {
    RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    EdDSA: () => generateKeyPairSync("ed25519"),
  }[algorithm]();
  return { ...privateKey.export({ format: "jwk" }), kid: id, use: "sig", alg: algorithm };
}

function configuration(api: string, algorithm: Algorithm, keys: JsonWebKey[]): Configuration {
  return {
    jwks: { keys: keys as never },
    clients: [
      {
        client_id: CLIENT_ID,
        token_endpoint_auth_method: "none",
        redirect_uris: [`${api}/callback`],
        post_logout_redirect_uris: [`${api}/`],
        id_token_signed_response_alg: algorithm,
      },
    ],
    clientBasedCORS: (_context, origin) => origin === api,
    cookies: { keys: ["of this test only"] },
    claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
    enabledJWA: { idTokenSigningAlgValues: [algorithm] },
    findAccount: (_context, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, name: "Carol Certified" }),
    }),
    extraTokenClaims: () => ({ name: "Carol Certified", roles: ["publisher"] }),
    features: {
      devInteractions: { enabled: false },
      // Both of the provider's own pages load fonts from elsewhere.
      rpInitiatedLogout: {
        logoutSource: (context, form) => {
          context.body = `${HTML_START}${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`;
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: SCOPE,
          audience: AUDIENCE,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: algorithm } },
        }),
      },
    },
    ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    interactions: { url: (_context, interaction) => `${REALM}/sign-in/${interaction.uid}` },
    loadExistingGrant: grantEverything,
  };
}

async function grantEverything(context: KoaContextWithOIDC) {
  const grant = new context.oidc.provider.Grant({
    clientId: context.oidc.client?.clientId,
    accountId: context.oidc.session?.accountId,
  });
  grant.addOIDCScope(SCOPE);
  grant.addResourceScope(RESOURCE, SCOPE);
  await grant.save();
  return grant;
}

/** The form at which a user signs in, without a password. */
function signInForm(provider: Provider) {
  return async (context: KoaContextWithOIDC, next: () => Promise<void>) => {
    if (!context.path.startsWith("/sign-in/")) return next();
    if (context.method === "POST") {
      const result = { login: { accountId: "carol" } };
      await provider.interactionFinished(context.req, context.res, result);
      context.respond = false;
      return;
    }
    context.type = "html";
    context.body = `${HTML_START}<form method="post"><button>Carol</button></form>`;
  };
}
