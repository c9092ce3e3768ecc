//! What this function reads from the environment.

use patgate_process::{ConfigError, Environment, settings};

/// The configuration of `list-users`.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) admin_role: String,
}

impl Config {
    /// Reads the configuration from the environment.
    ///
    /// # Errors
    /// Never. The signature is the same as in the other functions.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self { admin_role: settings::admin_role(environment) })
    }
}
