//! What the store guarantees.

mod conflicts;
mod connection;
mod lists;
mod tokens;
mod users;
