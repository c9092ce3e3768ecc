//! The process that a function runs in: its environment variables and its log.
//!
//! This is the only crate of the core that reads the environment. A function's own
//! configuration belongs to the function; [`settings`] holds what several functions have in common.

pub mod environment;
pub mod settings;
pub mod telemetry;

pub use environment::{ConfigError, Environment};
