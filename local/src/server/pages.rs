//! Recognises the requests of pages, by the headers that a browser adds and no page can change.
//!
//! A missing CORS header only hides a response from a page. The request has acted by then, so
//! it has to be refused before.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::server::message;

/// What browsers say about the page that made a request (Fetch Metadata).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Refuses the requests of all pages, for servers that are for programs only. It lets a user
/// through who enters the address in a browser.
pub(crate) async fn refuse_pages(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is_from_page = headers.contains_key(header::ORIGIN)
        || headers.get_all(SEC_FETCH_SITE).iter().any(|site| site != "none");

    if is_from_page {
        return message(StatusCode::FORBIDDEN, "This service is for programs and not for web pages.");
    }
    next.run(request).await
}
