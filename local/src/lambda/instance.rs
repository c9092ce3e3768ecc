//! One execution environment: an actor around one process.
//!
//! INVARIANT: a process is frozen, and gets its next event, only while its runtime waits
//! for an event. Nothing interrupts the work that it does after a response.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::account::lambda_function_arn;
use crate::lambda::process::Process;
use crate::lambda::runtime_api::{self, RuntimeEvent, RuntimeMessage};
use crate::lambda::{Invocation, InvocationResult, Pool};
use crate::output::print_line;
use crate::server;

/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a runtime's connection may be idle. A function is not done sooner than it is, and
/// none may run for longer than this.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const RUNTIME_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Why an instance cannot take events, or can no longer take them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InstanceError {
    #[error("its process cannot start")]
    NotStarted,
    #[error("its initialization failed")]
    InitFailed,
    #[error("its process exited")]
    Exited,
    #[error("it timed out")]
    TimedOut,
    #[error("its Runtime API stopped")]
    RuntimeApiStopped,
    #[error("its runtime asked for an event before it responded to the previous one")]
    NoResponse,
    #[error("its response is larger than 6 MB")]
    ResponseTooLarge,
    #[error("its response is not valid UTF-8")]
    ResponseNotText,
    #[error("it was stopped")]
    Stopped,
}

/// What the process does next.
enum Step {
    /// The runtime waits for an event.
    Idle,
    /// The runtime has responded to its event.
    Responded(InvocationResult),
}

struct Instance {
    process: Process,
    messages: mpsc::UnboundedReceiver<RuntimeMessage>,
    /// Sends the next event to the runtime, while that waits for one.
    next_event: Option<oneshot::Sender<RuntimeEvent>>,
}

/// Starts an instance and runs it until it fails or everything stops.
pub(super) async fn run_instance(pool: &Pool) {
    let mut stopped = pool.stopped.clone();
    tokio::select! {
        () = run_until_failure(pool) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

async fn run_until_failure(pool: &Pool) {
    let name = &pool.function.name;

    let mut instance = match Instance::start(pool).await {
        Ok(instance) => instance,
        Err(error) => {
            print_line(format_args!("[{name}] cannot start: {error}"));
            return pool.fail_next_event(InstanceError::NotStarted);
        }
    };

    if let Err(error) = instance.initialize().await {
        print_line(format_args!("[{name}] initialization failed: {error}"));
        instance.process.kill().await;
        return pool.fail_next_event(error);
    }

    loop {
        instance.process.freeze();
        let invocation = tokio::select! {
            invocation = pool.next_invocation() => invocation,
            () = instance.process.ended() => {
                pool.available.fetch_sub(1, Ordering::SeqCst);
                None
            }
        };
        let Some(invocation) = invocation else { return };

        instance.process.thaw();
        if let Err(error) = instance.run_invocation(pool, invocation).await {
            print_line(format_args!("[{name}] instance failed: {error}"));
            return instance.process.kill().await;
        }
        pool.available.fetch_add(1, Ordering::SeqCst);
    }
}

impl Instance {
    /// Starts the process and the Runtime API that it talks to.
    async fn start(pool: &Pool) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (sender, messages) = mpsc::unbounded_channel();
        let process = Process::start(pool, &address)?;

        let server = server::serve(listener, runtime_api::router(sender.clone()), RUNTIME_TIMEOUT);
        tokio::spawn(async move {
            tokio::select! {
                never = server => match never {},
                // The instance has dropped its end of the channel.
                () = sender.closed() => {}
            }
        });

        Ok(Self { process, messages, next_event: None })
    }

    /// Waits until the runtime asks for its first event.
    async fn initialize(&mut self) -> Result<(), InstanceError> {
        let deadline = Instant::now() + INIT_TIMEOUT;
        loop {
            match self.step("", deadline).await? {
                Step::Idle => return Ok(()),
                Step::Responded(_) => {}
            }
        }
    }

    /// Lets the process handle an event, and waits until it is idle again. An instance that
    /// returns an error cannot take another event.
    async fn run_invocation(&mut self, pool: &Pool, invocation: Invocation) -> Result<(), InstanceError> {
        let request_id = uuid::Uuid::now_v7().to_string();
        let timeout = pool.function.timeout;
        let deadline = Instant::now() + timeout;
        self.deliver(pool, &request_id, timeout, invocation.event);

        let mut waiting = Some(invocation.result);
        loop {
            match self.step(&request_id, deadline).await {
                // The result is sent at once, even if the process is not idle yet.
                Ok(Step::Responded(result)) => {
                    waiting.take().map(|waiting| waiting.send(result));
                }
                Ok(Step::Idle) if waiting.is_none() => return Ok(()),
                Ok(Step::Idle) => return Err(InstanceError::NoResponse),
                Err(error) => {
                    waiting.take().map(|waiting| waiting.send(Err(error.into())));
                    return Err(error);
                }
            }
        }
    }

    /// Waits until the runtime asks for an event or responds to the request.
    async fn step(&mut self, request_id: &str, deadline: Instant) -> Result<Step, InstanceError> {
        loop {
            let message = tokio::select! {
                // Messages that the process sent before it exited come first.
                biased;
                message = self.messages.recv() => message,
                () = self.process.ended() => return Err(InstanceError::Exited),
                () = tokio::time::sleep_until(deadline) => return Err(InstanceError::TimedOut),
            };

            match message {
                None => return Err(InstanceError::RuntimeApiStopped),
                Some(RuntimeMessage::InitError) => return Err(InstanceError::InitFailed),
                Some(RuntimeMessage::Response { request_id: id, result }) if id == request_id => {
                    return Ok(Step::Responded(result));
                }
                Some(RuntimeMessage::Response { .. }) => {}
                Some(RuntimeMessage::Next(next_event)) => {
                    self.next_event = Some(next_event);
                    return Ok(Step::Idle);
                }
            }
        }
    }

    fn deliver(&mut self, pool: &Pool, request_id: &str, timeout: Duration, event: String) {
        let Some(next_event) = self.next_event.take() else { return };

        let timeout_ms = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        let _ = next_event.send(RuntimeEvent {
            request_id: request_id.to_owned(),
            deadline_ms: crate::clock::now().timestamp_millis().saturating_add(timeout_ms),
            function_arn: lambda_function_arn(&pool.function.name),
            body: event,
        });
    }
}
