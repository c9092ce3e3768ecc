//! Why a request is not allowed: the credential is denied, or a fault prevents a decision.

use std::time::Duration;

use lambda_runtime::Diagnostic;
use patgate_dynamodb::StoreError;
use patgate_rules::token::ParseTokenError;
use patgate_rules::token_record::TokenRecord;
use patgate_rules::verdict::Verdict;
use uuid::Uuid;

use crate::credential::CredentialError;
use crate::event::EventError;
use crate::session::{IssuerError, SessionDenial, SessionError};

/// A request that is not allowed.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// The credential is denied: 401 or 403, as `RefusalStatus` says.
    #[error(transparent)]
    Denied(Denial),
    /// A decision is not possible: 500. The client may try again.
    #[error(transparent)]
    Fault(Fault),
}

/// Why a credential is denied. Only the log contains the reason; the client learns only
/// that the request is unauthorized.
#[derive(Debug, thiserror::Error)]
pub enum Denial {
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error("token {0}")]
    Malformed(#[from] ParseTokenError),
    #[error("token is {}", .verdict.as_str())]
    Token { verdict: Verdict, token: Option<Box<TokenRecord>> },
    #[error(transparent)]
    Session(#[from] SessionDenial),
    #[error("user is disabled")]
    UserDisabled { user_id: String },
}

/// Why a decision is not possible.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot fetch the issuer's signing keys: {0}")]
    Issuer(#[from] IssuerError),
    #[error("no decision within {0:?}")]
    Deadline(Duration),
}

impl Rejection {
    /// Logs the rejection. A denial is normal and a fault is not. Lambda counts an error if
    /// `invocation_failed`, so that alarms can subtract these from the errors.
    pub(crate) fn log(&self, invocation_failed: bool, request_id: Option<&str>) {
        match self {
            Self::Denied(denial) => {
                let token_id = denial.token_id().map(tracing::field::display);
                let user_id = denial.user_id();
                tracing::info!(
                    outcome = "denied",
                    reason = %denial,
                    token_id,
                    user_id,
                    invocation_failed,
                    request_id,
                    "denied"
                );
            }
            Self::Fault(fault) => {
                tracing::error!(
                    outcome = "fault",
                    reason = %fault,
                    invocation_failed,
                    request_id,
                    "cannot authorize"
                );
            }
        }
    }
}

impl Denial {
    /// The ID of the denied token, if it is known.
    fn token_id(&self) -> Option<Uuid> {
        match self {
            Self::Token { token, .. } => token.as_ref().map(|token| token.token_id),
            Self::Credential(_) | Self::Malformed(_) | Self::Session(_) | Self::UserDisabled { .. } => None,
        }
    }

    /// The ID of the token's owner or of the session's user, if it is known.
    fn user_id(&self) -> Option<&str> {
        match self {
            Self::Token { token, .. } => token.as_ref().map(|token| token.user_id.as_str()),
            Self::UserDisabled { user_id } => Some(user_id),
            Self::Credential(_) | Self::Malformed(_) | Self::Session(_) => None,
        }
    }
}

impl From<Denial> for Rejection {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Fault> for Rejection {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Rejection {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<SessionError> for Rejection {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Denied(denial) => Self::Denied(denial.into()),
            SessionError::Issuer(error) => Self::Fault(error.into()),
        }
    }
}

impl From<Rejection> for Diagnostic {
    /// API Gateway responds with 401 to an error whose message is exactly `Unauthorized`,
    /// and with 500 to every other error. Neither response contains the reason.
    fn from(rejection: Rejection) -> Self {
        let message = match rejection {
            Rejection::Denied(_) => "Unauthorized",
            Rejection::Fault(_) => "Fault",
        };
        Self { error_type: message.to_owned(), error_message: message.to_owned() }
    }
}
