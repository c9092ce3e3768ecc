// Generated from infra/core.yaml by `make modules`.

import { Construct } from "constructs";

export interface PatgateCoreProps {
  /** The URL of the packaged template, as `make package-template` prints it. */
  readonly templateUrl: string;
  /** Increase it to deploy the same again after a deployment that was rolled back. Default: 1. */
  readonly attempt?: number;
  /** The OpenID Connect issuer whose access tokens are the users' sessions; an https URL. */
  readonly oidcIssuer: string;
  /** The audience (aud) of the access tokens; for Amazon Cognito, the ID of the app client. */
  readonly oidcAudience: string;
  /** A scope that every session must have, for an issuer whose APIs share an audience; empty for none. Default: "". */
  readonly requiredScope?: string;
  /** The IDs of the clients (azp or client_id) whose access tokens are sessions, separated by commas; empty for every client of the audience. Default: "". */
  readonly allowedClients?: string;
  /** The claim with a user's roles; empty if roles are managed in the table Users. Default: "cognito:groups". */
  readonly rolesClaim?: string;
  /** The role of administrators, who can view and revoke all tokens, and disable users. Default: "administrator". */
  readonly adminRole?: string;
  /** The prefix of every token. Default: "fdp_". */
  readonly tokenPrefix?: string;
  /** The status of a request whose credential is denied. HTTP APIs document 403; public projects rely upon 401, which AWS does not document. docs/attach.md says which one to choose. Default: 401. */
  readonly refusalStatus?: number;
  /** The minimum number of seconds between two recorded uses of a token. Default: 60. */
  readonly lastUsedResolutionSeconds?: number;
  /** The maximum lifetime of new tokens in days; 0 for no maximum, which also allows tokens without expiry. Default: 0. */
  readonly maxLifetimeDays?: number;
  /** Whether every new token must have an expiry time. A maximum lifetime implies it. Default: "false". */
  readonly expiryRequired?: boolean;
  /** How many tokens a user can have on record; revoked and expired tokens count until their records are deleted. Default: 500. */
  readonly maxTokensPerUser?: number;
  /** How many days revoked and expired tokens stay in the list. Default: 90. */
  readonly retentionDays?: number;
  /** A user's tokens stop working when the user has not signed in for this many days; 0 for never. Default: 0. */
  readonly sessionMaxAgeDays?: number;
  /** The month of the first deployment; lists of all users' tokens go back no further. Default: "2026-01". */
  readonly firstMonth?: string;
  /** Behind a proxy, the header with the client's address; requires OriginSecret. Default: "". */
  readonly clientIpHeader?: string;
  /** The value of X-Origin-Verify by which the proxy proves that ClientIpHeader comes from it. Default: "". */
  readonly originSecret?: string;
  /** The origins of the pages that can call the API from a browser, separated by commas. The page itself needs none: it has the same origin as the API. Default: "". */
  readonly corsOrigins?: string;
  /** The IDs of up to five other AWS accounts whose APIs in this region can use the authorizer, separated by commas; empty for none. Default: "". */
  readonly trustedAccounts?: string;
  /** How many days logs are kept. Default: 90. */
  readonly logRetentionDays?: number;
  /** The architecture that the functions are built for (ARCH of `make build`). Default: "arm64". */
  readonly architecture?: string;
  /** The root certificates to accept from DynamoDB. amazon: those of Amazon Trust Services, which are compiled in. system: all that the operating system trusts, for use behind a proxy that terminates TLS, or in China. Default: "amazon". */
  readonly trustedRoots?: string;
  /** The memory of each function in MB; Lambda assigns CPU time in proportion. Default: 256. */
  readonly memorySize?: number;
  /** How requests move to a new version of the authorizer. All but AllAtOnce move a part first, and move it back if the new version is down or has faults. Default: "AllAtOnce". */
  readonly rollout?: string;
  /** How many instances of the authorizer Lambda keeps started; each of them costs money. 0 for none. Default: 0. */
  readonly provisionedConcurrency?: number;
}

export class PatgateCore extends Construct {
  constructor(scope: Construct, id: string, props: PatgateCoreProps);
  /** The name of the core's stack, for `CoreStack` of infra/monitoring.yaml. */
  readonly stackName: string;
  /** The base URL of the management endpoints. */
  readonly apiUrl: string;
  /** The authorizer to attach to your own APIs; an alias, whose ARN survives updates of the function. */
  readonly authorizerArn: string;
  readonly apiId: string;
  readonly authorizerLogGroup: string;
  readonly authorizerFunction: string;
  readonly revokeLeakedTokensLogGroup: string;
  readonly tokensTable: string;
  readonly usersTable: string;
  readonly revokeLeakedTokensFunction: string;
  /** The log groups of the endpoints. */
  readonly endpointLogGroups: string;
  /** The log groups with audit events. */
  readonly auditLogGroups: string;
  readonly accessLogGroup: string;
}
