//! The development sign-in: an OpenID Connect issuer with three users.
//!
//! It has its own origin and the flow of a real issuer (authorization code with PKCE,
//! discovery, JWKS), so the page runs the same code here as on AWS. It asks for no password,
//! so it listens on the loopback interface only and refuses foreign pages. No deployed binary
//! contains it.

mod authorize;
mod codes;
mod exchange;
mod logout;
mod origins;
mod sign_in;
mod tokens;
mod users;

use std::sync::Arc;

use anyhow::Result;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde_json::{Value, json};

use self::codes::AuthorizationCodes;
pub(crate) use self::origins::Origins;
use self::tokens::Signer;
use crate::data::DataDirectory;

/// The audience of access tokens.
pub(crate) const AUDIENCE: &str = "patgate";
pub(crate) const ROLES_CLAIM: &str = "roles";
/// The page as a client of this issuer.
pub(crate) const CLIENT_ID: &str = "patgate-page";

pub(crate) struct Issuer {
    url: String,
    origins: Origins,
    signer: Signer,
    codes: AuthorizationCodes,
}

type IssuerState = State<Arc<Issuer>>;

impl Issuer {
    /// Without a data directory, the key that signs lasts as long as the issuer.
    pub(crate) fn new(data: Option<&DataDirectory>, url: String, origins: Origins) -> Result<Self> {
        let key_file = data.map(DataDirectory::issuer_key);
        let signer = Signer::new(key_file.as_deref())?;
        Ok(Self { url, origins, signer, codes: AuthorizationCodes::default() })
    }

    pub(crate) fn into_router(self) -> Router {
        let issuer = Arc::new(self);
        let refuse_foreign_pages =
            middleware::from_fn_with_state(Arc::clone(&issuer), origins::refuse_foreign_pages);

        Router::new()
            .route("/.well-known/openid-configuration", get(serve_discovery))
            .route("/jwks.json", get(serve_key_set))
            .route("/authorize", get(authorize::show_form).post(authorize::issue_code))
            .route("/token", post(exchange::exchange_code))
            .route("/sign-in", post(sign_in::issue_access_token))
            .route("/logout", get(logout::log_out))
            .layer(refuse_foreign_pages)
            .with_state(issuer)
    }
}

/// OpenID Connect Discovery 1.0, section 3.
async fn serve_discovery(State(issuer): IssuerState) -> Json<Value> {
    let url = &issuer.url;
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/jwks.json"),
        "end_session_endpoint": format!("{url}/logout"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": ["openid", "profile", "email"],
    }))
}

async fn serve_key_set(State(issuer): IssuerState) -> Json<Value> {
    Json(issuer.signer.key_set())
}
