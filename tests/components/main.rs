//! Parts of the system in this process, through the real SDK against a real DynamoDB
//! whose tables come from the template.

mod authorizer;
mod backends;
mod identity_provider;
mod session_attacks;
mod setup;
mod store;
