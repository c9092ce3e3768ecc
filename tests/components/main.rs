//! The store and the authorizer, called in this process. They use the real SDK and a real
//! DynamoDB whose tables come from the template.

mod authorizer;
mod backends;
mod gateway_events;
mod identity_provider;
mod session_attacks;
mod setup;
mod store;
