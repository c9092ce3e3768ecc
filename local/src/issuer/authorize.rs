//! The flow for browsers: authorization code with PKCE (RFC 7636). Each code can be
//! exchanged once.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Form, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::tokens::LIFETIME_SECONDS;
use super::users::{KNOWN_USERS, User};
use super::{CLIENT_ID, Issuer, IssuerState};

const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// An authorization request (RFC 6749, section 4.1.1; RFC 7636, section 4.3). The sign-in
/// form sends it again, with the chosen user.
#[derive(Deserialize)]
pub(super) struct AuthorizationRequest {
    client_id: String,
    redirect_uri: String,
    response_type: String,
    #[serde(default)]
    state: String,
    nonce: Option<String>,
    code_challenge: String,
    code_challenge_method: String,
    user: Option<String>,
}

/// What the exchange of a code needs to know about the authorization request.
pub(super) struct PendingCode {
    user: User,
    redirect_uri: String,
    nonce: Option<String>,
    code_challenge: String,
    created_at: Instant,
}

/// A token request (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
#[derive(Deserialize)]
pub(super) struct TokenRequest {
    grant_type: String,
    code: String,
    redirect_uri: String,
    client_id: String,
    code_verifier: String,
}

/// OpenID Connect RP-Initiated Logout 1.0, section 2.
#[derive(Deserialize)]
pub(super) struct LogoutRequest {
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

/// Why an authorization request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuthorizationError {
    #[error("unknown client")]
    Client,
    #[error("only the authorization code flow with PKCE (S256) is supported")]
    Flow,
    #[error("the redirect URI must be an http URL of this machine")]
    RedirectUri,
    #[error("choose a user")]
    User,
}

/// Why a token request is refused: the error codes of RFC 6749, section 5.2.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error("unsupported_grant_type")]
    GrantType,
    #[error("invalid_grant")]
    Grant,
    #[error("server_error")]
    Issue(#[from] anyhow::Error),
}

impl AuthorizationRequest {
    fn check(&self) -> Result<(), AuthorizationError> {
        if self.client_id != CLIENT_ID {
            return Err(AuthorizationError::Client);
        }
        if self.response_type != "code" || self.code_challenge_method != "S256" {
            return Err(AuthorizationError::Flow);
        }
        if !is_loopback(&self.redirect_uri) {
            return Err(AuthorizationError::RedirectUri);
        }
        Ok(())
    }
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

/// Shows the form on which a user is chosen.
pub(super) async fn show_form(
    Query(request): Query<AuthorizationRequest>,
) -> Result<Html<String>, AuthorizationError> {
    request.check()?;

    let hidden_fields = [
        ("client_id", request.client_id.as_str()),
        ("redirect_uri", &request.redirect_uri),
        ("response_type", &request.response_type),
        ("state", &request.state),
        ("nonce", request.nonce.as_deref().unwrap_or_default()),
        ("code_challenge", &request.code_challenge),
        ("code_challenge_method", &request.code_challenge_method),
    ];
    let hidden_fields = hidden_fields
        .map(|(name, value)| format!(r#"<input type="hidden" name="{name}" value="{}">"#, escape(value)));
    let buttons = KNOWN_USERS.map(|user| {
        format!(
            r#"<button name="user" value="{}">{} <small>{}</small></button>"#,
            user.id, user.name, user.role
        )
    });

    Ok(Html(FORM.replace("FIELDS", &(hidden_fields.concat() + &buttons.concat()))))
}

const FORM: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in (development)</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  form { max-width: 22rem; margin: 12vh auto; padding: 0 1rem }
  button { display: block; width: 100%; margin: .5rem 0; padding: .75rem; font: inherit; text-align: left }
  small { opacity: .7 }
</style>
<form method="post">
  <h1>Sign in</h1>
  <p>For development only. Choose a user; there is no password.</p>
  FIELDS
</form>
"#;

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// Redirects back to the client with a code for the chosen user.
pub(super) async fn issue_code(
    State(issuer): IssuerState,
    Form(request): Form<AuthorizationRequest>,
) -> Result<Redirect, AuthorizationError> {
    request.check()?;
    let user = request.user.as_deref().and_then(User::find).ok_or(AuthorizationError::User)?;

    let code = uuid::Uuid::new_v4().simple().to_string();
    let separator = if request.redirect_uri.contains('?') { '&' } else { '?' };
    let state = utf8_percent_encode(&request.state, NON_ALPHANUMERIC);
    let redirect = Redirect::to(&format!("{}{separator}code={code}&state={state}", request.redirect_uri));

    let pending = PendingCode {
        user,
        redirect_uri: request.redirect_uri,
        nonce: request.nonce.filter(|nonce| !nonce.is_empty()),
        code_challenge: request.code_challenge,
        created_at: Instant::now(),
    };
    let mut codes = issuer.codes.lock().unwrap_or_else(PoisonError::into_inner);
    codes.retain(|_, pending| !pending.is_expired());
    codes.insert(code, pending);

    Ok(redirect)
}

/// Exchanges a code for tokens.
pub(super) async fn exchange_code(
    State(issuer): IssuerState,
    Form(request): Form<TokenRequest>,
) -> Result<Json<Value>, TokenError> {
    if request.grant_type != "authorization_code" {
        return Err(TokenError::GrantType);
    }

    let PendingCode { user, nonce, .. } = take_code(&issuer, &request).ok_or(TokenError::Grant)?;

    let id_token = issuer.id_token(&user, nonce.as_deref())?;
    let access_token = issuer.access_token(&user, &Map::new())?;
    Ok(Json(json!({
        "access_token": access_token,
        "id_token": id_token,
        "token_type": "Bearer",
        "expires_in": LIFETIME_SECONDS,
        "scope": "openid profile email",
    })))
}

/// Removes the request's code, and returns it if the request may exchange it. A failed
/// exchange uses the code up as well.
fn take_code(issuer: &Issuer, request: &TokenRequest) -> Option<PendingCode> {
    let pending = issuer.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(&request.code)?;

    let challenge = ring::digest::digest(&ring::digest::SHA256, request.code_verifier.as_bytes());
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(challenge);
    let is_valid = !pending.is_expired()
        && pending.redirect_uri == request.redirect_uri
        && pending.code_challenge == challenge
        && request.client_id == CLIENT_ID;
    is_valid.then_some(pending)
}

/// Redirects to where the client asks. This issuer keeps no session that would end.
pub(super) async fn log_out(Query(request): Query<LogoutRequest>) -> Response {
    let Some(url) = request.post_logout_redirect_uri.filter(|url| is_loopback(url)) else {
        return Html("<!doctype html><title>Signed out</title><p>You are signed out.").into_response();
    };

    let state =
        request.state.map(|state| format!("?state={}", utf8_percent_encode(&state, NON_ALPHANUMERIC)));
    Redirect::to(&format!("{url}{}", state.unwrap_or_default())).into_response()
}

impl PendingCode {
    fn is_expired(&self) -> bool {
        self.created_at.elapsed() >= CODE_LIFETIME
    }
}

impl IntoResponse for AuthorizationError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.to_string()).into_response()
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.to_string() }))).into_response()
    }
}
