//! Lambda: the real function binaries, as many instances of each as are needed.
//!
//! An instance pulls the next event when it is idle, as on AWS. A function's queue
//! is shared by its instances, and one more is started whenever more events wait
//! than instances are idle.

mod instance;
mod process;
mod runtime_api;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::{Mutex, Notify, mpsc, oneshot, watch};

pub(crate) use self::process::{INSTANCE_COMMAND, become_instance};
use crate::options::Options;
use crate::template::{Function, Templates};

/// Lambda's own limit for a synchronous event or response.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub(crate) const PAYLOAD_MAX_BYTES: usize = 6 * 1024 * 1024;
/// Instances of one function; further events wait.
const MOST_INSTANCES: usize = 10;

/// All functions.
pub(crate) struct Lambda {
    functions: BTreeMap<String, Arc<Pool>>,
    stop: watch::Sender<bool>,
    ended: Arc<Notify>,
}

/// A function and what its instances share.
struct Pool {
    function: Function,
    /// The program that becomes the function's binary.
    this_program: PathBuf,
    binary: PathBuf,
    dynamodb_url: String,
    certificates: Option<PathBuf>,
    queue: mpsc::UnboundedSender<Invocation>,
    events: Mutex<mpsc::UnboundedReceiver<Invocation>>,
    /// Events in the queue.
    waiting: AtomicUsize,
    /// Instances that will take an event without being asked: idle or starting.
    available: AtomicUsize,
    instances: AtomicUsize,
    stopped: watch::Receiver<bool>,
    /// Signalled whenever an instance has ended.
    ended: Arc<Notify>,
}

/// An event on its way to an instance.
struct Invocation {
    event: String,
    answer: oneshot::Sender<Answer>,
}

pub(crate) type Answer = Result<String, InvokeError>;

/// Why an event has no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InvokeError {
    /// The function returned an error, with this message.
    Function(String),
    /// The process ended, took too long, or never became ready.
    Broken(&'static str),
    TooLarge,
}

impl Lambda {
    pub(crate) fn new(options: &Options, templates: &Templates, dynamodb_url: &str) -> Result<Self> {
        // Asked for once: after a rebuild the system would name a file that is gone.
        let this_program = std::env::current_exe()?;
        let folder = match &options.functions {
            Some(folder) => folder.clone(),
            None => this_program.parent().map(PathBuf::from).unwrap_or_default(),
        };
        let (stop, stopped) = watch::channel(false);
        let ended = Arc::new(Notify::new());
        let mut functions = BTreeMap::new();
        for function in &templates.functions {
            let binary = folder.join(&function.binary);
            if !binary.is_file() {
                bail!(
                    "`{}` has no binary at {}; `make build-debug` makes it",
                    function.name,
                    binary.display()
                );
            }
            let (queue, events) = mpsc::unbounded_channel();
            let pool = Pool {
                function: function.clone(),
                this_program: this_program.clone(),
                binary,
                dynamodb_url: dynamodb_url.to_owned(),
                certificates: options.certificates.clone(),
                queue,
                events: Mutex::new(events),
                waiting: AtomicUsize::new(0),
                available: AtomicUsize::new(0),
                instances: AtomicUsize::new(0),
                stopped: stopped.clone(),
                ended: Arc::clone(&ended),
            };
            functions.insert(function.name.clone(), Arc::new(pool));
        }
        Ok(Self { functions, stop, ended })
    }

    /// Runs a function on an event and returns what it answers.
    pub(crate) async fn invoke(&self, function: &str, event: String) -> Answer {
        let pool = self.functions.get(function).ok_or(InvokeError::Broken("there is no such function"))?;
        if event.len() > PAYLOAD_MAX_BYTES {
            return Err(InvokeError::TooLarge);
        }
        let (answer, answered) = oneshot::channel();
        pool.waiting.fetch_add(1, Ordering::SeqCst);
        let queued = pool.queue.send(Invocation { event, answer });
        queued.map_err(|_| InvokeError::Broken("the function is stopping"))?;
        if pool.waiting.load(Ordering::SeqCst) > pool.available.load(Ordering::SeqCst) {
            Pool::start_instance(pool);
        }
        answered.await.unwrap_or(Err(InvokeError::Broken("the instance has ended")))
    }

    /// Ends all instances and waits for them.
    pub(crate) async fn stop(&self) {
        let _ = self.stop.send(true);
        let all_ended = async {
            loop {
                let ended = self.ended.notified();
                if self.functions.values().all(|pool| pool.instances.load(Ordering::SeqCst) == 0) {
                    return;
                }
                ended.await;
            }
        };
        // Whoever is left is killed with this process.
        let _ = tokio::time::timeout(Duration::from_secs(2), all_ended).await;
    }
}

impl Pool {
    fn start_instance(pool: &Arc<Self>) {
        if *pool.stopped.borrow() {
            return;
        }
        if pool.instances.fetch_add(1, Ordering::SeqCst) >= MOST_INSTANCES {
            pool.instances.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        pool.available.fetch_add(1, Ordering::SeqCst);
        let pool = Arc::clone(pool);
        tokio::spawn(async move {
            instance::run(&pool).await;
            pool.instances.fetch_sub(1, Ordering::SeqCst);
            pool.ended.notify_waiters();
            // Events may wait that this instance was counted on for.
            if pool.waiting.load(Ordering::SeqCst) > pool.available.load(Ordering::SeqCst) {
                Self::start_instance(&pool);
            }
        });
    }

    /// The next event, for an instance that was counted as available.
    async fn next(&self) -> Option<Invocation> {
        let invocation = self.events.lock().await.recv().await?;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.available.fetch_sub(1, Ordering::SeqCst);
        Some(invocation)
    }

    /// For an instance that cannot start: fails the event that it was started for,
    /// unless another instance is there to take it.
    fn fail_one(&self, reason: &'static str) {
        self.available.fetch_sub(1, Ordering::SeqCst);
        let Ok(mut events) = self.events.try_lock() else { return };
        if let Ok(invocation) = events.try_recv() {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            let _ = invocation.answer.send(Err(InvokeError::Broken(reason)));
        }
    }
}
