//! The responses that allow and deny a request, in the form that its kind of API understands.

use patgate_caller::Caller;
use serde_json::{Value, json};

use crate::config::RefusalStatus;
use crate::event::{EventKind, GatewayRequest};

/// Allows a request, with the caller's context for the backend.
#[must_use]
pub fn allow(request: &GatewayRequest, caller: &Caller) -> Value {
    let context = Value::Object(caller.to_context());
    match &request.kind {
        EventKind::HttpApi2 => json!({ "isAuthorized": true, "context": context }),
        EventKind::HttpApi1 { method_arn }
        | EventKind::RestRequest { method_arn }
        | EventKind::RestToken { method_arn }
        | EventKind::WebSocketConnect { method_arn } => {
            policy(&caller.user_id, "Allow", method_arn, &context)
        }
        // Zero seconds, so that a revoked token is denied at the next request, whatever the
        // API's own setting is.
        EventKind::AppSync => {
            json!({ "isAuthorized": true, "resolverContext": context, "ttlOverride": 0 })
        }
    }
}

/// Denies a request. `None` stands for the error `Unauthorized`, which API Gateway turns into
/// 401.
#[must_use]
pub fn deny(request: &GatewayRequest, status: RefusalStatus) -> Option<Value> {
    match (&request.kind, status) {
        // AWS documents no other denial for AppSync. It would report the error as a fault.
        (EventKind::AppSync, _) => Some(json!({ "isAuthorized": false, "ttlOverride": 0 })),
        (_, RefusalStatus::Unauthorized) => None,
        (EventKind::HttpApi2, RefusalStatus::Forbidden) => Some(json!({ "isAuthorized": false })),
        (
            EventKind::HttpApi1 { method_arn }
            | EventKind::RestRequest { method_arn }
            | EventKind::RestToken { method_arn }
            | EventKind::WebSocketConnect { method_arn },
            RefusalStatus::Forbidden,
        ) => {
            // A REST API can show this to the client, so it says no more than the status 401.
            let context = json!({ "reason": "unauthorized" });
            Some(policy("unauthorized", "Deny", method_arn, &context))
        }
    }
}

fn policy(principal_id: &str, effect: &str, method_arn: &str, context: &Value) -> Value {
    json!({
        "principalId": principal_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Action": "execute-api:Invoke",
                "Effect": effect,
                "Resource": whole_stage(method_arn),
            }],
        },
        "context": context,
    })
}

/// Replaces the method and path of `arn:…:api/stage/GET/path`: `arn:…:api/stage/*`.
///
/// API Gateway may cache the policy and apply it to the next request with the same
/// credential, whatever its route. The backend decides what a caller may do. With a policy
/// for this method alone, the next request would get 403. The policy of a WebSocket API's
/// `$connect` also applies to the messages of the connection.
fn whole_stage(method_arn: &str) -> String {
    let mut parts = method_arn.splitn(3, '/');
    match (parts.next(), parts.next()) {
        (Some(api), Some(stage)) => format!("{api}/{stage}/*"),
        _ => method_arn.to_owned(),
    }
}
