//! Lambda: runs the real function binaries, with as many instances of each as needed.
//!
//! As on AWS, an idle instance asks for its next event. All instances of a function take
//! events from one queue, and another instance starts whenever more events wait than
//! instances are available.

mod instance;
mod process;
mod runtime_api;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::{Mutex, Notify, mpsc, oneshot, watch};

use self::instance::InstanceError;
pub(crate) use self::process::{INSTANCE_COMMAND, become_instance};
use crate::options::Options;
use crate::template::{Function, Templates};

/// Lambda's own limit for a synchronous event or response.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub(crate) const PAYLOAD_MAX_BYTES: usize = 6 * 1024 * 1024;
/// How many instances a function has at most. Further events wait.
const INSTANCES_MAX: usize = 10;
/// How long all instances may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// All functions.
pub(crate) struct Lambda {
    pools: BTreeMap<String, Arc<Pool>>,
    stop: watch::Sender<bool>,
    instance_ended: Arc<Notify>,
}

/// A function, and what its instances share.
struct Pool {
    function: Function,
    /// The program that replaces itself with the function's binary.
    this_program: PathBuf,
    binary: PathBuf,
    dynamodb_url: String,
    certificates: Option<PathBuf>,
    queue: mpsc::UnboundedSender<Invocation>,
    events: Mutex<mpsc::UnboundedReceiver<Invocation>>,
    /// How many events wait in the queue.
    waiting: AtomicUsize,
    /// How many instances will take an event from the queue: those that are idle or start.
    available: AtomicUsize,
    instances: AtomicUsize,
    stopped: watch::Receiver<bool>,
    /// Notified whenever an instance has ended.
    instance_ended: Arc<Notify>,
}

/// An event on its way to an instance.
struct Invocation {
    event: String,
    result: oneshot::Sender<InvocationResult>,
}

/// What the function returned.
pub(crate) type InvocationResult = Result<String, InvokeError>;

/// Why an invocation has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvokeError {
    #[error("there is no function `{0}`")]
    UnknownFunction(String),
    #[error("the event is larger than 6 MB")]
    RequestTooLarge,
    #[error("the function returned an error: {message}")]
    Function { message: String },
    #[error("the instance failed: {0}")]
    Instance(#[from] InstanceError),
}

impl Lambda {
    /// Prepares all functions. Their instances start with the first events.
    pub(crate) fn new(options: &Options, templates: &Templates, dynamodb_url: &str) -> Result<Self> {
        // Read once: after a rebuild, the system would return a path that no longer exists.
        let this_program = std::env::current_exe()?;
        let directory = match &options.functions {
            Some(directory) => directory.clone(),
            None => this_program.parent().map(PathBuf::from).unwrap_or_default(),
        };

        let (stop, stopped) = watch::channel(false);
        let instance_ended = Arc::new(Notify::new());
        let mut pools = BTreeMap::new();
        for function in &templates.functions {
            let (queue, events) = mpsc::unbounded_channel();
            let pool = Pool {
                function: function.clone(),
                this_program: this_program.clone(),
                binary: existing_binary(&directory, function)?,
                dynamodb_url: dynamodb_url.to_owned(),
                certificates: options.certificates.clone(),
                queue,
                events: Mutex::new(events),
                waiting: AtomicUsize::new(0),
                available: AtomicUsize::new(0),
                instances: AtomicUsize::new(0),
                stopped: stopped.clone(),
                instance_ended: Arc::clone(&instance_ended),
            };
            pools.insert(function.name.clone(), Arc::new(pool));
        }
        Ok(Self { pools, stop, instance_ended })
    }

    /// Invokes a function with an event, and waits for the result.
    pub(crate) async fn invoke(&self, function: &str, event: String) -> InvocationResult {
        let pool = self.pools.get(function);
        let pool = pool.ok_or_else(|| InvokeError::UnknownFunction(function.to_owned()))?;
        if event.len() > PAYLOAD_MAX_BYTES {
            return Err(InvokeError::RequestTooLarge);
        }

        let (sender, result) = oneshot::channel();
        pool.waiting.fetch_add(1, Ordering::SeqCst);
        let queued = pool.queue.send(Invocation { event, result: sender });
        queued.map_err(|_| InstanceError::Stopped)?;
        pool.start_instance_if_needed();

        result.await.unwrap_or(Err(InvokeError::Instance(InstanceError::Stopped)))
    }

    /// Ends all instances and waits for them. An instance that does not end in time is
    /// killed when this process exits.
    pub(crate) async fn stop(&self) {
        let _ = self.stop.send(true);

        let all_ended = async {
            loop {
                let ended = self.instance_ended.notified();
                if self.pools.values().all(|pool| pool.instances.load(Ordering::SeqCst) == 0) {
                    return;
                }
                ended.await;
            }
        };
        let _ = tokio::time::timeout(STOP_TIMEOUT, all_ended).await;
    }
}

fn existing_binary(directory: &Path, function: &Function) -> Result<PathBuf> {
    let binary = directory.join(&function.binary);
    if !binary.is_file() {
        let (name, path) = (&function.name, binary.display());
        bail!("the function `{name}` has no binary `{path}`; `make build-debug` builds it");
    }
    Ok(binary)
}

impl Pool {
    /// Starts an instance if more events wait than instances are available.
    fn start_instance_if_needed(self: &Arc<Self>) {
        if self.waiting.load(Ordering::SeqCst) > self.available.load(Ordering::SeqCst) {
            self.start_instance();
        }
    }

    fn start_instance(self: &Arc<Self>) {
        if *self.stopped.borrow() {
            return;
        }
        if self.instances.fetch_add(1, Ordering::SeqCst) >= INSTANCES_MAX {
            self.instances.fetch_sub(1, Ordering::SeqCst);
            return;
        }

        self.available.fetch_add(1, Ordering::SeqCst);
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            instance::run_instance(&pool).await;

            pool.instances.fetch_sub(1, Ordering::SeqCst);
            pool.instance_ended.notify_waiters();
            // Events may wait that this instance would have taken.
            pool.start_instance_if_needed();
        });
    }

    /// Waits for the next event, on behalf of an available instance.
    async fn next_invocation(&self) -> Option<Invocation> {
        let invocation = self.events.lock().await.recv().await?;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.available.fetch_sub(1, Ordering::SeqCst);
        Some(invocation)
    }

    /// Fails the event that an instance was started for and cannot take, unless another
    /// instance is waiting for it.
    fn fail_next_event(&self, error: InstanceError) {
        self.available.fetch_sub(1, Ordering::SeqCst);
        let Ok(mut events) = self.events.try_lock() else { return };

        if let Ok(invocation) = events.try_recv() {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            let _ = invocation.result.send(Err(error.into()));
        }
    }
}
