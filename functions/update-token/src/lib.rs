//! `PATCH /api/tokens/{id}`: changes a token's name, description or expiry.

mod config;
mod input;

use patgate_caller::{Caller, Credential};
use patgate_dynamodb::{OwnedToken, Store, TokenLocation};
use patgate_endpoint::request::{json_object, path_token_id, read_caller};
use patgate_endpoint::resource::token_resource;
use patgate_endpoint::{Endpoint, Problem, ProblemCode, Request, Response, audit, precondition, response};
use patgate_rules::audit::{Act, AuditEvent};
use patgate_rules::clock::Timestamp;
use patgate_rules::verdict;
use patgate_rules::version::Version;

pub use crate::config::Config;
use crate::input::{Input, changed_fields};

/// How often a change is applied to a token that other requests change at the same time.
const ATTEMPTS: usize = 5;

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

        for _ in 0..ATTEMPTS {
            let owned = self.store.get_token(&location).await?.ok_or_else(Problem::no_such_token)?;
            let version = Version::of_token(&owned.token, owned.owner.as_ref());
            precondition::check(request, &version)?;
            if let Some(changed) = self.change(&location, owned, &input).await? {
                self.log_change(request, &caller, &location, &changed.fields);
                return Ok(self.show(&changed.token, now));
            }
        }
        let detail = "Other requests change the token at the same time. Please try again.";
        Err(Problem::new(ProblemCode::StorageUnavailable, detail))
    }
}

/// A token after a change.
struct Changed {
    token: OwnedToken,
    fields: Vec<&'static str>,
}

impl UpdateToken {
    /// Changes the token. `None` if it has changed since it was read.
    async fn change(
        &self,
        location: &TokenLocation,
        before: OwnedToken,
        input: &Input,
    ) -> Result<Option<Changed>, Problem> {
        let OwnedToken { token: before, owner } = before;
        if verdict::is_revoked(&before, owner.as_ref()) {
            let detail = "The token is revoked, and a revocation is final.";
            return Err(Problem::new(ProblemCode::TokenRevoked, detail));
        }
        let after = input.apply(&before)?;
        let fields = changed_fields(&before, &after);
        if fields.is_empty() {
            return Ok(Some(Changed { token: OwnedToken { token: before, owner }, fields }));
        }

        let purge_at = after.expires_at.and_then(|at| at.checked_add_signed(self.config.retention));
        if !self.store.change_token(location, &before, &after, purge_at).await? {
            return Ok(None);
        }
        if let Some(purge_at) = purge_at.filter(|_| before.expires_at != after.expires_at) {
            self.store.expire_lookup_item(location, purge_at).await;
        }

        Ok(Some(Changed { token: OwnedToken { token: after, owner }, fields }))
    }

    fn show(&self, owned: &OwnedToken, now: Timestamp) -> Response {
        let OwnedToken { token, owner } = owned;
        let resource = token_resource(token, owner.as_ref(), now, self.config.policy);
        precondition::with_etag(response::ok(&resource), &Version::of_token(token, owner.as_ref()))
    }

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
