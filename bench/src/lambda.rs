//! A minimal Lambda for measurements: a process, its Runtime API, and a clock.
//!
//! Instances are never frozen here. A measurement covers the time between an event and its
//! response; `local` emulates the rest.

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::share::CpuShare;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// How to start a function.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) command: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
}

/// What a function returns for an event: a response, or the message of an error.
pub(crate) type Invocation = Result<Value, String>;

/// A running function.
pub(crate) struct FunctionProcess {
    child: Child,
    events: mpsc::UnboundedSender<String>,
    invocations: Receiver<(Instant, Invocation)>,
    _server: oneshot::Sender<()>,
}

impl FunctionProcess {
    /// Starts a program whose first event is waiting, and returns it with the time from its
    /// `exec` to its response.
    pub(crate) fn start(
        program: &Program,
        event: &str,
        share: Option<&CpuShare>,
    ) -> Result<(Self, Duration, Invocation)> {
        let (events, waiting) = mpsc::unbounded_channel();
        let (completed, invocations) = channel();
        let (server, stop) = oneshot::channel();
        let address = serve(waiting, completed, stop)?;

        // The shell waits for a line before it becomes the program. The process can enter its
        // share of the processor first, and the start of the shell itself does not count.
        let mut child = Command::new("sh")
            .args(["-c", "read -r _ && exec \"$@\"", "sh"])
            .args(&program.command)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {:?}", program.command))?;
        if let Some(share) = share {
            share.add_process(child.id())?;
        }
        events.send(event.to_owned())?;

        let mut gate = child.stdin.take().context("the input of the shell")?;
        let started = Instant::now();
        gate.write_all(b"\n")?;
        drop(gate);

        let mut process = Self { child, events, invocations, _server: server };
        let (received, invocation) = process.wait_for_invocation()?;
        Ok((process, received.duration_since(started), invocation))
    }

    /// Sends an event, and returns the time until its response.
    pub(crate) fn call(&mut self, event: &str) -> Result<(Duration, Invocation)> {
        let sent = Instant::now();
        self.events.send(event.to_owned())?;
        let (received, invocation) = self.wait_for_invocation()?;
        Ok((received.duration_since(sent), invocation))
    }

    fn wait_for_invocation(&mut self) -> Result<(Instant, Invocation)> {
        match self.invocations.recv_timeout(RESPONSE_TIMEOUT) {
            Ok(invocation) => Ok(invocation),
            Err(_) => bail!("no response within {RESPONSE_TIMEOUT:?}; {:?}", self.child.try_wait()),
        }
    }

    /// The processor time that all threads of the process have used.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(self.proc("task"))? {
            // `on-cpu waiting slices`; a thread that has just ended has no such file.
            let Ok(line) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            nanoseconds += line.split(' ').next().context("schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The largest resident memory so far, in MB.
    pub(crate) fn peak_rss_mb(&self) -> Result<f64> {
        resident_mb(self.proc("status"), "VmHWM:")
    }

    fn proc(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.child.id())
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A figure from the `status` file of a process, in MB.
pub(crate) fn resident_mb(status: impl AsRef<Path>, figure: &str) -> Result<f64> {
    let text = std::fs::read_to_string(status)?;
    let line = text.lines().find_map(|line| line.strip_prefix(figure)).context("no such figure")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}

struct RuntimeApi {
    waiting: Mutex<mpsc::UnboundedReceiver<String>>,
    completed: std::sync::Mutex<Sender<(Instant, Invocation)>>,
}

impl RuntimeApi {
    fn complete(&self, received: Instant, invocation: Invocation) {
        let _ = self.completed.lock().expect("a sender").send((received, invocation));
    }
}

/// Serves the Runtime API on its own thread until the sender of `stop` is dropped.
fn serve(
    waiting: mpsc::UnboundedReceiver<String>,
    completed: Sender<(Instant, Invocation)>,
    stop: oneshot::Receiver<()>,
) -> Result<String> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?.to_string();

    let api = Arc::new(RuntimeApi { waiting: Mutex::new(waiting), completed: completed.into() });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .with_state(api);

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

async fn next(State(api): State<Arc<RuntimeApi>>) -> Response {
    let event = api.waiting.lock().await.recv().await;
    let Some(event) = event else { return StatusCode::GONE.into_response() };

    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:bench"),
        ("content-type", "application/json"),
    ];
    (headers, event).into_response()
}

async fn response(State(api): State<Arc<RuntimeApi>>, body: Bytes) -> StatusCode {
    let received = Instant::now();
    api.complete(received, serde_json::from_slice(&body).map_err(|error| error.to_string()));
    StatusCode::ACCEPTED
}

async fn error(State(api): State<Arc<RuntimeApi>>, body: Bytes) -> StatusCode {
    let received = Instant::now();
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = error["errorMessage"].as_str().unwrap_or_default().to_owned();
    api.complete(received, Err(message));
    StatusCode::ACCEPTED
}
