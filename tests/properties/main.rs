//! What holds for every text, every order of acts and every event: inputs are drawn by
//! lot, and one that fails is made small.
//!
//! `make test` draws a few of each, `make fuzz` many. What once failed stands in
//! `proptest-regressions` and is tried first from then on.

mod events;
mod histories;
mod model;
mod records;
mod runner;
#[path = "../components/setup.rs"]
#[expect(dead_code, reason = "the tests of the components need more of it")]
mod setup;
mod stored;
mod tokens;
