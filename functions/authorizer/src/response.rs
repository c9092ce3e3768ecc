//! The response that allows a request, in the form that its kind of API understands.

use patgate_caller::Caller;
use serde_json::{Value, json};

use crate::event::{EventKind, GatewayRequest};

/// Allows a request, with the caller's context for the backend.
#[must_use]
pub fn allow(request: &GatewayRequest, caller: &Caller) -> Value {
    let context = Value::Object(caller.to_context());
    match &request.kind {
        EventKind::HttpApi2 => json!({ "isAuthorized": true, "context": context }),
        EventKind::HttpApi1 { method_arn }
        | EventKind::RestRequest { method_arn }
        | EventKind::RestToken { method_arn } => json!({
            "principalId": caller.user_id,
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": whole_stage(method_arn),
                }],
            },
            "context": context,
        }),
    }
}

/// Replaces the method and path of `arn:…:api/stage/GET/path`: `arn:…:api/stage/*`.
///
/// API Gateway may cache the policy and apply it to the next request with the same
/// credential, whatever its route. The backend decides what a caller may do. With a policy
/// for this method alone, the next request would get 403.
fn whole_stage(method_arn: &str) -> String {
    let mut parts = method_arn.splitn(3, '/');
    match (parts.next(), parts.next()) {
        (Some(api), Some(stage)) => format!("{api}/{stage}/*"),
        _ => method_arn.to_owned(),
    }
}
