//! Every rule about personal access tokens, once.
//!
//! Nothing here depends on AWS, reads the environment or does I/O, except that [`audit`]
//! logs events. Functions that depend on the time or on randomness take them as arguments.
//! [`clock::now`] is the only reader of the clock, and only `main.rs`, `serve` and the work
//! after a response call it.
//!
//! [`token`] defines what a token looks like, [`token_record`] and [`user`] what is stored,
//! and [`verdict`] whether a token may be used now.

pub mod audit;
pub mod client_ip;
pub mod clock;
pub mod display_name;
pub mod expiry;
pub mod idempotency;
pub mod month;
pub mod search;
mod sha256;
pub mod token;
pub mod token_filter;
pub mod token_record;
pub mod user;
pub mod verdict;
pub mod version;
