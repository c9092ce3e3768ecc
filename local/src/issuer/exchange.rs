//! The token endpoint: exchanges an authorization code for tokens.

use axum::Json;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::issuer::tokens::LIFETIME_SECONDS;
use crate::issuer::{CLIENT_ID, IssuerState};

/// A token request (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
#[derive(Deserialize)]
pub(super) struct TokenRequest {
    grant_type: String,
    code: String,
    redirect_uri: String,
    client_id: String,
    code_verifier: String,
}

/// Why a token request is rejected. The first two are error codes of RFC 6749, section 5.2,
/// which has none for a fault.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenRequestError {
    #[error("unsupported_grant_type")]
    GrantType,
    #[error("invalid_grant")]
    Grant,
    #[error("server_error")]
    Issue(#[from] anyhow::Error),
}

pub(super) async fn exchange_code(
    State(issuer): IssuerState,
    Form(request): Form<TokenRequest>,
) -> Result<Json<Value>, TokenRequestError> {
    if request.grant_type != "authorization_code" {
        return Err(TokenRequestError::GrantType);
    }

    let grant = issuer.codes.take(&request.code, &request.redirect_uri, &request.code_verifier);
    let grant = grant.filter(|_| request.client_id == CLIENT_ID).ok_or(TokenRequestError::Grant)?;

    let id_token = issuer.id_token(&grant.user, grant.nonce.as_deref())?;
    let access_token = issuer.access_token(&grant.user, &Map::new())?;
    Ok(Json(json!({
        "access_token": access_token,
        "id_token": id_token,
        "token_type": "Bearer",
        "expires_in": LIFETIME_SECONDS,
        "scope": "openid profile email",
    })))
}

impl IntoResponse for TokenRequestError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::GrantType | Self::Grant => StatusCode::BAD_REQUEST,
            Self::Issue(error) => {
                eprintln!("cannot issue a token: {error:#}");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}
