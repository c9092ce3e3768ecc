//! `POST /api/users/{id}/revoke-all-tokens`: ends every token that a person has by now.

use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::{Request, Response};
use patgate::audit::{Act, Actor, Event};
use patgate::clock::Timestamp;
use patgate::config::RevokeAllTokensConfig;
use patgate::http::input::user_id;
use patgate::http::{Problem, audit, caller, no_content, no_such_user, require_administrator};
use patgate::store::dynamodb::Store;

/// The endpoint.
#[derive(Debug)]
pub struct RevokeAllTokens {
    config: RevokeAllTokensConfig,
    store: Store,
}

impl RevokeAllTokens {
    #[must_use]
    pub fn new(config: RevokeAllTokensConfig, store: Store) -> Self {
        Self { config, store }
    }

    /// Answers one request.
    pub async fn handle(&self, request: &Request, now: Timestamp) -> Response<Body> {
        match self.revoke_all(request, now).await {
            Ok(()) => no_content(),
            Err(problem) => problem.into_response(),
        }
    }

    async fn revoke_all(&self, request: &Request, now: Timestamp) -> Result<(), Problem> {
        let caller = caller(request)?;
        let user_id = user_id(request)?;
        if caller.user_id != user_id {
            // Before anything is read, so that nobody learns who exists.
            require_administrator(&caller, &self.config.admin_role, "revoke the tokens of others")?;
        }
        if !self.store.revoke_all_tokens(user_id, &caller.user_id, now).await? {
            return Err(no_such_user());
        }
        let event = Event { act: Act::TokensRevoked, actor: Actor::caller(&caller), user_id, token_id: None };
        audit(&event, request, self.config.client_ip.as_ref());
        Ok(())
    }
}
