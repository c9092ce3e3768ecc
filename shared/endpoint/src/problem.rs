//! Problem responses (RFC 9457).
//!
//! A response to invalid input says what is wrong and where. A response to a fault does not
//! tell the client the cause; the log does.

mod code;
mod field;

use lambda_http::http::{HeaderName, HeaderValue, StatusCode, header};
use patgate_caller::MissingCaller;
use patgate_dynamodb::StoreError;
use serde_json::{Map, Value, json};

use crate::event::EventError;
use crate::response::{self, Response};

pub use code::{FieldCode, ProblemCode};
pub use field::{FieldError, FieldProblem, pointer};

/// A problem with a request, or a fault.
#[derive(Debug)]
pub struct Problem {
    code: ProblemCode,
    detail: String,
    errors: Vec<FieldError>,
    /// Members for one kind of problem only (RFC 9457, section 3.2).
    extensions: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// `detail` is one or two sentences about this occurrence.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { code, detail, errors: Vec::new(), extensions: Vec::new(), headers: Vec::new() }
    }

    /// Adds a member for programs that recover from this kind of problem.
    #[must_use]
    pub fn with_extension(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.extensions.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// 400 that names every field that is wrong.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let problem = Self::new(ProblemCode::InvalidRequest, "The request is invalid. Nothing was changed.");
        Self { errors, ..problem }
    }

    /// 404, the same whether the token is missing or belongs to another user.
    #[must_use]
    pub fn no_such_token() -> Self {
        Self::new(ProblemCode::TokenNotFound, "There is no such token.")
    }

    /// 404.
    #[must_use]
    pub fn no_such_user() -> Self {
        Self::new(ProblemCode::UserNotFound, "There is no such user.")
    }

    /// This problem as a response to the request with this ID. `None` if the request could not
    /// be read.
    #[must_use]
    pub fn into_response(self, request_id: Option<&str>) -> Response {
        let code = self.code.as_str();
        let members = [
            ("type", json!(format!("urn:patgate:error:{code}"))),
            ("code", json!(code)),
            ("title", json!(self.code.title())),
            ("status", json!(self.code.status().as_u16())),
            ("detail", json!(self.detail)),
            ("errors", self.errors.iter().map(FieldError::resource).collect()),
        ];
        let members =
            members.into_iter().chain(self.extensions).map(|(name, value)| (name.to_owned(), value));
        let mut problem = Map::from_iter(members);
        problem.extend(request_id.map(|id| ("requestId".to_owned(), Value::from(id))));

        let body = Value::Object(problem).to_string();
        let mut response = response::with_text(self.code.status(), "application/problem+json", body);
        if self.code.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.headers_mut().extend(self.headers);

        response
    }
}

impl From<StoreError> for Problem {
    /// 503 if the store is unavailable, because another attempt may help. 500 for a damaged
    /// record, because it does not.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "store failed");
        match error {
            StoreError::Unavailable { .. } => Self::new(
                ProblemCode::StorageUnavailable,
                "Storage is not available right now. Please try again.",
            ),
            StoreError::Corrupt { .. } => {
                Self::new(ProblemCode::DamagedRecord, "A stored record is damaged; see the logs.")
            }
        }
    }
}

impl From<MissingCaller> for Problem {
    /// A fault (500): the route was deployed without the authorizer, so the request has no caller.
    fn from(error: MissingCaller) -> Self {
        tracing::error!(%error, "request without a caller");
        Self::new(ProblemCode::AuthorizerMissing, "The API is misconfigured.")
    }
}

impl From<EventError> for Problem {
    /// 400. If every request gets it, the integration uses another payload format than 2.0.
    fn from(error: EventError) -> Self {
        tracing::warn!(%error, "cannot read the request");
        Self::new(ProblemCode::UnreadableRequest, format!("The request cannot be read: {error}."))
    }
}
