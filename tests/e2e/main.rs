//! The system from outside. Each test's name states the guarantee that it checks.

mod bad_credentials;
mod bad_input;
mod consistency;
mod faults;
mod gateway;
mod isolation;
mod last_used;
mod lifecycle;
mod packages;
mod paging;
mod requirements;
mod roles;
mod secrets;
mod stopping;
