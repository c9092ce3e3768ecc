//! The authorizer, which runs before every request to a protected API.
//!
//! It accepts a personal access token or a session, and gives API Gateway the same context
//! for both. Three rules have no exception: a fault is never reported as a denial, a fault
//! never allows a request, and nothing panics.

pub mod after_response;
mod audit;
mod config;
pub mod credential;
pub mod event;
pub mod metrics;
mod owners;
mod rejection;
pub mod response;
pub mod session;

use std::sync::Arc;
use std::time::{Duration, Instant};

use patgate_caller::{Caller, Credential};
use patgate_dynamodb::{SignIn, SignedIn, Store};
use patgate_rules::clock::Timestamp;
use patgate_rules::token::PlainToken;
use patgate_rules::token_record::{LastUse, TokenRecord};
use patgate_rules::user::User;
use patgate_rules::verdict::{Verdict, verify};
use serde_json::Value;
use tracing::Instrument;

use crate::after_response::UseToRecord;
pub use crate::config::{Config, RefusalStatus};
use crate::credential::BearerCredential;
use crate::event::GatewayRequest;
use crate::metrics::Metrics;
use crate::owners::OwnerCache;
pub use crate::rejection::{Denial, Fault, Rejection};
use crate::session::{Session, SessionVerifier};

/// The time for a decision, including reads, retries and fetching the issuer's keys.
const DEADLINE: Duration = Duration::from_secs(1);

/// The authorizer, and what an instance keeps between requests.
#[derive(Debug)]
pub struct Authorizer {
    config: Config,
    store: Store,
    sessions: SessionVerifier,
    owners: OwnerCache,
    metrics: Arc<Metrics>,
}

/// The response to API Gateway, and the work after it.
#[derive(Debug)]
pub struct Outcome {
    /// What the function returns, which may be a denial, or the error that it fails with.
    pub response: Result<Value, Rejection>,
    pub use_to_record: Option<UseToRecord>,
}

/// A request that is allowed.
struct Allowed {
    caller: Caller,
    use_to_record: Option<UseToRecord>,
}

impl Authorizer {
    #[must_use]
    pub fn new(config: Config, store: Store) -> Self {
        let sessions = SessionVerifier::new(&config);
        let metrics = Arc::new(Metrics::new(config.stack_name.clone()));
        Self { config, store, sessions, owners: OwnerCache::default(), metrics }
    }

    /// The metrics of this instance, to be logged after a response.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Handles one event, in the form that API Gateway sent it.
    pub async fn handle(&self, event: &str, now: Timestamp) -> Outcome {
        let request = match GatewayRequest::parse(event) {
            Ok(request) => request,
            Err(error) => return self.reject(Fault::from(error).into(), None),
        };

        // The lines of the parts, such as that of an issuer whose keys cannot be fetched.
        let span = tracing::error_span!("request", request_id = request.request_id);
        let authorized = tokio::time::timeout(DEADLINE, self.authorize(&request, now).instrument(span)).await;
        match authorized.unwrap_or(Err(Fault::Deadline(DEADLINE).into())) {
            Ok(Allowed { caller, use_to_record }) => {
                self.metrics.count_allowed();
                Outcome { response: Ok(response::allow(&request, &caller)), use_to_record }
            }
            Err(rejection) => {
                audit::denied_token(&rejection, &request, self.config.client_ip_header.as_ref());
                self.reject(rejection, Some(&request))
            }
        }
    }

    /// Logs and counts a rejection. A fault is always an error, and a denial is one if the
    /// kind of API and the configuration ask for it.
    fn reject(&self, rejection: Rejection, request: Option<&GatewayRequest>) -> Outcome {
        self.metrics.count_rejection(&rejection);
        let denial = match &rejection {
            Rejection::Denied(_) => {
                request.and_then(|request| response::deny(request, self.config.refusal_status))
            }
            Rejection::Fault(_) => None,
        };

        let request_id = request.and_then(|request| request.request_id.as_deref());
        rejection.log(denial.is_none(), request_id);
        Outcome { response: denial.ok_or(rejection), use_to_record: None }
    }

    async fn authorize(&self, request: &GatewayRequest, now: Timestamp) -> Result<Allowed, Rejection> {
        let format = &self.config.token_format;
        match BearerCredential::read(request, format).map_err(Denial::from)? {
            BearerCredential::Token(text) => {
                // INVARIANT: format and checksum are checked before any read. Otherwise a
                // malformed token, which costs an attacker nothing, would cost a read.
                let token = format.parse(text).map_err(Denial::from)?;
                self.authorize_token(request, &token, now).await
            }
            BearerCredential::Session(jwt) => self.authorize_session(request, jwt, now).await,
        }
    }

    async fn authorize_token(
        &self,
        request: &GatewayRequest,
        plain: &PlainToken,
        now: Timestamp,
    ) -> Result<Allowed, Rejection> {
        let hash = plain.hash();
        let known_owner = self.owners.get(&hash);
        let started = Instant::now();
        let read = self.store.get_token_and_owner(&hash, known_owner.as_deref()).await;
        self.metrics.count_read(started.elapsed());

        let (token, owner) = read?;
        let verdict = verify(token.as_ref(), owner.as_ref(), now, self.config.policy);
        let (token, owner) = match (verdict, token, owner) {
            (Verdict::Allowed, Some(token), Some(owner)) => (token, owner),
            (verdict, token, _) => {
                return Err(Denial::Token { verdict, token: token.map(Box::new) }.into());
            }
        };
        self.owners.remember(&hash, &token.user_id);

        let credential = Credential::Token { id: token.token_id.to_string(), name: token.name.clone() };
        let use_to_record = self.should_record_use(&token, now).then(|| UseToRecord {
            hash,
            token,
            last_use: LastUse { at: now, ip: request.client_ip(self.config.client_ip_header.as_ref()) },
            request_id: request.request_id.clone(),
        });
        Ok(Allowed { caller: into_caller(owner, credential), use_to_record })
    }

    fn should_record_use(&self, token: &TokenRecord, now: Timestamp) -> bool {
        let age = |last: &LastUse| now.signed_duration_since(last.at);
        token.last_used.as_ref().is_none_or(|last| age(last) >= self.config.last_used_resolution)
    }

    async fn authorize_session(
        &self,
        request: &GatewayRequest,
        jwt: &str,
        now: Timestamp,
    ) -> Result<Allowed, Rejection> {
        let session = self.sessions.verify(jwt, now).await?;

        let Session { user_id, name, email, issued_at, roles } = &session;
        let roles = self.config.roles_claim.as_ref().map(|_| roles.as_slice());
        let sign_in = SignIn { user_id, name, email: email.as_deref(), issued_at: *issued_at, roles };
        let SignedIn { user, changed_roles } = self.store.record_sign_in(&sign_in, now).await?;
        if changed_roles {
            audit::changed_roles(&user, request, self.config.client_ip_header.as_ref());
        }

        if user.disabled {
            return Err(Denial::UserDisabled { user_id: user.user_id }.into());
        }
        Ok(Allowed { caller: into_caller(user, Credential::Session), use_to_record: None })
    }
}

fn into_caller(user: User, credential: Credential) -> Caller {
    Caller { user_id: user.user_id, user_name: user.name, roles: user.roles, credential }
}
