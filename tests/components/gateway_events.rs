//! RecordedRequest authorizer events of API Gateway, one for each event type.

use serde_json::Value;

pub(crate) const HTTP_2: &str = include_str!("events/http-api-2.0.json");
pub(crate) const HTTP_1: &str = include_str!("events/http-api-1.0.json");
pub(crate) const REST_REQUEST: &str = include_str!("events/rest-request.json");
pub(crate) const REST_TOKEN: &str = include_str!("events/rest-token.json");
pub(crate) const ALL: [&str; 4] = [HTTP_2, HTTP_1, REST_REQUEST, REST_TOKEN];

/// A recorded event with this value of the `Authorization` header.
pub(crate) fn with_authorization(recorded: &str, authorization: &str) -> String {
    recorded.replace("\"CREDENTIAL\"", &Value::from(authorization).to_string())
}

/// A recorded event with this bearer credential.
pub(crate) fn with_bearer(recorded: &str, credential: &str) -> String {
    with_authorization(recorded, &format!("Bearer {credential}"))
}
