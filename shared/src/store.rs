//! What storage keeps and what it guarantees, whatever database is behind it.
//!
//! - A token lies under its hash; a second small item under `id#<token id>` finds
//!   it by id, with consistent reads alone. **Revoking never depends on an index.**
//! - A token or user read here is the latest written (consistent reads).
//! - No write brings back what was deleted, and the first revocation stays.
//! - Lists find tokens by index, and may miss one created a moment ago; what they
//!   show of a token is read consistently.

pub mod month;

#[cfg(feature = "store")]
pub mod dynamodb;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::record::TokenRecord;
use crate::token::TokenHash;
use crate::user::User;
use crate::verify::Status;

/// Storage could not do what it was asked. Never means "not found".
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It was unreachable, too slow, throttled, or refused the request.
    #[error("storage could not {operation}: {reason}")]
    Unavailable { operation: &'static str, reason: String },
    /// It holds an item that we did not write.
    #[error("stored item has no valid `{attribute}`")]
    Corrupt { attribute: &'static str },
}

/// A token to be stored.
#[derive(Debug)]
pub struct NewToken {
    pub hash: TokenHash,
    pub record: TokenRecord,
    /// From when on the expired token may be forgotten; None if it does not expire.
    pub purge_at: Option<Timestamp>,
}

/// How a creation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    Created,
    /// The owner is unknown or disabled. Nothing was stored.
    OwnerRefused,
    /// The owner's tokens up to this time are revoked, and that includes the new one.
    /// Nothing was stored.
    Superseded {
        tokens_valid_after: Timestamp,
    },
}

/// Where a token lies.
#[cfg(feature = "store")]
#[derive(Debug)]
pub struct Location {
    pub token_id: Uuid,
    pub(crate) hash: TokenHash,
    pub owner_id: String,
}

/// How a revocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationOutcome {
    Revoked,
    /// Somebody did before; the record still names them.
    AlreadyRevoked,
    /// The token has been forgotten since it was located.
    Gone,
}

/// A token and its owner as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedToken {
    pub token: TokenRecord,
    /// None if the user's record is missing.
    pub owner: Option<User>,
}

/// What a session says about its user.
#[derive(Debug)]
pub struct SignIn<'a> {
    pub user_id: &'a str,
    pub name: &'a str,
    pub email: Option<&'a str>,
    pub issued_at: Timestamp,
    /// None where `Users` is the only source of roles.
    pub roles: Option<&'a [String]>,
}

/// A user's record once it is brought up to a session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub user: User,
    /// Whether this session brought other roles than were on record.
    pub changed_roles: bool,
}

/// Users, and where the next page begins.
#[derive(Debug)]
pub struct UserPage {
    pub users: Vec<User>,
    pub next: Option<String>,
}

/// What an administrator changes about a user.
#[derive(Debug, Clone, Copy)]
pub struct UserChange<'a> {
    pub user_id: &'a str,
    pub disabled: Option<bool>,
    pub roles: Option<&'a [String]>,
    /// The administrator's user id, and the role that makes them one.
    pub by: &'a str,
    pub admin_role: &'a str,
}

/// How a user's change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserChangeOutcome {
    Changed,
    NoSuchUser,
    /// Whoever asks is disabled or no administrator, by the time of the write.
    NotAdministrator,
}

/// Whose tokens a list shows.
#[derive(Debug, Clone, Copy)]
pub enum ListScope<'a> {
    User(&'a str),
    /// Back to and including the month in which the first token may have been created.
    Everyone {
        first_month: month::Month,
    },
}

/// One page of a list.
#[derive(Debug, Clone, Copy)]
pub struct ListRequest<'a> {
    pub scope: ListScope<'a>,
    /// None: of every status.
    pub status: Option<Status>,
    /// Where the page before ended: only ids below this one.
    pub before: Option<Uuid>,
    /// The most tokens to return, 1 to 100.
    pub limit: usize,
    pub now: Timestamp,
}

/// Tokens, newest first, and where the next page begins.
#[derive(Debug)]
pub struct ListPage {
    pub tokens: Vec<OwnedToken>,
    /// The last id examined. A page may be short, even empty, and still have one.
    pub next: Option<Uuid>,
}
