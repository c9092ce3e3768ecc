//! `PATCH /api/users/{id}`: an administrator disables and enables people, and gives
//! roles where no claim rules them.

mod input;

use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::http::StatusCode;
use lambda_http::{Request, Response};
use patgate::audit::{Act, Actor, ChangedBy, Event};
use patgate::caller::{Caller, Credential};
use patgate::clock::Timestamp;
use patgate::config::UpdateUserConfig;
use patgate::http::input::{json_object, user_id};
use patgate::http::{Problem, audit, caller, json_response, no_such_user, require_administrator};
use patgate::resource::user_resource;
use patgate::store::dynamodb::Store;
use patgate::store::{UserChange, UserChangeOutcome};
use serde_json::Value;

use crate::input::Input;

/// How a refusal's sentence ends.
const ACT: &str = "change users";

/// The endpoint.
#[derive(Debug)]
pub struct UpdateUser {
    config: UpdateUserConfig,
    store: Store,
}

impl UpdateUser {
    #[must_use]
    pub fn new(config: UpdateUserConfig, store: Store) -> Self {
        Self { config, store }
    }

    /// Answers one request.
    pub async fn handle(&self, request: &Request, now: Timestamp) -> Response<Body> {
        match self.update(request, now).await {
            Ok(user) => json_response(StatusCode::OK, &user),
            Err(problem) => problem.into_response(),
        }
    }

    async fn update(&self, request: &Request, now: Timestamp) -> Result<Value, Problem> {
        let caller = caller(request)?;
        let admin_role = &self.config.admin_role;
        require_administrator(&caller, admin_role, ACT)?;
        let user_id = user_id(request)?;
        let input = Input::read(&json_object(request.body())?, self.config.roles_claim.as_deref())?;
        // A stolen token must not be able to outlive its revocation in an accomplice.
        if input.roles.is_some() && caller.credential != Credential::Session {
            return Err(Problem::forbidden("A token cannot give or take roles. Please sign in."));
        }
        if caller.user_id == user_id {
            self.refuse_to_step_down(&input)?;
        }
        let change = UserChange {
            user_id,
            disabled: input.disabled,
            roles: input.roles.as_deref(),
            by: &caller.user_id,
            admin_role,
        };
        match self.store.change_user(&change, now).await? {
            UserChangeOutcome::Changed => {
                self.audit(request, &change, &caller);
                // A transaction does not say what came of it.
                let user = self.store.user(user_id).await?;
                user.as_ref().map(user_resource).ok_or_else(no_such_user)
            }
            UserChangeOutcome::NoSuchUser => Err(no_such_user()),
            UserChangeOutcome::NotAdministrator => {
                Err(Problem::forbidden(format!("Only administrators {ACT}.")))
            }
        }
    }

    /// INVARIANT: an administrator always remains, if only the one who asks.
    fn refuse_to_step_down(&self, input: &Input) -> Result<(), Problem> {
        let keeps_role = |roles: &Vec<String>| roles.contains(&self.config.admin_role);
        if input.disabled == Some(true) {
            Err(Problem::forbidden("You cannot disable yourself."))
        } else if !input.roles.as_ref().is_none_or(keeps_role) {
            let role = &self.config.admin_role;
            Err(Problem::forbidden(format!("You cannot take the role `{role}` from yourself.")))
        } else {
            Ok(())
        }
    }

    fn audit(&self, request: &Request, change: &UserChange<'_>, caller: &Caller) {
        let UserChange { user_id, disabled, roles, .. } = *change;
        let event = Event {
            act: Act::UserChanged { disabled, roles, by: ChangedBy::Administrator },
            actor: Actor::caller(caller),
            user_id,
            token_id: None,
        };
        audit(&event, request, self.config.client_ip.as_ref());
    }
}
