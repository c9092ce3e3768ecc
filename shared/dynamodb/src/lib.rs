//! Tokens and users in DynamoDB, and what this store guarantees:
//!
//! - The record of a token is stored under the token's hash. A small lookup item under
//!   `id#<token id>` leads from the ID to the hash with consistent reads alone.
//!   **Revoking never depends on an index.**
//! - Every read of a token or user returns what was last written (consistent reads).
//! - No write creates a deleted record again, and a token keeps its first revocation.
//! - Lists find tokens by an index and may miss one created a moment ago. What they show
//!   of a token is read consistently.
//!
//! This is the only shared crate that depends on the AWS SDK. The methods of [`Store`] are
//! in one module for each purpose: the authorizer, creation, single tokens, their changes,
//! lists, users, administration.

mod administration;
mod batch;
pub mod config;
mod conflicts;
mod connection;
mod creation;
mod credentials;
mod error;
mod integrity;
mod items;
mod lists;
mod store;
mod token_changes;
mod tokens;
mod users;

pub use administration::{UserChange, UserChangeOutcome, UserPage};
pub use connection::{TimeLimits, authorizer_client};
pub use creation::{CreationOutcome, NewToken};
pub use error::StoreError;
pub use lists::{ListPage, ListRequest, ListScope};
pub use store::Store;
pub use token_changes::ChangedToken;
pub use tokens::{OwnedToken, RevocationOutcome, TokenLocation};
pub use users::{SignIn, SignedIn};
