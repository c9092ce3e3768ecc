//! The authorizer: runs before every request of a protected API.
//!
//! It accepts a personal access token or a signed-in session and gives API Gateway
//! the same context for both. Three rules are never bent: a fault of ours is never
//! answered as a refusal, nothing is allowed on a fault, and nothing panics.

pub mod after_response;
pub mod answer;
mod audit;
pub mod credential;
pub mod event;
pub mod metrics;
mod owners;
pub mod session;

use std::sync::Arc;
use std::time::{Duration, Instant};

use lambda_runtime::Diagnostic;
use patgate::caller::{Caller, Credential as ProvenBy};
use patgate::clock::Timestamp;
use patgate::config::AuthorizerConfig;
use patgate::record::{LastUse, TokenRecord};
use patgate::store::dynamodb::Store;
use patgate::store::{SignIn, SignedIn, StoreError};
use patgate::token::{ParseTokenError, PlainToken};
use patgate::user::User;
use patgate::verify::{Verdict, verify};
use serde_json::Value;

use crate::after_response::UseToRecord;
use crate::credential::{Credential, CredentialError};
use crate::event::{EventError, GatewayRequest};
use crate::metrics::Metrics;
use crate::owners::OwnerMemory;
use crate::session::{Session, SessionError, SessionVerifier};

/// Reads, retries and the issuer's keys together must fit into this.
const DEADLINE: Duration = Duration::from_secs(1);

/// Everything an instance keeps between requests.
#[derive(Debug)]
pub struct Authorizer {
    config: AuthorizerConfig,
    store: Store,
    sessions: SessionVerifier,
    owners: OwnerMemory,
    metrics: Arc<Metrics>,
}

/// The answer to API Gateway, and what is left to do once it is given.
#[derive(Debug)]
pub struct Outcome {
    pub answer: Result<Value, Rejection>,
    pub last_use: Option<UseToRecord>,
}

/// Why a request is not let through.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// The caller's credential is no good: 401.
    #[error("{0}")]
    Unauthorized(Denial),
    /// We cannot tell: 500, and the client may try again.
    #[error("{0}")]
    Fault(Fault),
}

/// What is wrong with the caller's credential. For the log; the caller learns only
/// that it is.
#[derive(Debug, thiserror::Error)]
pub enum Denial {
    #[error("{0}")]
    Credential(#[from] CredentialError),
    #[error("token {0}")]
    Malformed(#[from] ParseTokenError),
    #[error("token is {}", .verdict.as_str())]
    Token { verdict: Verdict, token: Option<Box<TokenRecord>> },
    #[error("{0}")]
    Session(&'static str),
    #[error("user is disabled")]
    UserDisabled { user_id: String },
}

/// What keeps us from an answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{0}")]
    Event(#[from] EventError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("the issuer's keys cannot be had: {0}")]
    Issuer(String),
    #[error("no answer within {DEADLINE:?}")]
    Deadline,
}

/// A caller that is let through.
struct Allowed {
    caller: Caller,
    last_use: Option<UseToRecord>,
}

impl Authorizer {
    #[must_use]
    pub fn new(config: AuthorizerConfig, store: Store) -> Self {
        let sessions = SessionVerifier::new(&config);
        let metrics = Arc::new(Metrics::new(config.stack_name.clone()));
        Self { config, store, sessions, owners: OwnerMemory::default(), metrics }
    }

    /// What it counts, to be written down after a response.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Answers one event, as API Gateway sent it.
    pub async fn handle(&self, event: &str, now: Timestamp) -> Outcome {
        let request = match GatewayRequest::parse(event) {
            Ok(request) => request,
            Err(error) => return self.reject(Fault::from(error).into(), None),
        };
        let authorized = tokio::time::timeout(DEADLINE, self.authorize(&request, now)).await;
        match authorized.unwrap_or(Err(Fault::Deadline.into())) {
            Ok(Allowed { caller, last_use }) => {
                self.metrics.count_allowed();
                Outcome { answer: Ok(answer::allow(&request, &caller)), last_use }
            }
            Err(rejection) => {
                audit::refusal(&rejection, &request, self.config.client_ip.as_ref());
                self.reject(rejection, Some(&request))
            }
        }
    }

    fn reject(&self, rejection: Rejection, request: Option<&GatewayRequest>) -> Outcome {
        rejection.log(request);
        self.metrics.count_rejection(&rejection);
        Outcome { answer: Err(rejection), last_use: None }
    }

    async fn authorize(&self, request: &GatewayRequest, now: Timestamp) -> Result<Allowed, Rejection> {
        match Credential::of(request, &self.config.token_format).map_err(Denial::from)? {
            Credential::Token(text) => {
                // INVARIANT: format and checksum come before any read, or junk would
                // cost us what it costs nobody to send.
                let token = self.config.token_format.parse(text).map_err(Denial::from)?;
                self.authorize_token(request, &token, now).await
            }
            Credential::Session(jwt) => self.authorize_session(request, jwt, now).await,
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
        let read = self.store.token_and_owner(&hash, known_owner.as_deref()).await;
        self.metrics.count_read(started.elapsed());
        let (token, owner) = read.map_err(Fault::from)?;
        let verdict = verify(token.as_ref(), owner.as_ref(), now, self.config.policy);
        let (token, owner) = match (verdict, token, owner) {
            (Verdict::Allowed, Some(token), Some(owner)) => (token, owner),
            (verdict, token, _) => {
                return Err(Denial::Token { verdict, token: token.map(Box::new) }.into());
            }
        };
        self.owners.remember(&hash, &token.user_id);
        let proven_by = ProvenBy::Token { id: token.token_id.to_string(), name: token.name.clone() };
        let last_use = self.is_worth_recording(&token, now).then(|| UseToRecord {
            hash,
            token,
            last_use: LastUse { at: now, ip: request.client_ip(self.config.client_ip.as_ref()) },
            request_id: request.request_id.clone(),
        });
        Ok(Allowed { caller: caller(owner, proven_by), last_use })
    }

    fn is_worth_recording(&self, token: &TokenRecord, now: Timestamp) -> bool {
        let age = |last: &LastUse| now.signed_duration_since(last.at);
        token.last_used.as_ref().is_none_or(|last| age(last) >= self.config.last_used_resolution)
    }

    async fn authorize_session(
        &self,
        request: &GatewayRequest,
        jwt: &str,
        now: Timestamp,
    ) -> Result<Allowed, Rejection> {
        let session = self.sessions.verify(jwt, now).await.map_err(|error| match error {
            SessionError::Refused(reason) => Rejection::from(Denial::Session(reason)),
            SessionError::Issuer(reason) => Rejection::from(Fault::Issuer(reason)),
        })?;
        let Session { user_id, name, email, issued_at, roles } = &session;
        let roles = self.config.roles_claim.as_ref().map(|_| roles.as_slice());
        let sign_in = SignIn { user_id, name, email: email.as_deref(), issued_at: *issued_at, roles };
        let signed_in = self.store.record_sign_in(&sign_in, now).await.map_err(Fault::from)?;
        let SignedIn { user, changed_roles } = signed_in;
        if changed_roles {
            audit::changed_roles(&user, request, self.config.client_ip.as_ref());
        }
        if user.disabled {
            return Err(Denial::UserDisabled { user_id: user.user_id }.into());
        }
        Ok(Allowed { caller: caller(user, ProvenBy::Session), last_use: None })
    }
}

fn caller(user: User, credential: ProvenBy) -> Caller {
    Caller { user_id: user.user_id, user_name: user.name, roles: user.roles, credential }
}

impl Rejection {
    fn log(&self, request: Option<&GatewayRequest>) {
        let request_id = request.and_then(|request| request.request_id.as_deref());
        match self {
            Self::Unauthorized(denial) => {
                let (token_id, user_id) = denial.about();
                let token_id = token_id.map(tracing::field::display);
                tracing::info!(outcome = "denied", reason = %denial, token_id, user_id, request_id, "denied");
            }
            Self::Fault(fault) => {
                tracing::error!(outcome = "fault", reason = %fault, request_id, "cannot authorize");
            }
        }
    }
}

impl Denial {
    /// The token and the user concerned, as far as they are known.
    fn about(&self) -> (Option<uuid::Uuid>, Option<&str>) {
        match self {
            Self::Token { token: Some(token), .. } => (Some(token.token_id), Some(&token.user_id)),
            Self::UserDisabled { user_id } => (None, Some(user_id)),
            Self::Credential(_) | Self::Malformed(_) | Self::Session(_) | Self::Token { token: None, .. } => {
                (None, None)
            }
        }
    }
}

impl From<Denial> for Rejection {
    fn from(denial: Denial) -> Self {
        Self::Unauthorized(denial)
    }
}

impl From<Fault> for Rejection {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Rejection> for Diagnostic {
    /// API Gateway answers 401 to an error whose message is exactly `Unauthorized`,
    /// and 500 to every other. Neither says more to the client.
    fn from(rejection: Rejection) -> Self {
        let message = match rejection {
            Rejection::Unauthorized(_) => "Unauthorized",
            Rejection::Fault(_) => "Fault",
        };
        Self { error_type: message.to_owned(), error_message: message.to_owned() }
    }
}
