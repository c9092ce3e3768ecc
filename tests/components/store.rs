//! The store.

mod tokens;
