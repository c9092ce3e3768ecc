//! Asks the API's Lambda authorizer for a decision, and caches decisions as configured.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::gateway::event::ReceivedRequest;
use crate::lambda::{InvokeError, Lambda};
use crate::template::AuthorizerSettings;

const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Authorizer {
    settings: AuthorizerSettings,
    cache: Mutex<HashMap<IdentityValues, CachedDecision>>,
}

/// The values of a request's identity sources. All routes of an API share the decisions
/// for the same values.
type IdentityValues = Vec<String>;

struct CachedDecision {
    decision: Decision,
    decided_at: Instant,
}

#[derive(Clone)]
pub(super) enum Decision {
    /// The request passes, with this context for the function.
    Allow(Value),
    /// The request has no valid credential.
    Unauthorized,
    /// The authorizer denied the request.
    Forbidden,
    /// The authorizer did not decide.
    Fault,
}

impl Authorizer {
    pub(super) fn new(settings: AuthorizerSettings) -> Self {
        Self { settings, cache: Mutex::default() }
    }

    pub(super) async fn decide(&self, lambda: &Lambda, request: &ReceivedRequest) -> Decision {
        // API Gateway denies a request that lacks an identity source without invoking the
        // authorizer.
        let Some(identity) = self.identity_of(request) else { return Decision::Unauthorized };

        if let Some(decision) = self.cached(&identity) {
            return decision;
        }

        let event = request.authorizer_event(&identity).to_string();
        let result = tokio::time::timeout(TIMEOUT, lambda.invoke(&self.settings.function, event)).await;
        let decision = match result {
            Ok(Ok(payload)) => parse_decision(&payload),
            Ok(Err(InvokeError::Function { message })) if message == "Unauthorized" => {
                return Decision::Unauthorized;
            }
            Ok(Err(_)) | Err(_) => return Decision::Fault,
        };

        self.cache_decision(identity, &decision);
        decision
    }

    fn identity_of(&self, request: &ReceivedRequest) -> Option<IdentityValues> {
        let value = |name: &String| request.header(name).filter(|value| !value.is_empty());
        self.settings.identity_headers.iter().map(|name| value(name).map(str::to_owned)).collect()
    }

    fn cached(&self, identity: &IdentityValues) -> Option<Decision> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = cache.get(identity)?;
        self.is_fresh(cached).then(|| cached.decision.clone())
    }

    /// Caches the authorizer's response. API Gateway does not cache a failed invocation.
    fn cache_decision(&self, identity: IdentityValues, decision: &Decision) {
        if self.settings.cache_duration.is_zero() {
            return;
        }

        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|_, cached| self.is_fresh(cached));
        cache.insert(identity, CachedDecision { decision: decision.clone(), decided_at: Instant::now() });
    }

    fn is_fresh(&self, cached: &CachedDecision) -> bool {
        cached.decided_at.elapsed() < self.settings.cache_duration
    }
}

/// Reads a simple response of the authorizer.
fn parse_decision(payload: &str) -> Decision {
    let payload: Value = serde_json::from_str(payload).unwrap_or_default();
    match payload.get("isAuthorized").and_then(Value::as_bool) {
        Some(true) => Decision::Allow(payload.get("context").cloned().unwrap_or_else(|| json!({}))),
        Some(false) => Decision::Forbidden,
        None => Decision::Fault,
    }
}
