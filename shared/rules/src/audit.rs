//! Audit events: who did what, to which token or user, when, and from where.
//!
//! An event is one log line, written before Lambda can freeze the process, so no event is
//! held back. `docs/audit.md` describes the fields, and
//! `docs/audit-event.schema.json` is their schema. A subscription filter selects the
//! events by the field `audit`, which no other log line has.
//!
//! INVARIANT: an event never holds a token, a hash, an e-mail address or the name of a
//! token, which its owner may have chosen carelessly.

use uuid::Uuid;

use crate::token_record::RevocationReason;

/// The `tracing` target of all events. They are logged whatever `LOG_LEVEL` is.
pub const TARGET: &str = "audit";

/// One audit event.
#[derive(Debug)]
pub struct AuditEvent<'a> {
    pub act: Act<'a>,
    pub actor: Actor<'a>,
    /// The owner of the token, or the user who was changed.
    pub user_id: &'a str,
    pub token_id: Option<Uuid>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act<'a> {
    TokenCreated,
    /// The names of the fields that have new values, as in the API. The values are not logged.
    TokenChanged(&'a [&'static str]),
    TokenRevoked(RevocationReason),
    /// All existing tokens of a user were revoked.
    AllTokensRevoked,
    /// A request used a token that is revoked or has expired.
    TokenDenied(DeniedBecause),
    /// A token was used from an address that is not among the recorded ones.
    TokenUsedFromNewAddress,
    /// The fields hold the new values; `None` means unchanged.
    UserChanged {
        disabled: Option<bool>,
        roles: Option<&'a [String]>,
        source: ChangeSource,
    },
}

/// Why a token was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeniedBecause {
    Revoked,
    Expired,
}

/// Where a change of a user came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeSource {
    Administrator,
    /// A session newer than the record, whose claim has other roles.
    Session,
}

/// Who acted, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Actor<'a> {
    pub user_id: Option<&'a str>,
    /// The token that authenticated the request.
    pub token_id: Option<&'a str>,
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    pub ip: Option<&'a str>,
    /// API Gateway's request ID, which its access log holds as well.
    pub request_id: Option<&'a str>,
}

impl AuditEvent<'_> {
    /// Logs the event together with the origin of its request.
    pub fn log(&self, origin: Origin<'_>) {
        let (disabled, roles) = match self.act {
            Act::UserChanged { disabled, roles, .. } => (disabled, roles.map(|roles| roles.join(" "))),
            Act::TokenChanged(_)
            | Act::TokenCreated
            | Act::TokenRevoked(_)
            | Act::AllTokensRevoked
            | Act::TokenDenied(_)
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
            fields = self.act.changed_fields(),
            ip = origin.ip,
            request_id = origin.request_id,
        );
    }
}

impl Act<'_> {
    /// The value of the field `audit`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TokenCreated => "token.created",
            Self::TokenChanged(_) => "token.changed",
            Self::TokenRevoked(_) => "token.revoked",
            Self::AllTokensRevoked => "user.tokens_revoked",
            Self::TokenDenied(_) => "token.refused",
            Self::TokenUsedFromNewAddress => "token.used_from_new_address",
            Self::UserChanged { .. } => "user.changed",
        }
    }

    /// The value of the field `fields`.
    fn changed_fields(self) -> Option<String> {
        match self {
            Self::TokenChanged(fields) => Some(fields.join(" ")),
            Self::TokenCreated
            | Self::TokenRevoked(_)
            | Self::AllTokensRevoked
            | Self::TokenDenied(_)
            | Self::TokenUsedFromNewAddress
            | Self::UserChanged { .. } => None,
        }
    }

    /// The value of the field `reason`.
    fn reason(self) -> Option<&'static str> {
        match self {
            Self::TokenRevoked(reason) => Some(reason.as_str()),
            Self::TokenDenied(DeniedBecause::Revoked) => Some("revoked"),
            Self::TokenDenied(DeniedBecause::Expired) => Some("expired"),
            Self::UserChanged { source: ChangeSource::Administrator, .. } => Some("administrator"),
            Self::UserChanged { source: ChangeSource::Session, .. } => Some("session"),
            Self::TokenCreated
            | Self::TokenChanged(_)
            | Self::AllTokensRevoked
            | Self::TokenUsedFromNewAddress => None,
        }
    }
}
