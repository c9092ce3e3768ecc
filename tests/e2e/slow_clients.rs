//! Clients of `local` that send or read too slowly, or that open too many connections.
//! Waiting here is bounded by [`PATIENCE`] and ends as soon as the server acts.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use patgate_harness::{Local, Settings, System};

/// How long a test waits for the server to close a connection.
const PATIENCE: Duration = Duration::from_secs(20);
/// The time between two bytes of a client that trickles.
const PACE: Duration = Duration::from_millis(100);
/// How many connections the server accepts on a port at the same time.
const CONNECTIONS_MAX: usize = 256;

/// A system that waits one second for its clients.
fn start_impatient() -> Option<System> {
    let environment = vec![("CLIENT_TIMEOUT_SECONDS", "1".to_owned())];
    System::start_local(Settings { environment, ..Settings::default() })
}

/// Does this for each port at the same time.
fn on_every_port(system: &System, act: impl Fn(&str, TcpStream) + Sync) {
    let Local { api, issuer, dynamodb, .. } = system.local();
    std::thread::scope(|scope| {
        for (url, path) in [(api, "/healthz"), (issuer, "/jwks.json"), (dynamodb, "/")] {
            let stream = connect(url);
            let act = &act;
            scope.spawn(move || act(path, stream));
        }
    });
}

fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(PACE)).unwrap();
    stream.set_write_timeout(Some(PACE)).unwrap();
    stream
}

/// Whether an attempt to read or write only took too long, so that it can be repeated.
fn only_waits(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Calls `send` and reads until the server closes the connection, and returns what was read.
#[track_caller]
fn read_until_closed(stream: &mut TcpStream, mut send: impl FnMut(&mut TcpStream)) -> String {
    let deadline = Instant::now() + PATIENCE;
    let mut received = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        assert!(Instant::now() < deadline, "open after {PATIENCE:?}: {}", String::from_utf8_lossy(&received));
        send(stream);
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => received.extend_from_slice(&buffer[..read]),
            Err(error) if only_waits(error.kind()) => {}
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&received).into_owned()
}

#[test]
fn connection_that_sends_no_request_is_closed() {
    let Some(system) = start_impatient() else { return };
    on_every_port(&system, |_, mut stream| {
        read_until_closed(&mut stream, |_| {});
    });
}

#[test]
fn idle_connection_is_closed_after_its_response() {
    let Some(system) = start_impatient() else { return };
    on_every_port(&system, |path, mut stream| {
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let received = read_until_closed(&mut stream, |_| {});
        assert!(received.starts_with("HTTP/1.1 ") && !received.contains("HTTP/1.1 408"), "{received}");
    });
}

#[test]
fn headers_that_trickle_end_the_connection() {
    let Some(system) = start_impatient() else { return };
    on_every_port(&system, |path, mut stream| {
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").unwrap();
        read_until_closed(&mut stream, |stream| {
            let _ = stream.write(b"x");
        });
    });
}

#[test]
fn body_that_trickles_is_408_and_ends_the_connection() {
    let Some(system) = start_impatient() else { return };
    on_every_port(&system, |path, mut stream| {
        let length = "Content-Type: application/json\r\nContent-Length: 100000";
        write!(stream, "POST {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n").unwrap();
        let received = read_until_closed(&mut stream, |stream| {
            let _ = stream.write(b"x");
        });
        assert!(received.starts_with("HTTP/1.1 408"), "{received}");
    });
}

#[test]
fn client_that_does_not_read_its_responses_is_disconnected() {
    let Some(system) = start_impatient() else { return };
    on_every_port(&system, |path, mut stream| {
        let requests = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(100);
        let mut written = 0;
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "{path}: open after {PATIENCE:?}");
            match stream.write(&requests.as_bytes()[written..]) {
                Ok(more) => written = (written + more) % requests.len(),
                Err(error) if only_waits(error.kind()) => {}
                Err(_) => break,
            }
        }
    });
}

/// A frozen function cannot notice that its connection to DynamoDB was closed.
#[test]
fn requests_succeed_after_the_idle_connections_of_functions_were_closed() {
    let Some(system) = start_impatient() else { return };
    let alice = system.sign_in("alice");
    let token = alice.create_token("used now and then").secret;

    for _ in 0..3 {
        assert_eq!(system.status_of(&token), 200);
        assert_eq!(alice.list_tokens("limit=1").len(), 1);
        // This connection is younger than those of the functions.
        read_until_closed(&mut connect(&system.local().dynamodb), |_| {});
    }
}

#[test]
fn connections_above_the_limit_wait_until_another_one_ends() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    on_every_port(&system, |path, first| {
        let address = format!("http://{}", first.peer_addr().unwrap());
        let others: Vec<_> = (1..CONNECTIONS_MAX).map(|_| connect(&address)).collect();

        let mut one_more = connect(&address);
        write!(one_more, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let waiting = one_more.read(&mut [0]).expect_err("a response above the limit");
        assert!(only_waits(waiting.kind()), "{waiting}");

        drop(others);
        assert!(read_until_closed(&mut one_more, |_| {}).starts_with("HTTP/1.1 "));
    });
}
