//! Recognises the requests of pages, by the headers that a browser adds and no page can change.
//!
//! A missing CORS header only hides a response from a page. The request has acted by then, so
//! it has to be refused before.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
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
        return message(StatusCode::FORBIDDEN, "this service is for programs and not for web pages");
    }
    next.run(request).await
}

/// Whether a request comes from a page that is none of `allowed_origins`.
///
/// Browsers send `Origin` with every request that another page can read, and with every
/// `POST`. Links and redirects lead here without it, and are foreign only if they would act.
pub(crate) fn is_foreign_page(method: &Method, headers: &HeaderMap, allowed_origins: &[String]) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) => !allowed_origins.iter().any(|allowed| origin == allowed),
        (Some(_), Some(_)) => true,
        (None, _) => {
            let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
            !method.is_safe() && sites.any(|site| site != "none" && site != "same-origin")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_foreign(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        is_foreign_page(&method, &HeaderMap::from_iter(headers), &["http://localhost:3000".to_owned()])
    }

    #[test]
    fn origin_decides_and_must_be_exactly_an_allowed_one() {
        let allowed = [("origin", "http://localhost:3000"), ("sec-fetch-site", "cross-site")];
        assert!(!is_foreign(Method::POST, &allowed));

        for origin in
            ["null", "*", "", "http://localhost", "http://localhost:3000/", "https://localhost:3000"]
        {
            assert!(is_foreign(Method::GET, &[("origin", origin)]), "{origin}");
            assert!(
                is_foreign(Method::POST, &[("origin", origin), ("sec-fetch-site", "same-origin")]),
                "{origin}"
            );
        }
    }

    #[test]
    fn request_without_origin_is_foreign_only_if_it_acts_for_another_site() {
        assert!(!is_foreign(Method::POST, &[]), "a program");
        for (site, is_foreign_post) in
            [("none", false), ("same-origin", false), ("same-site", true), ("cross-site", true)]
        {
            assert_eq!(is_foreign(Method::POST, &[("sec-fetch-site", site)]), is_foreign_post, "{site}");
            assert!(!is_foreign(Method::GET, &[("sec-fetch-site", site)]), "a link from {site}");
        }
    }
}
