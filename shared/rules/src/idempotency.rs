//! Creations that a client may repeat, because it does not know whether the first attempt
//! succeeded.
//!
//! The client sends the same `Idempotency-Key` with each attempt
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>). The store
//! keeps the hash of the key and of the request, and neither of them itself.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::sha256;

/// How long a key is remembered.
pub const MAX_AGE: TimeDelta = TimeDelta::hours(24);

/// A user's key for one creation, hashed. Keys of two users never collide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// What a creation asked for, hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHash(String);

/// A key, and the request that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    pub key: IdempotencyKey,
    pub request: RequestHash,
}

/// What a creation with a key created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierCreation {
    pub token_id: Uuid,
    pub request: RequestHash,
}

/// The text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 255 visible ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The key that a user's client chose.
    ///
    /// # Errors
    /// When it does not have 1 to 255 visible ASCII characters.
    pub fn new(user_id: &str, key: &str) -> Result<Self, InvalidIdempotencyKey> {
        let is_key = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        // A user ID has no control characters, so the pair cannot be read in two ways.
        if is_key { Ok(Self(sha256::hex(&format!("{user_id}\0{key}")))) } else { Err(InvalidIdempotencyKey) }
    }

    /// 64 hexadecimal characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RequestHash {
    /// The hash of a body in a form that does not depend on white space and the order of fields.
    #[must_use]
    pub fn of(canonical_body: &str) -> Self {
        Self(sha256::hex(canonical_body))
    }

    /// 64 hexadecimal characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Wraps a hash that was read from the store.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_has_1_to_255_visible_characters() {
        for key in ["a", "8e03978e-40d5-43dd-bc93-6894a57f9324", "~!", &"k".repeat(255)] {
            assert_eq!(IdempotencyKey::new("alice", key).unwrap().as_str().len(), 64, "{key}");
        }
        for key in ["", " ", "a b", "a\tb", "é", "\u{7f}", &"k".repeat(256)] {
            assert_eq!(IdempotencyKey::new("alice", key), Err(InvalidIdempotencyKey), "{key:?}");
        }
    }

    #[test]
    fn users_never_share_a_key() {
        let key = |user, key| IdempotencyKey::new(user, key).unwrap();
        assert_eq!(key("alice", "k"), key("alice", "k"));
        assert_ne!(key("alice", "k"), key("bob", "k"));
        assert_ne!(key("a", "bc"), key("ab", "c"));
    }
}
