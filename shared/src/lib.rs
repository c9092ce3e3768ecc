//! Every rule about personal access tokens, once.
//!
//! The pure modules know no AWS: [`token`] (what a token looks like), [`record`]
//! and [`user`] (what is stored), [`verify`] (whether it may be used), [`caller`]
//! (what a backend is told about who calls), [`audit`]
//! (what has to be known later). [`store`] says what storage must
//! guarantee, and only `store/dynamodb` knows the SDK. A Rust backend behind the
//! authorizer needs this crate without features: just [`caller`].

pub mod audit;
pub mod caller;
pub mod client_ip;
pub mod clock;
pub mod config;
pub mod record;
pub mod resource;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod user;
pub mod verify;

#[cfg(feature = "http")]
pub mod http;
