//! The events of an HTTP API (payload format 2.0), as requests and responses of `lambda_http`.
//!
//! `lambda_http` has this conversion, but it panics on values that clients choose, and an event
//! that it cannot read is an error of the function instead of a 400
//! (docs/decisions/0024-endpoints-read-their-own-events.md). Only the fields that endpoints
//! use are read here. A request has no URI, because building one is what can fail.

use std::collections::HashMap;

use base64::prelude::{BASE64_STANDARD, Engine};
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequestContext, ApiGatewayV2httpResponse};
use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use serde::Deserialize;

use crate::response::Response;

/// Why an event is not a request. No message contains a part of the event, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
///
/// # Errors
/// When the event is not that of a request.
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

/// The ID of the request, even if the event is otherwise not that of a request.
pub(crate) fn request_id(json: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Identified {
        request_context: Context,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Context {
        request_id: String,
    }

    serde_json::from_str::<Identified>(json).ok().map(|event| event.request_context.request_id)
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
pub(crate) fn to_gateway(response: Response) -> ApiGatewayV2httpResponse {
    let (parts, body) = response.into_parts();

    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = parts.status.as_u16().into();
    response.headers = parts.headers;
    response.is_base64_encoded = matches!(body, Body::Binary(_));
    response.body = Some(body).filter(|body| !matches!(body, Body::Empty));

    response
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::request::{path_id, query_parameters};

    /// An event with these fields in addition to the required ones.
    fn read(fields: Value) -> Result<Request, EventError> {
        let mut event = json!({ "requestContext": { "http": { "method": "GET" } } });
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        read_request(&event.to_string())
    }

    fn query(raw: &str) -> Vec<(String, String)> {
        let request = read(json!({ "rawQueryString": raw })).unwrap();
        query_parameters(&request).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn request_has_everything_that_an_endpoint_reads() {
        let request = read(json!({
            "headers": { "x-one": "1", "x-two": "a,b" },
            "pathParameters": { "id": "a/b \"é" },
            "body": "eyJ9",
            "isBase64Encoded": true,
            "requestContext": {
                "authorizer": { "lambda": { "userId": "alice" } },
                "http": { "method": "PATCH", "sourceIp": "203.0.113.7" },
                "requestId": "an-id",
            },
        }));

        let request = request.unwrap();
        assert_eq!((request.method().as_str(), path_id(&request)), ("PATCH", Some("a/b \"é")));
        assert_eq!(
            (&request.headers()["x-two"], &request.body()[..]),
            (&"a,b".parse().unwrap(), &b"{\"}"[..])
        );
        let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else { panic!() };
        assert_eq!(context.authorizer.as_ref().unwrap().fields["userId"], "alice");
        assert_eq!(context.http.source_ip.as_deref(), Some("203.0.113.7"));
        assert_eq!(context.request_id.as_deref(), Some("an-id"));
    }

    #[test]
    fn fields_may_be_absent_or_null() {
        let names = ["rawQueryString", "headers", "pathParameters", "body", "isBase64Encoded", "cookies"];
        let nulls = names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        for fields in [json!({}), Value::Object(nulls)] {
            let request = read(fields).unwrap();
            assert!(request.headers().is_empty() && request.body().is_empty());
            assert_eq!((path_id(&request), query_parameters(&request).count()), (None, 0));
        }
    }

    #[test]
    fn odd_characters_of_a_query_are_part_of_its_values_and_repetitions_are_kept() {
        for odd in ["\"", "<x>", "a b", "[]", "\0", "\r\n", "\u{7f}", "%", "#", "é"] {
            assert_eq!(query(&format!("q={odd}")), [("q".to_owned(), odd.to_owned())]);
        }
        assert_eq!(query("q=%22+%C3%A9"), [("q".to_owned(), "\" é".to_owned())]);
        let [(_, first), (_, second)] = &query("q=1&q=2")[..] else { panic!("both values") };
        assert_eq!((first.as_str(), second.as_str()), ("1", "2"));
    }

    #[test]
    fn header_in_two_spellings_has_two_values() {
        let request = read(json!({ "headers": { "X-Origin-Verify": "a", "x-origin-verify": "b" } })).unwrap();
        assert_eq!(request.headers().get_all("x-origin-verify").iter().count(), 2);
    }

    #[test]
    fn invalid_headers_and_bodies_are_errors() {
        let invalid = [json!({ "x y": "" }), json!({ "": "" }), json!({ "é": "" }), json!({ "x": "a\nb" })];
        let too_many: HashMap<_, _> = (0..40_000).map(|n| (format!("x-{n}"), "")).collect();
        for headers in invalid.into_iter().chain([json!(too_many)]) {
            assert_eq!(read(json!({ "headers": headers })).unwrap_err(), EventError::Headers);
        }
        for body in ["%", "a", "YQ", "YQ==\n", "é"] {
            let error = read(json!({ "body": body, "isBase64Encoded": true })).unwrap_err();
            assert_eq!(error, EventError::Body, "{body:?}");
        }
    }

    #[test]
    fn unreadable_request_still_has_its_id() {
        let event = json!({ "headers": { "x y": "" }, "requestContext": { "requestId": "an-id" } });
        assert!(read_request(&event.to_string()).is_err());
        assert_eq!(request_id(&event.to_string()).as_deref(), Some("an-id"));
        for without in ["", "{", "{}", r#"{"requestContext":{"requestId":7}}"#] {
            assert_eq!(request_id(without), None);
        }
    }

    #[test]
    fn error_does_not_repeat_the_event() {
        let secret = "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw";
        for event in [
            json!({ "headers": secret, "requestContext": {} }),
            json!({ "headers": { secret: "\n" }, "requestContext": { "http": { "method": "GET" } } }),
            json!({ "requestContext": { "http": { "method": format!("{secret} {secret}") } } }),
        ] {
            let error = read_request(&event.to_string()).unwrap_err().to_string();
            assert!(!error.contains("fdp_"), "{error}");
        }
    }

    #[test]
    fn response_without_a_body_and_one_of_bytes_are_marked_as_such() {
        let gateway = |body| serde_json::to_value(to_gateway(Response::new(body))).unwrap();
        let none = gateway(Body::Empty);
        assert_eq!((none.get("body"), &none["isBase64Encoded"]), (None, &json!(false)));
        let bytes = gateway(Body::Binary(vec![0xff]));
        assert_eq!((&bytes["body"], &bytes["isBase64Encoded"]), (&json!("/w=="), &json!(true)));
    }
}
