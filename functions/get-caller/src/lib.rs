//! `GET /api/me`: the caller's own context, as every backend receives it.

use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::http::StatusCode;
use lambda_http::{Request, Response};
use patgate::caller::{Caller, Credential};
use patgate::config::GetCallerConfig;
use patgate::http::{Problem, caller, json_response};
use serde_json::{Value, json};

/// The endpoint.
#[derive(Debug)]
pub struct GetCaller {
    config: GetCallerConfig,
}

impl GetCaller {
    #[must_use]
    pub fn new(config: GetCallerConfig) -> Self {
        Self { config }
    }

    /// Answers one request.
    #[must_use]
    pub fn handle(&self, request: &Request) -> Response<Body> {
        match caller(request) {
            Ok(caller) => json_response(StatusCode::OK, &self.resource(&caller)),
            Err(error) => Problem::from(error).into_response(),
        }
    }

    fn resource(&self, caller: &Caller) -> Value {
        let (method, token) = match &caller.credential {
            Credential::Session => ("session", Value::Null),
            Credential::Token { id, name } => ("pat", json!({ "id": id, "name": name })),
        };
        json!({
            "id": caller.user_id,
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
