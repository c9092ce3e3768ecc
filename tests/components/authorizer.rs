//! The authorizer.

pub(crate) mod events;
mod sessions;
