//! The check that a response has the body that DynamoDB sent.
//!
//! The SDK reads a response of 200 without a body like an empty result. Behind a proxy that
//! drops bodies, a revoked token would be "not found", and a revocation that never reached
//! DynamoDB would be done.

use aws_sdk_dynamodb::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

/// DynamoDB sends the CRC-32 of each body, in decimal.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html>
const CHECKSUM: &str = "x-amz-crc32";

/// Turns a damaged response into a fault.
#[derive(Debug)]
pub(crate) struct CheckIntegrity;

/// What is wrong with a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum DamagedResponse {
    #[error("the response has no body")]
    Empty,
    #[error("the response does not match its checksum")]
    Checksum,
}

#[dyn_dispatch_hint]
impl Intercept for CheckIntegrity {
    fn name(&self) -> &'static str {
        "CheckIntegrity"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // The body of an error matters less: without it, the error has no name and is a fault.
        if !response.status().is_success() {
            return Ok(());
        }

        check(response.body().bytes().unwrap_or_default(), response.headers().get(CHECKSUM))?;
        Ok(())
    }
}

fn check(body: &[u8], checksum: Option<&str>) -> Result<(), DamagedResponse> {
    if body.is_empty() {
        return Err(DamagedResponse::Empty);
    }
    // Other implementations of DynamoDB send no checksum.
    match checksum {
        Some(checksum) if checksum.parse() != Ok(crc32fast::hash(body)) => Err(DamagedResponse::Checksum),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_must_exist_and_match_its_checksum() {
        // The CRC-32 of "123456789", from the catalogue of CRC algorithms.
        assert_eq!(check(b"123456789", Some("3421780262")), Ok(()));
        assert_eq!(check(b"123456789", None), Ok(()));
        assert_eq!(check(b"12345678", Some("3421780262")), Err(DamagedResponse::Checksum));
        assert_eq!(check(b"{}", Some("3421780262")), Err(DamagedResponse::Checksum));
        assert_eq!(check(b"{}", Some("soon")), Err(DamagedResponse::Checksum));
        assert_eq!(check(b"", None), Err(DamagedResponse::Empty));
        assert_eq!(check(b"", Some("0")), Err(DamagedResponse::Empty));
    }
}
