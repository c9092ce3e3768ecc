//! `POST /api/users/{pathId}/revoke-all-tokens`: revokes all of a user's existing tokens.

mod config;

use patgate_dynamodb::Store;
use patgate_endpoint::request::{path_user_id, read_caller, require_administrator};
use patgate_endpoint::{Endpoint, Problem, Request, Response, audit, response};
use patgate_rules::audit::{Act, AuditEvent};
use patgate_rules::clock::Timestamp;

pub use crate::config::Config;

/// Handles `POST /api/users/{pathId}/revoke-all-tokens`.
#[derive(Debug)]
pub struct RevokeAllTokens {
    config: Config,
    store: Store,
}

impl RevokeAllTokens {
    #[must_use]
    pub fn new(config: Config, store: Store) -> Self {
        Self { config, store }
    }
}

impl Endpoint for RevokeAllTokens {
    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Problem> {
        let caller = read_caller(request)?;
        let user_id = path_user_id(request)?;
        if caller.user_id != user_id {
            // This comes before any read, so that the response does not reveal which users exist.
            require_administrator(&caller, &self.config.admin_role, "revoke the tokens of other users")?;
        }

        if !self.store.revoke_all_tokens(&user_id, &caller.user_id, now).await? {
            return Err(Problem::no_such_user());
        }
        let event = AuditEvent {
            act: Act::AllTokensRevoked,
            actor: audit::actor(&caller),
            user_id: &user_id,
            token_id: None,
        };
        audit::log(&event, request, self.config.client_ip_header.as_ref());

        Ok(response::no_content())
    }
}
