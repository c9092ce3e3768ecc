//! `GET /api/users` and `GET /api/users/{id}`, for administrators.

use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::http::StatusCode;
use lambda_http::{Request, Response};
use patgate::config::ListUsersConfig;
use patgate::http::input::{PAGE_DEFAULT, page_limit, path_id, query, take_each, user_id};
use patgate::http::{Problem, caller, json_response, no_such_user, require_administrator};
use patgate::resource::user_resource;
use patgate::store::dynamodb::Store;
use patgate::user::is_user_id;
use serde_json::{Value, json};

/// The endpoints.
#[derive(Debug)]
pub struct ListUsers {
    config: ListUsersConfig,
    store: Store,
}

impl ListUsers {
    #[must_use]
    pub fn new(config: ListUsersConfig, store: Store) -> Self {
        Self { config, store }
    }

    /// Answers one request.
    pub async fn handle(&self, request: &Request) -> Response<Body> {
        match self.answer(request).await {
            Ok(body) => json_response(StatusCode::OK, &body),
            Err(problem) => problem.into_response(),
        }
    }

    async fn answer(&self, request: &Request) -> Result<Value, Problem> {
        require_administrator(&caller(request)?, &self.config.admin_role, "see users")?;
        match path_id(request) {
            None => self.list(request).await,
            Some(_) => self.show(user_id(request)?).await,
        }
    }

    async fn list(&self, request: &Request) -> Result<Value, Problem> {
        let (limit, cursor) = read_query(query(request))?;
        let page = self.store.list_users(cursor, limit).await?;
        Ok(json!({
            "items": page.users.iter().map(user_resource).collect::<Vec<_>>(),
            "nextCursor": page.next,
        }))
    }

    async fn show(&self, id: &str) -> Result<Value, Problem> {
        let user = self.store.user(id).await?;
        user.as_ref().map(user_resource).ok_or_else(no_such_user)
    }
}

/// Limit and cursor. A cursor is a user's id: only administrators come here, and they
/// may see them all.
fn read_query<'a>(
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(usize, Option<&'a str>), Problem> {
    let (mut limit, mut cursor) = (PAGE_DEFAULT, None);
    take_each(parameters, |name, value| {
        match name {
            "limit" => limit = page_limit(value)?,
            "cursor" if is_user_id(value) => cursor = Some(value),
            "cursor" => return Err("is not a cursor of this list".to_owned()),
            _ => return Err("is not a known parameter".to_owned()),
        }
        Ok(())
    })?;
    Ok((limit, cursor))
}
