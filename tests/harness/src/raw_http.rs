//! Requests as raw bytes, which no HTTP library would send.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends bytes on a new connection, and returns the status and the body of each response
/// until the server closes the connection. The last request should have the header
/// `Connection: close`.
pub fn send(base: &str, bytes: &[u8]) -> Vec<(u16, String)> {
    let address = base.strip_prefix("http://").expect("a URL of plain HTTP");
    let mut stream = TcpStream::connect(address).expect("connect to the system");
    stream.set_read_timeout(Some(READ_TIMEOUT)).expect("set a timeout");

    // A server that rejects a request may close the connection before it has read all of it.
    let _ = stream.write_all(bytes);

    let mut received = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        received.extend_from_slice(&buffer[..read]);
    }
    let _ = stream.shutdown(Shutdown::Both);

    parse_responses(&String::from_utf8(received).expect("responses in UTF-8"), bytes.starts_with(b"HEAD "))
}

/// Parses consecutive responses with a `Content-Length`. A response to `HEAD` has no body.
fn parse_responses(mut text: &str, to_head: bool) -> Vec<(u16, String)> {
    let mut responses = Vec::new();
    while let Some((head, rest)) = text.split_once("\r\n\r\n") {
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().expect("a length"))
        });

        let (body, rest) = rest.split_at(length.filter(|_| !to_head).unwrap_or(0));
        responses.push((status, body.to_owned()));
        text = rest;
    }

    assert!(text.is_empty(), "incomplete response: {text}");
    responses
}
