//! Problem responses (RFC 9457).
//!
//! A response to invalid input says what is wrong and where. A response to a fault does not
//! tell the client the cause; the log does.

use lambda_http::http::{StatusCode, header};
use patgate_caller::MissingCaller;
use patgate_dynamodb::StoreError;
use serde_json::json;

use crate::event::EventError;
use crate::response::{self, Response};

/// A problem with a request, or a fault.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<FieldError>,
}

/// What is wrong with one part of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field of the body, or the parameter of the path or query.
    pub field: String,
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl Problem {
    /// 400 that names every field that is wrong.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = "The request is invalid. Nothing was changed.".to_owned();
        Self { status: StatusCode::BAD_REQUEST, detail, errors }
    }

    /// 400 for the request as a whole.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 403.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404, the same whether something is missing or belongs to another user.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 404 for a token.
    #[must_use]
    pub fn no_such_token() -> Self {
        Self::not_found("There is no such token.")
    }

    /// 404 for a user.
    #[must_use]
    pub fn no_such_user() -> Self {
        Self::not_found("There is no such user.")
    }

    /// 409: the request conflicts with the present state.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 503: the client may try again.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// 500: another attempt does not help.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new() }
    }

    /// This problem as a response.
    #[must_use]
    pub fn into_response(self) -> Response {
        let error = |error: FieldError| json!({ "field": error.field, "message": error.message });
        let problem = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "errors": self.errors.into_iter().map(error).collect::<Vec<_>>(),
        });

        let mut response = response::with_text(self.status, "application/problem+json", problem.to_string());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }

        response
    }
}

impl From<StoreError> for Problem {
    /// 503 if the store is unavailable, because another attempt may help. 500 for a damaged
    /// record, because it does not.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "store failed");
        match error {
            StoreError::Unavailable { .. } => {
                Self::unavailable("Storage is not available right now. Please try again.")
            }
            StoreError::Corrupt { .. } => Self::internal("A stored record is damaged; see the logs."),
        }
    }
}

impl From<MissingCaller> for Problem {
    /// A fault (500): the route was deployed without the authorizer, so the request has no caller.
    fn from(error: MissingCaller) -> Self {
        tracing::error!(%error, "request without a caller");
        Self::internal("The API is misconfigured.")
    }
}

impl From<EventError> for Problem {
    /// 400. If every request gets it, the integration uses another payload format than 2.0.
    fn from(error: EventError) -> Self {
        tracing::warn!(%error, "cannot read the request");
        Self::bad_request(format!("The request cannot be read: {error}."))
    }
}
