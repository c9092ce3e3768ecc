//! Audit events of the endpoints.

use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use patgate_caller::{Caller, Credential};
use patgate_rules::audit::{Actor, AuditEvent, Origin};
use patgate_rules::client_ip::{ClientIpHeader, client_ip};

/// The caller as the actor of an event.
#[must_use]
pub fn actor(caller: &Caller) -> Actor<'_> {
    let token_id = match &caller.credential {
        Credential::Session => None,
        Credential::Token { id, .. } => Some(id.as_str()),
    };
    Actor { user_id: Some(&caller.user_id), token_id }
}

/// Logs an audit event with the origin of its request. The client's address may be in the
/// header of a trusted proxy.
pub fn log(event: &AuditEvent<'_>, request: &Request, header: Option<&ClientIpHeader>) {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return event.log(Origin::default());
    };

    let single_value = |name: &str| {
        let mut values = request.headers().get_all(name).iter();
        let value = values.next().filter(|_| values.next().is_none());
        value.and_then(|value| value.to_str().ok())
    };
    let ip = client_ip(header, single_value, context.http.source_ip.as_deref());
    event.log(Origin { ip: ip.as_deref(), request_id: context.request_id.as_deref() });
}
