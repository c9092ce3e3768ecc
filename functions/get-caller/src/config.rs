//! What this function reads from the environment.

use patgate_process::{ConfigError, Environment, settings};
use patgate_rules::expiry::ExpiryRules;

/// The configuration of `get-caller`.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) admin_role: String,
    pub(crate) expiry: ExpiryRules,
}

impl Config {
    /// Reads the configuration from the environment.
    ///
    /// # Errors
    /// When a variable is invalid.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            admin_role: settings::admin_role(environment),
            expiry: settings::expiry_rules(environment)?,
        })
    }
}
