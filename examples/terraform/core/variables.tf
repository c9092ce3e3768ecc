# Generated from infra/core.yaml by `make modules`.

variable "oidc_issuer" {
  description = "The OpenID Connect issuer whose access tokens are the users' sessions; an https URL."
  type        = string
}

variable "oidc_audience" {
  description = "The audience (aud) of the access tokens; for Amazon Cognito, the ID of the app client."
  type        = string
}

variable "required_scope" {
  description = "A scope that every session must have, for an issuer whose APIs share an audience; empty for none."
  type        = string
  default     = ""
}

variable "allowed_clients" {
  description = "The IDs of the clients (azp or client_id) whose access tokens are sessions, separated by commas; empty for every client of the audience."
  type        = string
  default     = ""
}

variable "roles_claim" {
  description = "The claim with a user's roles; empty if roles are managed in the table Users."
  type        = string
  default     = "cognito:groups"
}

variable "admin_role" {
  description = "The role of administrators, who can view and revoke all tokens, and disable users."
  type        = string
  default     = "administrator"
}

variable "token_prefix" {
  description = "The prefix of every token."
  type        = string
  default     = "fdp_"
}

variable "refusal_status" {
  description = "The status of a request whose credential is denied. HTTP APIs document 403; public projects rely upon 401, which AWS does not document. docs/attach.md says which one to choose."
  type        = number
  default     = 401
}

variable "last_used_resolution_seconds" {
  description = "The minimum number of seconds between two recorded uses of a token."
  type        = number
  default     = 60
}

variable "max_lifetime_days" {
  description = "The maximum lifetime of new tokens in days; 0 for no maximum, which also allows tokens without expiry."
  type        = number
  default     = 0
}

variable "expiry_required" {
  description = "Whether every new token must have an expiry time. A maximum lifetime implies it."
  type        = bool
  default     = false
}

variable "max_tokens_per_user" {
  description = "How many tokens a user can have on record; revoked and expired tokens count until their records are deleted."
  type        = number
  default     = 500
}

variable "retention_days" {
  description = "How many days revoked and expired tokens stay in the list."
  type        = number
  default     = 90
}

variable "session_max_age_days" {
  description = "A user's tokens stop working when the user has not signed in for this many days; 0 for never."
  type        = number
  default     = 0
}

variable "first_month" {
  description = "The month of the first deployment; lists of all users' tokens go back no further."
  type        = string
  default     = "2026-01"
}

variable "client_ip_header" {
  description = "Behind a proxy, the header with the client's address; requires OriginSecret."
  type        = string
  default     = ""
}

variable "origin_secret" {
  description = "The value of X-Origin-Verify by which the proxy proves that ClientIpHeader comes from it."
  type        = string
  default     = ""
  sensitive   = true
}

variable "cors_origins" {
  description = "The origins of the pages that can call the API from a browser, separated by commas. The page itself needs none: it has the same origin as the API."
  type        = string
  default     = ""
}

variable "trusted_accounts" {
  description = "The IDs of up to five other AWS accounts whose APIs in this region can use the authorizer, separated by commas; empty for none."
  type        = string
  default     = ""
}

variable "log_retention_days" {
  description = "How many days logs are kept."
  type        = number
  default     = 90
}

variable "architecture" {
  description = "The architecture that the functions are built for (ARCH of `make build`)."
  type        = string
  default     = "arm64"
}

variable "trusted_roots" {
  description = "The root certificates to accept from DynamoDB. amazon: those of Amazon Trust Services, which are compiled in. system: all that the operating system trusts, for use behind a proxy that terminates TLS, or in China."
  type        = string
  default     = "amazon"
}

variable "memory_size" {
  description = "The memory of each function in MB; Lambda assigns CPU time in proportion."
  type        = number
  default     = 256
}

variable "rollout" {
  description = "How requests move to a new version of the authorizer. All but AllAtOnce move a part first, and move it back if the new version is down or has faults."
  type        = string
  default     = "AllAtOnce"
}

variable "provisioned_concurrency" {
  description = "How many instances of the authorizer Lambda keeps started; each of them costs money. 0 for none."
  type        = number
  default     = 0
}

locals {
  parameters = {
    OidcIssuer                = var.oidc_issuer
    OidcAudience              = var.oidc_audience
    RequiredScope             = var.required_scope
    AllowedClients            = var.allowed_clients
    RolesClaim                = var.roles_claim
    AdminRole                 = var.admin_role
    TokenPrefix               = var.token_prefix
    RefusalStatus             = var.refusal_status
    LastUsedResolutionSeconds = var.last_used_resolution_seconds
    MaxLifetimeDays           = var.max_lifetime_days
    ExpiryRequired            = var.expiry_required
    MaxTokensPerUser          = var.max_tokens_per_user
    RetentionDays             = var.retention_days
    SessionMaxAgeDays         = var.session_max_age_days
    FirstMonth                = var.first_month
    ClientIpHeader            = var.client_ip_header
    OriginSecret              = var.origin_secret
    CorsOrigins               = var.cors_origins
    TrustedAccounts           = var.trusted_accounts
    LogRetentionDays          = var.log_retention_days
    Architecture              = var.architecture
    TrustedRoots              = var.trusted_roots
    MemorySize                = var.memory_size
    Rollout                   = var.rollout
    ProvisionedConcurrency    = var.provisioned_concurrency
    ReleaseOf                 = join("|", [var.oidc_issuer, var.oidc_audience, var.required_scope, var.allowed_clients, var.roles_claim, var.refusal_status, var.token_prefix, var.last_used_resolution_seconds, var.session_max_age_days, var.client_ip_header, var.trusted_roots, var.memory_size, var.architecture])
    Release                   = sha256(join("|", [var.template_url, var.attempt, nonsensitive(sha256(var.origin_secret)), var.oidc_issuer, var.oidc_audience, var.required_scope, var.allowed_clients, var.roles_claim, var.refusal_status, var.token_prefix, var.last_used_resolution_seconds, var.session_max_age_days, var.client_ip_header, var.trusted_roots, var.memory_size, var.architecture]))
  }
}
