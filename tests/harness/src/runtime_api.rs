//! The Runtime API of one process: it gives the process any event, and takes what it returns.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot};

/// What a function returns for an event: a response, or the message of an error.
pub type Invocation = Result<Value, String>;

/// A Runtime API, which a thread serves until this value is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    /// Host and port, as `AWS_LAMBDA_RUNTIME_API` contains them.
    pub address: String,
    events: mpsc::UnboundedSender<String>,
    invocations: Receiver<(Instant, Invocation)>,
    _server: oneshot::Sender<()>,
}

impl RuntimeApi {
    /// Starts a Runtime API on a free port.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start() -> io::Result<Self> {
        let (events, waiting) = mpsc::unbounded_channel();
        let (completed, invocations) = channel();
        let (server, stop) = oneshot::channel();
        let address = serve(waiting, completed, stop)?;

        Ok(Self { address, events, invocations, _server: server })
    }

    /// Gives the process an event, as soon as it asks for one.
    pub fn send(&self, event: &str) {
        self.events.send(event.to_owned()).expect("the Runtime API runs");
    }

    /// What the process returns for its event, and when. `None` if it does not within `timeout`.
    pub fn receive(&self, timeout: Duration) -> Option<(Instant, Invocation)> {
        self.invocations.recv_timeout(timeout).ok()
    }
}

struct Shared {
    waiting: Mutex<mpsc::UnboundedReceiver<String>>,
    completed: std::sync::Mutex<Sender<(Instant, Invocation)>>,
}

impl Shared {
    fn complete(&self, received: Instant, invocation: Invocation) {
        let _ = self.completed.lock().expect("a sender").send((received, invocation));
    }
}

/// Serves the API on its own thread until the sender of `stop` is dropped.
fn serve(
    waiting: mpsc::UnboundedReceiver<String>,
    completed: Sender<(Instant, Invocation)>,
    stop: oneshot::Receiver<()>,
) -> io::Result<String> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?.to_string();

    let shared = Arc::new(Shared { waiting: Mutex::new(waiting), completed: completed.into() });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .with_state(shared);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            tokio::select! {
                served = axum::serve(listener, router).into_future() => served.expect("serve the Runtime API"),
                _ = stop => {}
            }
        });
    });
    Ok(address)
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    let event = shared.waiting.lock().await.recv().await;
    let Some(event) = event else { return StatusCode::GONE.into_response() };

    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:measured"),
        ("content-type", "application/json"),
    ];
    (headers, event).into_response()
}

async fn response(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let received = Instant::now();
    shared.complete(received, serde_json::from_slice(&body).map_err(|error| error.to_string()));
    StatusCode::ACCEPTED
}

async fn error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let received = Instant::now();
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = error["errorMessage"].as_str().unwrap_or_default().to_owned();
    shared.complete(received, Err(message));
    StatusCode::ACCEPTED
}
