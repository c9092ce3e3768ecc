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

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "correct horse battery staple";

    fn address_from(name: &str, headers: &[(&str, &str)]) -> Option<String> {
        let header = ClientIpHeader { name: name.into(), origin_secret: SECRET.into() };
        let value = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        client_ip(Some(&header), value, Some("198.51.100.7"))
    }

    #[test]
    fn address_comes_from_the_header_with_or_without_a_port() {
        for (name, value, expected) in [
            ("true-client-ip", "192.0.2.1", "192.0.2.1"),
            ("true-client-ip", "192.0.2.1:443", "192.0.2.1"),
            ("true-client-ip", "[2001:db8::1]:443", "2001:db8::1"),
            ("true-client-ip", "2001:db8::1:443", "2001:db8::1:443"),
            (VIEWER_ADDRESS, "192.0.2.1:443", "192.0.2.1"),
            (VIEWER_ADDRESS, "2001:db8::1:443", "2001:db8::1"),
        ] {
            let address = address_from(name, &[(name, value), (ORIGIN_VERIFY, SECRET)]);
            assert_eq!(address.as_deref(), Some(expected), "{name}: {value}");
        }
    }

    #[test]
    fn header_without_the_origin_secret_is_ignored() {
        let forged = ("true-client-ip", "192.0.2.1");
        for headers in
            [vec![forged], vec![forged, (ORIGIN_VERIFY, "wrong")], vec![forged, (ORIGIN_VERIFY, "")]]
        {
            assert_eq!(
                address_from("true-client-ip", &headers).as_deref(),
                Some("198.51.100.7"),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn header_that_is_missing_or_not_an_address_is_ignored() {
        let secret = (ORIGIN_VERIFY, SECRET);
        for headers in [vec![secret], vec![secret, ("true-client-ip", "alice")]] {
            assert_eq!(
                address_from("true-client-ip", &headers).as_deref(),
                Some("198.51.100.7"),
                "{headers:?}"
            );
        }
    }
}
