//! CORS as an HTTP API does it: preflights are answered without route or authorizer,
//! and the function's own CORS headers are replaced.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use crate::template::Cors;

const ANY: &str = "*";

pub(super) fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(header::ORIGIN)
        && parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Answers a preflight: 204, with the permissions if the origin has any.
pub(super) fn preflight(cors: Option<&Cors>, headers: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let Some(cors) = cors else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Some(origin) = allowed_origin(cors, headers) {
        let max_age = cors.max_age_seconds.map(|seconds| seconds.to_string());
        set(response.headers_mut(), header::ACCESS_CONTROL_ALLOW_ORIGIN, Some(&origin));
        set(response.headers_mut(), header::ACCESS_CONTROL_ALLOW_METHODS, list(&cors.methods).as_deref());
        set(response.headers_mut(), header::ACCESS_CONTROL_ALLOW_HEADERS, list(&cors.headers).as_deref());
        set(response.headers_mut(), header::ACCESS_CONTROL_MAX_AGE, max_age.as_deref());
    }
    response
}

/// Lets the page of an allowed origin read a response.
pub(super) fn add(cors: Option<&Cors>, request: &HeaderMap, response: &mut HeaderMap) {
    let Some(cors) = cors else { return };
    response.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    if let Some(origin) = allowed_origin(cors, request) {
        set(response, header::ACCESS_CONTROL_ALLOW_ORIGIN, Some(&origin));
        set(response, header::VARY, Some("origin"));
    }
}

fn allowed_origin(cors: &Cors, headers: &HeaderMap) -> Option<String> {
    let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
    let is = |wanted: &str| cors.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(wanted));
    if is(ANY) { Some(ANY.to_owned()) } else { is(origin).then(|| origin.to_owned()) }
}

fn list(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
        headers.insert(name, value);
    }
}
