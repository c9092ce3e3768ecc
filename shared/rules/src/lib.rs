//! Every rule about personal access tokens, once.
//!
//! Nothing here knows AWS, reads the environment or waits for I/O. Functions that depend
//! on the time or on randomness take them as arguments; [`clock::now`] is the only reader
//! of the clock, and callers use it at the edge of the program.
//!
//! [`token`] defines what a token looks like, [`token_record`] and [`user`] what is stored,
//! and [`verdict`] whether a token may be used now.

pub mod audit;
pub mod client_ip;
pub mod clock;
pub mod expiry;
pub mod month;
pub mod token;
pub mod token_record;
pub mod user;
pub mod verdict;
