//! Known attacks on JWTs that neither `authorizer/sessions.rs` nor the end-to-end suite
//! covers, each against an issuer with a key for every supported algorithm.

mod claims;
mod encodings;
mod keys;

use patgate_authorizer::session::{Session, SessionError};
use patgate_rules::clock;

use crate::identity_provider::{IdentityProvider, verifier_for};

/// Verifies a session on an instance that has not fetched the issuer's keys yet.
async fn verify_cold(provider: &IdentityProvider, jwt: &str) -> Result<Session, SessionError> {
    verifier_for(provider).verify(jwt, clock::now()).await
}
