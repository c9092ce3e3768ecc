//! The flow for browsers: authorization code with PKCE (RFC 7636), single-use codes.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Form, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, json};

use super::users::{PEOPLE, Person};
use super::tokens::LIFETIME_SECONDS;
use super::{CLIENT_ID, Shared};

const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// An authorization request (RFC 6749, section 4.1.1; RFC 7636, section 4.3).
#[derive(Deserialize)]
pub(super) struct Authorization {
    client_id: String,
    redirect_uri: String,
    response_type: String,
    #[serde(default)]
    state: String,
    nonce: Option<String>,
    code_challenge: String,
    code_challenge_method: String,
    /// Who was chosen on the form.
    user: Option<String>,
}

/// What a code stands for.
pub(super) struct PendingCode {
    person: Person,
    redirect_uri: String,
    nonce: Option<String>,
    challenge: String,
    made_at: Instant,
}

#[derive(Deserialize)]
pub(super) struct Exchange {
    grant_type: String,
    code: String,
    redirect_uri: String,
    client_id: String,
    code_verifier: String,
}

#[derive(Deserialize)]
pub(super) struct Logout {
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

impl Authorization {
    fn check(&self) -> Result<(), &'static str> {
        if self.client_id != CLIENT_ID {
            return Err("unknown client");
        }
        if self.response_type != "code" || self.code_challenge_method != "S256" {
            return Err("only the authorization code flow with PKCE (S256) is supported");
        }
        if is_loopback(&self.redirect_uri) { Ok(()) } else { Err("the redirect must lead to this machine") }
    }
}

/// Whether a URL leads to this machine, by its parsed host: `http://127.0.0.1:1@evil`
/// begins like one that does.
fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    uri.scheme_str() == Some("http")
        && !authority.contains('@')
        && matches!(uri.host(), Some("127.0.0.1" | "localhost"))
}

/// The page on which one chooses who to be.
pub(super) async fn form(Query(request): Query<Authorization>) -> Response {
    if let Err(reason) = request.check() {
        return (StatusCode::BAD_REQUEST, reason).into_response();
    }
    let hidden = [
        ("client_id", request.client_id.as_str()),
        ("redirect_uri", &request.redirect_uri),
        ("response_type", &request.response_type),
        ("state", &request.state),
        ("nonce", request.nonce.as_deref().unwrap_or_default()),
        ("code_challenge", &request.code_challenge),
        ("code_challenge_method", &request.code_challenge_method),
    ];
    let hidden = hidden
        .map(|(name, value)| format!(r#"<input type="hidden" name="{name}" value="{}">"#, escape(value)));
    let people = PEOPLE.map(|(id, name, role)| {
        format!(r#"<button name="user" value="{id}">{name} <small>{role}</small></button>"#)
    });
    Html(PAGE.replace("HIDDEN", &hidden.concat()).replace("PEOPLE", &people.concat())).into_response()
}

const PAGE: &str = r#"<!doctype html>
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
  <p>For development: choose who to be. There is no password.</p>
  HIDDENPEOPLE
</form>
"#;

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// Somebody was chosen: back to the client with a code.
pub(super) async fn submit(State(issuer): Shared, Form(request): Form<Authorization>) -> Response {
    if let Err(reason) = request.check() {
        return (StatusCode::BAD_REQUEST, reason).into_response();
    }
    let Some(person) = request.user.as_deref().and_then(Person::find) else {
        return (StatusCode::BAD_REQUEST, "choose who to be").into_response();
    };
    let code = uuid::Uuid::new_v4().simple().to_string();
    let pending = PendingCode {
        person,
        redirect_uri: request.redirect_uri.clone(),
        nonce: request.nonce.filter(|nonce| !nonce.is_empty()),
        challenge: request.code_challenge,
        made_at: Instant::now(),
    };
    let mut codes = issuer.codes.lock().unwrap_or_else(PoisonError::into_inner);
    codes.retain(|_, pending| pending.made_at.elapsed() < CODE_LIFETIME);
    codes.insert(code.clone(), pending);
    let separator = if request.redirect_uri.contains('?') { '&' } else { '?' };
    let state = utf8_percent_encode(&request.state, NON_ALPHANUMERIC);
    Redirect::to(&format!("{}{separator}code={code}&state={state}", request.redirect_uri)).into_response()
}

/// Exchanges a code for tokens (RFC 6749, section 4.1.3).
pub(super) async fn token(State(issuer): Shared, Form(exchange): Form<Exchange>) -> Response {
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if exchange.grant_type != "authorization_code" {
        return refuse("unsupported_grant_type");
    }
    // Taken out whatever comes next: a code is good for one try.
    let pending = issuer.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(&exchange.code);
    let challenge = ring::digest::digest(&ring::digest::SHA256, exchange.code_verifier.as_bytes());
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(challenge);
    let valid = |pending: &PendingCode| {
        pending.made_at.elapsed() < CODE_LIFETIME
            && pending.redirect_uri == exchange.redirect_uri
            && pending.challenge == challenge
            && exchange.client_id == CLIENT_ID
    };
    let Some(PendingCode { person, nonce, .. }) = pending.filter(valid) else {
        return refuse("invalid_grant");
    };
    let id_token = issuer.id_token(&person, nonce.as_deref());
    let access_token = issuer.access_token(&person, &Map::new());
    match (access_token, id_token) {
        (Ok(access_token), Ok(id_token)) => Json(json!({
            "access_token": access_token,
            "id_token": id_token,
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
            "scope": "openid profile email",
        }))
        .into_response(),
        _ => refuse("server_error"),
    }
}

/// There is no session to end here; the client is sent where it wants to go.
pub(super) async fn logout(Query(request): Query<Logout>) -> Response {
    match request.post_logout_redirect_uri.filter(|url| is_loopback(url)) {
        Some(url) => {
            let state = request
                .state
                .map(|state| format!("?state={}", utf8_percent_encode(&state, NON_ALPHANUMERIC)));
            Redirect::to(&format!("{url}{}", state.unwrap_or_default())).into_response()
        }
        None => Html("<!doctype html><title>Signed out</title><p>You are signed out.").into_response(),
    }
}
