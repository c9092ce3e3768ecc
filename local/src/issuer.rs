//! The development sign-in: an OpenID Connect issuer with three users.
//!
//! It has its own origin and the flow of a real issuer (authorization code with PKCE,
//! discovery, JWKS), so the page runs the same code here as on AWS. It asks for no password
//! and listens on the loopback interface only. No deployed binary contains it.

mod authorize;
mod codes;
mod exchange;
mod logout;
mod sign_in;
mod tokens;
mod users;

use std::sync::Arc;

use anyhow::Result;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use self::codes::AuthorizationCodes;
use self::tokens::Signer;
use crate::options::Options;

/// The audience of access tokens.
pub(crate) const AUDIENCE: &str = "patgate";
pub(crate) const ROLES_CLAIM: &str = "roles";
/// The page as a client of this issuer.
pub(crate) const CLIENT_ID: &str = "patgate-page";

pub(crate) struct Issuer {
    url: String,
    signer: Signer,
    codes: AuthorizationCodes,
}

type IssuerState = State<Arc<Issuer>>;

impl Issuer {
    pub(crate) fn new(options: &Options, url: String) -> Result<Self> {
        let key_file = (!options.memory).then(|| options.data.join("issuer-key.p8"));
        Ok(Self { signer: Signer::new(key_file.as_deref())?, url, codes: AuthorizationCodes::default() })
    }

    pub(crate) fn into_router(self) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(serve_discovery))
            .route("/jwks.json", get(serve_key_set))
            .route("/authorize", get(authorize::show_form).post(authorize::issue_code))
            .route("/token", post(exchange::exchange_code))
            .route("/sign-in", post(sign_in::issue_access_token))
            .route("/logout", get(logout::log_out))
            .layer(middleware::from_fn(allow_any_origin))
            .with_state(Arc::new(self))
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

/// The page has another origin, and reads discovery, keys and tokens from here.
async fn allow_any_origin(request: Request, next: Next) -> Response {
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response = if is_preflight { ().into_response() } else { next.run(request).await };

    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether a URL leads to this machine. It compares the parsed host, because
/// `http://127.0.0.1:1@evil` only starts like a URL of this machine.
fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();

    uri.scheme_str() == Some("http")
        && !authority.contains('@')
        && matches!(uri.host(), Some("127.0.0.1" | "localhost"))
}
