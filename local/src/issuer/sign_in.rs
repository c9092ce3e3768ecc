//! Signs a script in with one request:
//! `curl -d user=alice http://127.0.0.1:3001/sign-in`.

use axum::Json;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::issuer::IssuerState;
use crate::issuer::tokens::LIFETIME_SECONDS;
use crate::issuer::users::User;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInRequest {
    user: String,
    /// Roles in place of the user's own, separated by commas. An empty value means none.
    roles: Option<String>,
    /// A JSON object that is merged into the access token's claims. Null removes a claim.
    claims: Option<String>,
}

/// Why a sign-in is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignInError {
    #[error("`user` must consist of 1 to 40 lowercase letters, digits and hyphens")]
    User,
    #[error("`claims` is not a JSON object: {0}")]
    Claims(#[from] serde_json::Error),
    #[error("cannot issue an access token: {0:#}")]
    Issue(#[from] anyhow::Error),
}

pub(super) async fn issue_access_token(
    State(issuer): IssuerState,
    Form(request): Form<SignInRequest>,
) -> Result<Json<Value>, SignInError> {
    let mut user = User::find(&request.user).ok_or(SignInError::User)?;
    if let Some(roles) = request.roles {
        user.roles = roles.split(',').filter(|role| !role.is_empty()).map(str::to_owned).collect();
    }
    let changes = match request.claims {
        Some(claims) => serde_json::from_str(&claims)?,
        None => Map::new(),
    };

    let access_token = issuer.access_token(&user, &changes)?;
    Ok(Json(json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS })))
}

impl IntoResponse for SignInError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::User | Self::Claims(_) => StatusCode::BAD_REQUEST,
            Self::Issue(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}
