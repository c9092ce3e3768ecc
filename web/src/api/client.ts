/** The client of the management API, with types from `docs/openapi.yaml`. */

import type { components } from "./schema.js";

export type Token = components["schemas"]["Token"];
export type CreatedToken = components["schemas"]["CreatedToken"];
export type TokenChange = components["schemas"]["TokenChange"];
export type NewToken = components["schemas"]["NewToken"];
/** The statuses that this version knows. The API may add others. */
export type Status = "active" | "expired" | "revoked";
export type Caller = components["schemas"]["Caller"];
export type TokenPage = components["schemas"]["TokenPage"];
export type User = components["schemas"]["User"];
export type UserChange = components["schemas"]["UserChange"];
export type UserPage = components["schemas"]["UserPage"];
type Problem = components["schemas"]["Problem"];
type FieldError = components["schemas"]["FieldError"];

/** Returns the session's access token, or null without a session. */
export type CredentialSource = () => Promise<string | null> | string | null;

/** The session is missing or expired, or the API denied it. Signing in again helps. */
export class SessionExpired extends Error {}

/** The response is an error, or there was no response in time. The message is for the user. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** The HTTP status; 0 without a readable response. */
    readonly status: number,
    /** The code of the problem (`docs/errors.md`); empty for a response of the gateway. */
    readonly code = "",
    /** The token that a repeated creation had created; empty for every other error. */
    readonly tokenId = "",
    /** The message for each invalid field, by the field's name. */
    readonly fields: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** A token with its version, which a change must name to overwrite no other change. */
export interface VersionedToken {
  token: Token;
  version: string | null;
}

export interface ListQuery {
  limit: number;
  cursor?: string | undefined;
  status?: Status | undefined;
  /** A text in the name or description, or the beginning of the token, of its ID or of an address. */
  q?: string | undefined;
  expiresBefore?: string | undefined;
  unusedSince?: string | undefined;
  allUsers?: boolean;
  userId?: string | undefined;
}

const TIMEOUT_MS = 20_000;

/** Sends requests to the API at the URL `base`; an empty one is the page's own origin. */
export class Client {
  constructor(
    private readonly base: string,
    private readonly credential: CredentialSource,
  ) {}

  getCaller(): Promise<Caller> {
    return this.call<Caller>("GET", "/api/me");
  }

  listTokens(query: ListQuery): Promise<TokenPage> {
    return this.call<TokenPage>("GET", `/api/tokens?${parameters({ ...query })}`);
  }

  /** Creates one token at most, however often this is repeated with the same key. */
  createToken(token: NewToken, key: string): Promise<CreatedToken> {
    return this.call<CreatedToken>("POST", "/api/tokens", token, { "idempotency-key": key });
  }

  getToken(id: string): Promise<VersionedToken> {
    return this.callForVersion("GET", `/api/tokens/${encodeURIComponent(id)}`);
  }

  /** Changes a token that still has this version; null changes any. */
  updateToken(id: string, change: TokenChange, version: string | null): Promise<VersionedToken> {
    const headers: Record<string, string> = version === null ? {} : { "if-match": version };
    return this.callForVersion("PATCH", `/api/tokens/${encodeURIComponent(id)}`, change, headers);
  }

  async revokeToken(id: string): Promise<void> {
    await this.call<undefined>("DELETE", `/api/tokens/${encodeURIComponent(id)}`);
  }

  listUsers(query: { limit: number; cursor?: string | undefined }): Promise<UserPage> {
    return this.call<UserPage>("GET", `/api/users?${parameters(query)}`);
  }

  updateUser(pathId: string, change: UserChange): Promise<User> {
    return this.call<User>("PATCH", `/api/users/${pathId}`, change);
  }

  async revokeAllTokens(pathId: string): Promise<void> {
    await this.call<undefined>("POST", `/api/users/${pathId}/revoke-all-tokens`);
  }

  private async callForVersion(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<VersionedToken> {
    const response = await this.send(method, path, body, headers);
    return { token: (await response.json()) as Token, version: response.headers.get("etag") };
  }

  private async call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const response = await this.send(method, path, body, headers);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  /** Sends a request; returns its response if it is successful. */
  private async send(
    method: string,
    path: string,
    body: unknown,
    additional: Readonly<Record<string, string>>,
  ): Promise<Response> {
    const credential = await this.credential();
    if (credential === null) throw new SessionExpired();

    const headers: Record<string, string> = { ...additional, authorization: `Bearer ${credential}` };
    if (body !== undefined) headers["content-type"] = "application/json";

    let response: Response;
    try {
      response = await fetch(this.base + path, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      // A script cannot read a response without CORS headers, such as a 401 or 403 of the gateway. If the
      // session's access token has expired, the response was probably such a denial.
      if (hasExpired(credential)) throw new SessionExpired();
      throw new ApiError("Can't reach the server.", 0);
    }

    if (response.status === 401 || (await isDeniedByGateway(response))) throw new SessionExpired();
    if (!response.ok) throw await readError(response);
    return response;
  }
}

/** The query string, without the parameters that are not set. */
function parameters(query: Readonly<Record<string, string | number | boolean | undefined>>): URLSearchParams {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== false && value !== "") set.set(name, String(value));
  }
  return set;
}

/**
 * Whether API Gateway denied the session with 403, as it does if the stack's `RefusalStatus` is 403. A 403 of
 * an endpoint is a problem, and one of another server in between, such as a firewall, has another body.
 */
async function isDeniedByGateway(response: Response): Promise<boolean> {
  if (response.status !== 403) return false;
  const body = (await response
    .clone()
    .json()
    .catch(() => null)) as Record<string, unknown> | null;
  return body?.["message"] === "Forbidden" && Object.keys(body).length === 1;
}

async function readError(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => null)) as Partial<Problem> | null;
  const fields = (problem?.errors ?? []).map((error) => [place(error), error.detail] as const);
  const message = describe(response, problem);
  return new ApiError(message, response.status, problem?.code, problem?.tokenId, Object.fromEntries(fields));
}

/** The texts of problems that users can run into, by their code. Every other problem has its own detail. */
const TEXTS: Readonly<Record<string, string>> = {
  token_not_found: "This token no longer exists. Reload the list.",
  user_not_found: "This user no longer exists. Reload the list.",
  token_revoked: "This token is revoked.",
  version_changed: "It was changed in the meantime. Reload the list and try again.",
  storage_unavailable: "Something went wrong on our side. Try again.",
  damaged_record: "Something went wrong on our side. Ask your administrator for help.",
  internal_error: "Something went wrong on our side. Try again.",
};

function describe(response: Response, problem: Partial<Problem> | null): string {
  if (response.status === 429) {
    const seconds = Number(response.headers.get("retry-after"));
    const when = seconds > 0 ? `Try again in ${seconds} seconds.` : "Wait a moment and try again.";
    return `Too many requests. ${when}`;
  }
  const text =
    TEXTS[problem?.code ?? ""] ?? problem?.detail ?? "Something went wrong on our side. Try again.";
  // Support finds the cause in the log by this ID.
  return response.status >= 500 && problem?.requestId ? `${text} (${problem.requestId})` : text;
}

/** The name of the field, parameter or header that an error is about. */
function place({ pointer, parameter, header }: FieldError): string {
  return pointer?.slice(1) ?? parameter ?? header ?? "";
}

/** Whether a JWT is past its `exp`. A token in another format may still be valid. */
export function hasExpired(jwt: string, now = Date.now()): boolean {
  try {
    const payload = jwt.split(".")[1] ?? "";
    const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as { exp?: unknown };
    return typeof claims.exp === "number" && claims.exp * 1_000 <= now;
  } catch {
    return false;
  }
}
