//! The HTTP server behind every port: it serves its own host names only, and does not wait
//! for slow clients.
//!
//! `axum::serve` has neither timeouts nor a limit of connections, so this module drives
//! hyper itself.

mod hosts;
mod pages;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use axum::{Extension, Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutWriter;

pub(crate) use self::pages::{is_foreign_page, refuse_pages};

/// How many connections a port has at the same time. Further ones wait. The three ports that
/// clients know stay below the usual limit of 1,024 open files together.
const CONNECTIONS_MAX: usize = 256;
/// The largest body that any of the emulated services accepts, which is DynamoDB's.
const BODY_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Serves a router on a port.
///
/// `client_timeout` limits each of these: the time until a connection sends the headers of a
/// request (and with it the time that it may be idle), the time until the body follows, and
/// the time for which a client may read nothing of a response.
pub(crate) async fn serve(mut listener: TcpListener, router: Router, client_timeout: Duration) -> Infallible {
    // The outermost layer comes last: a foreign host learns nothing, and no body is read for it.
    let router = router
        .layer(middleware::from_fn_with_state(client_timeout, read_body))
        .layer(middleware::from_fn(hosts::refuse_foreign_hosts));
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));

    loop {
        // Nothing closes this semaphore, so there is always a permit to wait for.
        let permit = Arc::clone(&connections).acquire_owned().await;
        let (stream, client) = Listener::accept(&mut listener).await;

        let router = router.clone().layer(Extension(ConnectInfo(client)));
        tokio::spawn(async move {
            serve_connection(stream, router, client_timeout).await;
            drop(permit);
        });
    }
}

/// Serves one connection until it ends. HTTP/1 is the only version, because browsers and SDKs
/// use no other without TLS.
async fn serve_connection(stream: TcpStream, router: Router, client_timeout: Duration) {
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(client_timeout));

    // A client that breaks off or is too slow is no concern of this program.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(client_timeout)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(router))
        .await;
}

/// Reads the whole body before the request is handled. A response that leaves it unread would
/// close the connection while the client is still sending.
async fn read_body(State(client_timeout): State<Duration>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();

    let body = tokio::time::timeout(client_timeout, axum::body::to_bytes(body, BODY_MAX_BYTES)).await;
    match body {
        Ok(Ok(body)) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Ok(Err(_)) => message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
        Err(_) => {
            let mut response = message(StatusCode::REQUEST_TIMEOUT, "Request Timeout");
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
    }
}

/// A response in the form of API Gateway's own.
fn message(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}
