//! Authorizer events of API Gateway and AppSync, one for each kind, and how AWS understands
//! the responses.

use lambda_http::lambda_runtime::Diagnostic;
use patgate_authorizer::Outcome;
use serde_json::{Value, json};

pub(crate) const HTTP_2: &str = include_str!("events/http-api-2.0.json");
pub(crate) const HTTP_1: &str = include_str!("events/http-api-1.0.json");
pub(crate) const REST_REQUEST: &str = include_str!("events/rest-request.json");
pub(crate) const REST_TOKEN: &str = include_str!("events/rest-token.json");
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html>
pub(crate) const WEB_SOCKET_CONNECT: &str = include_str!("events/websocket-connect.json");
/// <https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html#aws-lambda-authorization>
pub(crate) const APP_SYNC: &str = include_str!("events/appsync-graphql.json");
pub(crate) const ALL: [&str; 6] = [HTTP_2, HTTP_1, REST_REQUEST, REST_TOKEN, WEB_SOCKET_CONNECT, APP_SYNC];

/// An AppSync Event API, which no kind of event covers.
/// <https://docs.aws.amazon.com/appsync/latest/eventapi/configure-event-api-auth.html>
pub(crate) const APP_SYNC_EVENT_API: &str = include_str!("events/appsync-event-api.json");

/// A recorded event with this value of the `Authorization` header.
pub(crate) fn with_authorization(recorded: &str, authorization: &str) -> String {
    recorded.replace("\"CREDENTIAL\"", &Value::from(authorization).to_string())
}

/// A recorded event with this bearer credential.
pub(crate) fn with_bearer(recorded: &str, credential: &str) -> String {
    with_authorization(recorded, &format!("Bearer {credential}"))
}

/// The status with which AWS responds to the client. Panics if AWS does not understand the
/// response.
#[track_caller]
pub(crate) fn gateway_status(outcome: Outcome) -> u16 {
    let response = match outcome.response.map_err(|rejection| Diagnostic::from(rejection).error_message) {
        Ok(response) => response,
        Err(message) if message == "Unauthorized" => return 401,
        Err(_) => return 500,
    };

    let effects: Vec<&Value> = response["policyDocument"]["Statement"]
        .as_array()
        .map(|statements| statements.iter().map(|statement| &statement["Effect"]).collect())
        .unwrap_or_default();
    match (&response["isAuthorized"], effects.as_slice()) {
        (Value::Bool(true), []) => 200,
        (Value::Bool(false), []) => 403,
        (Value::Null, [effect]) if **effect == json!("Allow") => 200,
        (Value::Null, [effect]) if **effect == json!("Deny") => 403,
        _ => panic!("not a response of an authorizer: {response}"),
    }
}
