//! `GET /api/me`: the caller, as every backend receives it.

mod config;

use patgate_caller::{Caller, Credential};
use patgate_endpoint::request::read_caller;
use patgate_endpoint::user_path::to_path;
use patgate_endpoint::{Endpoint, Problem, Request, Response, response};
use patgate_rules::clock::Timestamp;
use serde_json::{Value, json};

pub use crate::config::Config;

/// Handles `GET /api/me`.
#[derive(Debug)]
pub struct GetCaller {
    config: Config,
}

impl GetCaller {
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    fn resource(&self, caller: &Caller) -> Value {
        let (method, token) = match &caller.credential {
            Credential::Session => ("session", Value::Null),
            Credential::Token { id, name } => ("pat", json!({ "id": id, "name": name })),
        };

        json!({
            "id": caller.user_id,
            "pathId": to_path(&caller.user_id),
            "name": caller.user_name,
            "roles": caller.roles,
            "administrator": caller.has_role(&self.config.admin_role),
            "authMethod": method,
            "token": token,
            "newTokens": {
                "expiryRequired": self.config.expiry.required,
                "maxLifetimeDays": self.config.expiry.max_days,
            },
        })
    }
}

impl Endpoint for GetCaller {
    async fn handle(&self, request: &Request, _now: Timestamp) -> Result<Response, Problem> {
        let caller = read_caller(request)?;
        Ok(response::ok(&self.resource(&caller)))
    }
}
