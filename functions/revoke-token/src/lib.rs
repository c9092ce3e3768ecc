//! `DELETE /api/tokens/{id}` and `DELETE /api/tokens/current`: revoke a token permanently.

mod config;

use patgate_dynamodb::{RevocationOutcome, Store};
use patgate_endpoint::request::{path_token_id, read_caller};
use patgate_endpoint::{Endpoint, Problem, Request, Response, audit, response};
use patgate_rules::audit::{Act, AuditEvent};
use patgate_rules::clock::Timestamp;
use patgate_rules::token_record::Revocation;

pub use crate::config::Config;

/// Handles `DELETE /api/tokens/{id}`.
#[derive(Debug)]
pub struct RevokeToken {
    config: Config,
    store: Store,
}

impl RevokeToken {
    #[must_use]
    pub fn new(config: Config, store: Store) -> Self {
        Self { config, store }
    }
}

impl Endpoint for RevokeToken {
    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Problem> {
        let caller = read_caller(request)?;
        let id = path_token_id(request, &caller)?;

        let location = self.store.locate_token(id).await?.ok_or_else(Problem::no_such_token)?;
        if location.owner_id != caller.user_id && !caller.has_role(&self.config.admin_role) {
            return Err(Problem::no_such_token());
        }

        let revocation = Revocation::of_token(now, &caller.user_id, &location.owner_id);
        let purge_at = now + self.config.retention;
        match self.store.revoke_token(&location, &revocation, purge_at).await? {
            RevocationOutcome::Revoked => {
                let event = AuditEvent {
                    act: Act::TokenRevoked(revocation.reason),
                    actor: audit::actor(&caller),
                    user_id: &location.owner_id,
                    token_id: Some(location.token_id),
                };
                audit::log(&event, request, self.config.client_ip_header.as_ref());
                self.store.expire_lookup_item(&location, purge_at).await;
                Ok(response::no_content())
            }
            // The token is in the requested state, so a repeated request is not an error.
            RevocationOutcome::AlreadyRevoked => Ok(response::no_content()),
            RevocationOutcome::Purged => Err(Problem::no_such_token()),
        }
    }
}
