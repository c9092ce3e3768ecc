//! `GET /api/users` and `GET /api/users/{pathId}`, for administrators.

mod config;
mod query;

use patgate_dynamodb::Store;
use patgate_endpoint::precondition::with_etag;
use patgate_endpoint::request::{
    optional_path_user_id, query_parameters, read_caller, require_administrator,
};
use patgate_endpoint::resource::{list_resource, user_resource};
use patgate_endpoint::{Endpoint, Problem, Request, Response, response};
use patgate_rules::clock::Timestamp;
use patgate_rules::version::Version;

pub use crate::config::Config;
use crate::query::Query;

/// Handles `GET /api/users` and `GET /api/users/{pathId}`.
#[derive(Debug)]
pub struct ListUsers {
    config: Config,
    store: Store,
}

impl ListUsers {
    #[must_use]
    pub fn new(config: Config, store: Store) -> Self {
        Self { config, store }
    }
}

impl Endpoint for ListUsers {
    async fn handle(&self, request: &Request, _now: Timestamp) -> Result<Response, Problem> {
        require_administrator(&read_caller(request)?, &self.config.admin_role, "view users")?;
        match optional_path_user_id(request)? {
            None => self.list(request).await,
            Some(user_id) => self.show(&user_id).await,
        }
    }
}

impl ListUsers {
    async fn list(&self, request: &Request) -> Result<Response, Problem> {
        let query = Query::read(query_parameters(request))?;
        let page = self.store.list_users(query.cursor, query.limit, &query.filter).await?;

        Ok(response::ok(&list_resource(page.users.iter().map(user_resource), page.next)))
    }

    async fn show(&self, id: &str) -> Result<Response, Problem> {
        let user = self.store.get_user(id).await?.ok_or_else(Problem::no_such_user)?;
        Ok(with_etag(response::ok(&user_resource(&user)), &Version::of_user(&user)))
    }
}
