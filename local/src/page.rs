//! Serves the access tokens page as CloudFront and S3 serve it on AWS: its files, its
//! run-time configuration, and the security headers that protect the secrets on it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_http::services::{ServeDir, ServeFile};

use crate::issuer;
use crate::options::Options;

/// The paths that serve the page itself. The issuer redirects to `/callback`.
const PAGE_PATHS: [&str; 3] = ["/", "/callback", "/configuration/access-tokens"];
/// The description of the API, rendered.
const API_DOCS: &str = "/api-docs";
/// The custom element. Pages of other origins load it as well.
const ELEMENT: &str = "/access-tokens.js";

#[derive(Debug)]
pub(crate) struct Page {
    /// The directory of the built files; `None` if the page is not built.
    files: Option<PathBuf>,
    config: Value,
    openapi: PathBuf,
    content_security_policy: HeaderValue,
}

/// Whether `make web` has built the page.
pub(crate) fn is_built(options: &Options) -> bool {
    options.page.join("index.html").is_file()
}

impl Page {
    pub(crate) fn new(options: &Options, issuer_url: &str, api_url: &str) -> Result<Self> {
        let issuer_origin = origin_of(issuer_url)?;
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self' {issuer_origin}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        let config = json!({
            "issuer": issuer_url,
            "clientId": issuer::CLIENT_ID,
            "scope": "openid profile email",
            "extraParams": {},
            "logoutUrl": "",
            "apiBaseUrl": "",
            "curlUrl": format!("{api_url}/api/Package"),
        });

        Ok(Self {
            files: is_built(options).then(|| options.page.clone()),
            config,
            openapi: options.openapi.clone(),
            content_security_policy: policy.parse()?,
        })
    }

    /// Serves the page's files, `/config.json` and `/openapi.yaml`. If the page is not
    /// built, it serves `/openapi.yaml` only.
    pub(crate) fn into_router(self) -> Router {
        let page = Arc::new(self);
        let mut router = Router::new().route("/openapi.yaml", get(serve_openapi));

        if let Some(files) = &page.files {
            let index = ServeFile::new(files.join("index.html"));
            for path in PAGE_PATHS {
                router = router.route_service(path, index.clone());
            }
            router = router
                .route("/config.json", get(serve_config))
                .route_service(API_DOCS, ServeFile::new(files.join("api-docs.html")))
                .route_service(ELEMENT, ServeFile::new(files.join("access-tokens.js")))
                .route_service("/icon.svg", ServeFile::new(files.join("icon.svg")))
                .nest_service("/assets", ServeDir::new(files.join("assets")));
        }

        let add_headers = middleware::from_fn_with_state(Arc::clone(&page), add_security_headers);
        router.layer(add_headers).with_state(page)
    }
}

/// The origin of a URL. In a policy, a URL with a path would allow that path only.
fn origin_of(url: &str) -> Result<String> {
    let parsed: Uri = url.parse().with_context(|| format!("`{url}` is not a URL"))?;
    let scheme = parsed.scheme_str().with_context(|| format!("`{url}` has no scheme"))?;
    let authority = parsed.authority().with_context(|| format!("`{url}` has no host"))?;
    Ok(format!("{scheme}://{authority}"))
}

async fn serve_config(State(page): State<Arc<Page>>) -> Json<Value> {
    Json(page.config.clone())
}

async fn serve_openapi(State(page): State<Arc<Page>>) -> Response {
    match tokio::fs::read_to_string(&page.openapi).await {
        Ok(text) => ([(header::CONTENT_TYPE, "application/yaml")], text).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn add_security_headers(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
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
