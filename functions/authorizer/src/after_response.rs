//! The work after a response: recording a token's use, and logging the metrics.
//!
//! Lambda delivers a response as soon as the runtime has posted it, and freezes the process
//! when the runtime asks for the next event. Work in between delays only the next event. A
//! spawned task would be frozen together with the process.
//! <https://aws.amazon.com/blogs/compute/running-code-after-returning-a-response-from-an-aws-lambda-function/>

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use patgate_dynamodb::Store;
use patgate_rules::clock;
use patgate_rules::token::TokenHash;
use patgate_rules::token_record::{LastUse, TokenRecord};

use crate::audit;
use crate::metrics::Metrics;

/// A use that must be recorded.
#[derive(Debug)]
pub struct UseToRecord {
    pub hash: TokenHash,
    /// The token as it was read.
    pub token: TokenRecord,
    pub last_use: LastUse,
    pub request_id: Option<String>,
}

/// The work that the handler scheduled.
#[derive(Debug)]
pub struct AfterResponse {
    store: Store,
    metrics: Arc<Metrics>,
    scheduled: Mutex<Option<UseToRecord>>,
}

impl AfterResponse {
    #[must_use]
    pub fn new(store: Store, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics, scheduled: Mutex::default() }
    }

    /// Schedules a use to be recorded, or nothing. An instance processes one event at a
    /// time, so there is never more than one.
    pub fn schedule(&self, use_to_record: Option<UseToRecord>) {
        *self.scheduled.lock().unwrap_or_else(PoisonError::into_inner) = use_to_record;
    }

    /// Does the scheduled work. It never fails, because the response was already sent.
    ///
    /// INVARIANT: this runs after the response is posted and before the next event is
    /// requested. Earlier it would delay the response; later the process would be frozen.
    pub async fn run(&self) {
        let scheduled = self.scheduled.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(use_to_record) = scheduled {
            self.record(use_to_record).await;
        }

        if let Some(line) = self.metrics.take_line(clock::now()) {
            // The standard output is Lambda's log. If it is closed, the line cannot be reported
            // anywhere else.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }

    async fn record(&self, use_to_record: UseToRecord) {
        let UseToRecord { hash, token, last_use, request_id } = use_to_record;
        // The store's own timeouts limit this. It delays the next event and no response.
        match self.store.record_use(&hash, &token, &last_use).await {
            Ok(true) => {
                self.metrics.count_last_used_write();
                audit::recorded_use(&token, &last_use, request_id.as_deref());
            }
            // Another instance was faster.
            Ok(false) => {}
            Err(error) => {
                // The log contains the ID, because the hash must not be logged.
                let token_id = token.token_id;
                tracing::warn!(%token_id, request_id, %error, "a use was not recorded");
            }
        }
    }
}
