//! The access tokens page, as CloudFront and S3 serve it on AWS: files, the run-time
//! configuration, and the headers that keep a page with secrets on it safe.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_http::services::{ServeDir, ServeFile};

use crate::issuer;
use crate::options::Options;

/// Where the page itself is. The issuer returns to `/callback`.
const PAGE_PATHS: [&str; 3] = ["/", "/callback", "/configuration/access-tokens"];
/// The element, which pages of other origins load as well.
const ELEMENT: &str = "/access-tokens.js";

struct Page {
    config: Value,
    openapi: PathBuf,
    content_security_policy: HeaderValue,
}

/// Whether `make web` has built the page.
pub(crate) fn is_built(options: &Options) -> bool {
    options.web.join("index.html").is_file()
}

/// The page's files, `/config.json` and `/openapi.yaml`. The API's description is there
/// without the page as well.
pub(crate) fn router(options: &Options, issuer_url: &str, api_url: &str) -> anyhow::Result<Router> {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self' {issuer_url}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let page = Arc::new(Page {
        config: json!({
            "issuer": issuer_url,
            "clientId": issuer::CLIENT_ID,
            "scope": "openid profile email",
            "extraParams": {},
            "logoutUrl": "",
            "apiBaseUrl": "",
            "curlUrl": format!("{api_url}/api/Package"),
        }),
        openapi: options.infra.join("../docs/openapi.yaml"),
        content_security_policy: policy.parse()?,
    });
    let router = Router::new().route("/openapi.yaml", get(openapi));
    let router = if is_built(options) {
        let index = ServeFile::new(options.web.join("index.html"));
        let paths = PAGE_PATHS.iter().fold(router, |router, path| router.route_service(path, index.clone()));
        paths
            .route("/config.json", get(async |State(page): State<Arc<Page>>| Json(page.config.clone())))
            .route_service(ELEMENT, ServeFile::new(options.web.join("access-tokens.js")))
            .route_service("/icon.svg", ServeFile::new(options.web.join("icon.svg")))
            .nest_service("/assets", ServeDir::new(options.web.join("assets")))
    } else {
        router
    };
    Ok(router.layer(middleware::from_fn_with_state(Arc::clone(&page), protect)).with_state(page))
}

async fn openapi(State(page): State<Arc<Page>>) -> Response {
    match tokio::fs::read_to_string(&page.openapi).await {
        Ok(text) => ([(header::CONTENT_TYPE, "application/yaml")], text).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn protect(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
    let is_element = request.uri().path() == ELEMENT;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, page.content_security_policy.clone());
    for (name, value) in [
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_element {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    response
}
