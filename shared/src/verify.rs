//! May this token be used now? One pure function answers for requests and lists.

use chrono::TimeDelta;

use crate::clock::Timestamp;
use crate::record::{Revocation, RevocationReason, TokenRecord};
use crate::user::User;

/// Every outcome of checking a token. "Not found" is an answer, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    /// No such token.
    Unknown,
    Revoked,
    /// Revoked along with all of its owner's older tokens (`tokens_valid_after`).
    Superseded,
    Expired,
    OwnerMissing,
    OwnerDisabled,
    /// The owner has not signed in for longer than the policy allows.
    OwnerAbsent,
}

/// What people see of a token (the brief's three states).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Active,
    Expired,
    Revoked,
}

/// Rules of the deployment that a verdict depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// How long after the last sign-in a user's tokens keep working; None: for ever.
    pub session_max_age: Option<TimeDelta>,
}

/// Judges a token by its record and its owner's, as read at the same time.
///
/// The order of the checks is part of the contract: it decides which reason a
/// denial carries when several apply.
#[must_use]
pub fn verify(token: Option<&TokenRecord>, owner: Option<&User>, now: Timestamp, policy: Policy) -> Verdict {
    let Some(token) = token else { return Verdict::Unknown };
    if token.revoked.is_some() {
        return Verdict::Revoked;
    }
    if superseded(token, owner).is_some() {
        return Verdict::Superseded;
    }
    if token.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Verdict::Expired;
    }
    let Some(owner) = owner else { return Verdict::OwnerMissing };
    if owner.disabled {
        return Verdict::OwnerDisabled;
    }
    if let Some(age) = policy.session_max_age {
        // Someone who never signed in (written by hand) counts as absent as well.
        let present = owner.last_sign_in_at.is_some_and(|at| now.signed_duration_since(at) <= age);
        if !present {
            return Verdict::OwnerAbsent;
        }
    }
    Verdict::Allowed
}

/// When, by whom and why a token was revoked: by itself, or along with all of its
/// owner's tokens, whichever came first.
#[must_use]
pub fn revocation(token: &TokenRecord, owner: Option<&User>) -> Option<Revocation> {
    let of_one = token.revoked.clone();
    let of_all = superseded(token, owner);
    of_one.into_iter().chain(of_all).min_by_key(|revocation| revocation.at)
}

/// The revocation of all of an owner's tokens, if it ended this one.
fn superseded(token: &TokenRecord, owner: Option<&User>) -> Option<Revocation> {
    let owner = owner?;
    let valid_after = owner.tokens_valid_after?;
    (token.created_at <= valid_after).then(|| Revocation {
        at: owner.tokens_revoked_at.unwrap_or(valid_after),
        by: owner.tokens_revoked_by.clone(),
        reason: RevocationReason::RevokeAll,
    })
}

/// A token's own state, whatever its owner's account is in: the state of the
/// account is shown with the account.
#[must_use]
pub fn status(token: &TokenRecord, owner: Option<&User>, now: Timestamp) -> Status {
    match verify(Some(token), owner, now, Policy::default()) {
        Verdict::Revoked | Verdict::Superseded => Status::Revoked,
        Verdict::Expired => Status::Expired,
        Verdict::Allowed
        | Verdict::Unknown
        | Verdict::OwnerMissing
        | Verdict::OwnerDisabled
        | Verdict::OwnerAbsent => Status::Active,
    }
}

impl Verdict {
    /// The word for it in log lines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::OwnerMissing => "owner_missing",
            Self::OwnerDisabled => "owner_disabled",
            Self::OwnerAbsent => "owner_absent",
        }
    }
}

impl Status {
    /// The word for it in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// Reads what [`Status::as_str`] writes.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::Expired, Self::Revoked].into_iter().find(|status| status.as_str() == word)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::from_text;

    const CREATED: &str = "2026-01-01T00:00:00.000Z";
    const NOW: &str = "2026-06-01T00:00:00.000Z";

    fn at(text: &str) -> Timestamp {
        from_text(text).unwrap()
    }

    pub(crate) fn token() -> TokenRecord {
        TokenRecord {
            token_id: uuid::Uuid::nil(),
            user_id: "alice".into(),
            name: "ci".into(),
            prefix: "fdp_abcdef".into(),
            created_at: at(CREATED),
            expires_at: None,
            revoked: None,
            last_used: None,
            seen_from: Vec::new(),
        }
    }

    fn owner() -> User {
        User { user_id: "alice".into(), ..User::default() }
    }

    fn verdict(token: &TokenRecord, owner: Option<&User>) -> Verdict {
        verify(Some(token), owner, at(NOW), Policy::default())
    }

    fn revoked() -> Option<Revocation> {
        Some(Revocation::of_one(at(CREATED), "alice", "alice"))
    }

    #[test]
    fn token_without_expiry_is_allowed() {
        assert_eq!(verdict(&token(), Some(&owner())), Verdict::Allowed);
    }

    #[test]
    fn missing_token_is_unknown_whoever_asks() {
        assert_eq!(verify(None, Some(&owner()), at(NOW), Policy::default()), Verdict::Unknown);
        assert_eq!(verify(None, None, at(NOW), Policy::default()), Verdict::Unknown);
    }

    #[test]
    fn token_expires_at_the_very_millisecond() {
        let mut token = token();
        token.expires_at = Some(at("2026-06-01T00:00:00.001Z"));
        assert_eq!(verdict(&token, Some(&owner())), Verdict::Allowed);
        token.expires_at = Some(at(NOW));
        assert_eq!(verdict(&token, Some(&owner())), Verdict::Expired);
    }

    #[test]
    fn token_created_at_the_users_epoch_is_superseded_and_one_after_it_is_not() {
        let mut owner = owner();
        owner.tokens_valid_after = Some(at(CREATED));
        assert_eq!(verdict(&token(), Some(&owner)), Verdict::Superseded);
        let mut younger = token();
        younger.created_at = at("2026-01-01T00:00:00.001Z");
        assert_eq!(verdict(&younger, Some(&owner)), Verdict::Allowed);
    }

    #[test]
    fn owner_must_exist_and_be_enabled() {
        assert_eq!(verdict(&token(), None), Verdict::OwnerMissing);
        let disabled = User { disabled: true, ..owner() };
        assert_eq!(verdict(&token(), Some(&disabled)), Verdict::OwnerDisabled);
    }

    #[test]
    fn owner_who_stays_away_too_long_is_absent() {
        let policy = Policy { session_max_age: Some(TimeDelta::days(30)) };
        let signed_in = |text| User { last_sign_in_at: Some(at(text)), ..owner() };
        let judge = |owner: &User| verify(Some(&token()), Some(owner), at(NOW), policy);
        assert_eq!(judge(&signed_in("2026-05-02T00:00:00.000Z")), Verdict::Allowed);
        assert_eq!(judge(&signed_in("2026-05-01T23:59:59.999Z")), Verdict::OwnerAbsent);
        assert_eq!(judge(&owner()), Verdict::OwnerAbsent);
    }

    #[test]
    fn first_applicable_reason_wins() {
        let mut token = token();
        token.revoked = revoked();
        token.expires_at = Some(at(CREATED));
        let mut owner = User { disabled: true, ..owner() };
        owner.tokens_valid_after = Some(at(NOW));
        assert_eq!(verdict(&token, Some(&owner)), Verdict::Revoked);
        token.revoked = None;
        assert_eq!(verdict(&token, Some(&owner)), Verdict::Superseded);
        owner.tokens_valid_after = None;
        assert_eq!(verdict(&token, Some(&owner)), Verdict::Expired);
        token.expires_at = None;
        assert_eq!(verdict(&token, Some(&owner)), Verdict::OwnerDisabled);
    }

    #[test]
    fn revocation_of_all_holds_whenever_a_token_expires() {
        let mut token = token();
        // One of them in the future, as a clock that is ahead may write it.
        for valid_after in ["2026-02-01T00:00:00.000Z", "2026-07-01T00:00:00.000Z"] {
            let owner = User { tokens_valid_after: Some(at(valid_after)), ..owner() };
            for expires_at in
                ["2026-01-02T00:00:00.000Z", "2026-03-01T00:00:00.000Z", "2026-06-15T00:00:00.000Z"]
            {
                token.expires_at = Some(at(expires_at));
                assert_eq!(verdict(&token, Some(&owner)), Verdict::Superseded);
                assert_eq!(status(&token, Some(&owner), at(NOW)), Status::Revoked);
            }
        }
    }

    #[test]
    fn first_of_two_revocations_is_the_one_that_counts() {
        let mut token = token();
        let (january, february) = (at("2026-01-15T00:00:00.000Z"), at("2026-02-15T00:00:00.000Z"));
        let owner = |valid_after| User {
            tokens_valid_after: Some(valid_after),
            tokens_revoked_at: Some(valid_after),
            tokens_revoked_by: Some("admin".into()),
            ..owner()
        };
        let of_all = |at| Revocation { at, by: Some("admin".into()), reason: RevocationReason::RevokeAll };
        assert_eq!(revocation(&token, None), None);
        assert_eq!(revocation(&token, Some(&owner(january))), Some(of_all(january)));
        token.revoked = Some(Revocation::of_one(february, "alice", "alice"));
        assert_eq!(revocation(&token, Some(&owner(january))), Some(of_all(january)));
        token.revoked = Some(Revocation::of_one(january, "alice", "alice"));
        assert_eq!(revocation(&token, Some(&owner(february))), token.revoked);
        token.created_at = at("2026-02-20T00:00:00.000Z");
        token.revoked = None;
        assert_eq!(revocation(&token, Some(&owner(february))), None);
    }

    #[test]
    fn status_shows_the_token_and_not_the_account() {
        let mut token = token();
        let disabled = User { disabled: true, ..owner() };
        assert_eq!(status(&token, Some(&disabled), at(NOW)), Status::Active);
        assert_eq!(status(&token, None, at(NOW)), Status::Active);
        let superseding = User { tokens_valid_after: Some(at(NOW)), ..owner() };
        assert_eq!(status(&token, Some(&superseding), at(NOW)), Status::Revoked);
        token.expires_at = Some(at(CREATED));
        assert_eq!(status(&token, Some(&owner()), at(NOW)), Status::Expired);
        token.revoked = revoked();
        assert_eq!(status(&token, Some(&owner()), at(NOW)), Status::Revoked);
    }

    #[test]
    fn status_words_round_trip() {
        for status in [Status::Active, Status::Expired, Status::Revoked] {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
        }
        assert_eq!(Status::from_word("Active"), None);
    }
}
