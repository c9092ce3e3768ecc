//! Parts of the system in this process, through the real SDK against a real DynamoDB
//! whose tables come from the template.

mod authorizer_events;
mod authorizer_sessions;
mod backends;
mod identity_provider;
mod session_attacks;
mod setup;
mod store;
