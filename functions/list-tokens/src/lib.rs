//! `GET /api/tokens`, `GET /api/tokens/{id}` and `GET /api/tokens/current`.

mod config;
mod query;

use patgate_caller::Caller;
use patgate_dynamodb::{ListRequest, ListScope, OwnedToken, Store};
use patgate_endpoint::precondition::with_etag;
use patgate_endpoint::request::{has_path_id, path_token_id, query_parameters, read_caller};
use patgate_endpoint::resource::{list_resource, token_resource};
use patgate_endpoint::{Endpoint, Problem, ProblemCode, Request, Response, response};
use patgate_rules::clock::Timestamp;
use patgate_rules::version::Version;
use serde_json::Value;
use uuid::Uuid;

pub use crate::config::Config;
use crate::query::{Query, Users};

/// Handles `GET /api/tokens` and `GET /api/tokens/{id}`.
#[derive(Debug)]
pub struct ListTokens {
    config: Config,
    store: Store,
}

impl ListTokens {
    #[must_use]
    pub fn new(config: Config, store: Store) -> Self {
        Self { config, store }
    }
}

impl Endpoint for ListTokens {
    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Problem> {
        let caller = read_caller(request)?;
        match has_path_id(request) {
            false => self.list(request, &caller, now).await,
            true => self.show(path_token_id(request, &caller)?, &caller, now).await,
        }
    }
}

impl ListTokens {
    async fn list(&self, request: &Request, caller: &Caller, now: Timestamp) -> Result<Response, Problem> {
        let query = Query::read(query_parameters(request))?;
        let list = ListRequest {
            scope: self.scope(&query.users, caller)?,
            filter: &query.filter,
            before: query.cursor,
            limit: query.limit,
            now,
            policy: self.config.policy,
        };
        let page = self.store.list_tokens(&list).await?;

        let items = page.tokens.iter().map(|owned| self.resource(owned, now));
        Ok(response::ok(&list_resource(items, page.next.map(|id| id.to_string()))))
    }

    fn scope<'a>(&self, users: &'a Users, caller: &'a Caller) -> Result<ListScope<'a>, Problem> {
        let is_administrator = caller.has_role(&self.config.admin_role);
        match users {
            Users::Caller => Ok(ListScope::User(&caller.user_id)),
            Users::One(user_id) if is_administrator || *user_id == caller.user_id => {
                Ok(ListScope::User(user_id))
            }
            Users::All if is_administrator => {
                Ok(ListScope::AllUsers { first_month: self.config.first_month })
            }
            Users::One(_) | Users::All => {
                let detail = "Only administrators can view the tokens of other users.";
                Err(Problem::new(ProblemCode::AdministratorRequired, detail))
            }
        }
    }

    async fn show(&self, id: Uuid, caller: &Caller, now: Timestamp) -> Result<Response, Problem> {
        let location = self.store.locate_token(id).await?.ok_or_else(Problem::no_such_token)?;
        if location.owner_id != caller.user_id && !caller.has_role(&self.config.admin_role) {
            return Err(Problem::no_such_token());
        }
        let owned = self.store.get_token(&location).await?.ok_or_else(Problem::no_such_token)?;

        let version = Version::of_token(&owned.token, owned.owner.as_ref());
        Ok(with_etag(response::ok(&self.resource(&owned, now)), &version))
    }

    fn resource(&self, owned: &OwnedToken, now: Timestamp) -> Value {
        token_resource(&owned.token, owned.owner.as_ref(), now, self.config.policy)
    }
}
