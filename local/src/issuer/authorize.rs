//! The authorization endpoint: the sign-in form, and a code for the chosen user.

use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::issuer::codes::Grant;
use crate::issuer::users::{KNOWN_USERS, User};
use crate::issuer::{CLIENT_ID, IssuerState, Origins};

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

/// Why an authorization request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuthorizationError {
    #[error("unknown client")]
    Client,
    #[error("only the authorization code flow with PKCE (S256) is supported")]
    Flow,
    #[error("the redirect URI must be an address of Patgate's page")]
    RedirectUri,
    #[error("choose a user")]
    User,
}

impl AuthorizationRequest {
    fn check(&self, origins: &Origins) -> Result<(), AuthorizationError> {
        if self.client_id != CLIENT_ID {
            return Err(AuthorizationError::Client);
        }
        if self.response_type != "code" || self.code_challenge_method != "S256" {
            return Err(AuthorizationError::Flow);
        }
        if !origins.has_page(&self.redirect_uri) {
            return Err(AuthorizationError::RedirectUri);
        }
        Ok(())
    }
}

/// Shows the form on which a user is chosen.
pub(super) async fn show_form(
    State(issuer): IssuerState,
    Query(request): Query<AuthorizationRequest>,
) -> Result<Html<String>, AuthorizationError> {
    request.check(&issuer.origins)?;

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
        let (id, name, role) = (user.id, user.name, user.role);
        format!(r#"<button name="user" value="{id}">{name} <small>{role}</small></button>"#)
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
    request.check(&issuer.origins)?;
    let user = request.user.as_deref().and_then(User::find).ok_or(AuthorizationError::User)?;

    let code = issuer.codes.issue(Grant {
        user,
        redirect_uri: request.redirect_uri.clone(),
        nonce: request.nonce.filter(|nonce| !nonce.is_empty()),
        code_challenge: request.code_challenge,
    });

    let separator = if request.redirect_uri.contains('?') { '&' } else { '?' };
    let state = utf8_percent_encode(&request.state, NON_ALPHANUMERIC);
    Ok(Redirect::to(&format!("{}{separator}code={code}&state={state}", request.redirect_uri)))
}

impl IntoResponse for AuthorizationError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.to_string()).into_response()
    }
}
