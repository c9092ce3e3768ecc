//! One execution environment: an actor around one process.
//!
//! INVARIANT: the process is idle, may be frozen and takes the next event only when its
//! runtime waits for one. What it does between an answer and that is not interrupted.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::Utc;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::process::Process;
use super::runtime_api::{self, Message, RuntimeEvent};
use super::{Answer, Invocation, InvokeError, Pool};

/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the instance is waiting for has happened, or never will.
enum Step {
    Idle,
    Answered(Answer),
    Over(&'static str),
}

struct Instance {
    process: Process,
    messages: mpsc::UnboundedReceiver<Message>,
    /// The runtime, while it waits for its next event.
    parked: Option<oneshot::Sender<RuntimeEvent>>,
}

/// Starts an instance and runs it to its end: a crash, a timeout, or the stop of all.
pub(super) async fn run(pool: &Pool) {
    let mut stopped = pool.stopped.clone();
    tokio::select! {
        () = live(pool) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

async fn live(pool: &Pool) {
    let started = start(pool).await;
    let mut instance = match started {
        Ok(instance) => instance,
        Err(error) => {
            crate::output::line(format_args!("[{}] cannot start: {error}", pool.function.name));
            return pool.fail_one("the instance cannot be started");
        }
    };
    if let Some(reason) = instance.until_idle(Instant::now() + INIT_TIMEOUT).await {
        crate::output::line(format_args!("[{}] init failed: {reason}", pool.function.name));
        instance.process.kill().await;
        return pool.fail_one(reason);
    }
    loop {
        instance.process.freeze();
        let invocation = tokio::select! {
            invocation = pool.next() => invocation,
            () = instance.process.ended() => {
                pool.available.fetch_sub(1, Ordering::SeqCst);
                None
            }
        };
        let Some(invocation) = invocation else { return };
        instance.process.thaw();
        if let Some(reason) = instance.invoke(pool, invocation).await {
            crate::output::line(format_args!("[{}] instance ends: {reason}", pool.function.name));
            return instance.process.kill().await;
        }
        pool.available.fetch_add(1, Ordering::SeqCst);
    }
}

async fn start(pool: &Pool) -> io::Result<Instance> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?.to_string();
    let (sender, messages) = mpsc::unbounded_channel();
    let process = Process::start(pool, &address)?;
    let serve = axum::serve(listener, runtime_api::router(sender.clone()));
    tokio::spawn(async move {
        tokio::select! {
            _ = serve.into_future() => {}
            // The instance is gone, and nobody listens to the messages any more.
            () = sender.closed() => {}
        }
    });
    Ok(Instance { process, messages, parked: None })
}

impl Instance {
    /// Waits until the process is idle; the reason if it never will be.
    async fn until_idle(&mut self, deadline: Instant) -> Option<&'static str> {
        loop {
            match self.step("", deadline).await {
                Step::Idle => return None,
                Step::Answered(_) => {}
                Step::Over(reason) => return Some(reason),
            }
        }
    }

    /// Has the process handle an event, and waits until it is idle again; the reason
    /// if it is of no more use.
    async fn invoke(&mut self, pool: &Pool, invocation: Invocation) -> Option<&'static str> {
        let request_id = uuid::Uuid::now_v7().to_string();
        let timeout = pool.function.timeout;
        let deadline = Instant::now() + timeout;
        self.deliver(pool, &request_id, timeout, invocation.event);
        let mut waiting = Some(invocation.answer);
        loop {
            match self.step(&request_id, deadline).await {
                // The answer goes out at once, whatever the process still does.
                Step::Answered(answer) => {
                    waiting.take().map(|waiting| waiting.send(answer));
                }
                Step::Idle if waiting.is_none() => return None,
                Step::Idle => return Some("the runtime asked for an event without answering the last"),
                Step::Over(reason) => {
                    waiting.take().map(|waiting| waiting.send(Err(InvokeError::Broken(reason))));
                    return Some(reason);
                }
            }
        }
    }

    /// Takes messages until one of them matters.
    async fn step(&mut self, request_id: &str, deadline: Instant) -> Step {
        loop {
            let message = tokio::select! {
                // What the process said before it ended still counts.
                biased;
                message = self.messages.recv() => message,
                () = self.process.ended() => return Step::Over("the process has ended"),
                () = tokio::time::sleep_until(deadline) => return Step::Over("it timed out"),
            };
            match message {
                None => return Step::Over("its API has stopped"),
                Some(Message::InitError) => return Step::Over("its init failed"),
                Some(Message::Answer { request_id: id, answer }) if id == request_id => {
                    return Step::Answered(answer);
                }
                Some(Message::Answer { .. }) => {}
                Some(Message::Next(next)) => {
                    self.parked = Some(next);
                    return Step::Idle;
                }
            }
        }
    }

    fn deliver(&mut self, pool: &Pool, request_id: &str, timeout: Duration, event: String) {
        let Some(next) = self.parked.take() else { return };
        let timeout_ms = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        let _ = next.send(RuntimeEvent {
            request_id: request_id.to_owned(),
            deadline_ms: now_ms().saturating_add(timeout_ms),
            function_arn: format!("arn:aws:lambda:us-east-1:000000000000:function:{}", pool.function.name),
            body: event,
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "the emulator is at the edge, where time comes from")]
fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}
