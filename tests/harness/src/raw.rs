//! Requests byte by byte, as no library would send them.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends bytes on a connection of their own, and returns the status and the body of each
/// response until the server closes it. The last request should ask it to.
pub(crate) fn send(base: &str, bytes: &[u8]) -> Vec<(u16, String)> {
    let address = base.strip_prefix("http://").expect("plain HTTP");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    // A server that has seen enough may close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..read]);
    }
    let _ = stream.shutdown(Shutdown::Both);
    responses(&String::from_utf8(answer).expect("answers of text"), bytes.starts_with(b"HEAD "))
}

/// Responses with a `Content-Length`, one after the other. That to `HEAD` has no body.
fn responses(mut text: &str, to_head: bool) -> Vec<(u16, String)> {
    let mut all = Vec::new();
    while let Some((head, rest)) = text.split_once("\r\n\r\n") {
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().expect("a length"))
        });
        let (body, rest) = rest.split_at(length.filter(|_| !to_head).unwrap_or(0));
        all.push((status, body.to_owned()));
        text = rest;
    }
    assert!(text.is_empty(), "no whole response: {text}");
    all
}
