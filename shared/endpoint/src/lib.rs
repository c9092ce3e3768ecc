//! What the management endpoints have in common. This is the only shared crate that knows
//! `lambda_http`.
//!
//! An endpoint implements [`Endpoint`], and its `main.rs` is one call of [`serve()`].

pub mod audit;
mod event;
pub mod input;
pub mod precondition;
pub mod problem;
pub mod request;
pub mod resource;
pub mod response;
mod serve;
pub mod token_fields;
pub mod user_path;

pub use lambda_http::{Error, Request};
pub use problem::{FieldCode, FieldError, FieldProblem, Problem, ProblemCode};
pub use response::Response;
pub use serve::{Endpoint, respond, serve};
