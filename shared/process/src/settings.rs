//! Settings that several functions have in common, each with its variable and its default.

use std::str::FromStr;

use chrono::TimeDelta;
use patgate_rules::client_ip::ClientIpHeader;
use patgate_rules::expiry::ExpiryRules;
use patgate_rules::token::TokenFormat;
use patgate_rules::verdict::Policy;

use crate::environment::{ConfigError, Environment};

/// The format of tokens (`TOKEN_PREFIX`, default `fdp_`).
///
/// # Errors
/// When the prefix is invalid.
pub fn token_format(environment: &Environment<'_>) -> Result<TokenFormat, ConfigError> {
    environment.parsed("TOKEN_PREFIX", "fdp_")
}

/// The role that makes a user an administrator (`ADMIN_ROLE`, default `administrator`).
#[must_use]
pub fn admin_role(environment: &Environment<'_>) -> String {
    environment.optional("ADMIN_ROLE").unwrap_or_else(|| "administrator".to_owned())
}

/// The claim of a session that holds the user's roles (`ROLES_CLAIM`). `None` means that
/// the table `Users` is the only source of roles.
#[must_use]
pub fn roles_claim(environment: &Environment<'_>) -> Option<String> {
    environment.optional("ROLES_CLAIM")
}

/// How long revoked and expired tokens stay in lists (`RETENTION_DAYS`, default 90).
///
/// # Errors
/// When the value is not a whole number of days.
pub fn retention(environment: &Environment<'_>) -> Result<TimeDelta, ConfigError> {
    days(environment, "RETENTION_DAYS", "90")
}

/// A number of days.
///
/// # Errors
/// When the value is not a whole number from 0 to 65,535.
pub fn days(
    environment: &Environment<'_>,
    name: &'static str,
    default: &str,
) -> Result<TimeDelta, ConfigError> {
    environment.parsed::<u16>(name, default).map(|days| TimeDelta::days(days.into()))
}

/// The rules for the expiry of new tokens (`EXPIRY_REQUIRED`, default `false`, and
/// `MAX_LIFETIME_DAYS`, default 0, which means no limit).
///
/// # Errors
/// When a value is invalid.
pub fn expiry_rules(environment: &Environment<'_>) -> Result<ExpiryRules, ConfigError> {
    let max_days = Some(environment.parsed("MAX_LIFETIME_DAYS", "0")?).filter(|days| *days > 0);
    Ok(ExpiryRules::new(environment.parsed("EXPIRY_REQUIRED", "false")?, max_days))
}

/// The rules for the use of tokens (`SESSION_MAX_AGE_DAYS`, default 0, which means no limit).
///
/// # Errors
/// When the value is not a whole number of days.
pub fn policy(environment: &Environment<'_>) -> Result<Policy, ConfigError> {
    let max_age = days(environment, "SESSION_MAX_AGE_DAYS", "0")?;
    Ok(Policy { session_max_age: Some(max_age).filter(|age| !age.is_zero()) })
}

/// The header that carries the client's address (`CLIENT_IP_HEADER`), and the secret that
/// proves that the proxy wrote it (`ORIGIN_SECRET`). `None` without a header.
///
/// # Errors
/// When the header is `X-Forwarded-For`, or the secret is missing. Without the secret, any
/// client could write any address into the header.
pub fn client_ip_header(environment: &Environment<'_>) -> Result<Option<ClientIpHeader>, ConfigError> {
    if environment.optional("CLIENT_IP_HEADER").is_none() {
        return Ok(None);
    }

    let SingleAddressHeader(name) = environment.required_parsed("CLIENT_IP_HEADER")?;
    let origin_secret = environment.required("ORIGIN_SECRET")?.into();

    Ok(Some(ClientIpHeader { name, origin_secret }))
}

/// The lowercase name of a header that holds exactly one address.
struct SingleAddressHeader(String);

#[derive(Debug, thiserror::Error)]
#[error("it is a list to which API Gateway appends the proxy's own address; use a header with one address")]
struct ForwardedForIsAList;

impl FromStr for SingleAddressHeader {
    type Err = ForwardedForIsAList;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let name = name.to_ascii_lowercase();
        if name == "x-forwarded-for" { Err(ForwardedForIsAList) } else { Ok(Self(name)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(variables: &[(&str, &str)], read: impl FnOnce(&Environment<'_>) -> T) -> T {
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        read(&Environment::from_lookup(&lookup))
    }

    #[test]
    fn invalid_token_prefix_is_named_in_the_error() {
        let error = with(&[("TOKEN_PREFIX", "FDP")], token_format).unwrap_err().to_string();
        assert!(error.contains("`TOKEN_PREFIX` is `FDP`"), "{error}");
    }

    #[test]
    fn maximum_lifetime_requires_an_expiry() {
        let rules = |variables: &[(&str, &str)]| with(variables, expiry_rules).ok();
        let expected = |required, max_days| Some(ExpiryRules { required, max_days });
        assert_eq!(rules(&[]), expected(false, None));
        assert_eq!(rules(&[("MAX_LIFETIME_DAYS", "0"), ("EXPIRY_REQUIRED", "true")]), expected(true, None));
        assert_eq!(
            rules(&[("MAX_LIFETIME_DAYS", "90"), ("EXPIRY_REQUIRED", "false")]),
            expected(true, Some(90))
        );
        assert_eq!(rules(&[("MAX_LIFETIME_DAYS", "-1")]), None);
        assert_eq!(rules(&[("EXPIRY_REQUIRED", "yes")]), None);
    }

    #[test]
    fn client_ip_header_requires_the_origin_secret() {
        let header = ("CLIENT_IP_HEADER", "CloudFront-Viewer-Address");
        let secret = ("ORIGIN_SECRET", "s3cret");
        assert!(with(&[("CLIENT_IP_HEADER", "")], client_ip_header).unwrap().is_none());

        let error = with(&[header], client_ip_header).unwrap_err().to_string();
        assert!(error.contains("ORIGIN_SECRET"), "{error}");
        assert!(with(&[("CLIENT_IP_HEADER", "X-Forwarded-For"), secret], client_ip_header).is_err());

        let client_ip = with(&[header, secret], client_ip_header).unwrap().unwrap();
        assert_eq!(client_ip.name, "cloudfront-viewer-address");
        assert!(!format!("{client_ip:?}").contains("s3cret"));
    }
}
