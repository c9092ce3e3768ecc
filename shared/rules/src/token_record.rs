//! The record of a token. It holds neither the token nor its hash: the hash is the key of
//! the record, and only the store handles it.

use std::str::FromStr;

use uuid::Uuid;

use crate::clock::Timestamp;

/// The longest name a token may have, in characters.
pub const MAX_TOKEN_NAME_CHARACTERS: usize = 100;

/// The longest description a token may have, in characters.
pub const MAX_TOKEN_DESCRIPTION_CHARACTERS: usize = 500;

/// How many of the addresses that a token was used from are kept.
const MAX_SIGHTINGS: usize = 5;

/// A stored token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// A UUIDv7, so that IDs sort tokens by their creation.
    pub token_id: Uuid,
    /// The owner. It never changes.
    pub user_id: String,
    /// The owner's [`token_generation`](crate::user::User::token_generation) when the token
    /// was created.
    pub generation: u64,
    pub name: String,
    /// What its owner notes about it.
    pub description: Option<String>,
    /// The first characters of the token, by which its owner recognizes it.
    pub prefix: String,
    pub created_at: Timestamp,
    /// `None`: valid until revoked.
    pub expires_at: Option<Timestamp>,
    pub revoked: Option<Revocation>,
    pub last_used: Option<LastUse>,
    /// The latest addresses that the token was used from: each once, newest first.
    pub seen_from: Vec<Sighting>,
}

/// When, by whom and why a token was revoked. A revocation is final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    pub at: Timestamp,
    /// The ID of the user who revoked it. `None` if it was reported as leaked, because a
    /// report needs no credential.
    pub by: Option<String>,
    pub reason: RevocationReason,
}

/// Why a token was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationReason {
    /// Its owner revoked it.
    Owner,
    /// An administrator revoked the token of another user.
    Administrator,
    /// It was reported as leaked.
    Leaked,
    /// All of its owner's tokens were revoked at once.
    RevokeAll,
}

/// The latest recorded use. By default at most one use a minute is recorded
/// (`LAST_USED_RESOLUTION_SECONDS`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    pub at: Timestamp,
    /// `None` if the gateway's event has no client address (REST `TOKEN`).
    pub ip: Option<String>,
}

/// An address that a token was used from, and the latest recorded use from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub ip: String,
    pub at: Timestamp,
}

impl Revocation {
    /// The revocation of a single token by its owner or by an administrator.
    #[must_use]
    pub fn of_token(at: Timestamp, by: &str, owner_id: &str) -> Self {
        let is_owner = by == owner_id;
        let reason = if is_owner { RevocationReason::Owner } else { RevocationReason::Administrator };
        Self { at, by: Some(by.to_owned()), reason }
    }
}

impl RevocationReason {
    const ALL: [Self; 4] = [Self::Owner, Self::Administrator, Self::Leaked, Self::RevokeAll];

    /// The value in the table and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Administrator => "administrator",
            Self::Leaked => "leaked",
            Self::RevokeAll => "revoke-all",
        }
    }
}

/// The text is not a [`RevocationReason`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown revocation reason")]
pub struct UnknownRevocationReason;

impl FromStr for RevocationReason {
    type Err = UnknownRevocationReason;

    /// Parses the form of [`RevocationReason::as_str`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or(UnknownRevocationReason)
    }
}

impl TokenRecord {
    /// The new value of `seen_from` after one more use.
    #[must_use]
    pub fn seen_from_after(&self, last_use: &LastUse) -> Vec<Sighting> {
        let Some(ip) = &last_use.ip else { return self.seen_from.clone() };

        let newest = Sighting { ip: ip.clone(), at: last_use.at };
        let others = self.seen_from.iter().filter(|sighting| sighting.ip != *ip).cloned();

        std::iter::once(newest).chain(others).take(MAX_SIGHTINGS).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::from_text;

    pub(crate) fn token() -> TokenRecord {
        TokenRecord {
            token_id: uuid::Uuid::nil(),
            user_id: "alice".into(),
            generation: 0,
            name: "ci".into(),
            description: None,
            prefix: "fdp_abcdef".into(),
            created_at: from_text("2026-01-01T00:00:00.000Z").unwrap(),
            expires_at: None,
            revoked: None,
            last_used: None,
            seen_from: Vec::new(),
        }
    }

    #[test]
    fn five_latest_addresses_are_kept_once_each_newest_first() {
        let mut token = token();
        let at = |minute: usize| from_text(&format!("2026-01-01T00:{minute:02}:00.000Z")).unwrap();
        let mut ips = Vec::new();
        for (minute, ip) in ["a", "b", "a", "c", "d", "e", "f", "c"].into_iter().enumerate() {
            let last_use = LastUse { at: at(minute), ip: Some(ip.into()) };
            token.seen_from = token.seen_from_after(&last_use);
            ips.push(token.seen_from.iter().map(|sighting| sighting.ip.as_str()).collect::<String>());
        }
        assert_eq!(ips, ["a", "ba", "ab", "cab", "dcab", "edcab", "fedca", "cfeda"]);
        assert_eq!(token.seen_from[0].at, at(7));
        let without_address = LastUse { at: at(8), ip: None };
        assert_eq!(token.seen_from_after(&without_address), token.seen_from);
    }

    #[test]
    fn revocation_reasons_round_trip() {
        for reason in RevocationReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
        assert_eq!("Owner".parse::<RevocationReason>(), Err(UnknownRevocationReason));
    }
}
