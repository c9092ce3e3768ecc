//! `DELETE /api/tokens/{id}`: revokes a token for good.

use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::{Request, Response};
use patgate::audit::{Act, Actor, Event};
use patgate::clock::Timestamp;
use patgate::config::RevokeTokenConfig;
use patgate::http::input::{path_id, token_id};
use patgate::http::{Problem, audit, caller, no_content};
use patgate::record::Revocation;
use patgate::store::RevocationOutcome;
use patgate::store::dynamodb::Store;

/// The endpoint.
#[derive(Debug)]
pub struct RevokeToken {
    config: RevokeTokenConfig,
    store: Store,
}

impl RevokeToken {
    #[must_use]
    pub fn new(config: RevokeTokenConfig, store: Store) -> Self {
        Self { config, store }
    }

    /// Answers one request.
    pub async fn handle(&self, request: &Request, now: Timestamp) -> Response<Body> {
        match self.revoke(request, now).await {
            Ok(()) => no_content(),
            Err(problem) => problem.into_response(),
        }
    }

    async fn revoke(&self, request: &Request, now: Timestamp) -> Result<(), Problem> {
        let caller = caller(request)?;
        let id = token_id(path_id(request).unwrap_or_default())?;
        let missing = || Problem::not_found("There is no such token.");
        let location = self.store.locate(id).await?.ok_or_else(missing)?;
        if location.owner_id != caller.user_id && !caller.has_role(&self.config.admin_role) {
            return Err(missing());
        }
        let revocation = Revocation::of_one(now, &caller.user_id, &location.owner_id);
        let purge_at = now + self.config.retention;
        match self.store.revoke(&location, &revocation, purge_at).await? {
            RevocationOutcome::Revoked => {
                let event = Event {
                    act: Act::TokenRevoked(revocation.reason),
                    actor: Actor::caller(&caller),
                    user_id: &location.owner_id,
                    token_id: Some(location.token_id),
                };
                audit(&event, request, self.config.client_ip.as_ref());
                self.store.purge_finding_item_at(&location, purge_at).await;
                Ok(())
            }
            // What the caller wants holds already, so a repeated call is no error.
            RevocationOutcome::AlreadyRevoked => Ok(()),
            RevocationOutcome::Gone => Err(missing()),
        }
    }
}
