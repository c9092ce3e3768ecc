//! What holds for every text, every event and every history of tokens: each property is
//! checked on randomly generated inputs, and an input that fails is reduced to a small one.
//!
//! `make test` generates a few inputs for each property, `make fuzz` many. Inputs that once
//! failed are kept in `proptest-regressions` and run first.

mod endpoint_events;
mod endpoint_requests;
mod events;
#[path = "../components/gateway_events.rs"]
#[expect(dead_code, reason = "the component tests need more of it")]
mod gateway_events;
mod histories;
mod interleavings;
mod json;
mod model;
mod records;
mod runner;
#[path = "../components/setup.rs"]
#[expect(dead_code, reason = "the component tests need more of it")]
mod setup;
mod stored;
mod tokens;
