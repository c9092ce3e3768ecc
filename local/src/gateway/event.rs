//! The events for the authorizer and for functions, in payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::prelude::{BASE64_STANDARD, Engine};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::account::{ACCOUNT_ID, REGION};
use crate::gateway::Client;
use crate::gateway::routes::MatchedRoute;

const STAGE: &str = "$default";
/// Bodies of these content types go into an event as text, all others as base64.
const TEXT_TYPES: [&str; 4] = ["text/", "application/json", "application/javascript", "application/xml"];

/// What both events say about a request.
pub(super) struct ReceivedRequest {
    route_key: String,
    route_arn: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    cookies: Vec<String>,
    path_parameters: BTreeMap<String, String>,
    context: Value,
}

impl ReceivedRequest {
    pub(super) fn new(api: &str, route: &MatchedRoute, client: &Client, parts: &Parts) -> Self {
        let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
        let route_arn = format!(
            "arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{api}/{STAGE}/{}{}",
            parts.method,
            parts.uri.path()
        );

        Self {
            route_key: route.key.clone(),
            route_arn,
            context: request_context(api, route, client, parts, &path),
            path,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: event_headers(client.address, &parts.headers),
            cookies: split_cookies(&parts.headers),
            path_parameters: route.path_parameters.clone(),
        }
    }

    /// The value of a header by its lowercase name. Commas join the values of several
    /// headers with the same name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(super) fn authorizer_event(&self, identity: &[String]) -> Value {
        let mut event = self.common_fields();
        event.insert("type".to_owned(), "REQUEST".into());
        event.insert("routeArn".to_owned(), self.route_arn.clone().into());
        event.insert("identitySource".to_owned(), identity.into());
        event.into()
    }

    /// The event for the route's function. `caller_context` is what the authorizer returned.
    pub(super) fn integration_event(&self, caller_context: Option<Value>, body: &Bytes) -> Value {
        let mut event = self.common_fields();
        if let (Some(caller_context), Some(Value::Object(context))) =
            (caller_context, event.get_mut("requestContext"))
        {
            context.insert("authorizer".to_owned(), json!({ "lambda": caller_context }));
        }

        let (body, is_base64) = encode_body(self.header("content-type"), body);
        event.extend(body.map(|body| ("body".to_owned(), body.into())));
        event.insert("isBase64Encoded".to_owned(), is_base64.into());
        event.into()
    }

    fn common_fields(&self) -> Map<String, Value> {
        let mut event = Map::new();
        event.insert("version".to_owned(), "2.0".into());
        event.insert("routeKey".to_owned(), self.route_key.clone().into());
        event.insert("rawPath".to_owned(), self.path.clone().into());
        event.insert("rawQueryString".to_owned(), self.query.clone().into());
        event.insert("headers".to_owned(), json!(self.headers));
        event.insert("requestContext".to_owned(), self.context.clone());

        // API Gateway leaves these fields out when they are empty.
        if !self.cookies.is_empty() {
            event.insert("cookies".to_owned(), self.cookies.clone().into());
        }
        if !self.query.is_empty() {
            event.insert("queryStringParameters".to_owned(), json!(query_parameters(&self.query)));
        }
        if !self.path_parameters.is_empty() {
            event.insert("pathParameters".to_owned(), json!(self.path_parameters));
        }
        event
    }
}

/// The headers as an event carries them: with lowercase names, without cookies, and with
/// the client's address, which the gateway itself appends to `x-forwarded-for`.
fn event_headers(client: SocketAddr, headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| *name != header::COOKIE) {
        append(&mut joined, name.as_str(), &String::from_utf8_lossy(value.as_bytes()), ",");
    }

    append(&mut joined, "x-forwarded-for", &client.ip().to_string(), ", ");
    joined.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    joined
}

fn split_cookies(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split("; ")).map(str::to_owned).collect()
}

/// The decoded query parameters. Commas join the values of parameters with the same name.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();

    let mut joined = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        append(&mut joined, &decode(name), &decode(value), ",");
    }
    joined
}

/// Adds a value, after the separator if there is a value of the same name already.
fn append(joined: &mut BTreeMap<String, String>, name: &str, value: &str, separator: &str) {
    match joined.get_mut(name) {
        Some(values) => {
            values.push_str(separator);
            values.push_str(value);
        }
        None => {
            joined.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// A body as an event carries it, and whether it is in base64. An event has no empty body.
fn encode_body(content_type: Option<&str>, body: &Bytes) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }

    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    let is_text = TEXT_TYPES.iter().any(|text_type| content_type.starts_with(text_type));
    match std::str::from_utf8(body) {
        Ok(text) if is_text => (Some(text.to_owned()), false),
        Ok(_) | Err(_) => (Some(BASE64_STANDARD.encode(body)), true),
    }
}

fn request_context(api: &str, route: &MatchedRoute, client: &Client, parts: &Parts, path: &str) -> Value {
    let now = crate::clock::now();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();

    json!({
        "accountId": ACCOUNT_ID,
        "apiId": api,
        "domainName": header(header::HOST),
        "domainPrefix": api,
        "http": {
            "method": parts.method.as_str(),
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": client.address.ip().to_string(),
            "userAgent": header(header::USER_AGENT),
        },
        "requestId": client.request_id,
        "routeKey": route.key,
        "stage": STAGE,
        "time": now.format("%d/%b/%Y:%H:%M:%S +0000").to_string(),
        "timeEpoch": now.timestamp_millis(),
    })
}
