//! What the store reads from the environment.

use std::str::FromStr;

use patgate_process::{ConfigError, Environment};
use secrecy::SecretString;

use crate::connection::TimeLimits;

/// The names of the two tables.
#[derive(Debug, Clone)]
pub struct Tables {
    pub tokens: String,
    pub users: String,
}

/// Which root certificates DynamoDB's certificate may chain to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrustedRoots {
    /// Those of Amazon Trust Services, which are compiled in. They need not be loaded at a
    /// cold start, and no other authority is trusted.
    #[default]
    Amazon,
    /// All that the operating system trusts.
    System,
}

/// What Lambda sets for every function: the region, the credentials of its role and, on
/// one machine, the address of DynamoDB. With them: how long to wait for it.
#[derive(Debug, Clone)]
pub struct AwsEnvironment {
    pub region: String,
    pub access_key_id: SecretString,
    pub secret_access_key: SecretString,
    pub session_token: Option<SecretString>,
    /// Set on one machine only.
    pub dynamodb_endpoint: Option<String>,
    pub trusted_roots: TrustedRoots,
    pub time_limits: TimeLimits,
}

impl Tables {
    /// Reads `TOKENS_TABLE` and `USERS_TABLE`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            tokens: environment.required("TOKENS_TABLE")?,
            users: environment.required("USERS_TABLE")?,
        })
    }
}

impl TrustedRoots {
    /// Reads `TRUSTED_ROOTS`, default `amazon`.
    ///
    /// # Errors
    /// When the value is unknown.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        environment.parsed("TRUSTED_ROOTS", "amazon")
    }
}

/// The text is not a [`TrustedRoots`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `amazon` or `system`")]
pub struct UnknownRoots;

impl FromStr for TrustedRoots {
    type Err = UnknownRoots;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "amazon" => Ok(Self::Amazon),
            "system" => Ok(Self::System),
            _ => Err(UnknownRoots),
        }
    }
}

impl AwsEnvironment {
    /// Reads the variables that Lambda sets.
    ///
    /// # Errors
    /// When the region or the credentials are missing, or `TRUSTED_ROOTS` is unknown.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            region: environment.required("AWS_REGION")?,
            access_key_id: environment.required("AWS_ACCESS_KEY_ID")?.into(),
            secret_access_key: environment.required("AWS_SECRET_ACCESS_KEY")?.into(),
            session_token: environment.optional("AWS_SESSION_TOKEN").map(SecretString::from),
            dynamodb_endpoint: environment.optional("AWS_ENDPOINT_URL_DYNAMODB"),
            trusted_roots: TrustedRoots::read(environment)?,
            time_limits: TimeLimits::AUTHORIZER,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_credentials() {
        let lookup = |name: &str| match name {
            "TRUSTED_ROOTS" => None,
            name => Some(format!("value-of-{name}")),
        };
        let aws = AwsEnvironment::read(&Environment::from_lookup(&lookup)).unwrap();
        let printed = format!("{aws:?}");
        assert!(printed.contains("value-of-AWS_REGION"), "{printed}");
        assert!(!printed.contains("KEY") && !printed.contains("TOKEN"), "{printed}");
    }

    #[test]
    fn amazons_roots_are_the_default_and_the_systems_can_be_chosen() {
        let roots = |value: &str| {
            let lookup = |_: &str| Some(value.to_owned());
            TrustedRoots::read(&Environment::from_lookup(&lookup)).map_err(|error| error.to_string())
        };
        assert_eq!(roots(""), Ok(TrustedRoots::Amazon));
        assert_eq!(roots("amazon"), Ok(TrustedRoots::Amazon));
        assert_eq!(roots("system"), Ok(TrustedRoots::System));
        assert!(roots("none").unwrap_err().contains("`TRUSTED_ROOTS` is `none`"));
    }
}
