//! The client's address: what the gateway saw, or what a trusted proxy says.

use std::net::{IpAddr, SocketAddr};

use sha2::{Digest, Sha256};

/// Its address has a port behind it, and an IPv6 address no brackets.
const VIEWER_ADDRESS: &str = "cloudfront-viewer-address";
const ORIGIN_VERIFY: &str = "x-origin-verify";

/// A header to take the client's address from, and the secret that makes it credible.
#[derive(Clone)]
pub struct ClientIpHeader {
    /// In lowercase.
    pub name: String,
    /// The value of `X-Origin-Verify` that only the proxy in front knows.
    pub origin_secret: String,
}

/// The client's address. `value` gives a header's value by its lowercase name, if the
/// request has that header once; `source_ip` is what the gateway saw.
///
/// INVARIANT: the header is believed only beside the origin secret. Without it anybody
/// could write any address into the list of uses.
pub fn client_ip<'a>(
    header: Option<&ClientIpHeader>,
    value: impl Fn(&str) -> Option<&'a str>,
    source_ip: Option<&str>,
) -> Option<String> {
    let credible = header
        .filter(|header| value(ORIGIN_VERIFY).is_some_and(|claimed| is_same(claimed, &header.origin_secret)));
    let claimed = credible.and_then(|header| address(&header.name, value(&header.name)?));
    claimed.or_else(|| source_ip.map(str::to_owned))
}

/// Digests are compared, so that the time taken tells nothing of the secret.
fn is_same(claimed: &str, secret: &str) -> bool {
    Sha256::digest(claimed.as_bytes()) == Sha256::digest(secret.as_bytes())
}

/// The address in a proxy's header: alone, or with a port as in
/// `CloudFront-Viewer-Address`.
fn address(header: &str, value: &str) -> Option<String> {
    if let Ok(socket) = value.parse::<SocketAddr>() {
        return Some(socket.ip().to_string());
    }
    // `2001:db8::1:443` could be an address of its own; in this header it never is.
    let host = match value.rsplit_once(':') {
        Some((host, _port)) if header == VIEWER_ADDRESS => host,
        _ => value,
    };
    host.parse::<IpAddr>().ok().map(|ip| ip.to_string())
}

impl std::fmt::Debug for ClientIpHeader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ClientIpHeader").field("name", &self.name).finish_non_exhaustive()
    }
}
