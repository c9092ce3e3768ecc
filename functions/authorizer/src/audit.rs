//! The acts that the authorizer sees and that have to be known later.

use patgate::audit::{Act, Actor, ChangedBy, Event, Origin, RefusedFor};
use patgate::client_ip::ClientIpHeader;
use patgate::record::{LastUse, TokenRecord};
use patgate::user::User;
use patgate::verify::Verdict;

use crate::event::GatewayRequest;
use crate::{Denial, Rejection};

/// A token that was ended, and yet somebody came with it.
pub(crate) fn refusal(rejection: &Rejection, request: &GatewayRequest, header: Option<&ClientIpHeader>) {
    let Rejection::Unauthorized(Denial::Token { verdict, token: Some(token) }) = rejection else { return };
    let reason = match verdict {
        Verdict::Revoked | Verdict::Superseded => RefusedFor::Revoked,
        Verdict::Expired => RefusedFor::Expired,
        Verdict::Allowed
        | Verdict::Unknown
        | Verdict::OwnerMissing
        | Verdict::OwnerDisabled
        | Verdict::OwnerAbsent => return,
    };
    let event = Event {
        act: Act::TokenRefused(reason),
        // Whoever it was, they are not known to be its owner.
        actor: Actor::default(),
        user_id: &token.user_id,
        token_id: Some(token.token_id),
    };
    record(&event, request, header);
}

/// A session that brought other roles than were on record.
pub(crate) fn changed_roles(user: &User, request: &GatewayRequest, header: Option<&ClientIpHeader>) {
    let event = Event {
        act: Act::UserChanged { disabled: None, roles: Some(&user.roles), by: ChangedBy::Session },
        actor: Actor { user_id: Some(&user.user_id), token_id: None },
        user_id: &user.user_id,
        token_id: None,
    };
    record(&event, request, header);
}

/// A use that is on record now: a token in wrong hands shows itself by a new address.
pub(crate) fn recorded_use(token: &TokenRecord, last_use: &LastUse, request_id: Option<&str>) {
    let Some(ip) = last_use.ip.as_deref() else { return };
    if token.seen_from.iter().any(|sighting| sighting.ip == ip) {
        return;
    }
    let token_id = token.token_id.to_string();
    let event = Event {
        act: Act::TokenUsedFromNewAddress,
        actor: Actor { user_id: Some(&token.user_id), token_id: Some(&token_id) },
        user_id: &token.user_id,
        token_id: Some(token.token_id),
    };
    event.record(Origin { ip: Some(ip), request_id });
}

fn record(event: &Event<'_>, request: &GatewayRequest, header: Option<&ClientIpHeader>) {
    let ip = request.client_ip(header);
    event.record(Origin { ip: ip.as_deref(), request_id: request.request_id.as_deref() });
}
