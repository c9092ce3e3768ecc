//! What is left to do once the response is on its way: a token's use is written down,
//! and what the instance counted.
//!
//! Lambda hands a response on as soon as the runtime has posted it, and freezes the
//! process when it asks for its next event. Between the two the runtime may go on
//! working, and nobody waits but the next event. A spawned task would be frozen along
//! with the process. <https://aws.amazon.com/blogs/compute/running-code-after-returning-a-response-from-an-aws-lambda-function/>

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use patgate::clock;
use patgate::record::{LastUse, TokenRecord};
use patgate::store::dynamodb::Store;
use patgate::token::TokenHash;

use crate::audit;
use crate::metrics::Metrics;

/// A use that is due to be written.
#[derive(Debug)]
pub struct UseToRecord {
    pub hash: TokenHash,
    /// The token as it was read.
    pub token: TokenRecord,
    pub last_use: LastUse,
    pub request_id: Option<String>,
}

/// What the handler leaves behind, and the work on it.
#[derive(Debug)]
pub struct AfterResponse {
    store: Store,
    metrics: Arc<Metrics>,
    due: Mutex<Option<UseToRecord>>,
}

impl AfterResponse {
    #[must_use]
    pub fn new(store: Store, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics, due: Mutex::default() }
    }

    /// Leaves what is to be written, or that nothing is. An instance has one event at a
    /// time, so there is never more than one.
    pub fn hand_over(&self, due: Option<UseToRecord>) {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = due;
    }

    /// Does what is due. It never fails: the request has been answered already.
    ///
    /// INVARIANT: called after the response is posted and before the next event is asked
    /// for. Sooner it would delay the response, later the process would be frozen.
    pub async fn work(&self) {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(due) = due {
            self.write(due).await;
        }
        if let Some(line) = self.metrics.take_due(clock::now()) {
            // Lambda's log is this process's output; without one there is no log.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }

    async fn write(&self, due: UseToRecord) {
        // For the log: the hash must not be in it.
        let token_id = due.token.token_id;
        // The store's own patience bounds it: it delays no response, only the next event.
        match self.store.record_use(&due.hash, &due.token, &due.last_use).await {
            Ok(true) => {
                self.metrics.count_last_used_write();
                audit::recorded_use(&due.token, &due.last_use, due.request_id.as_deref());
            }
            // Another instance was first.
            Ok(false) => {}
            Err(error) => tracing::warn!(%token_id, %error, "a use was not recorded"),
        }
    }
}
