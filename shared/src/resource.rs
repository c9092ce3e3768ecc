//! A token as the API shows it: everything but the secret and its hash.

use serde_json::{Value, json};

use crate::clock::{self, Timestamp};
use crate::record::TokenRecord;
use crate::user::User;
use crate::verify::{Status, status};

/// The token resource (camelCase, times in RFC 3339 UTC, `null` for what is not).
#[must_use]
pub fn token_resource(token: &TokenRecord, owner: Option<&User>, now: Timestamp) -> Value {
    let status = status(token, owner, now);
    let (revoked_at, revoked_by) = match &token.revoked {
        Some(revocation) => (Some(revocation.at), Some(revocation.by.as_str())),
        // Revoked along with all of its owner's older tokens.
        None if status == Status::Revoked => (owner.and_then(|owner| owner.tokens_valid_after), None),
        None => (None, None),
    };
    json!({
        "id": token.token_id.to_string(),
        "name": token.name,
        "prefix": token.prefix,
        "status": status.as_str(),
        "owner": { "id": token.user_id, "name": owner.map_or("", |owner| owner.name.as_str()) },
        "createdAt": clock::to_text(token.created_at),
        "expiresAt": token.expires_at.map(clock::to_text),
        "lastUsedAt": token.last_used.as_ref().map(|last| clock::to_text(last.at)),
        "lastUsedIp": token.last_used.as_ref().and_then(|last| last.ip.as_deref()),
        "revokedAt": revoked_at.map(clock::to_text),
        "revokedBy": revoked_by,
    })
}
