//! Writes that conflict with other writes, and transactions that were cancelled.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use rand::TryRng;
use rand::rngs::SysRng;

use crate::error::StoreError;

// Why a transaction was cancelled: one code for each of its items.
// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
pub(crate) const CONDITION_FAILED: &str = "ConditionalCheckFailed";
pub(crate) const CONFLICT: &str = "TransactionConflict";

/// How persistently a write is repeated while it conflicts with other writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Retries {
    /// Up to 8 attempts within about 3 s, with pauses that double. A user who creates several
    /// tokens at once causes conflicts: each creation checks the user's record, and a sign-in
    /// writes it.
    Usual,
    /// As many attempts as fit into 6 s, with short pauses. These writes end access, so the
    /// creations and sign-ins of the very user whose access they end must not starve them. The
    /// function has 10 s.
    EndingAccess,
}

const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const ENDING_ACCESS: Duration = Duration::from_secs(6);

impl Retries {
    /// The pause after this many failed attempts. `None` means that no attempt is left.
    fn pause(self, attempts: u32, elapsed: Duration) -> Option<Duration> {
        match self {
            Self::Usual => (attempts < ATTEMPTS).then(|| FIRST_PAUSE * 2_u32.pow(attempts - 1)),
            Self::EndingAccess => (elapsed < ENDING_ACCESS).then_some(FIRST_PAUSE),
        }
    }
}

/// Repeats a write while `attempt` returns `None`, which means that another write to the
/// same item was in progress. The SDK does not repeat such writes.
pub(crate) async fn retry_conflicts<T, A>(
    operation: &'static str,
    retries: Retries,
    attempt: impl Fn() -> A,
) -> Result<T, StoreError>
where
    A: Future<Output = Result<Option<T>, StoreError>>,
{
    let started = Instant::now();
    for attempts in 1.. {
        if let Some(done) = attempt().await? {
            return Ok(done);
        }
        let Some(pause) = retries.pause(attempts, started.elapsed()) else { break };
        tokio::time::sleep(pause.mul_f64(jitter())).await;
    }

    Err(StoreError::Unavailable { operation, reason: "writes conflict".to_owned() })
}

/// A random factor from 0.5 to 1.5, so that two writes do not conflict again.
fn jitter() -> f64 {
    let random = SysRng.try_next_u32().unwrap_or_default();
    0.5 + f64::from(random) / f64::from(u32::MAX)
}

/// Why a transaction was cancelled. Empty if it failed for another reason.
pub(crate) fn cancellation_reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}

/// The code of each reason, in the order of the transaction's items.
pub(crate) fn codes(reasons: &[CancellationReason]) -> Vec<&str> {
    reasons.iter().map(|reason| reason.code().unwrap_or_default()).collect()
}
