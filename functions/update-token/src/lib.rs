//! `PATCH /api/tokens/{id}`: changes a token's name, description or expiry.

mod config;
mod input;

use patgate_caller::{Caller, Credential};
use patgate_dynamodb::{ChangedToken, OwnedToken, Store, TokenLocation};
use patgate_endpoint::request::{json_object, path_token_id, read_caller};
use patgate_endpoint::resource::token_resource;
use patgate_endpoint::{Endpoint, Problem, ProblemCode, Request, Response, audit, precondition, response};
use patgate_rules::audit::{Act, AuditEvent};
use patgate_rules::clock::Timestamp;
use patgate_rules::verdict;
use patgate_rules::version::Version;

pub use crate::config::Config;
use crate::input::{Input, changed_fields};

/// Handles `PATCH /api/tokens/{id}`.
#[derive(Debug)]
pub struct UpdateToken {
    config: Config,
    store: Store,
}

impl UpdateToken {
    #[must_use]
    pub fn new(config: Config, store: Store) -> Self {
        Self { config, store }
    }
}

impl Endpoint for UpdateToken {
    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Problem> {
        let caller = read_caller(request)?;

        // A stolen token could hide behind the name of another one.
        if caller.credential != Credential::Session {
            let detail = "A token cannot change tokens. Please sign in.";
            return Err(Problem::new(ProblemCode::SessionRequired, detail));
        }
        let id = path_token_id(request, &caller)?;
        let input = Input::read(&json_object(request.body())?, now)?;

        let location = self.store.locate_token(id).await?.ok_or_else(Problem::no_such_token)?;
        if location.owner_id != caller.user_id && !caller.has_role(&self.config.admin_role) {
            return Err(Problem::no_such_token());
        }

        let change = |owned: &OwnedToken| {
            let OwnedToken { token, owner } = owned;
            precondition::check(request, &Version::of_token(token, owner.as_ref()))?;
            if verdict::is_revoked(token, owner.as_ref()) {
                let detail = "The token is revoked, and a revocation is final.";
                return Err(Problem::new(ProblemCode::TokenRevoked, detail));
            }
            input.apply(token)
        };
        let changed = self.store.change_token(&location, self.config.retention, change).await??;
        let ChangedToken { before, after } = changed.ok_or_else(Problem::no_such_token)?;
        self.log_change(request, &caller, &location, &changed_fields(&before, &after.token));

        let OwnedToken { token, owner } = after;
        let resource = token_resource(&token, owner.as_ref(), now, self.config.policy);
        let version = Version::of_token(&token, owner.as_ref());
        Ok(precondition::with_etag(response::ok(&resource), &version))
    }
}

impl UpdateToken {
    /// Logs the event, unless the token was as requested before.
    fn log_change(
        &self,
        request: &Request,
        caller: &Caller,
        location: &TokenLocation,
        fields: &[&'static str],
    ) {
        if fields.is_empty() {
            return;
        }
        let event = AuditEvent {
            act: Act::TokenChanged(fields),
            actor: audit::actor(caller),
            user_id: &location.owner_id,
            token_id: Some(location.token_id),
        };
        audit::log(&event, request, self.config.client_ip_header.as_ref());
    }
}
