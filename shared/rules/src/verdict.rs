//! Whether a token may be used now: one pure function for requests and for lists.

use std::str::FromStr;

use chrono::TimeDelta;

use crate::clock::Timestamp;
use crate::token_record::{Revocation, RevocationReason, TokenRecord};
use crate::user::User;

/// Every outcome of checking a token. "Not found" is an outcome, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    /// There is no such token.
    Unknown,
    Revoked,
    /// Revoked together with all tokens that its owner had: it is not of the owner's
    /// `token_generation`.
    Superseded,
    Expired,
    OwnerMissing,
    OwnerDisabled,
    /// The owner has not signed in for longer than the policy allows.
    OwnerAbsent,
}

/// The state of a token that its owner sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Active,
    Expired,
    Revoked,
}

/// The deployment's rules that a verdict depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// How long a user's tokens work after the user's last sign-in. `None` means without
    /// limit.
    pub session_max_age: Option<TimeDelta>,
}

/// Checks a token by its record and its owner's record, both read for this request.
///
/// The order of the checks is part of the contract: if several reasons for a denial
/// apply, it decides which one is given.
#[must_use]
pub fn verify(token: Option<&TokenRecord>, owner: Option<&User>, now: Timestamp, policy: Policy) -> Verdict {
    let Some(token) = token else { return Verdict::Unknown };

    if token.revoked.is_some() {
        return Verdict::Revoked;
    }
    if is_superseded(token, owner) {
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
        // A user who was added by hand and has never signed in is absent as well.
        let signed_in_recently = owner.last_sign_in_at.is_some_and(|at| now.signed_duration_since(at) <= age);
        if !signed_in_recently {
            return Verdict::OwnerAbsent;
        }
    }

    Verdict::Allowed
}

/// When, by whom and why a token was revoked: alone, or together with all of its owner's
/// tokens, whichever came first.
///
/// `None` for a revoked token means that this is unknown: an operator deleted its owner's
/// record, and the owner's next sign-in created another.
#[must_use]
pub fn revocation(token: &TokenRecord, owner: Option<&User>) -> Option<Revocation> {
    let of_token = token.revoked.clone();
    let of_all = owner.filter(|_| is_superseded(token, owner)).and_then(revocation_of_all);

    of_token.into_iter().chain(of_all).min_by_key(|revocation| revocation.at)
}

/// Whether a token is revoked: alone, or together with all of its owner's tokens.
#[must_use]
pub fn is_revoked(token: &TokenRecord, owner: Option<&User>) -> bool {
    token.revoked.is_some() || is_superseded(token, owner)
}

/// Whether all of the owner's tokens were revoked since this one was created.
///
/// The generations are compared for equality, so that a token is also denied if its
/// generation is newer than the owner's, which only a restored or edited table can cause.
fn is_superseded(token: &TokenRecord, owner: Option<&User>) -> bool {
    owner.is_some_and(|owner| owner.token_generation != Some(token.generation))
}

/// The latest revocation of all of an owner's tokens.
fn revocation_of_all(owner: &User) -> Option<Revocation> {
    let by = owner.tokens_revoked_by.clone();
    owner.tokens_revoked_at.map(|at| Revocation { at, by, reason: RevocationReason::RevokeAll })
}

/// The state of the token itself. The state of its owner's account does not matter,
/// because it is shown with the account.
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
    /// The value in log lines and in the API.
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
    const ALL: [Self; 3] = [Self::Active, Self::Expired, Self::Revoked];

    /// The value in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// The text is not a [`Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown status")]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    /// Parses the form of [`Status::as_str`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_text;
    use crate::token_record::tests::token;

    const CREATED: &str = "2026-01-01T00:00:00.000Z";
    const NOW: &str = "2026-06-01T00:00:00.000Z";

    fn at(text: &str) -> Timestamp {
        from_text(text).unwrap()
    }

    fn owner() -> User {
        User { user_id: "alice".into(), token_generation: Some(0), ..User::default() }
    }

    fn verdict(token: &TokenRecord, owner: Option<&User>) -> Verdict {
        verify(Some(token), owner, at(NOW), Policy::default())
    }

    fn revoked() -> Option<Revocation> {
        Some(Revocation::of_token(at(CREATED), "alice", "alice"))
    }

    #[test]
    fn token_without_expiry_is_allowed() {
        assert_eq!(verdict(&token(), Some(&owner())), Verdict::Allowed);
    }

    #[test]
    fn missing_token_is_unknown_with_and_without_an_owner() {
        assert_eq!(verify(None, Some(&owner()), at(NOW), Policy::default()), Verdict::Unknown);
        assert_eq!(verify(None, None, at(NOW), Policy::default()), Verdict::Unknown);
    }

    #[test]
    fn token_expires_at_the_exact_millisecond() {
        let mut token = token();
        token.expires_at = Some(at("2026-06-01T00:00:00.001Z"));
        assert_eq!(verdict(&token, Some(&owner())), Verdict::Allowed);
        token.expires_at = Some(at(NOW));
        assert_eq!(verdict(&token, Some(&owner())), Verdict::Expired);
    }

    #[test]
    fn only_tokens_of_their_owners_generation_work_whatever_the_clocks_say() {
        // A clock that runs fast has dated the token after the revocation.
        let revoked_at = Some(at(CREATED));
        let token = TokenRecord { generation: 3, created_at: at(NOW), ..token() };

        for (token_generation, expected) in [
            (Some(2), Verdict::Superseded),
            (Some(3), Verdict::Allowed),
            (Some(4), Verdict::Superseded),
            (None, Verdict::Superseded),
        ] {
            let owner = User { token_generation, tokens_revoked_at: revoked_at, ..owner() };
            assert_eq!(verdict(&token, Some(&owner)), expected, "{token_generation:?}");
        }
    }

    #[test]
    fn owner_must_exist_and_be_enabled() {
        assert_eq!(verdict(&token(), None), Verdict::OwnerMissing);
        let disabled = User { disabled: true, ..owner() };
        assert_eq!(verdict(&token(), Some(&disabled)), Verdict::OwnerDisabled);
    }

    #[test]
    fn owner_who_has_not_signed_in_for_too_long_is_absent() {
        let policy = Policy { session_max_age: Some(TimeDelta::days(30)) };
        let signed_in = |text| User { last_sign_in_at: Some(at(text)), ..owner() };
        let verdict = |owner: &User| verify(Some(&token()), Some(owner), at(NOW), policy);
        assert_eq!(verdict(&signed_in("2026-05-02T00:00:00.000Z")), Verdict::Allowed);
        assert_eq!(verdict(&signed_in("2026-05-01T23:59:59.999Z")), Verdict::OwnerAbsent);
        assert_eq!(verdict(&owner()), Verdict::OwnerAbsent);
    }

    #[test]
    fn first_applicable_reason_is_given() {
        let mut token = token();
        token.revoked = revoked();
        token.expires_at = Some(at(CREATED));
        let mut owner = User { disabled: true, ..owner() };
        owner.token_generation = Some(1);
        assert_eq!(verdict(&token, Some(&owner)), Verdict::Revoked);
        token.revoked = None;
        assert_eq!(verdict(&token, Some(&owner)), Verdict::Superseded);
        owner.token_generation = Some(0);
        assert_eq!(verdict(&token, Some(&owner)), Verdict::Expired);
        token.expires_at = None;
        assert_eq!(verdict(&token, Some(&owner)), Verdict::OwnerDisabled);
    }

    #[test]
    fn revoke_all_applies_whatever_the_expiry_of_a_token() {
        let mut token = token();
        let owner = User { token_generation: Some(1), tokens_revoked_at: Some(at(CREATED)), ..owner() };
        for expires_at in ["2026-01-02T00:00:00.000Z", "2026-06-15T00:00:00.000Z"] {
            token.expires_at = Some(at(expires_at));
            assert_eq!(verdict(&token, Some(&owner)), Verdict::Superseded);
            assert_eq!(status(&token, Some(&owner), at(NOW)), Status::Revoked);
        }
    }

    #[test]
    fn first_of_two_revocations_counts() {
        let mut token = token();
        let (january, february) = (at("2026-01-15T00:00:00.000Z"), at("2026-02-15T00:00:00.000Z"));
        let owner = |revoked_at| User {
            token_generation: Some(1),
            tokens_revoked_at: Some(revoked_at),
            tokens_revoked_by: Some("admin".into()),
            ..owner()
        };
        let of_all = |at| Revocation { at, by: Some("admin".into()), reason: RevocationReason::RevokeAll };
        assert_eq!(revocation(&token, None), None);
        assert_eq!(revocation(&token, Some(&owner(january))), Some(of_all(january)));
        token.revoked = Some(Revocation::of_token(february, "alice", "alice"));
        assert_eq!(revocation(&token, Some(&owner(january))), Some(of_all(january)));
        token.revoked = Some(Revocation::of_token(january, "alice", "alice"));
        assert_eq!(revocation(&token, Some(&owner(february))), token.revoked);
        (token.generation, token.revoked) = (1, None);
        assert_eq!(revocation(&token, Some(&owner(february))), None);
    }

    #[test]
    fn token_of_a_deleted_record_of_its_owner_is_revoked_at_an_unknown_time() {
        let new_record = User { token_generation: Some(7), ..owner() };
        let mut token = token();
        assert_eq!(status(&token, Some(&new_record), at(NOW)), Status::Revoked);
        assert_eq!(revocation(&token, Some(&new_record)), None);
        token.revoked = revoked();
        assert_eq!(revocation(&token, Some(&new_record)), revoked());
    }

    #[test]
    fn status_ignores_the_state_of_the_owners_account() {
        let mut token = token();
        let disabled = User { disabled: true, ..owner() };
        assert_eq!(status(&token, Some(&disabled), at(NOW)), Status::Active);
        assert_eq!(status(&token, None, at(NOW)), Status::Active);
        let superseding = User { token_generation: Some(1), ..owner() };
        assert_eq!(status(&token, Some(&superseding), at(NOW)), Status::Revoked);
        token.expires_at = Some(at(CREATED));
        assert_eq!(status(&token, Some(&owner()), at(NOW)), Status::Expired);
        token.revoked = revoked();
        assert_eq!(status(&token, Some(&owner()), at(NOW)), Status::Revoked);
    }

    #[test]
    fn statuses_round_trip() {
        for status in [Status::Active, Status::Expired, Status::Revoked] {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert_eq!("Active".parse::<Status>(), Err(UnknownStatus));
    }
}
