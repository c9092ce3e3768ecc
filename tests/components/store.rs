//! What the store guarantees.

mod conflicts;
mod connection;
mod idempotency;
mod lists;
mod token_changes;
mod tokens;
mod users;
