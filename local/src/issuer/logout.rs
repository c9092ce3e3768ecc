//! The end-session endpoint.

use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::issuer::IssuerState;

/// OpenID Connect RP-Initiated Logout 1.0, section 2.
#[derive(Deserialize)]
pub(super) struct LogoutRequest {
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

/// Redirects to the page, if it asks for that. This issuer keeps no session that would end.
pub(super) async fn log_out(State(issuer): IssuerState, Query(request): Query<LogoutRequest>) -> Response {
    let url = request.post_logout_redirect_uri.filter(|url| issuer.origins.has_page(url));
    let Some(url) = url else {
        return Html("<!doctype html><title>Signed out</title><p>You are signed out.").into_response();
    };

    let query = match request.state {
        Some(state) => format!("?state={}", utf8_percent_encode(&state, NON_ALPHANUMERIC)),
        None => String::new(),
    };
    Redirect::to(&format!("{url}{query}")).into_response()
}
