//! What this function reads from the environment.

use patgate_process::{ConfigError, Environment, settings};
use patgate_rules::month::Month;
use patgate_rules::verdict::Policy;

/// The configuration of `list-tokens`.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) admin_role: String,
    /// The month of the first deployment, where a list over all users ends.
    pub(crate) first_month: Month,
    pub(crate) policy: Policy,
}

impl Config {
    /// Reads the configuration from the environment.
    ///
    /// # Errors
    /// When a variable is invalid.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            admin_role: settings::admin_role(environment),
            first_month: environment.parsed("FIRST_MONTH", "2026-01")?,
            policy: settings::policy(environment)?,
        })
    }
}
