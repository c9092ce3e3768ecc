//! Refuses requests for foreign host names.
//!
//! A page's own name may resolve to 127.0.0.1 (DNS rebinding). Its browser then takes the
//! server here for the page's own, and lets the page read every response. Only `Host` shows it.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::server::message;

/// The names of this machine. The servers do not listen on `[::1]`.
const OWN_HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];

/// Why a request is refused because of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum HostError {
    /// RFC 9112, section 3.2.
    #[error("the request must have exactly one valid `Host` header")]
    Invalid,
    /// RFC 9110, section 15.5.20.
    #[error("this development system serves `127.0.0.1` and `localhost` only")]
    Foreign,
}

pub(super) async fn refuse_foreign_hosts(request: Request, next: Next) -> Response {
    match check(&request) {
        Ok(()) => next.run(request).await,
        Err(error @ HostError::Invalid) => message(StatusCode::BAD_REQUEST, &error.to_string()),
        Err(error @ HostError::Foreign) => message(StatusCode::MISDIRECTED_REQUEST, &error.to_string()),
    }
}

/// Checks the header and, if the request line has a complete URL, the host in that as well.
/// The port is not compared: a forwarded port has another number at the client, and no foreign
/// page can choose a name of this machine.
fn check<Body>(request: &axum::http::Request<Body>) -> Result<(), HostError> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (headers.next(), headers.next()) else { return Err(HostError::Invalid) };

    check_authority(host.as_bytes())?;
    request.uri().authority().map_or(Ok(()), |authority| check_authority(authority.as_str().as_bytes()))
}

fn check_authority(text: &[u8]) -> Result<(), HostError> {
    let authority = Authority::try_from(text).map_err(|_| HostError::Invalid)?;

    // User information would come before the host, and so would the name that looks right.
    let after_host = authority.as_str().strip_prefix(authority.host()).ok_or(HostError::Invalid)?;
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if !after_host.is_empty() && !after_host.strip_prefix(':').is_some_and(is_port) {
        return Err(HostError::Invalid);
    }

    let is_own = OWN_HOSTS.iter().any(|own| authority.host().eq_ignore_ascii_case(own));
    if is_own { Ok(()) } else { Err(HostError::Foreign) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_one_of_this_machines_names_with_or_without_a_port() {
        for own in ["localhost", "LOCALHOST:3000", "127.0.0.1", "127.0.0.1:65535"] {
            assert_eq!(check_authority(own.as_bytes()), Ok(()), "{own}");
        }
        for foreign in
            ["evil.example", ":80", "localhost.", "xlocalhost", "localhostx:80", "127.0.0.10", "[::1]:80"]
        {
            assert_eq!(check_authority(foreign.as_bytes()), Err(HostError::Foreign), "{foreign}");
        }
        for invalid in ["", "localhost:", "localhost:x", "localhost:+1", "localhost:65536", "a@localhost"] {
            assert_eq!(check_authority(invalid.as_bytes()), Err(HostError::Invalid), "{invalid}");
        }
    }
}
