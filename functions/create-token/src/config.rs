//! What this function reads from the environment.

use chrono::TimeDelta;
use patgate_process::{ConfigError, Environment, settings};
use patgate_rules::client_ip::ClientIpHeader;
use patgate_rules::expiry::ExpiryRules;
use patgate_rules::token::TokenFormat;
use patgate_rules::verdict::Policy;

/// The configuration of `create-token`.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) token_format: TokenFormat,
    pub(crate) expiry: ExpiryRules,
    pub(crate) retention: TimeDelta,
    pub(crate) max_tokens_per_user: u16,
    pub(crate) policy: Policy,
    pub(crate) client_ip_header: Option<ClientIpHeader>,
}

impl Config {
    /// Reads the configuration from the environment.
    ///
    /// # Errors
    /// When a variable is missing or invalid.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            token_format: settings::token_format(environment)?,
            expiry: settings::expiry_rules(environment)?,
            retention: settings::retention(environment)?,
            max_tokens_per_user: environment.parsed("MAX_TOKENS_PER_USER", "500")?,
            policy: settings::policy(environment)?,
            client_ip_header: settings::client_ip_header(environment)?,
        })
    }
}
