//! `POST /api/tokens/revoke`: ends tokens that somebody found where they do not belong.
//!
//! Nobody has to say who they are: whoever holds a token could use it, so they may end
//! it. The answer is the same whether a token is known or not.

mod input;

use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::http::StatusCode;
use lambda_http::{Request, Response};
use patgate::audit::{Act, Actor, Event};
use patgate::clock::Timestamp;
use patgate::config::RevokeLeakedTokensConfig;
use patgate::http::input::json_object;
use patgate::http::{Problem, audit, json_response};
use patgate::record::{Revocation, RevocationReason};
use patgate::store::dynamodb::Store;
use patgate::store::{Location, RevocationOutcome, StoreError};
use serde_json::{Value, json};

use crate::input::Input;

/// The endpoint.
#[derive(Debug)]
pub struct RevokeLeakedTokens {
    config: RevokeLeakedTokensConfig,
    store: Store,
}

impl RevokeLeakedTokens {
    #[must_use]
    pub fn new(config: RevokeLeakedTokensConfig, store: Store) -> Self {
        Self { config, store }
    }

    /// Answers one request.
    pub async fn handle(&self, request: &Request, now: Timestamp) -> Response<Body> {
        match self.revoke_leaked(request, now).await {
            Ok(body) => json_response(StatusCode::ACCEPTED, &body),
            Err(problem) => problem.into_response(),
        }
    }

    async fn revoke_leaked(&self, request: &Request, now: Timestamp) -> Result<Value, Problem> {
        let input = Input::read(&json_object(request.body())?, &self.config.token_format)?;
        // A read costs a fifth of a write, and anybody may ask about anything.
        let located = self.store.locate_unrevoked(&input.hashes).await?;
        let mut failure = None;
        for location in &located {
            // One that fails must not keep the others alive.
            if let Err(error) = self.revoke(location, request, now).await {
                failure = Some(error);
            }
        }
        match failure {
            Some(error) => Err(error.into()),
            None => Ok(json!({ "accepted": input.hashes.len(), "malformed": input.malformed })),
        }
    }

    async fn revoke(&self, location: &Location, request: &Request, now: Timestamp) -> Result<(), StoreError> {
        let revocation = Revocation { at: now, by: None, reason: RevocationReason::Leaked };
        let purge_at = now + self.config.retention;
        let outcome = self.store.revoke(location, &revocation, purge_at).await?;
        if outcome == RevocationOutcome::Revoked {
            let (token_id, user_id) = (location.token_id, location.owner_id.as_str());
            tracing::warn!(%token_id, user_id, "token revoked, for it was reported as leaked");
            let event = Event {
                act: Act::TokenRevoked(revocation.reason),
                // Whoever finds a token need not say who they are.
                actor: Actor::default(),
                user_id,
                token_id: Some(token_id),
            };
            audit(&event, request, self.config.client_ip.as_ref());
            self.store.purge_finding_item_at(location, purge_at).await;
        }
        Ok(())
    }
}
