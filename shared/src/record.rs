//! What is stored of a token. Never the token itself, and not its hash either: the
//! hash is the key the record lies under, and only the store handles it.

use uuid::Uuid;

use crate::clock::Timestamp;

/// The longest name a token may have, in characters.
pub const NAME_MAX_CHARACTERS: usize = 100;

/// A stored token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// UUIDv7, so that ids order tokens by their creation.
    pub token_id: Uuid,
    /// The owner. It never changes.
    pub user_id: String,
    pub name: String,
    /// The first characters of the token, for people to recognise it by.
    pub prefix: String,
    pub created_at: Timestamp,
    /// None: valid until revoked.
    pub expires_at: Option<Timestamp>,
    pub revoked: Option<Revocation>,
    pub last_used: Option<LastUse>,
}

/// Who ended a token, and when. It is final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    pub at: Timestamp,
    /// The user id of whoever revoked it.
    pub by: String,
}

/// The latest use that was written down (one a minute at most).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    pub at: Timestamp,
    /// Absent where the gateway's event has no client address (REST `TOKEN`).
    pub ip: Option<String>,
}
