//! Why the store could not do what it was asked to do.

use std::error::Error;

use aws_sdk_dynamodb::error::{BuildError, SdkError};

/// A fault of the store. It never means "not found".
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB was unreachable, too slow or throttled, or it rejected the request.
    #[error("the store could not {operation}: {reason}")]
    Unavailable { operation: &'static str, reason: String },
    /// The table contains an item that this program did not write.
    #[error("stored item has no valid `{attribute}`")]
    Corrupt { attribute: &'static str },
}

/// Turns a failed call into one line. Only the `Display` forms of the errors are used,
/// because their `Debug` forms contain the raw request and with it keys, which are hashes.
pub(crate) fn unavailable<E, R>(operation: &'static str) -> impl Fn(SdkError<E, R>) -> StoreError
where
    E: Error + 'static,
    R: std::fmt::Debug,
{
    move |error| {
        let mut reason = error.to_string();
        let mut source = Error::source(&error);
        while let Some(inner) = source {
            reason.push_str(": ");
            reason.push_str(&inner.to_string());
            source = inner.source();
        }
        StoreError::Unavailable { operation, reason }
    }
}

/// Turns the error of a request that lacks a part into a fault. The builders check at run
/// time what this program ensures.
pub(crate) fn incomplete(operation: &'static str) -> impl Fn(BuildError) -> StoreError {
    move |error| StoreError::Unavailable { operation, reason: error.to_string() }
}
