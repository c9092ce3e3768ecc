//! The events of API Gateway and AppSync: six kinds. Each is recognised by fields that only it has.
//!
//! Only the fields that matter are read. The types of `aws_lambda_events` accept any object
//! as a `TOKEN` event, and reject events because of fields that this function does not use
//! (docs/decisions/0003-own-event-types-in-the-authorizer.md).

use std::collections::HashMap;
use std::fmt;

use patgate_rules::client_ip::{ClientIpHeader, client_ip};
use serde::Deserialize;

/// A request to be authorized. It contains the credential, so `Debug` prints no header.
pub struct GatewayRequest {
    pub kind: EventKind,
    /// All values of each header, by its lowercase name.
    headers: HashMap<String, Vec<String>>,
    /// The credential of a REST API's `TOKEN` event or of an AppSync event.
    pub authorization_token: Option<String>,
    source_ip: Option<String>,
    pub request_id: Option<String>,
}

/// The kind of an event, which decides the form of the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// HTTP API, payload 2.0 with simple responses.
    HttpApi2,
    /// HTTP API, payload 1.0. The response is a policy.
    HttpApi1 { method_arn: String },
    /// REST API, `REQUEST`. The response is a policy.
    RestRequest { method_arn: String },
    /// REST API, `TOKEN`. The response is a policy. The event has no client address.
    RestToken { method_arn: String },
    /// WebSocket API, when a client connects. The response is a policy.
    WebSocketConnect { method_arn: String },
    /// AppSync GraphQL API. The event has no client address.
    AppSync,
}

/// The event is not an event of an authorizer. No message contains a part of the event, because
/// that could be the credential.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("cannot parse the authorizer event: line {line}, column {column}")]
    Malformed { line: usize, column: usize },
    #[error("unknown kind of authorizer event")]
    UnknownKind,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEvent {
    version: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    method_arn: Option<String>,
    authorization_token: Option<String>,
    headers: Option<HashMap<String, Option<String>>>,
    /// The headers of an AppSync event.
    request_headers: Option<HashMap<String, Option<String>>>,
    multi_value_headers: Option<HashMap<String, Option<Vec<String>>>>,
    request_context: Option<RequestContext>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    request_id: Option<String>,
    api_id: Option<String>,
    /// Of a WebSocket API.
    event_type: Option<String>,
    /// Of a WebSocket API, and of an HTTP API with payload 2.0.
    route_key: Option<String>,
    /// Of an AppSync Event API, which expects another response than a GraphQL API.
    operation: Option<String>,
    http: Option<Client>,
    identity: Option<Client>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    source_ip: Option<String>,
}

impl GatewayRequest {
    /// Parses an event.
    ///
    /// # Errors
    /// When it is not JSON, or of an unknown kind.
    pub fn parse(json: &str) -> Result<Self, EventError> {
        let event: RawEvent = serde_json::from_str(json)
            .map_err(|error| EventError::Malformed { line: error.line(), column: error.column() })?;
        let kind = event.kind()?;
        let context = event.request_context.unwrap_or_default();
        let single = match kind {
            EventKind::AppSync => event.request_headers,
            EventKind::HttpApi2
            | EventKind::HttpApi1 { .. }
            | EventKind::RestRequest { .. }
            | EventKind::RestToken { .. }
            | EventKind::WebSocketConnect { .. } => event.headers,
        };

        Ok(Self {
            kind,
            headers: collect_headers(single, event.multi_value_headers),
            authorization_token: event.authorization_token,
            source_ip: context.http.or(context.identity).and_then(|client| client.source_ip),
            request_id: context.request_id,
        })
    }

    /// All values of a header, by its lowercase name.
    #[must_use]
    pub fn header(&self, name: &str) -> &[String] {
        self.headers.get(name).map_or(&[], Vec::as_slice)
    }

    /// The client's address: from the gateway, or from the header of a trusted proxy.
    #[must_use]
    pub fn client_ip(&self, header: Option<&ClientIpHeader>) -> Option<String> {
        let single_value = |name: &str| match self.header(name) {
            [value] => Some(value.as_str()),
            _ => None,
        };
        client_ip(header, single_value, self.source_ip.as_deref())
    }
}

impl RawEvent {
    /// The kind of this event. An event that could be of two kinds is of neither.
    fn kind(&self) -> Result<EventKind, EventError> {
        let kind = (self.version.as_deref(), self.event_type.as_deref(), self.method_arn.clone());
        match kind {
            (Some("2.0"), Some("REQUEST"), _) => Ok(EventKind::HttpApi2),
            (Some("1.0"), Some("REQUEST"), Some(method_arn)) => Ok(EventKind::HttpApi1 { method_arn }),
            (None, Some("REQUEST"), Some(method_arn)) => self.rest_or_web_socket(method_arn),
            (None, Some("TOKEN"), Some(method_arn)) => Ok(EventKind::RestToken { method_arn }),
            (None, None, None) if self.is_from_graphql_api() => Ok(EventKind::AppSync),
            _ => Err(EventError::UnknownKind),
        }
    }

    /// REST and WebSocket APIs send the same `type`. Only `requestContext` differs.
    fn rest_or_web_socket(&self, method_arn: String) -> Result<EventKind, EventError> {
        let context = self.request_context.as_ref();
        let event_type = context.and_then(|context| context.event_type.as_deref());
        let route_key = context.and_then(|context| context.route_key.as_deref());

        match (event_type, route_key) {
            (None, None) => Ok(EventKind::RestRequest { method_arn }),
            (Some("CONNECT"), Some("$connect")) => Ok(EventKind::WebSocketConnect { method_arn }),
            _ => Err(EventError::UnknownKind),
        }
    }

    fn is_from_graphql_api(&self) -> bool {
        self.authorization_token.is_some()
            && self
                .request_context
                .as_ref()
                .is_some_and(|context| context.api_id.is_some() && context.operation.is_none())
    }
}

impl fmt::Debug for GatewayRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("GatewayRequest");
        shown.field("kind", &self.kind).field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// Merges both forms of headers. HTTP APIs send lowercase names, REST APIs the client's.
/// Only the multi-value form, if there is one, shows that a header was sent twice.
fn collect_headers(
    single: Option<HashMap<String, Option<String>>>,
    multiple: Option<HashMap<String, Option<Vec<String>>>>,
) -> HashMap<String, Vec<String>> {
    let mut headers: HashMap<String, Vec<String>> = HashMap::new();
    for (name, values) in multiple.into_iter().flatten() {
        headers.entry(name.to_ascii_lowercase()).or_default().extend(values.unwrap_or_default());
    }

    let known: Vec<String> = headers.keys().cloned().collect();
    for (name, value) in single.into_iter().flatten() {
        let name = name.to_ascii_lowercase();
        if !known.contains(&name) {
            headers.entry(name).or_default().extend(value);
        }
    }

    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_header() {
        let event = r#"{
            "version": "2.0", "type": "REQUEST", "headers": { "authorization": "Bearer s3cret" },
            "requestContext": { "requestId": "an-id" }
        }"#;
        let printed = format!("{:?}", GatewayRequest::parse(event).unwrap());
        assert!(printed.contains("an-id") && !printed.contains("s3cret"), "{printed}");
        let event = r#"{ "type": "TOKEN", "methodArn": "arn", "authorizationToken": "Bearer s3cret" }"#;
        let printed = format!("{:?}", GatewayRequest::parse(event).unwrap());
        assert!(!printed.contains("s3cret"), "{printed}");
    }

    #[test]
    fn error_does_not_repeat_the_event() {
        for event in [
            r#"{ "version": "2.0", "type": "REQUEST", "headers": "Bearer s3cret" }"#,
            r#"{ "type": "TOKEN", "methodArn": "arn", "authorizationToken": { "s3cret": 1 }, "headers": "s3cret" }"#,
            r#"{ "type": "s3cret" }"#,
        ] {
            let error = GatewayRequest::parse(event).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
