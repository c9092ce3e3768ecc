//! Tokens and users in DynamoDB. This module and those below it are the only ones
//! that know the AWS SDK; one file each for what a kind of caller needs.

mod administration;
mod batch;
mod client;
mod credentials;
mod items;
mod lists;
mod tokens;
mod users;

use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use rand::TryRng;
use rand::rngs::SysRng;

use crate::config::{AwsEnvironment, Tables, TrustedRoots};
use crate::store::StoreError;
pub use client::{authorizer_client, endpoint_client};
use items::USER_ID;

/// The two tables, through one client.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    tables: Tables,
}

/// Of an instance's start, for its connection: the request that it is started for waits too.
const IN_ADVANCE: Duration = Duration::from_millis(200);
/// No issuer's subject: OpenID Connect Core 1.0 has them in ASCII, and people have names.
const NOBODY: &str = "\u{2205}";

impl Store {
    /// For the authorizer.
    #[must_use]
    pub fn for_authorizer(aws: &AwsEnvironment, tables: Tables) -> Self {
        Self { client: authorizer_client(aws), tables }
    }

    /// For the management endpoints.
    pub async fn for_endpoint(tables: Tables, roots: TrustedRoots) -> Self {
        Self { client: endpoint_client(roots).await, tables }
    }

    /// Opens the connection that the first request will use, so that no caller waits for
    /// the handshake. A read does it, of a user that does not exist: half a unit.
    ///
    /// It never fails, and soon gives up. Without it the first request opens the
    /// connection, and says what is wrong if it cannot.
    pub async fn connect(&self) {
        let read = self.client.get_item().table_name(&self.tables.users);
        let read = read.key(USER_ID, items::text(NOBODY)).consistent_read(false).send();
        let failure = match tokio::time::timeout(IN_ADVANCE, read).await {
            Ok(read) => read.err().map(|error| unavailable("connect in advance")(error).to_string()),
            Err(_) => Some("it takes too long".to_owned()),
        };
        if let Some(reason) = failure {
            tracing::warn!(reason, "no connection to the database yet");
        }
    }

    /// On a client made elsewhere, for tests.
    #[must_use]
    pub fn with_client(client: Client, tables: Tables) -> Self {
        Self { client, tables }
    }
}

/// A failed call as one line. Only the `Display` of errors goes in: their `Debug`
/// holds the raw exchange, and with it keys, which are hashes.
pub fn unavailable<E, R>(operation: &'static str) -> impl Fn(SdkError<E, R>) -> StoreError
where
    E: Error + 'static,
    R: std::fmt::Debug,
{
    move |error| {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            reason.push_str(": ");
            reason.push_str(&inner.to_string());
            source = inner.source();
        }
        StoreError::Unavailable { operation, reason }
    }
}

// Why a transaction was cancelled: one code for each of its items.
// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
const CONDITION_FAILED: &str = "ConditionalCheckFailed";
const CONFLICT: &str = "TransactionConflict";

/// What a transaction was cancelled for; empty if something else went wrong with it.
fn cancellation_reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}

fn codes(reasons: &[CancellationReason]) -> Vec<&str> {
    reasons.iter().map(|reason| reason.code().unwrap_or_default()).collect()
}

/// Somebody who creates several tokens at once conflicts with themselves: each creation
/// checks their user record, and a sign-in writes it.
const CONFLICT_ATTEMPTS: u32 = 8;
const CONFLICT_PAUSE: Duration = Duration::from_millis(20);

/// Attempts a write again while its answer is None: another one to the same item was
/// under way. The SDK does not do that by itself.
async fn despite_conflicts<T, A>(operation: &'static str, attempt: impl Fn() -> A) -> Result<T, StoreError>
where
    A: Future<Output = Result<Option<T>, StoreError>>,
{
    let mut pause = CONFLICT_PAUSE;
    for _ in 1..CONFLICT_ATTEMPTS {
        if let Some(done) = attempt().await? {
            return Ok(done);
        }
        tokio::time::sleep(pause.mul_f64(jitter())).await;
        pause *= 2;
    }
    let conflict = || StoreError::Unavailable { operation, reason: "writes conflict".to_owned() };
    attempt().await?.ok_or_else(conflict)
}

/// 0.5 to 1.5, drawn by lot: two that conflicted must not meet again.
fn jitter() -> f64 {
    let drawn = SysRng.try_next_u32().unwrap_or_default();
    0.5 + f64::from(drawn) / f64::from(u32::MAX)
}

/// A request that lacks a part; the builders check at run time what we know to hold.
fn incomplete(operation: &'static str) -> impl Fn(BuildError) -> StoreError {
    move |error| StoreError::Unavailable { operation, reason: error.to_string() }
}
