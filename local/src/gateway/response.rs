//! HTTP responses: those of the gateway itself, and those of functions.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

/// A response of the gateway itself. It has a `message` and nothing else.
pub(super) fn message(status: StatusCode, message: &str) -> Response {
    let mut response = Response::new(Body::from(json!({ "message": message }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn internal_server_error() -> Response {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// Turns what a function returned (payload format 2.0) into a response. A payload in any
/// other form is an error of the function.
pub(super) fn from_function(payload: &str) -> Response {
    parse_payload(payload).unwrap_or_else(internal_server_error)
}

fn parse_payload(payload: &str) -> Option<Response> {
    let payload: Value = serde_json::from_str(payload).ok()?;
    let status = u16::try_from(payload.get("statusCode")?.as_u64()?).ok()?;

    let text = payload.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = match payload.get("isBase64Encoded").and_then(Value::as_bool) {
        Some(true) => Body::from(BASE64_STANDARD.decode(text).ok()?),
        Some(false) | None => Body::from(text.to_owned()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).ok()?;

    // Payload format 2.0 has no `multiValueHeaders`.
    for (name, value) in payload.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let name: HeaderName = name.parse().ok()?;
        let value: HeaderValue = value.as_str()?.parse().ok()?;
        response.headers_mut().insert(name, value);
    }
    for cookie in payload.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie.as_str()?.parse().ok()?);
    }

    Some(response)
}
