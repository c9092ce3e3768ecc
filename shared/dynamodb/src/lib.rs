//! Tokens and users in DynamoDB, and what this store guarantees:
//!
//! - The record of a token is stored under the token's hash. A small lookup item under
//!   `id#<token id>` leads from the ID to the hash with consistent reads alone.
//!   **Revoking never depends on an index.**
//! - Every read of a token or user returns what was last written (consistent reads).
//! - No write brings back what was deleted, and the first revocation of a token stays.
//! - Lists find tokens by an index and may miss one created a moment ago. What they show
//!   of a token is read consistently.
//!
//! This is the only shared crate that knows the AWS SDK. [`Store`] has one module of
//! methods for each kind of caller.

mod administration;
mod batch;
pub mod config;
mod conflicts;
mod connection;
mod credentials;
mod error;
mod items;
mod lists;
mod store;
mod tokens;
mod users;

pub use administration::{UserChange, UserChangeOutcome, UserPage};
pub use connection::authorizer_client;
pub use error::StoreError;
pub use lists::{ListPage, ListRequest, ListScope};
pub use store::Store;
pub use tokens::{CreationOutcome, NewToken, OwnedToken, RevocationOutcome, TokenLocation};
pub use users::{SignIn, SignedIn};
