//! What is left to do once the response is on its way: a token's use is written down,
//! and what the instance counted.
//!
//! Lambda freezes a process as soon as it has answered, and a spawned task with it.
//! An internal extension is waited for: the instance counts as busy until it asks
//! for its next event. So the extension does the writing, and asks only then.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use lambda_extension::{Error, Extension, LambdaEvent, service_fn};
use patgate::clock;
use patgate::record::{LastUse, TokenRecord};
use patgate::store::dynamodb::Store;
use patgate::token::TokenHash;
use tokio::sync::{Mutex, mpsc};

use crate::metrics::Metrics;

/// The write has a time of its own; it delays no response, only the next event.
const DEADLINE: Duration = Duration::from_secs(1);

/// A use that is due to be written.
#[derive(Debug)]
pub struct UseToRecord {
    pub hash: TokenHash,
    /// The token as it was read.
    pub token: TokenRecord,
    pub last_use: LastUse,
}

/// The handler's end of the extension.
#[derive(Debug)]
pub struct AfterResponse {
    uses: mpsc::UnboundedSender<Option<UseToRecord>>,
}

impl AfterResponse {
    /// Registers the extension with Lambda and starts it.
    ///
    /// # Errors
    /// When Lambda refuses it.
    pub async fn register(store: Store, metrics: Arc<Metrics>) -> Result<Self, Error> {
        let (sender, receiver) = mpsc::unbounded_channel::<Option<UseToRecord>>();
        let receiver = Arc::new(Mutex::new(receiver));
        let process = move |_: LambdaEvent| {
            let (store, receiver) = (store.clone(), Arc::clone(&receiver));
            let metrics = Arc::clone(&metrics);
            async move {
                if let Some(Some(due)) = receiver.lock().await.recv().await {
                    write(&store, &metrics, due).await;
                }
                if let Some(line) = metrics.take_due(clock::now()) {
                    // Lambda's log is this process's output; without one there is no log.
                    let _ = writeln!(std::io::stdout(), "{line}");
                }
                Ok::<(), Error>(())
            }
        };
        let extension = Extension::new()
            .with_extension_name("after-response")
            // Lambda sends SHUTDOWN to external extensions only, and refuses an internal
            // one that asks for it.
            .with_events(&["INVOKE"])
            .with_events_processor(service_fn(process))
            .register()
            .await?;
        tokio::spawn(async move {
            if let Err(error) = extension.run().await {
                tracing::error!(%error, "the extension that works after the response has ended");
            }
        });
        Ok(Self { uses: sender })
    }

    /// Hands over what is to be written, or that nothing is.
    ///
    /// INVARIANT: called exactly once for every event, also for a refused one. The
    /// extension waits for it, and Lambda waits for the extension.
    pub fn hand_over(&self, due: Option<UseToRecord>) {
        // Fails only when the extension has ended, which is logged there.
        let _ = self.uses.send(due);
    }
}

async fn write(store: &Store, metrics: &Metrics, due: UseToRecord) {
    let write = store.record_use(&due.hash, &due.token, &due.last_use);
    // For the log: the hash must not be in it.
    let token_id = due.token.token_id;
    match tokio::time::timeout(DEADLINE, write).await {
        Ok(Ok(true)) => metrics.count_last_used_write(),
        // Another instance was first.
        Ok(Ok(false)) => {}
        Ok(Err(error)) => tracing::warn!(%token_id, %error, "a use was not recorded"),
        Err(_) => tracing::warn!(%token_id, "a use was not recorded in time"),
    }
}
