//! `POST /api/tokens/revoke`: revokes leaked tokens.
//!
//! A report needs no credential: anyone who holds a token could use it, so they can revoke
//! it. The response does not depend on whether a token exists.

mod config;
mod input;

use patgate_dynamodb::{RevocationOutcome, Store, StoreError, TokenLocation};
use patgate_endpoint::request::json_object;
use patgate_endpoint::{Endpoint, Problem, Request, Response, audit, response};
use patgate_rules::audit::{Act, Actor, AuditEvent};
use patgate_rules::clock::Timestamp;
use patgate_rules::token_record::{Revocation, RevocationReason};
use serde_json::json;

pub use crate::config::Config;
use crate::input::Input;

/// Handles `POST /api/tokens/revoke`.
#[derive(Debug)]
pub struct RevokeLeakedTokens {
    config: Config,
    store: Store,
}

impl RevokeLeakedTokens {
    #[must_use]
    pub fn new(config: Config, store: Store) -> Self {
        Self { config, store }
    }
}

impl Endpoint for RevokeLeakedTokens {
    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Problem> {
        let input = Input::read(&json_object(request.body())?, &self.config.token_format)?;

        // Only tokens that exist are written. Anyone can report unknown tokens, and a read
        // costs a fifth of a write.
        let located = self.store.locate_unrevoked_tokens(&input.hashes).await?;

        let mut failure = None;
        for location in &located {
            // A revocation that fails must not keep the other tokens alive.
            if let Err(error) = self.revoke(location, request, now).await {
                failure = Some(error);
            }
        }

        match failure {
            Some(error) => Err(error.into()),
            None => Ok(response::accepted(
                &json!({ "accepted": input.hashes.len(), "malformed": input.malformed }),
            )),
        }
    }
}

impl RevokeLeakedTokens {
    async fn revoke(
        &self,
        location: &TokenLocation,
        request: &Request,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let revocation = Revocation { at: now, by: None, reason: RevocationReason::Leaked };
        let purge_at = now + self.config.retention;
        let outcome = self.store.revoke_token(location, &revocation, purge_at).await?;
        if outcome != RevocationOutcome::Revoked {
            return Ok(());
        }

        let event = AuditEvent {
            act: Act::TokenRevoked(revocation.reason),
            // A report needs no credential.
            actor: Actor::default(),
            user_id: &location.owner_id,
            token_id: Some(location.token_id),
        };
        audit::log(&event, request, self.config.client_ip_header.as_ref());
        self.store.expire_lookup_item(location, purge_at).await;

        Ok(())
    }
}
