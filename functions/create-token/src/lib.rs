//! `POST /api/tokens`: creates a token and returns its secret, this once.

mod config;
mod idempotency;
mod input;

use patgate_caller::{Caller, Credential};
use patgate_dynamodb::{CreationOutcome, NewToken, OwnedToken, Store};
use patgate_endpoint::precondition::with_etag;
use patgate_endpoint::request::{json_object, read_caller};
use patgate_endpoint::resource::{self, token_resource};
use patgate_endpoint::{Endpoint, Problem, ProblemCode, Request, Response, audit, response};
use patgate_rules::audit::{Act, AuditEvent};
use patgate_rules::clock::Timestamp;
use patgate_rules::token::PlainToken;
use patgate_rules::version::Version;
use rand::rngs::SysRng;
use serde_json::Value;
use uuid::{NoContext, Timestamp as UuidTime, Uuid};

pub use crate::config::Config;
use crate::input::Input;

/// Handles `POST /api/tokens`.
#[derive(Debug)]
pub struct CreateToken {
    config: Config,
    store: Store,
}

impl CreateToken {
    #[must_use]
    pub fn new(config: Config, store: Store) -> Self {
        Self { config, store }
    }
}

impl Endpoint for CreateToken {
    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Problem> {
        let caller = read_caller(request)?;

        // A stolen token could create another token, which would still work after the stolen
        // one is revoked.
        if caller.credential != Credential::Session {
            let detail = "A token cannot create tokens. Please sign in.";
            return Err(Problem::new(ProblemCode::SessionRequired, detail));
        }
        let fields = json_object(request.body())?;
        let idempotency = idempotency::read(request, &caller, &fields)?;
        if let Some(idempotency) = &idempotency
            && let Some(earlier) = self.store.get_creation(&idempotency.key, now).await?
        {
            return Err(idempotency::already_used(Some(idempotency), &earlier));
        }
        let input = Input::read(&fields, self.config.expiry, now)?;
        self.check_token_count(&caller).await?;

        let plain = self.config.token_format.generate(&mut SysRng).map_err(|error| {
            tracing::error!(%error, "the operating system's random number generator failed");
            Problem::new(ProblemCode::InternalError, "The token could not be created.")
        })?;
        let new = NewToken { idempotency, ..self.new_token(&plain, &caller, input, now) };
        let created = match self.store.create_token(&new).await? {
            CreationOutcome::Created(created) => created,
            CreationOutcome::OwnerNotAllowed => {
                let detail = "Your account is disabled or unknown, so it cannot have tokens.";
                return Err(Problem::new(ProblemCode::OwnerNotAllowed, detail));
            }
            CreationOutcome::KeyUsed(earlier) => {
                return Err(idempotency::already_used(new.idempotency.as_ref(), &earlier));
            }
        };
        self.log_creation(request, &caller, created.token.token_id);

        let location = resource::token_location(created.token.token_id);
        let response = response::created(&self.resource_with_secret(&plain, &created, now));
        let version = Version::of_token(&created.token, created.owner.as_ref());
        Ok(with_etag(response::with_header(response, resource::LOCATION, location), &version))
    }
}

impl CreateToken {
    /// Rejects the creation if the caller has as many tokens on record as a user may have.
    async fn check_token_count(&self, caller: &Caller) -> Result<(), Problem> {
        let max = self.config.max_tokens_per_user;
        if self.store.count_tokens(&caller.user_id, max).await? < max {
            return Ok(());
        }

        let retention_days = self.config.retention.num_days();
        let detail = format!(
            "You have {max} tokens, the most that a user of this deployment can have. Nothing was created. \
             A revoked or expired token counts until its record is deleted, {retention_days} days later; tokens \
             that were revoked all at once are kept longer. Use an existing token, or ask an operator to delete \
             records or to raise `MaxTokensPerUser`."
        );
        Err(Problem::new(ProblemCode::TooManyTokens, detail))
    }

    fn new_token(&self, plain: &PlainToken, caller: &Caller, input: Input, now: Timestamp) -> NewToken {
        let retention = self.config.retention;
        NewToken {
            hash: plain.hash(),
            token_id: token_id(now),
            user_id: caller.user_id.clone(),
            name: input.name,
            description: input.description,
            prefix: plain.displayed_prefix().to_owned(),
            created_at: now,
            expires_at: input.expires_at,
            purge_at: input.expires_at.and_then(|expires_at| expires_at.checked_add_signed(retention)),
            idempotency: None,
        }
    }

    /// The token resource together with the secret. No other response contains a secret.
    fn resource_with_secret(&self, plain: &PlainToken, created: &OwnedToken, now: Timestamp) -> Value {
        let OwnedToken { token, owner } = created;
        let mut resource = token_resource(token, owner.as_ref(), now, self.config.policy);
        if let Some(fields) = resource.as_object_mut() {
            fields.insert("token".to_owned(), plain.expose().into());
        }

        resource
    }

    fn log_creation(&self, request: &Request, caller: &Caller, token_id: Uuid) {
        let event = AuditEvent {
            act: Act::TokenCreated,
            actor: audit::actor(caller),
            user_id: &caller.user_id,
            token_id: Some(token_id),
        };
        audit::log(&event, request, self.config.client_ip_header.as_ref());
    }
}

/// A UUIDv7 of exactly this time, because lists look for a token in the month of its ID.
fn token_id(created_at: Timestamp) -> Uuid {
    let seconds = u64::try_from(created_at.timestamp()).unwrap_or(0);
    Uuid::new_v7(UuidTime::from_unix(NoContext, seconds, created_at.timestamp_subsec_nanos()))
}
