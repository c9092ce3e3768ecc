//! What this function reads from the environment.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use patgate_process::{ConfigError, Environment, settings};
use patgate_rules::client_ip::ClientIpHeader;
use patgate_rules::token::TokenFormat;
use patgate_rules::verdict::Policy;

/// The configuration of the authorizer.
#[derive(Debug, Clone)]
pub struct Config {
    pub token_format: TokenFormat,
    pub policy: Policy,
    /// A use is recorded if the last recorded one is at least this old.
    pub last_used_resolution: TimeDelta,
    pub issuer: IssuerUrl,
    pub audience: String,
    /// `None`: the table `Users` is the only source of roles.
    pub roles_claim: Option<String>,
    pub client_ip_header: Option<ClientIpHeader>,
    /// The dimension of the metrics.
    pub stack_name: String,
}

/// The URL of the OpenID Connect issuer. It uses HTTPS, except on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerUrl(String);

/// The issuer's keys decide which sessions are valid, so they must not be fetched over
/// plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URL of an issuer must start with `https://`")]
pub struct IssuerWithoutHttps;

impl Config {
    /// Reads the configuration from the environment.
    ///
    /// # Errors
    /// When a variable is missing or invalid.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let max_age = settings::days(environment, "SESSION_MAX_AGE_DAYS", "0")?;
        let resolution_seconds: u16 = environment.parsed("LAST_USED_RESOLUTION_SECONDS", "60")?;

        Ok(Self {
            token_format: settings::token_format(environment)?,
            policy: Policy { session_max_age: (!max_age.is_zero()).then_some(max_age) },
            last_used_resolution: TimeDelta::seconds(resolution_seconds.into()),
            issuer: environment.required_parsed("OIDC_ISSUER")?,
            audience: environment.required("OIDC_AUDIENCE")?,
            roles_claim: settings::roles_claim(environment),
            client_ip_header: settings::client_ip_header(environment)?,
            stack_name: environment.optional("STACK_NAME").unwrap_or_else(|| "patgate".to_owned()),
        })
    }
}

impl IssuerUrl {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IssuerUrl {
    type Err = IssuerWithoutHttps;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let loopback = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
        if url.starts_with("https://") || loopback.iter().any(|origin| url.starts_with(origin)) {
            Ok(Self(url.to_owned()))
        } else {
            Err(IssuerWithoutHttps)
        }
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<Config, String> {
        let required = [("OIDC_ISSUER", "https://issuer.example"), ("OIDC_AUDIENCE", "patgate")];
        let lookup = |name: &str| {
            let mut variables = changes.iter().chain(&required);
            variables.find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Config::read(&Environment::from_lookup(&lookup)).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let config = read(&[]).unwrap();
        assert!(config.token_format.has_prefix("fdp_"));
        assert_eq!(config.last_used_resolution, TimeDelta::seconds(60));
        assert_eq!(config.policy, Policy::default());
        assert!(config.roles_claim.is_none() && config.client_ip_header.is_none());
    }

    #[test]
    fn error_names_the_variable_and_its_value() {
        let error = read(&[("LAST_USED_RESOLUTION_SECONDS", "soon")]).unwrap_err();
        assert!(error.contains("`LAST_USED_RESOLUTION_SECONDS` is `soon`"), "{error}");
    }

    #[test]
    fn issuer_over_plain_http_is_rejected_except_on_this_machine() {
        assert!(read(&[("OIDC_ISSUER", "http://issuer.example")]).is_err());
        assert!(read(&[("OIDC_ISSUER", "http://127.0.0.1.example")]).is_err());
        assert!(read(&[("OIDC_ISSUER", "http://127.0.0.1:3001")]).is_ok());
    }
}
