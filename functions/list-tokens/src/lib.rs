//! `GET /api/tokens`, `GET /api/tokens/{id}` and `GET /api/tokens/current`.

mod query;

use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::http::StatusCode;
use lambda_http::{Request, Response};
use patgate::caller::{Caller, Credential};
use patgate::clock::Timestamp;
use patgate::config::ListTokensConfig;
use patgate::http::input::{path_id, query, token_id};
use patgate::http::{Problem, caller, json_response};
use patgate::resource::token_resource;
use patgate::store::dynamodb::Store;
use patgate::store::{ListRequest, ListScope};
use serde_json::{Value, json};

use crate::query::{Query, Whose};

/// The endpoints.
#[derive(Debug)]
pub struct ListTokens {
    config: ListTokensConfig,
    store: Store,
}

impl ListTokens {
    #[must_use]
    pub fn new(config: ListTokensConfig, store: Store) -> Self {
        Self { config, store }
    }

    /// Answers one request.
    pub async fn handle(&self, request: &Request, now: Timestamp) -> Response<Body> {
        let answer = match path_id(request) {
            None => self.list(request, now).await,
            Some(id) => self.show(request, id, now).await,
        };
        match answer {
            Ok(body) => json_response(StatusCode::OK, &body),
            Err(problem) => problem.into_response(),
        }
    }

    async fn list(&self, request: &Request, now: Timestamp) -> Result<Value, Problem> {
        let caller = caller(request)?;
        let query = Query::read(query(request))?;
        let list = ListRequest {
            scope: self.scope(&query.whose, &caller)?,
            status: query.status,
            before: query.cursor,
            limit: query.limit,
            now,
        };
        let page = self.store.list(&list).await?;
        let items = page.tokens.iter().map(|owned| token_resource(&owned.token, owned.owner.as_ref(), now));
        Ok(json!({
            "items": items.collect::<Vec<_>>(),
            "nextCursor": page.next.map(|id| id.to_string()),
        }))
    }

    fn scope<'a>(&self, whose: &'a Whose, caller: &'a Caller) -> Result<ListScope<'a>, Problem> {
        let administers = caller.has_role(&self.config.admin_role);
        match whose {
            Whose::Own => Ok(ListScope::User(&caller.user_id)),
            Whose::User(user_id) if administers || *user_id == caller.user_id => Ok(ListScope::User(user_id)),
            Whose::Everyone if administers => {
                Ok(ListScope::Everyone { first_month: self.config.first_month })
            }
            Whose::User(_) | Whose::Everyone => {
                Err(Problem::forbidden("Only administrators see the tokens of others."))
            }
        }
    }

    async fn show(&self, request: &Request, id: &str, now: Timestamp) -> Result<Value, Problem> {
        let caller = caller(request)?;
        let id = match (id, &caller.credential) {
            ("current", Credential::Token { id, .. }) => token_id(id)?,
            ("current", Credential::Session) => {
                return Err(Problem::not_found("This request was not made with a token."));
            }
            (id, _) => token_id(id)?,
        };
        let missing = || Problem::not_found("There is no such token.");
        let location = self.store.locate(id).await?.ok_or_else(missing)?;
        if location.owner_id != caller.user_id && !caller.has_role(&self.config.admin_role) {
            return Err(missing());
        }
        let owned = self.store.show(&location).await?.ok_or_else(missing)?;
        Ok(token_resource(&owned.token, owned.owner.as_ref(), now))
    }
}
