//! Audit events of the authorizer.

use patgate_rules::audit::{Act, Actor, AuditEvent, ChangeSource, DeniedBecause, Origin};
use patgate_rules::client_ip::ClientIpHeader;
use patgate_rules::token_record::{LastUse, TokenRecord};
use patgate_rules::user::User;
use patgate_rules::verdict::Verdict;

use crate::event::GatewayRequest;
use crate::rejection::{Denial, Rejection};

/// Logs that a request used a token that is revoked or has expired.
pub(crate) fn denied_token(rejection: &Rejection, request: &GatewayRequest, header: Option<&ClientIpHeader>) {
    let Rejection::Denied(Denial::Token { verdict, token: Some(token) }) = rejection else { return };
    let reason = match verdict {
        Verdict::Revoked | Verdict::Superseded => DeniedBecause::Revoked,
        Verdict::Expired => DeniedBecause::Expired,
        Verdict::Allowed
        | Verdict::Unknown
        | Verdict::OwnerMissing
        | Verdict::OwnerDisabled
        | Verdict::OwnerAbsent => return,
    };

    let event = AuditEvent {
        act: Act::TokenDenied(reason),
        // It is not known who used the token; it need not be its owner.
        actor: Actor::default(),
        user_id: &token.user_id,
        token_id: Some(token.token_id),
    };
    log(&event, request, header);
}

/// Logs that a session changed the recorded roles of its user.
pub(crate) fn changed_roles(user: &User, request: &GatewayRequest, header: Option<&ClientIpHeader>) {
    let event = AuditEvent {
        act: Act::UserChanged { disabled: None, roles: Some(&user.roles), source: ChangeSource::Session },
        actor: Actor { user_id: Some(&user.user_id), token_id: None },
        user_id: &user.user_id,
        token_id: None,
    };
    log(&event, request, header);
}

/// Logs a recorded use if its address is new. A new address can mean that the token is
/// stolen.
pub(crate) fn recorded_use(token: &TokenRecord, last_use: &LastUse, request_id: Option<&str>) {
    let Some(ip) = last_use.ip.as_deref() else { return };
    if token.seen_from.iter().any(|sighting| sighting.ip == ip) {
        return;
    }

    let token_id = token.token_id.to_string();
    let event = AuditEvent {
        act: Act::TokenUsedFromNewAddress,
        actor: Actor { user_id: Some(&token.user_id), token_id: Some(&token_id) },
        user_id: &token.user_id,
        token_id: Some(token.token_id),
    };
    event.log(Origin { ip: Some(ip), request_id });
}

fn log(event: &AuditEvent<'_>, request: &GatewayRequest, header: Option<&ClientIpHeader>) {
    let ip = request.client_ip(header);
    event.log(Origin { ip: ip.as_deref(), request_id: request.request_id.as_deref() });
}
