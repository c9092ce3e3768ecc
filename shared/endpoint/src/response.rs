//! Responses of the API.

use lambda_http::http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

pub use lambda_http::aws_lambda_events::encodings::Body;

/// A response of the API.
pub type Response = lambda_http::Response<Body>;

/// 200 with a JSON body.
#[must_use]
pub fn ok(body: &Value) -> Response {
    json(StatusCode::OK, body)
}

/// 201 with a JSON body.
#[must_use]
pub fn created(body: &Value) -> Response {
    json(StatusCode::CREATED, body)
}

/// 202 with a JSON body.
#[must_use]
pub fn accepted(body: &Value) -> Response {
    json(StatusCode::ACCEPTED, body)
}

/// 204.
#[must_use]
pub fn no_content() -> Response {
    build(StatusCode::NO_CONTENT, Body::Empty)
}

/// The response with a header in addition.
#[must_use]
pub fn with_header(mut response: Response, name: HeaderName, value: HeaderValue) -> Response {
    response.headers_mut().insert(name, value);
    response
}

fn json(status: StatusCode, body: &Value) -> Response {
    with_text(status, "application/json", body.to_string())
}

pub(crate) fn with_text(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = build(status, Body::Text(body));
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);

    response
}

/// Every response concerns secrets or rights, so no cache may store it.
fn build(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);

    response
}
