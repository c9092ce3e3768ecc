//! `POST /api/tokens`: makes a token and shows it, this once.

mod input;

use chrono::TimeDelta;
use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::http::StatusCode;
use lambda_http::{Request, Response};
use patgate::audit::{Act, Actor, Event};
use patgate::caller::{Caller, Credential};
use patgate::clock::{self, Timestamp};
use patgate::config::CreateTokenConfig;
use patgate::http::{Problem, audit, caller, json_response};
use patgate::record::TokenRecord;
use patgate::resource::token_resource;
use patgate::store::dynamodb::Store;
use patgate::store::{Creation, NewToken};
use patgate::token::PlainToken;
use rand::rngs::SysRng;
use serde_json::Value;
use uuid::{NoContext, Timestamp as UuidTime, Uuid};

use crate::input::Input;

/// How far the clocks of two functions may differ; Lambda's differ by milliseconds.
const CLOCK_DIFFERENCE_MAX: TimeDelta = TimeDelta::seconds(5);
const ATTEMPTS: u32 = 3;

/// The endpoint.
#[derive(Debug)]
pub struct CreateToken {
    config: CreateTokenConfig,
    store: Store,
}

impl CreateToken {
    #[must_use]
    pub fn new(config: CreateTokenConfig, store: Store) -> Self {
        Self { config, store }
    }

    /// Answers one request.
    pub async fn handle(&self, request: &Request, now: Timestamp) -> Response<Body> {
        self.create(request, now).await.unwrap_or_else(Problem::into_response)
    }

    async fn create(&self, request: &Request, now: Timestamp) -> Result<Response<Body>, Problem> {
        let caller = caller(request)?;
        // A stolen token must not be able to outlive its revocation in a child.
        if caller.credential != Credential::Session {
            return Err(Problem::forbidden("A token cannot create tokens. Please sign in."));
        }
        let input = Input::read(request.body(), self.config.expiry, now)?;
        let plain = self.config.token_format.generate(&mut SysRng).map_err(|error| {
            tracing::error!(%error, "the system's random generator failed");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The token could not be made.")
        })?;
        let mut created_at = now;
        for _ in 0..ATTEMPTS {
            let new = self.new_token(&plain, &caller, &input, created_at);
            match self.store.create(&new).await? {
                Creation::Created => {
                    self.audit(request, &caller, new.record.token_id);
                    let shown = shown_once(&plain, &new, &caller, now);
                    return Ok(json_response(StatusCode::CREATED, &shown));
                }
                Creation::OwnerRefused => return Err(Problem::forbidden("Your account cannot have tokens.")),
                // All older tokens were revoked a moment ago, by a clock ahead of ours.
                Creation::Superseded { tokens_valid_after } => {
                    if tokens_valid_after > now + CLOCK_DIFFERENCE_MAX {
                        let until = clock::to_text(tokens_valid_after);
                        return Err(Problem::forbidden(format!("Your tokens are revoked until {until}.")));
                    }
                    created_at = tokens_valid_after + TimeDelta::milliseconds(1);
                }
            }
        }
        Err(Problem::unavailable("Your tokens are being revoked right now. Please try again."))
    }

    fn audit(&self, request: &Request, caller: &Caller, token_id: Uuid) {
        let event = Event {
            act: Act::TokenCreated,
            actor: Actor::caller(caller),
            user_id: &caller.user_id,
            token_id: Some(token_id),
        };
        audit(&event, request, self.config.client_ip.as_ref());
    }

    fn new_token(&self, plain: &PlainToken, caller: &Caller, input: &Input, now: Timestamp) -> NewToken {
        let retention = self.config.retention;
        NewToken {
            hash: plain.hash(),
            record: TokenRecord {
                token_id: token_id(now),
                user_id: caller.user_id.clone(),
                name: input.name.clone(),
                prefix: plain.displayed_prefix().to_owned(),
                created_at: now,
                expires_at: input.expires_at,
                revoked: None,
                last_used: None,
                seen_from: Vec::new(),
            },
            purge_at: input.expires_at.and_then(|expires_at| expires_at.checked_add_signed(retention)),
        }
    }
}

/// A UUIDv7 of this very time: lists find a token in the month that its id says.
fn token_id(now: Timestamp) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(UuidTime::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

/// The resource and the token itself: the only response that ever holds it.
fn shown_once(plain: &PlainToken, new: &NewToken, caller: &Caller, now: Timestamp) -> Value {
    let mut resource = token_resource(&new.record, None, now);
    if let Some(fields) = resource.as_object_mut() {
        let owner = serde_json::json!({ "id": caller.user_id, "name": caller.user_name, "disabled": false });
        fields.insert("owner".to_owned(), owner);
        fields.insert("token".to_owned(), plain.expose().into());
    }
    resource
}
