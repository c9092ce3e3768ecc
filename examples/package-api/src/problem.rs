//! Responses: JSON, and problems as in RFC 9457.

use lambda_http::Response;
use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::http::{HeaderValue, StatusCode, header};
use patgate_caller::MissingCaller;
use serde_json::{Value, json};

use crate::event::EventError;
use crate::packages::PackagesError;
use crate::upload::UploadError;

/// A problem with a request, or a fault.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<Value>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new() }
    }

    /// 400 that names the parameter that is wrong.
    pub(crate) fn invalid_parameter(name: &str, code: &str, detail: &str) -> Self {
        let error = json!({ "parameter": name, "code": code, "detail": detail });
        Self { errors: vec![error], ..Self::new(StatusCode::BAD_REQUEST, "The request is invalid.") }
    }

    pub(crate) fn into_response(self, request_id: Option<&str>) -> Response<Body> {
        let problem = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "errors": self.errors,
            "requestId": request_id,
        });

        let mut response = respond(self.status, "application/problem+json", &problem);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<EventError> for Problem {
    fn from(error: EventError) -> Self {
        tracing::warn!(%error, "cannot read the request");
        Self::new(StatusCode::BAD_REQUEST, format!("The request cannot be read: {error}."))
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl From<PackagesError> for Problem {
    fn from(error: PackagesError) -> Self {
        tracing::error!(%error, "the packages' table failed");
        match error {
            PackagesError::Unavailable { .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Storage is not available right now. Please try again.",
            ),
            PackagesError::Corrupt { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "A stored package is damaged; see the logs.")
            }
        }
    }
}

impl From<MissingCaller> for Problem {
    /// A fault (500): the route was deployed without the authorizer, so the request has no caller.
    fn from(error: MissingCaller) -> Self {
        tracing::error!(%error, "request without a caller");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The API is misconfigured.")
    }
}

pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    respond(status, "application/json", body)
}

fn respond(status: StatusCode, content_type: &'static str, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::Text(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

    response
}
