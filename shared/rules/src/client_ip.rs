//! The client's IP address: from the gateway, or from the header of a trusted proxy.

use std::net::{IpAddr, SocketAddr};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// CloudFront appends a port, and does not put brackets around an IPv6 address.
const VIEWER_ADDRESS: &str = "cloudfront-viewer-address";
const ORIGIN_VERIFY: &str = "x-origin-verify";

/// The header that carries the client's address, and the secret that proves that the
/// proxy wrote it.
#[derive(Debug, Clone)]
pub struct ClientIpHeader {
    /// The header's name in lowercase.
    pub name: String,
    /// The value of `X-Origin-Verify`, which only the proxy knows.
    pub origin_secret: SecretString,
}

/// The client's address. `value` returns the value of a header by its lowercase name if
/// the request has that header exactly once. `source_ip` is the address that the gateway
/// saw.
///
/// INVARIANT: the header counts only together with the origin secret. Without the secret,
/// any client could write any address into the record of uses.
pub fn client_ip<'a>(
    header: Option<&ClientIpHeader>,
    value: impl Fn(&str) -> Option<&'a str>,
    source_ip: Option<&str>,
) -> Option<String> {
    let trusted = header.filter(|header| {
        value(ORIGIN_VERIFY).is_some_and(|presented| is_same(presented, header.origin_secret.expose_secret()))
    });
    let from_proxy = trusted.and_then(|header| address(&header.name, value(&header.name)?));

    from_proxy.or_else(|| source_ip.map(str::to_owned))
}

/// Compares digests, so that the time it takes reveals nothing about the secret.
fn is_same(presented: &str, secret: &str) -> bool {
    Sha256::digest(presented.as_bytes()) == Sha256::digest(secret.as_bytes())
}

/// Parses the address in a proxy's header: alone, or followed by a port as in
/// `CloudFront-Viewer-Address`.
fn address(header: &str, value: &str) -> Option<String> {
    if let Ok(socket) = value.parse::<SocketAddr>() {
        return Some(socket.ip().to_string());
    }

    // `2001:db8::1:443` is also a valid IPv6 address, but in this header the last part is
    // always a port.
    let host = match value.rsplit_once(':') {
        Some((host, _port)) if header == VIEWER_ADDRESS => host,
        _ => value,
    };
    host.parse::<IpAddr>().ok().map(|ip| ip.to_string())
}
