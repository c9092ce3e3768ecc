//! The authorizer in front of the routes, with its cache as configured.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::event::Received;
use crate::lambda::{InvokeError, Lambda};
use crate::template;

const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Authorizer {
    settings: template::Authorizer,
    /// Decisions by the values of the identity sources, shared by all routes.
    cache: Mutex<HashMap<Vec<String>, (Authorization, Instant)>>,
}

/// What the authorizer decided.
#[derive(Clone)]
pub(super) enum Authorization {
    /// Let through, with the context for the function.
    Allowed(Value),
    Refused(StatusCode, &'static str),
}

const UNAUTHORIZED: Authorization = Authorization::Refused(StatusCode::UNAUTHORIZED, "Unauthorized");
const FORBIDDEN: Authorization = Authorization::Refused(StatusCode::FORBIDDEN, "Forbidden");
const FAULT: Authorization =
    Authorization::Refused(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");

impl Authorizer {
    pub(super) fn new(settings: template::Authorizer) -> Self {
        Self { settings, cache: Mutex::default() }
    }

    pub(super) async fn ask(&self, lambda: &Lambda, received: &Received) -> Authorization {
        let identity: Option<Vec<&str>> =
            self.settings.identity_headers.iter().map(|name| received.header(name)).collect();
        // Without all of its identity sources a request is refused unasked.
        let Some(identity) = identity.filter(|values| values.iter().all(|value| !value.is_empty())) else {
            return UNAUTHORIZED;
        };
        let key: Vec<String> = identity.iter().map(|value| (*value).to_owned()).collect();
        if let Some(decision) = self.cached(&key) {
            return decision;
        }
        let event = received.authorizer_event(&identity).to_string();
        let answer = tokio::time::timeout(TIMEOUT, lambda.invoke(&self.settings.function, event)).await;
        let decision = match answer {
            Ok(Ok(answer)) => decide(&answer),
            Ok(Err(InvokeError::Function(message))) if message == "Unauthorized" => return UNAUTHORIZED,
            Ok(Err(_)) | Err(_) => return FAULT,
        };
        self.keep(key, &decision);
        decision
    }

    fn cached(&self, key: &[String]) -> Option<Authorization> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let (decision, decided_at) = cache.get(key)?;
        (decided_at.elapsed() < self.settings.cache).then(|| decision.clone())
    }

    /// Decisions are kept, errors are not.
    fn keep(&self, key: Vec<String>, decision: &Authorization) {
        if self.settings.cache.is_zero() {
            return;
        }
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|_, (_, decided_at)| decided_at.elapsed() < self.settings.cache);
        cache.insert(key, (decision.clone(), Instant::now()));
    }
}

/// Reads a simple response.
fn decide(answer: &str) -> Authorization {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    match answer.get("isAuthorized").and_then(Value::as_bool) {
        Some(true) => Authorization::Allowed(answer.get("context").cloned().unwrap_or_else(|| json!({}))),
        Some(false) => FORBIDDEN,
        None => FAULT,
    }
}
