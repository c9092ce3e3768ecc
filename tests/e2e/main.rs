//! The system from outside. Each test's name states the guarantee that it checks.

mod audit;
mod bad_credentials;
mod bad_input;
mod certificates;
mod consistency;
mod documents;
mod durability;
mod faults;
mod gateway;
mod isolation;
mod last_used;
mod leaked;
mod lifecycle;
mod metrics;
mod packages;
mod paging;
mod paths;
mod requirements;
mod restore;
mod revoke_all;
mod roles;
mod secrets;
mod smoke;
mod smuggling;
mod stopping;
mod users;
