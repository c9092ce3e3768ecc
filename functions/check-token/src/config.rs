//! What this function reads from the environment.

use patgate_process::{ConfigError, Environment, settings};
use patgate_rules::token::TokenFormat;
use patgate_rules::verdict::Policy;

/// The configuration of `check-token`.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) token_format: TokenFormat,
    pub(crate) policy: Policy,
}

impl Config {
    /// Reads the configuration from the environment.
    ///
    /// # Errors
    /// When a variable is invalid.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            token_format: settings::token_format(environment)?,
            policy: settings::policy(environment)?,
        })
    }
}
