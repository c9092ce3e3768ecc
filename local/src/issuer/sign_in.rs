//! Signing in from a script, with one call:
//! `curl -d user=alice http://127.0.0.1:3001/sign-in`.

use axum::Json;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, json};

use super::Shared;
use super::users::Person;
use super::tokens::LIFETIME_SECONDS;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    user: String,
    /// Other roles than the person's own, separated by commas; empty for none.
    roles: Option<String>,
    /// A JSON object laid over the access token's claims; null takes a claim away.
    claims: Option<String>,
}

pub(super) async fn sign_in(State(issuer): Shared, Form(form): Form<SignIn>) -> Response {
    let refuse = |reason: String| (StatusCode::BAD_REQUEST, Json(json!({ "error": reason }))).into_response();
    let Some(mut person) = Person::find(&form.user) else {
        return refuse("`user` takes lowercase letters, digits and hyphens".to_owned());
    };
    if let Some(roles) = form.roles {
        person.roles = roles.split(',').filter(|role| !role.is_empty()).map(str::to_owned).collect();
    }
    let changes = match form.claims.as_deref().map(serde_json::from_str).transpose() {
        Ok(changes) => changes.unwrap_or_else(Map::new),
        Err(error) => return refuse(format!("`claims` is no JSON object: {error}")),
    };
    match issuer.access_token(&person, &changes) {
        Ok(token) => {
            let answer =
                json!({ "access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS });
            Json(answer).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
