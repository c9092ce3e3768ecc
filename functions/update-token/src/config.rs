//! What this function reads from the environment.

use chrono::TimeDelta;
use patgate_process::{ConfigError, Environment, settings};
use patgate_rules::client_ip::ClientIpHeader;
use patgate_rules::verdict::Policy;

/// The configuration of `update-token`.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) admin_role: String,
    pub(crate) policy: Policy,
    pub(crate) retention: TimeDelta,
    pub(crate) client_ip_header: Option<ClientIpHeader>,
}

impl Config {
    /// Reads the configuration from the environment.
    ///
    /// # Errors
    /// When a variable is missing or invalid.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            admin_role: settings::admin_role(environment),
            policy: settings::policy(environment)?,
            retention: settings::retention(environment)?,
            client_ip_header: settings::client_ip_header(environment)?,
        })
    }
}
