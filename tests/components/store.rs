//! What the store guarantees.

mod conflicts;
mod connection;
mod idempotency;
mod lists;
mod tokens;
mod users;
