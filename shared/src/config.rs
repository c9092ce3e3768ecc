//! All reading of the environment. Each function has one struct that names what it
//! needs; `infra/template.yaml` sets the variables.

use std::fmt::Display;
use std::str::FromStr;

use chrono::TimeDelta;

use crate::client_ip::ClientIpHeader;
use crate::store::month::Month;
use crate::token::TokenFormat;
use crate::verify::Policy;

/// A variable that is missing or of no use, by name.
#[derive(Debug, thiserror::Error)]
#[error("environment variable `{name}` {problem}")]
pub struct ConfigError {
    name: &'static str,
    problem: String,
}

/// Where variables come from: the process, or a test's closure.
pub struct Environment<'a>(&'a dyn Fn(&str) -> Option<String>);

/// The names of the two tables.
#[derive(Debug, Clone)]
pub struct Tables {
    pub tokens: String,
    pub users: String,
}

/// Whose certificates DynamoDB may present.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrustedRoots {
    /// Those of Amazon Trust Services, compiled in: nothing to load at a cold start, and
    /// nobody else's word counts.
    #[default]
    Amazon,
    /// All that the operating system trusts.
    System,
}

/// What Lambda tells every function about the account it runs in.
#[derive(Clone)]
pub struct AwsEnvironment {
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
    /// Set on one machine only: where DynamoDB listens.
    pub dynamodb_endpoint: Option<String>,
    pub trusted_roots: TrustedRoots,
}

/// For `authorizer`.
#[derive(Debug, Clone)]
pub struct AuthorizerConfig {
    pub tables: Tables,
    pub token_format: TokenFormat,
    pub policy: Policy,
    /// A use is written down when the last one is at least this old.
    pub last_used_resolution: TimeDelta,
    pub issuer: String,
    pub audience: String,
    /// None: `Users` is the only source of roles.
    pub roles_claim: Option<String>,
    pub client_ip: Option<ClientIpHeader>,
    /// The dimension of the metrics.
    pub stack_name: String,
}

/// When new tokens must expire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpiryRules {
    /// Whether every token must expire at some time.
    pub required: bool,
    /// How many days ahead at most; None: any number.
    pub max_days: Option<u16>,
}

/// For `create-token`.
#[derive(Debug, Clone)]
pub struct CreateTokenConfig {
    pub tables: Tables,
    pub token_format: TokenFormat,
    pub expiry: ExpiryRules,
    pub retention: TimeDelta,
    pub client_ip: Option<ClientIpHeader>,
}

/// For `list-tokens`.
#[derive(Debug, Clone)]
pub struct ListTokensConfig {
    pub tables: Tables,
    pub admin_role: String,
    /// Where a list of everybody's tokens ends.
    pub first_month: Month,
}

/// For `revoke-token`.
#[derive(Debug, Clone)]
pub struct RevokeTokenConfig {
    pub tables: Tables,
    pub admin_role: String,
    pub retention: TimeDelta,
    pub client_ip: Option<ClientIpHeader>,
}

/// For `revoke-leaked-tokens`.
#[derive(Debug, Clone)]
pub struct RevokeLeakedTokensConfig {
    pub tables: Tables,
    pub token_format: TokenFormat,
    pub retention: TimeDelta,
    pub client_ip: Option<ClientIpHeader>,
}

/// For `list-users`.
#[derive(Debug, Clone)]
pub struct ListUsersConfig {
    pub tables: Tables,
    pub admin_role: String,
}

/// For `update-user`.
#[derive(Debug, Clone)]
pub struct UpdateUserConfig {
    pub tables: Tables,
    pub admin_role: String,
    /// None: `Users` is the only source of roles, and they may be changed there.
    pub roles_claim: Option<String>,
    pub client_ip: Option<ClientIpHeader>,
}

/// For `revoke-all-tokens`.
#[derive(Debug, Clone)]
pub struct RevokeAllTokensConfig {
    pub tables: Tables,
    pub admin_role: String,
    pub client_ip: Option<ClientIpHeader>,
}

/// For `get-caller`.
#[derive(Debug, Clone)]
pub struct GetCallerConfig {
    pub admin_role: String,
    pub expiry: ExpiryRules,
}

#[expect(clippy::disallowed_methods, reason = "the one reader of the environment")]
fn process_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Environment<'static> {
    /// This process's variables.
    #[must_use]
    pub fn process() -> Self {
        Self(&process_variable)
    }
}

impl<'a> Environment<'a> {
    /// Variables from anywhere, for tests.
    #[must_use]
    pub fn from_lookup(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    /// A variable's value, if it is set and not empty: CloudFormation cannot leave
    /// one out, so empty means absent.
    #[must_use]
    pub fn optional(&self, name: &'static str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// A variable's value.
    ///
    /// # Errors
    /// When it is not set or empty.
    pub fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or_else(|| ConfigError { name, problem: "is not set".to_owned() })
    }

    fn parsed<T>(&self, name: &'static str, default: &str) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.optional(name).unwrap_or_else(|| default.to_owned());
        text.parse().map_err(|error| ConfigError { name, problem: format!("is `{text}`: {error}") })
    }

    /// CloudFormation has no other booleans than these words.
    fn flag(&self, name: &'static str) -> Result<bool, ConfigError> {
        self.parsed(name, "false")
    }

    fn expiry(&self) -> Result<ExpiryRules, ConfigError> {
        let max_days = Some(self.parsed("MAX_LIFETIME_DAYS", "0")?).filter(|days| *days > 0);
        // A token that never expires would live longer than any number of days.
        Ok(ExpiryRules { required: self.flag("EXPIRY_REQUIRED")? || max_days.is_some(), max_days })
    }

    fn days(&self, name: &'static str, default: &str) -> Result<TimeDelta, ConfigError> {
        self.parsed::<u16>(name, default).map(|days| TimeDelta::days(days.into()))
    }

    fn token_format(&self) -> Result<TokenFormat, ConfigError> {
        self.parsed("TOKEN_PREFIX", "fdp_")
    }

    fn admin_role(&self) -> String {
        self.optional("ADMIN_ROLE").unwrap_or_else(|| "administrator".to_owned())
    }

    fn roles_claim(&self) -> Option<String> {
        self.optional("ROLES_CLAIM")
    }

    fn retention(&self) -> Result<TimeDelta, ConfigError> {
        self.days("RETENTION_DAYS", "90")
    }

    fn tables(&self) -> Result<Tables, ConfigError> {
        Ok(Tables { tokens: self.required("TOKENS_TABLE")?, users: self.required("USERS_TABLE")? })
    }
}

impl AwsEnvironment {
    /// Reads what Lambda sets.
    ///
    /// # Errors
    /// When region or credentials are missing.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            region: environment.required("AWS_REGION")?,
            access_key_id: environment.required("AWS_ACCESS_KEY_ID")?,
            secret_access_key: environment.required("AWS_SECRET_ACCESS_KEY")?,
            session_token: environment.optional("AWS_SESSION_TOKEN"),
            dynamodb_endpoint: environment.optional("AWS_ENDPOINT_URL_DYNAMODB"),
            trusted_roots: TrustedRoots::read(environment)?,
        })
    }
}

impl TrustedRoots {
    /// # Errors
    /// When the variable has another word.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        environment.parsed("TRUSTED_ROOTS", "amazon")
    }
}

impl FromStr for TrustedRoots {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "amazon" => Ok(Self::Amazon),
            "system" => Ok(Self::System),
            _ => Err("expected `amazon` or `system`"),
        }
    }
}

impl AuthorizerConfig {
    /// # Errors
    /// When a variable is missing or of no use.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let max_age = environment.days("SESSION_MAX_AGE_DAYS", "0")?;
        let resolution: u16 = environment.parsed("LAST_USED_RESOLUTION_SECONDS", "60")?;
        Ok(Self {
            tables: environment.tables()?,
            token_format: environment.token_format()?,
            policy: Policy { session_max_age: (!max_age.is_zero()).then_some(max_age) },
            last_used_resolution: TimeDelta::seconds(resolution.into()),
            issuer: environment.required("OIDC_ISSUER").and_then(credible_issuer)?,
            audience: environment.required("OIDC_AUDIENCE")?,
            roles_claim: environment.roles_claim(),
            client_ip: client_ip(environment)?,
            stack_name: environment.optional("STACK_NAME").unwrap_or_else(|| "patgate".to_owned()),
        })
    }
}

/// The issuer's keys decide who gets in, so they must not come over plain HTTP,
/// except from this very machine.
fn credible_issuer(issuer: String) -> Result<String, ConfigError> {
    let loopback = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    if issuer.starts_with("https://") || loopback.iter().any(|origin| issuer.starts_with(origin)) {
        Ok(issuer)
    } else {
        let problem = format!("is `{issuer}`: an issuer's URL begins with `https://`");
        Err(ConfigError { name: "OIDC_ISSUER", problem })
    }
}

fn client_ip(environment: &Environment<'_>) -> Result<Option<ClientIpHeader>, ConfigError> {
    let Some(name) = environment.optional("CLIENT_IP_HEADER") else { return Ok(None) };
    if name.eq_ignore_ascii_case("x-forwarded-for") {
        let problem = "is a list to which API Gateway adds the proxy's own address; name a header with one";
        return Err(ConfigError { name: "CLIENT_IP_HEADER", problem: problem.to_owned() });
    }
    // Without the secret anybody could write any address into the header.
    let origin_secret = environment.required("ORIGIN_SECRET")?;
    Ok(Some(ClientIpHeader { name: name.to_ascii_lowercase(), origin_secret }))
}

impl CreateTokenConfig {
    /// # Errors
    /// When a variable is missing or of no use.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            tables: environment.tables()?,
            token_format: environment.token_format()?,
            expiry: environment.expiry()?,
            retention: environment.retention()?,
            client_ip: client_ip(environment)?,
        })
    }
}

impl ListTokensConfig {
    /// # Errors
    /// When a variable is missing or of no use.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            tables: environment.tables()?,
            admin_role: environment.admin_role(),
            first_month: environment.parsed("FIRST_MONTH", "2026-01")?,
        })
    }
}

impl RevokeTokenConfig {
    /// # Errors
    /// When a variable is missing or of no use.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            tables: environment.tables()?,
            admin_role: environment.admin_role(),
            retention: environment.retention()?,
            client_ip: client_ip(environment)?,
        })
    }
}

impl RevokeLeakedTokensConfig {
    /// # Errors
    /// When a variable is missing or of no use.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            tables: environment.tables()?,
            token_format: environment.token_format()?,
            retention: environment.retention()?,
            client_ip: client_ip(environment)?,
        })
    }
}

impl ListUsersConfig {
    /// # Errors
    /// When a variable is missing or of no use.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self { tables: environment.tables()?, admin_role: environment.admin_role() })
    }
}

impl UpdateUserConfig {
    /// # Errors
    /// When a variable is missing or of no use.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            tables: environment.tables()?,
            admin_role: environment.admin_role(),
            roles_claim: environment.roles_claim(),
            client_ip: client_ip(environment)?,
        })
    }
}

impl RevokeAllTokensConfig {
    /// # Errors
    /// When a variable is missing or of no use.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            tables: environment.tables()?,
            admin_role: environment.admin_role(),
            client_ip: client_ip(environment)?,
        })
    }
}

impl GetCallerConfig {
    /// # Errors
    /// When a variable is of no use.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self { admin_role: environment.admin_role(), expiry: environment.expiry()? })
    }
}

impl std::fmt::Debug for Environment<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Environment(…)")
    }
}

impl std::fmt::Debug for AwsEnvironment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AwsEnvironment").field("region", &self.region).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMUM: [(&str, &str); 4] = [
        ("TOKENS_TABLE", "Tokens"),
        ("USERS_TABLE", "Users"),
        ("OIDC_ISSUER", "https://issuer.example"),
        ("OIDC_AUDIENCE", "patgate"),
    ];

    fn authorizer(changes: &[(&str, &str)]) -> Result<AuthorizerConfig, String> {
        let lookup = |name: &str| {
            changes
                .iter()
                .chain(&MINIMUM)
                .find(|(candidate, _)| *candidate == name)
                .map(|(_, value)| (*value).to_owned())
        };
        AuthorizerConfig::read(&Environment::from_lookup(&lookup)).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let config = authorizer(&[]).unwrap();
        assert!(config.token_format.claims("fdp_"));
        assert_eq!(config.last_used_resolution, TimeDelta::seconds(60));
        assert_eq!(config.policy, Policy::default());
        assert!(config.roles_claim.is_none() && config.client_ip.is_none());
    }

    #[test]
    fn empty_means_absent() {
        assert_eq!(
            authorizer(&[("TOKENS_TABLE", "")]).unwrap_err(),
            "environment variable `TOKENS_TABLE` is not set"
        );
        assert!(authorizer(&[("CLIENT_IP_HEADER", "")]).unwrap().client_ip.is_none());
    }

    #[test]
    fn error_names_the_variable_and_its_value() {
        let error = authorizer(&[("LAST_USED_RESOLUTION_SECONDS", "soon")]).unwrap_err();
        assert!(error.contains("`LAST_USED_RESOLUTION_SECONDS` is `soon`"), "{error}");
        let error = authorizer(&[("TOKEN_PREFIX", "FDP")]).unwrap_err();
        assert!(error.contains("`TOKEN_PREFIX` is `FDP`"), "{error}");
    }

    #[test]
    fn environment_prints_no_credentials() {
        let lookup = |name: &str| Some(format!("value-of-{name}"));
        let environment = |name: &str| match name {
            "TRUSTED_ROOTS" => None,
            name => lookup(name),
        };
        let aws = AwsEnvironment::read(&Environment::from_lookup(&environment)).unwrap();
        let printed = format!("{aws:?}");
        assert!(printed.contains("value-of-AWS_REGION"), "{printed}");
        assert!(!printed.contains("KEY") && !printed.contains("TOKEN"), "{printed}");
    }

    #[test]
    fn roots_are_amazons_unless_the_systems_are_asked_for() {
        let roots = |word: &str| {
            let lookup = |_: &str| Some(word.to_owned());
            TrustedRoots::read(&Environment::from_lookup(&lookup)).map_err(|error| error.to_string())
        };
        assert_eq!(roots(""), Ok(TrustedRoots::Amazon));
        assert_eq!(roots("amazon"), Ok(TrustedRoots::Amazon));
        assert_eq!(roots("system"), Ok(TrustedRoots::System));
        assert!(roots("none").unwrap_err().contains("`TRUSTED_ROOTS` is `none`"));
    }

    #[test]
    fn maximum_lifetime_makes_an_expiry_required() {
        let rules = |changes: &[(&str, &str)]| {
            let lookup = |name: &str| {
                changes.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            GetCallerConfig::read(&Environment::from_lookup(&lookup)).map(|config| config.expiry).ok()
        };
        let rule = |required, max_days| Some(ExpiryRules { required, max_days });
        assert_eq!(rules(&[]), rule(false, None));
        assert_eq!(rules(&[("MAX_LIFETIME_DAYS", "0"), ("EXPIRY_REQUIRED", "true")]), rule(true, None));
        assert_eq!(rules(&[("MAX_LIFETIME_DAYS", "90"), ("EXPIRY_REQUIRED", "false")]), rule(true, Some(90)));
        assert_eq!(rules(&[("MAX_LIFETIME_DAYS", "-1")]), None);
        assert_eq!(rules(&[("EXPIRY_REQUIRED", "yes")]), None);
    }

    #[test]
    fn issuer_over_plain_http_is_refused_except_on_this_machine() {
        assert!(authorizer(&[("OIDC_ISSUER", "http://issuer.example")]).is_err());
        assert!(authorizer(&[("OIDC_ISSUER", "http://127.0.0.1.example")]).is_err());
        assert!(authorizer(&[("OIDC_ISSUER", "http://127.0.0.1:3001")]).is_ok());
    }

    #[test]
    fn client_address_header_needs_the_origin_secret() {
        let header = ("CLIENT_IP_HEADER", "CloudFront-Viewer-Address");
        assert!(authorizer(&[header]).unwrap_err().contains("ORIGIN_SECRET"));
        assert!(authorizer(&[("CLIENT_IP_HEADER", "X-Forwarded-For"), ("ORIGIN_SECRET", "s3cret")]).is_err());
        let config = authorizer(&[header, ("ORIGIN_SECRET", "s3cret")]).unwrap();
        let client_ip = config.client_ip.unwrap();
        assert_eq!(client_ip.name, "cloudfront-viewer-address");
        assert!(!format!("{client_ip:?}").contains("s3cret"));
    }
}
