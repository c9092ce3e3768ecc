//! `PATCH /api/users/{pathId}`: an administrator disables or enables a user, or changes the
//! user's roles where no claim manages them.

mod config;
mod input;

use patgate_caller::{Caller, Credential};
use patgate_dynamodb::{Store, UserChange, UserChangeOutcome};
use patgate_endpoint::request::{json_object, path_user_id, read_caller, require_administrator};
use patgate_endpoint::resource::user_resource;
use patgate_endpoint::{Endpoint, Problem, ProblemCode, Request, Response, audit, precondition, response};
use patgate_rules::audit::{Act, AuditEvent, ChangeSource};
use patgate_rules::clock::Timestamp;
use patgate_rules::version::Version;

pub use crate::config::Config;
use crate::input::Input;

/// Completes the sentence "Only administrators can …".
const ACT: &str = "change users";

/// Handles `PATCH /api/users/{pathId}`.
#[derive(Debug)]
pub struct UpdateUser {
    config: Config,
    store: Store,
}

impl UpdateUser {
    #[must_use]
    pub fn new(config: Config, store: Store) -> Self {
        Self { config, store }
    }
}

impl Endpoint for UpdateUser {
    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Problem> {
        let caller = read_caller(request)?;
        let admin_role = &self.config.admin_role;
        require_administrator(&caller, admin_role, ACT)?;
        let user_id = path_user_id(request)?;
        let input = Input::read(&json_object(request.body())?, self.config.roles_claim.as_deref())?;

        // A stolen token could give a role to an accomplice, who would keep it after the token
        // is revoked.
        if input.roles.is_some() && caller.credential != Credential::Session {
            let detail = "A token cannot change roles. Please sign in.";
            return Err(Problem::new(ProblemCode::SessionRequired, detail));
        }
        if caller.user_id == user_id {
            self.require_to_remain_administrator(&input)?;
        }

        let expected = precondition::expected(request);
        let change = UserChange {
            user_id: &user_id,
            disabled: input.disabled,
            roles: input.roles.as_deref(),
            by: &caller.user_id,
            admin_role,
            expected: expected.as_ref(),
        };
        match self.store.change_user(&change, now).await? {
            UserChangeOutcome::Changed => self.log_change(request, &change, &caller),
            UserChangeOutcome::NoSuchUser => return Err(Problem::no_such_user()),
            UserChangeOutcome::VersionChanged(present) => return Err(precondition::failed(&present)),
            UserChangeOutcome::NotAdministrator => {
                let detail = format!("Only administrators can {ACT}.");
                return Err(Problem::new(ProblemCode::AdministratorRequired, detail));
            }
        }

        // A transaction does not return the changed record.
        let user = self.store.get_user(&user_id).await?.ok_or_else(Problem::no_such_user)?;
        Ok(precondition::with_etag(response::ok(&user_resource(&user)), &Version::of_user(&user)))
    }
}

impl UpdateUser {
    /// INVARIANT: an administrator always remains, at least the one who makes the change.
    fn require_to_remain_administrator(&self, input: &Input) -> Result<(), Problem> {
        if input.disabled == Some(true) {
            return Err(Problem::new(ProblemCode::OwnAccess, "You cannot disable yourself."));
        }
        let role = &self.config.admin_role;
        if input.roles.as_ref().is_some_and(|roles| !roles.contains(role)) {
            let detail = format!("You cannot remove the role `{role}` from yourself.");
            return Err(Problem::new(ProblemCode::OwnAccess, detail));
        }
        Ok(())
    }

    fn log_change(&self, request: &Request, change: &UserChange<'_>, caller: &Caller) {
        let UserChange { user_id, disabled, roles, .. } = *change;
        let event = AuditEvent {
            act: Act::UserChanged { disabled, roles, source: ChangeSource::Administrator },
            actor: audit::actor(caller),
            user_id,
            token_id: None,
        };
        audit::log(&event, request, self.config.client_ip_header.as_ref());
    }
}
