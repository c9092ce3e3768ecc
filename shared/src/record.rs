//! What is stored of a token. Never the token itself, and not its hash either: the
//! hash is the key the record lies under, and only the store handles it.

use uuid::Uuid;

use crate::clock::Timestamp;

/// The longest name a token may have, in characters.
pub const NAME_MAX_CHARACTERS: usize = 100;

/// How many addresses are kept of where a token was used from.
const SIGHTINGS_MAX: usize = 5;

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
    /// The latest addresses it was used from: each once, the newest first.
    pub seen_from: Vec<Sighting>,
}

/// When, by whom and why a token was ended. It is final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    pub at: Timestamp,
    /// The user id of whoever revoked it. None if it was reported as leaked: whoever
    /// finds a token need not say who they are.
    pub by: Option<String>,
    pub reason: RevocationReason,
}

/// Why a token was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationReason {
    /// Its owner revoked it.
    Owner,
    /// An administrator revoked somebody else's.
    Administrator,
    /// Somebody reported it as leaked.
    Leaked,
    /// All of its owner's tokens were revoked at once.
    RevokeAll,
}

/// The latest use that was written down (one a minute at most).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    pub at: Timestamp,
    /// Absent where the gateway's event has no client address (REST `TOKEN`).
    pub ip: Option<String>,
}

/// An address that a token was used from, and the latest such use on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub ip: String,
    pub at: Timestamp,
}

impl Revocation {
    /// Of a single token, by somebody who may.
    #[must_use]
    pub fn of_one(at: Timestamp, by: &str, owner_id: &str) -> Self {
        let is_owner = by == owner_id;
        let reason = if is_owner { RevocationReason::Owner } else { RevocationReason::Administrator };
        Self { at, by: Some(by.to_owned()), reason }
    }
}

impl RevocationReason {
    const ALL: [Self; 4] = [Self::Owner, Self::Administrator, Self::Leaked, Self::RevokeAll];

    /// The word for it in storage and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Administrator => "administrator",
            Self::Leaked => "leaked",
            Self::RevokeAll => "revoke-all",
        }
    }

    /// Reads what [`RevocationReason::as_str`] writes.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

impl TokenRecord {
    /// What `seen_from` becomes with one more use.
    #[must_use]
    pub fn seen_from_after(&self, last_use: &LastUse) -> Vec<Sighting> {
        let Some(ip) = &last_use.ip else { return self.seen_from.clone() };
        let newest = Sighting { ip: ip.clone(), at: last_use.at };
        let others = self.seen_from.iter().filter(|sighting| sighting.ip != *ip).cloned();
        std::iter::once(newest).chain(others).take(SIGHTINGS_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_text;

    #[test]
    fn five_latest_addresses_are_kept_each_once_and_the_newest_first() {
        let mut token = crate::verify::tests::token();
        let at = |minute: usize| from_text(&format!("2026-01-01T00:{minute:02}:00.000Z")).unwrap();
        let mut ips = Vec::new();
        for (minute, ip) in ["a", "b", "a", "c", "d", "e", "f", "c"].into_iter().enumerate() {
            let last_use = LastUse { at: at(minute), ip: Some(ip.into()) };
            token.seen_from = token.seen_from_after(&last_use);
            ips.push(token.seen_from.iter().map(|sighting| sighting.ip.as_str()).collect::<String>());
        }
        assert_eq!(ips, ["a", "ba", "ab", "cab", "dcab", "edcab", "fedca", "cfeda"]);
        assert_eq!(token.seen_from[0].at, at(7));
        let nowhere = LastUse { at: at(8), ip: None };
        assert_eq!(token.seen_from_after(&nowhere), token.seen_from);
    }

    #[test]
    fn reasons_round_trip() {
        for reason in RevocationReason::ALL {
            assert_eq!(RevocationReason::from_word(reason.as_str()), Some(reason));
        }
        assert_eq!(RevocationReason::from_word("Owner"), None);
    }
}
