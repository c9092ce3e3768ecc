//! The events of an HTTP API (payload format 2.0), as requests and responses of `lambda_http`.
//!
//! Copy this file together with the example. `lambda_http::run` would convert both, but it
//! panics on values that any client can choose, and its client then gets a 500
//! (docs/decisions/0024-endpoints-read-their-own-events.md). A request has no URI here,
//! because building one is what can fail.

use std::collections::HashMap;

use base64::prelude::{BASE64_STANDARD, Engine};
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequestContext, ApiGatewayV2httpResponse};
use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt, Response};
use serde::Deserialize;

/// Why an event is not a request. No message contains a part of the event, which may be a secret.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum EventError {
    #[error("not an event of an HTTP API with payload format 2.0 (line {line}, column {column})")]
    Malformed { line: usize, column: usize },
    #[error("a header is invalid, or there are too many")]
    Headers,
    #[error("the body is not base64")]
    Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_query_string: Option<String>,
    headers: Option<HashMap<String, String>>,
    path_parameters: Option<HashMap<String, String>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
    request_context: ApiGatewayV2httpRequestContext,
}

/// Reads the request in an event.
pub(crate) fn read_request(json: &str) -> Result<Request, EventError> {
    let event: Event = serde_json::from_str(json)
        .map_err(|error| EventError::Malformed { line: error.line(), column: error.column() })?;
    let Ok(query) = event.raw_query_string.unwrap_or_default().parse::<QueryMap>();

    let mut request = Request::new(body(event.body, event.is_base64_encoded == Some(true))?);
    *request.method_mut() = event.request_context.http.method.clone();
    *request.headers_mut() = headers(event.headers.unwrap_or_default()).ok_or(EventError::Headers)?;

    Ok(request
        .with_query_string_parameters(query)
        .with_path_parameters(event.path_parameters.unwrap_or_default())
        .with_request_context(RequestContext::ApiGatewayV2(event.request_context)))
}

fn body(text: Option<String>, is_base64: bool) -> Result<Body, EventError> {
    match text {
        None => Ok(Body::Empty),
        Some(text) if is_base64 => {
            BASE64_STANDARD.decode(text).map(Body::Binary).map_err(|_| EventError::Body)
        }
        Some(text) => Ok(Body::Text(text)),
    }
}

/// Every method that adds to a header map panics when the map is full, except `try_…`.
fn headers(fields: HashMap<String, String>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let (name, value) = (HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        headers.try_append(name, value).ok()?;
    }

    Some(headers)
}

/// A response in the form that API Gateway expects.
pub(crate) fn to_gateway(response: Response<Body>) -> ApiGatewayV2httpResponse {
    let (parts, body) = response.into_parts();

    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = parts.status.as_u16().into();
    response.headers = parts.headers;
    response.is_base64_encoded = matches!(body, Body::Binary(_));
    response.body = Some(body).filter(|body| !matches!(body, Body::Empty));

    response
}
