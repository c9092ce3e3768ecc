//! The events for authorizer and function, payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use chrono::Utc;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::routes::Match;

const STAGE: &str = "$default";

/// A request, as far as both events tell of it.
pub(super) struct Received {
    route_key: String,
    route_arn: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    cookies: Vec<String>,
    content_type: Option<String>,
    parameters: BTreeMap<String, String>,
    context: Value,
}

impl Received {
    pub(super) fn new(api: &str, matched: &Match, client: SocketAddr, parts: &Parts) -> Self {
        let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
        let mut headers = joined(&parts.headers);
        // API Gateway tells the function what it saw; a client cannot.
        let chain = match headers.get("x-forwarded-for") {
            Some(before) => format!("{before}, {}", client.ip()),
            None => client.ip().to_string(),
        };
        headers.insert("x-forwarded-for".to_owned(), chain);
        headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
        let context = request_context(api, matched, client, parts, &path);
        Self {
            route_key: matched.key.clone(),
            route_arn: format!(
                "arn:aws:execute-api:us-east-1:000000000000:{api}/{STAGE}/{}{}",
                parts.method,
                parts.uri.path()
            ),
            path,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            cookies: cookies(&parts.headers),
            content_type: headers.get("content-type").cloned(),
            headers,
            parameters: matched.parameters.clone(),
            context,
        }
    }

    /// A header by its lowercase name; several of one name joined by commas.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(super) fn authorizer_event(&self, identity: &[&str]) -> Value {
        let mut event = self.event("REQUEST");
        event.insert("routeArn".to_owned(), self.route_arn.clone().into());
        event.insert("identitySource".to_owned(), identity.iter().map(|value| Value::from(*value)).collect());
        event.into()
    }

    pub(super) fn integration_event(self, caller: Option<Value>, body: Bytes) -> Value {
        let mut event = self.event("");
        if let (Some(caller), Some(Value::Object(context))) = (caller, event.get_mut("requestContext")) {
            context.insert("authorizer".to_owned(), json!({ "lambda": caller }));
        }
        if !body.is_empty() {
            let (body, is_base64) = super::encode(self.content_type.as_deref(), &body);
            event.insert("body".to_owned(), body.into());
            event.insert("isBase64Encoded".to_owned(), is_base64.into());
        } else {
            event.insert("isBase64Encoded".to_owned(), false.into());
        }
        event.into()
    }

    fn event(&self, kind: &str) -> Map<String, Value> {
        let mut event = Map::new();
        event.insert("version".to_owned(), "2.0".into());
        if !kind.is_empty() {
            event.insert("type".to_owned(), kind.into());
        }
        event.insert("routeKey".to_owned(), self.route_key.clone().into());
        event.insert("rawPath".to_owned(), self.path.clone().into());
        event.insert("rawQueryString".to_owned(), self.query.clone().into());
        if !self.cookies.is_empty() {
            event.insert("cookies".to_owned(), self.cookies.clone().into());
        }
        event.insert("headers".to_owned(), json!(self.headers));
        if !self.query.is_empty() {
            event.insert("queryStringParameters".to_owned(), json!(query_parameters(&self.query)));
        }
        if !self.parameters.is_empty() {
            event.insert("pathParameters".to_owned(), json!(self.parameters));
        }
        event.insert("requestContext".to_owned(), self.context.clone());
        event
    }
}

/// Header names in lowercase, values of the same name joined by commas.
fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| *name != header::COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        all.entry(name.as_str().to_owned())
            .and_modify(|joined| {
                joined.push(',');
                joined.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    all
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split("; ")).map(str::to_owned).collect()
}

/// Decoded parameters; several of one name joined by commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value);
        all.entry(decode(name))
            .and_modify(|joined| {
                joined.push(',');
                joined.push_str(&value);
            })
            .or_insert(value);
    }
    all
}

fn request_context(api: &str, matched: &Match, client: SocketAddr, parts: &Parts, path: &str) -> Value {
    #[expect(clippy::disallowed_methods, reason = "the emulator is at the edge, where time comes from")]
    let now = Utc::now();
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    json!({
        "accountId": "000000000000",
        "apiId": api,
        "domainName": text(header::HOST),
        "domainPrefix": api,
        "http": {
            "method": parts.method.as_str(),
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": client.ip().to_string(),
            "userAgent": text(header::USER_AGENT),
        },
        "requestId": uuid::Uuid::now_v7().to_string(),
        "routeKey": matched.key,
        "stage": STAGE,
        "time": now.format("%d/%b/%Y:%H:%M:%S +0000").to_string(),
        "timeEpoch": now.timestamp_millis(),
    })
}
