//! What API Gateway asks: four kinds of event, told apart by `version` and `type`.
//!
//! Only the few fields that matter are read, by types of our own: those of
//! `aws_lambda_events` accept any object as a `TOKEN` event, and refuse events over
//! fields that nobody here looks at.

use std::collections::HashMap;
use std::fmt;

use patgate::client_ip::{ClientIpHeader, client_ip};
use serde::Deserialize;

/// A request to be authorized. It holds the credential, and so prints nothing of it.
pub struct GatewayRequest {
    pub kind: EventKind,
    /// Names in lowercase; each with all values that the event shows.
    headers: HashMap<String, Vec<String>>,
    /// The whole value of the identity source of a `TOKEN` authorizer.
    pub authorization_token: Option<String>,
    source_ip: Option<String>,
    pub request_id: Option<String>,
}

/// The kind of event decides the form of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// HTTP API, payload 2.0 with simple responses.
    HttpApi2,
    /// HTTP API, payload 1.0; answered by a policy.
    HttpApi1 { method_arn: String },
    /// REST API, `REQUEST`; answered by a policy.
    RestRequest { method_arn: String },
    /// REST API, `TOKEN`; answered by a policy. It has no client address.
    RestToken { method_arn: String },
}

/// The event is none that an authorizer is asked with.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("authorizer event cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("authorizer event is of no known kind")]
    UnknownKind,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    version: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    method_arn: Option<String>,
    authorization_token: Option<String>,
    headers: Option<HashMap<String, Option<String>>>,
    multi_value_headers: Option<HashMap<String, Option<Vec<String>>>>,
    request_context: Option<RequestContext>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    request_id: Option<String>,
    http: Option<Client>,
    identity: Option<Client>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    source_ip: Option<String>,
}

impl GatewayRequest {
    /// Reads an event.
    ///
    /// # Errors
    /// When it is no JSON of a known kind.
    pub fn parse(json: &str) -> Result<Self, EventError> {
        let event: Event = serde_json::from_str(json)?;
        let kind = match (event.version.as_deref(), event.event_type.as_deref(), event.method_arn) {
            (Some("2.0"), Some("REQUEST"), _) => EventKind::HttpApi2,
            (Some("1.0"), Some("REQUEST"), Some(method_arn)) => EventKind::HttpApi1 { method_arn },
            (None, Some("REQUEST"), Some(method_arn)) => EventKind::RestRequest { method_arn },
            (None, Some("TOKEN"), Some(method_arn)) => EventKind::RestToken { method_arn },
            _ => return Err(EventError::UnknownKind),
        };
        let (request_id, http, identity) = match event.request_context {
            Some(context) => (context.request_id, context.http, context.identity),
            None => (None, None, None),
        };
        Ok(Self {
            kind,
            headers: collect_headers(event.headers, event.multi_value_headers),
            authorization_token: event.authorization_token,
            source_ip: http.or(identity).and_then(|client| client.source_ip),
            request_id,
        })
    }

    /// All values of a header, by its lowercase name.
    #[must_use]
    pub fn header(&self, name: &str) -> &[String] {
        self.headers.get(name).map_or(&[], Vec::as_slice)
    }

    /// The client's address: what the gateway saw, or what a trusted proxy says.
    #[must_use]
    pub fn client_ip(&self, header: Option<&ClientIpHeader>) -> Option<String> {
        let only = |name: &str| match self.header(name) {
            [value] => Some(value.as_str()),
            _ => None,
        };
        client_ip(header, only, self.source_ip.as_deref())
    }
}

impl fmt::Debug for GatewayRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("GatewayRequest");
        shown.field("kind", &self.kind).field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// HTTP APIs lower the case of header names, REST APIs keep the client's. Only the
/// multi-value form, where there is one, shows that a header was sent twice.
fn collect_headers(
    single: Option<HashMap<String, Option<String>>>,
    multiple: Option<HashMap<String, Option<Vec<String>>>>,
) -> HashMap<String, Vec<String>> {
    let mut headers: HashMap<String, Vec<String>> = HashMap::new();
    for (name, values) in multiple.into_iter().flatten() {
        headers.entry(name.to_ascii_lowercase()).or_default().extend(values.unwrap_or_default());
    }
    let already: Vec<String> = headers.keys().cloned().collect();
    for (name, value) in single.into_iter().flatten() {
        let name = name.to_ascii_lowercase();
        if !already.contains(&name) {
            headers.entry(name).or_default().extend(value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_prints_no_header() {
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
}
