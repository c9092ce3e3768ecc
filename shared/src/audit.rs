//! What has to be known later: who did what, on whom, when and from where.
//!
//! One event is one line of the log, written before the act is answered, so that a frozen
//! process holds none back. `docs/audit.md` describes the fields and
//! `docs/audit-event.schema.json` is their schema; a subscription picks the events by
//! the field `audit`, which no other line has.
//!
//! An event never holds a token, a hash, an e-mail address or a token's name, which its
//! owner may have chosen carelessly.

use uuid::Uuid;

use crate::caller::{Caller, Credential};
use crate::record::RevocationReason;

/// Under this name the events pass whatever `LOG_LEVEL` says.
pub const TARGET: &str = "audit";

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act<'a> {
    TokenCreated,
    TokenRevoked(RevocationReason),
    /// All that a user has by now.
    TokensRevoked,
    /// Somebody came with a token that was revoked or has expired.
    TokenRefused(RefusedFor),
    /// For the first time among the addresses on record.
    TokenUsedFromNewAddress,
    /// What is given is how it is now.
    UserChanged {
        disabled: Option<bool>,
        roles: Option<&'a [String]>,
        by: ChangedBy,
    },
}

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedFor {
    Revoked,
    Expired,
}

/// Who rules what has changed about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedBy {
    Administrator,
    /// A session newer than the record, whose claim has other roles.
    Session,
}

/// Who did something, as far as they had to say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Actor<'a> {
    pub user_id: Option<&'a str>,
    /// The token that they did it with.
    pub token_id: Option<&'a str>,
}

impl<'a> Actor<'a> {
    /// Whoever called.
    #[must_use]
    pub fn caller(caller: &'a Caller) -> Self {
        let token_id = match &caller.credential {
            Credential::Session => None,
            Credential::Token { id, .. } => Some(id.as_str()),
        };
        Self { user_id: Some(&caller.user_id), token_id }
    }
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    pub ip: Option<&'a str>,
    /// Of API Gateway, which its access log has as well.
    pub request_id: Option<&'a str>,
}

/// One event.
#[derive(Debug)]
pub struct Event<'a> {
    pub act: Act<'a>,
    pub actor: Actor<'a>,
    /// Whose token or account it is.
    pub user_id: &'a str,
    pub token_id: Option<Uuid>,
}

impl Event<'_> {
    /// Writes it down, with where its request came from.
    pub fn record(&self, origin: Origin<'_>) {
        let (disabled, roles) = match self.act {
            Act::UserChanged { disabled, roles, .. } => (disabled, roles.map(|roles| roles.join(" "))),
            Act::TokenCreated
            | Act::TokenRevoked(_)
            | Act::TokensRevoked
            | Act::TokenRefused(_)
            | Act::TokenUsedFromNewAddress => (None, None),
        };
        tracing::info!(
            target: TARGET,
            audit = self.act.name(),
            reason = self.act.reason(),
            actor_user_id = self.actor.user_id,
            actor_token_id = self.actor.token_id,
            user_id = self.user_id,
            token_id = self.token_id.map(tracing::field::display),
            disabled,
            roles,
            ip = origin.ip,
            request_id = origin.request_id,
        );
    }
}

impl Act<'_> {
    /// The word for it in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TokenCreated => "token.created",
            Self::TokenRevoked(_) => "token.revoked",
            Self::TokensRevoked => "user.tokens_revoked",
            Self::TokenRefused(_) => "token.refused",
            Self::TokenUsedFromNewAddress => "token.used_from_new_address",
            Self::UserChanged { .. } => "user.changed",
        }
    }

    fn reason(self) -> Option<&'static str> {
        match self {
            Self::TokenRevoked(reason) => Some(reason.as_str()),
            Self::TokenRefused(RefusedFor::Revoked) => Some("revoked"),
            Self::TokenRefused(RefusedFor::Expired) => Some("expired"),
            Self::UserChanged { by: ChangedBy::Administrator, .. } => Some("administrator"),
            Self::UserChanged { by: ChangedBy::Session, .. } => Some("session"),
            Self::TokenCreated | Self::TokensRevoked | Self::TokenUsedFromNewAddress => None,
        }
    }
}
