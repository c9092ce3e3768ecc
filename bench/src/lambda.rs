//! Lambda, as far as a measurement needs it: a process, its Runtime API, and a clock.
//!
//! Nothing is frozen here: what is measured is what a function does between an event and
//! its answer, and `local` is there for the rest.

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

const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How a subject is started.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) command: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
}

/// What a function answered: its response, or the message of its error.
pub(crate) type Answer = Result<Value, String>;

/// A started function.
pub(crate) struct Instance {
    child: Child,
    events: mpsc::UnboundedSender<String>,
    answers: Receiver<(Instant, Answer)>,
    _server: oneshot::Sender<()>,
}

impl Instance {
    /// Starts a program with its first event waiting, and returns it with the time from
    /// its `exec` to its answer.
    pub(crate) fn start(
        program: &Program,
        event: &str,
        share: Option<&CpuShare>,
    ) -> Result<(Self, Duration, Answer)> {
        let (events, waiting) = mpsc::unbounded_channel();
        let (answered, answers) = channel();
        let (server, stop) = oneshot::channel();
        let address = serve(waiting, answered, stop)?;
        // The shell waits for a line before it becomes the program, so that it can be put
        // into its share of the processor first, and so that its own start is not counted.
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
            share.take_in(child.id())?;
        }
        events.send(event.to_owned())?;
        let mut gate = child.stdin.take().context("the shell's input")?;
        let started = Instant::now();
        gate.write_all(b"\n")?;
        drop(gate);
        let mut instance = Self { child, events, answers, _server: server };
        let (at, answer) = instance.answer()?;
        Ok((instance, at.duration_since(started), answer))
    }

    /// Sends an event and returns how long the answer took.
    pub(crate) fn call(&mut self, event: &str) -> Result<(Duration, Answer)> {
        let sent = Instant::now();
        self.events.send(event.to_owned())?;
        let (at, answer) = self.answer()?;
        Ok((at.duration_since(sent), answer))
    }

    fn answer(&mut self) -> Result<(Instant, Answer)> {
        match self.answers.recv_timeout(ANSWER_TIMEOUT) {
            Ok(answer) => Ok(answer),
            Err(_) => bail!("no answer within {ANSWER_TIMEOUT:?}; {:?}", self.child.try_wait()),
        }
    }

    /// Processor time that all threads of the process have used.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(self.proc("task"))? {
            // `on-cpu waiting slices`; a thread that has just ended is gone.
            let Ok(line) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            nanoseconds += line.split(' ').next().context("schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The most memory that was resident, in MB.
    pub(crate) fn peak_rss_mb(&self) -> Result<f64> {
        resident_mb(self.proc("status"), "VmHWM:")
    }

    fn proc(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.child.id())
    }
}

/// One of the figures of a process's `status`, in MB.
pub(crate) fn resident_mb(status: impl AsRef<Path>, figure: &str) -> Result<f64> {
    let text = std::fs::read_to_string(status)?;
    let line = text.lines().find_map(|line| line.strip_prefix(figure)).context("no such figure")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Shared {
    waiting: Mutex<mpsc::UnboundedReceiver<String>>,
    answered: std::sync::Mutex<Sender<(Instant, Answer)>>,
}

/// Serves the Runtime API on a thread of its own until `stop` is dropped.
fn serve(
    waiting: mpsc::UnboundedReceiver<String>,
    answered: Sender<(Instant, Answer)>,
    stop: oneshot::Receiver<()>,
) -> Result<String> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?.to_string();
    let shared = Arc::new(Shared { waiting: Mutex::new(waiting), answered: answered.into() });
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
                served = axum::serve(listener, router).into_future() => served.expect("it serves"),
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
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:bench"),
        ("content-type", "application/json"),
    ];
    (headers, event).into_response()
}

async fn response(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let at = Instant::now();
    let answer = serde_json::from_slice(&body).map_err(|error| error.to_string());
    let _ = shared.answered.lock().expect("a sender").send((at, answer));
    StatusCode::ACCEPTED
}

async fn error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let at = Instant::now();
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = error["errorMessage"].as_str().unwrap_or_default().to_owned();
    let _ = shared.answered.lock().expect("a sender").send((at, Err(message)));
    StatusCode::ACCEPTED
}
