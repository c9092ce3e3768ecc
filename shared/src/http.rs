//! Answers of the management endpoints: JSON, and problems as RFC 9457 has them.
//!
//! Whatever is refused says what and where; whatever fails on our side says nothing
//! of why to the caller, and all of it to the log.

pub mod input;

use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::http::{StatusCode, header};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt, Response};
use serde_json::{Value, json};

use crate::audit::{Event, Origin};
use crate::caller::{Caller, MissingCaller};
use crate::client_ip::{ClientIpHeader, client_ip};
use crate::store::StoreError;

/// A refusal or a fault, ready to be answered.
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
    /// 400, naming every field that is wrong.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = "The request is not valid; nothing was changed.".to_owned();
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

    /// 404. Says the same of what is missing and of what is somebody else's.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 503: trying again may help.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// Any status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new() }
    }

    /// This problem as a response.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let error = |error: FieldError| json!({ "field": error.field, "message": error.message });
        let problem = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "errors": self.errors.into_iter().map(error).collect::<Vec<_>>(),
        });
        let mut response = respond(self.status, "application/problem+json", problem.to_string());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    /// 503: nobody's input is at fault, and trying again may help. 500 for a damaged
    /// record, where it will not.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "storage failed");
        match error {
            StoreError::Unavailable { .. } => {
                Self::unavailable("Storage is not available right now. Please try again.")
            }
            StoreError::Corrupt { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "A stored record is damaged; the log says how.")
            }
        }
    }
}

impl From<MissingCaller> for Problem {
    /// 500: the route was deployed without our authorizer. Nobody gets in.
    fn from(error: MissingCaller) -> Self {
        tracing::error!(%error, "request without a caller");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The API is not set up correctly.")
    }
}

/// A JSON answer.
#[must_use]
pub fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    respond(status, "application/json", body.to_string())
}

/// 204.
#[must_use]
pub fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    forbid_storing(&mut response);
    response
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    let content_type = header::HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    forbid_storing(&mut response);
    response
}

/// Every answer is about somebody's secrets or rights, so no cache keeps any.
fn forbid_storing(response: &mut Response<Body>) {
    let no_store = header::HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
}

/// The caller, from the context that the authorizer left on the request.
///
/// # Errors
/// When the authorizer is not attached to the route.
pub fn caller(request: &Request) -> Result<Caller, MissingCaller> {
    let context = request.request_context_ref();
    let authorizer = context.and_then(RequestContext::authorizer);
    Caller::from_context(|name| authorizer.and_then(|authorizer| authorizer.fields.get(name)))
}

/// Writes an audit event down, with where its request came from. The client's address may
/// be in the header of a trusted proxy.
pub fn audit(event: &Event<'_>, request: &Request, header: Option<&ClientIpHeader>) {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return event.record(Origin::default());
    };
    let only = |name: &str| {
        let mut values = request.headers().get_all(name).iter();
        let value = values.next().filter(|_| values.next().is_none());
        value.and_then(|value| value.to_str().ok())
    };
    let ip = client_ip(header, only, context.http.source_ip.as_deref());
    event.record(Origin { ip: ip.as_deref(), request_id: context.request_id.as_deref() });
}

/// 404 for a user.
#[must_use]
pub fn no_such_user() -> Problem {
    Problem::not_found("There is no such user.")
}

/// Refuses whoever is no administrator; `act` ends the sentence "Only administrators …".
///
/// # Errors
/// 403.
pub fn require_administrator(caller: &Caller, admin_role: &str, act: &str) -> Result<(), Problem> {
    let may = caller.has_role(admin_role);
    may.then_some(()).ok_or_else(|| Problem::forbidden(format!("Only administrators {act}.")))
}
