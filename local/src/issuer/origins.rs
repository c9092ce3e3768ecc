//! Which pages can sign users in: Patgate's own, and those that can call its API.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::issuer::IssuerState;
use crate::server::is_foreign_page;
use crate::template::Templates;

/// Headers of every response: no page may frame the sign-in form or run a script in it.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    // Any stricter policy would hide the origin of the form itself.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// The origins whose requests are not foreign.
#[derive(Debug)]
pub(crate) struct Origins {
    /// Those of the pages. Codes are sent to them, and they read tokens.
    pages: Vec<String>,
    /// Those of the pages, and those of the sign-in form.
    all: Vec<String>,
}

impl Origins {
    pub(crate) fn new(issuer_url: &str, api_url: &str, templates: &Templates) -> Self {
        let apis = templates.apis.iter().filter_map(|api| api.cors.as_ref());
        let listed = apis.flat_map(|cors| cors.origins.iter().cloned());
        // "Any origin" is a setting of the API, whose responses need a credential.
        let listed = listed.filter(|origin| origin != "*");

        let pages: Vec<String> = both_names(api_url).into_iter().chain(listed).collect();
        let all = both_names(issuer_url).into_iter().chain(pages.iter().cloned()).collect();
        Self { pages, all }
    }

    /// Whether a URL leads to one of the pages. It compares the parsed origin, because
    /// `http://127.0.0.1:3000@evil.example` only starts like one of them.
    pub(super) fn has_page(&self, url: &str) -> bool {
        // The parser drops a fragment. A page would receive the code as a part of it.
        if url.contains('#') {
            return false;
        }
        let Ok(uri) = url.parse::<Uri>() else { return false };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };

        let origin = format!("{scheme}://{authority}");
        self.pages.contains(&origin)
    }
}

/// A URL of this machine under both of its names. Users enter either.
fn both_names(url: &str) -> [String; 2] {
    [url.to_owned(), url.replace("127.0.0.1", "localhost")]
}

/// Refuses the requests of foreign pages before they act, and lets the page read the
/// responses to its own.
pub(super) async fn refuse_foreign_pages(
    State(issuer): IssuerState,
    request: Request,
    next: Next,
) -> Response {
    let origins = &issuer.origins;
    let origin = request.headers().get(header::ORIGIN).cloned();

    let mut response = if is_foreign_page(request.method(), request.headers(), &origins.all) {
        (StatusCode::FORBIDDEN, "only Patgate's page can sign users in").into_response()
    } else if request.method() == Method::OPTIONS {
        ().into_response()
    } else {
        next.run(request).await
    };

    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(origin) = origin.filter(|origin| origins.pages.iter().any(|page| origin == page)) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}
