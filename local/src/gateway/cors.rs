//! CORS as an HTTP API implements it: the API responds to preflights itself, without route
//! or authorizer, and replaces the CORS headers of its functions.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use crate::template::CorsSettings;

const ANY_ORIGIN: &str = "*";

pub(super) fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(header::ORIGIN)
        && parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The response to a preflight: 204, with the CORS headers if the origin is allowed. An
/// API without CORS has no response of its own (404).
pub(super) fn preflight_response(cors: Option<&CorsSettings>, request: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let Some(cors) = cors else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };

    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Some(origin) = allowed_origin(cors, request) {
        let max_age = cors.max_age_seconds.map(|seconds| seconds.to_string());
        let headers = response.headers_mut();
        set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, Some(&origin));
        set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, list(&cors.methods).as_deref());
        set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, list(&cors.headers).as_deref());
        set(headers, header::ACCESS_CONTROL_MAX_AGE, max_age.as_deref());
    }
    response
}

/// Lets a page of an allowed origin read the response.
pub(super) fn add_headers(cors: Option<&CorsSettings>, request: &HeaderMap, response: &mut HeaderMap) {
    let Some(cors) = cors else { return };

    response.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    if let Some(origin) = allowed_origin(cors, request) {
        set(response, header::ACCESS_CONTROL_ALLOW_ORIGIN, Some(&origin));
        set(response, header::ACCESS_CONTROL_EXPOSE_HEADERS, list(&cors.exposed_headers).as_deref());
        set(response, header::VARY, Some("origin"));
    }
}

fn allowed_origin(cors: &CorsSettings, request: &HeaderMap) -> Option<String> {
    let origin = request.get(header::ORIGIN)?.to_str().ok()?;
    let is_listed = |wanted: &str| cors.origins.iter().any(|listed| listed.eq_ignore_ascii_case(wanted));

    if is_listed(ANY_ORIGIN) {
        Some(ANY_ORIGIN.to_owned())
    } else {
        is_listed(origin).then(|| origin.to_owned())
    }
}

fn list(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
        headers.insert(name, value);
    }
}
