//! Tokens and users as the API returns them: without secrets and hashes.

use lambda_http::http::HeaderValue;
pub use lambda_http::http::header::LOCATION;
use patgate_rules::clock::{self, Timestamp};
use patgate_rules::token_record::{Sighting, TokenRecord};
use patgate_rules::user::User;
use patgate_rules::verdict::{self, Policy, Verdict};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::user_path::to_path;

/// The value of `Location` that leads to a token.
#[must_use]
pub fn token_location(id: Uuid) -> HeaderValue {
    // A UUID has only characters that a header may have.
    HeaderValue::try_from(format!("/api/tokens/{id}")).unwrap_or(HeaderValue::from_static("/api/tokens"))
}

/// The token resource: camelCase, times in RFC 3339 and UTC, `null` for absent values.
#[must_use]
pub fn token_resource(token: &TokenRecord, owner: Option<&User>, now: Timestamp, policy: Policy) -> Value {
    let verdict = verdict::verify(Some(token), owner, now, policy);
    let revocation = verdict::revocation(token, owner);
    let last_used = token.last_used.as_ref();

    json!({
        "id": token.token_id.to_string(),
        "name": token.name,
        "description": token.description,
        "prefix": token.prefix,
        "status": verdict::status(token, owner, now).as_str(),
        "usable": verdict == Verdict::Allowed,
        "unusableBecause": unusable_because(verdict),
        "owner": {
            "id": token.user_id,
            "pathId": to_path(&token.user_id),
            "name": owner.map_or("", |owner| owner.name.as_str()),
            "disabled": owner.is_some_and(|owner| owner.disabled),
        },
        "createdAt": clock::to_text(token.created_at),
        "expiresAt": token.expires_at.map(clock::to_text),
        "lastUsedAt": last_used.map(|last| clock::to_text(last.at)),
        "lastUsedIp": last_used.and_then(|last| last.ip.as_deref()),
        "seenFrom": token.seen_from.iter().map(sighting_resource).collect::<Vec<_>>(),
        "revokedAt": revocation.as_ref().map(|revocation| clock::to_text(revocation.at)),
        "revokedBy": revocation.as_ref().and_then(|revocation| revocation.by.as_deref()),
        "revocationReason": revocation.as_ref().map(|revocation| revocation.reason.as_str()),
    })
}

/// Why the authorizer would deny the token. `None` if it would not.
#[must_use]
pub fn unusable_because(verdict: Verdict) -> Option<&'static str> {
    Some(verdict).filter(|verdict| *verdict != Verdict::Allowed).map(Verdict::as_str)
}

fn sighting_resource(sighting: &Sighting) -> Value {
    json!({ "ip": sighting.ip, "at": clock::to_text(sighting.at) })
}

/// A page of a list. `nextCursor` is absent at the end of the list.
#[must_use]
pub fn list_resource(items: impl Iterator<Item = Value>, next_cursor: Option<String>) -> Value {
    let next_cursor = next_cursor.map(|cursor| ("nextCursor", Value::from(cursor)));
    let members = [("items", items.collect())].into_iter().chain(next_cursor);
    members.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The user resource, which only administrators see.
#[must_use]
pub fn user_resource(user: &User) -> Value {
    json!({
        "id": user.user_id,
        "pathId": to_path(&user.user_id),
        "name": user.name,
        "email": user.email,
        "roles": user.roles,
        "disabled": user.disabled,
        "lastSignInAt": user.last_sign_in_at.map(clock::to_text),
        "tokensRevokedAt": user.tokens_revoked_at.map(clock::to_text),
        "tokensRevokedBy": user.tokens_revoked_by,
    })
}
