//! Changes that do not overwrite: `ETag` and `If-Match` (RFC 9110, sections 8.8.3 and 13.1.1).

use lambda_http::Request;
use lambda_http::http::HeaderValue;
use lambda_http::http::header::{ETAG, IF_MATCH};
use patgate_rules::version::{Expected, Version};

use crate::problem::{Problem, ProblemCode};
use crate::response::{self, Response};

/// The response with the version of the resource in it.
#[must_use]
pub fn with_etag(response: Response, version: &Version) -> Response {
    response::with_header(response, ETAG, etag(version))
}

/// Reads `If-Match`. `None` if the request may change any version.
///
/// A weak tag never matches, as RFC 9110 requires of `If-Match`, and neither does a tag that
/// contains a comma. This is little code; the crate `headers` would bring SHA-1 along.
#[must_use]
pub fn expected(request: &Request) -> Option<Expected> {
    let values = request.headers().get_all(IF_MATCH);
    values.iter().next()?;

    let tags = values.iter().flat_map(|tags| tags.as_bytes().split(|byte| *byte == b','));
    let tags: Vec<_> = tags.map(<[u8]>::trim_ascii).filter_map(|tag| str::from_utf8(tag).ok()).collect();
    if tags.contains(&"*") {
        return Some(Expected::Any);
    }
    let version = |tag: &&str| tag.strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
    Some(Expected::OneOf(tags.iter().filter_map(version).collect()))
}

/// Checks the precondition of a request against the present version.
///
/// # Errors
/// 412 with the present `ETag` when the resource has another version.
pub fn check(request: &Request, present: &Version) -> Result<(), Problem> {
    if expected(request).is_none_or(|expected| expected.includes(present)) {
        Ok(())
    } else {
        Err(failed(present))
    }
}

/// 412 with the present `ETag`.
#[must_use]
pub fn failed(present: &Version) -> Problem {
    let detail = "It was changed since you read it. Nothing was changed; `ETag` has its present version.";
    Problem::new(ProblemCode::VersionChanged, detail).with_header(ETAG, etag(present))
}

fn etag(version: &Version) -> HeaderValue {
    // A version has only characters that a header may have.
    HeaderValue::try_from(format!("\"{}\"", version.as_str())).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use patgate_rules::user::User;

    #[test]
    fn precondition_holds_for_the_present_version_and_any() {
        let present = Version::of_user(&User::default());
        let tag = format!("\"{}\"", present.as_str());
        let check = |tags: &[&str]| {
            let mut request = Request::default();
            for tags in tags {
                request.headers_mut().append(IF_MATCH, tags.parse().unwrap());
            }
            check(&request, &present).is_ok()
        };
        assert!(check(&[]));
        for tags in [&tag, "*", &format!("\"other\", {tag}"), &format!("{tag},\"other\"")] {
            assert!(check(&[tags]), "{tags}");
        }
        assert!(check(&["\"other\"", &tag]));
        for tags in ["", "\"other\"", present.as_str(), &format!("W/{tag}"), "\"*\""] {
            assert!(!check(&[tags]), "{tags}");
        }
    }
}
