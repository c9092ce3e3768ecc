//! Conversion of records to items and back.
//!
//! Times are text of fixed width ([`clock::to_text`]), so that conditions can compare them
//! and the output of `aws dynamodb scan` is readable. Only `purge_at` is a number of
//! seconds, because DynamoDB's TTL requires one.

mod idempotency;
mod token;
mod user;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use patgate_rules::clock::{self, Timestamp};

use crate::error::StoreError;

pub(crate) use idempotency::{idempotency_item, idempotency_key, read_idempotency_item};
pub(crate) use token::{
    lookup_item, lookup_key, read_lookup_item, read_token, required_token_id, sightings, token_item,
};
pub(crate) use user::{read_user, user_id};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The key of `Tokens`: a token's hash, `id#<token id>` for its lookup item, or `idem#<hash>`
/// for a creation that may be repeated.
pub(crate) const TOKEN_HASH: &str = "token_hash";
/// The key of `Users`.
pub(crate) const USER_ID: &str = "user_id";
pub(crate) const TOKEN_ID: &str = "token_id";
/// The index of the tokens of each user.
pub(crate) const USER_INDEX: &str = "user-index";

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn time(value: Timestamp) -> AttributeValue {
    AttributeValue::S(clock::to_text(value))
}

pub(crate) fn seconds(value: Timestamp) -> AttributeValue {
    AttributeValue::N(value.timestamp().to_string())
}

pub(crate) fn count(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn texts(values: &[String]) -> AttributeValue {
    AttributeValue::L(values.iter().map(text).collect())
}

/// Removes a text attribute that the item must have.
pub(crate) fn required(item: &mut Item, attribute: &'static str) -> Result<String, StoreError> {
    optional(item, attribute).ok_or(StoreError::Corrupt { attribute })
}

fn optional(item: &mut Item, attribute: &str) -> Option<String> {
    match item.remove(attribute) {
        Some(AttributeValue::S(value)) => Some(value),
        _ => None,
    }
}

/// INVARIANT: a time that cannot be parsed is an error and never "absent". Otherwise a
/// token with a damaged `revoked_at` or `expires_at` would continue to work.
fn optional_time(item: &mut Item, attribute: &'static str) -> Result<Option<Timestamp>, StoreError> {
    match item.remove(attribute) {
        None => Ok(None),
        Some(AttributeValue::S(value)) => match clock::from_text(&value) {
            Ok(time) => Ok(Some(time)),
            Err(_) => Err(StoreError::Corrupt { attribute }),
        },
        Some(_) => Err(StoreError::Corrupt { attribute }),
    }
}

/// INVARIANT: a count that cannot be parsed is an error and never "absent", because it
/// decides which tokens are revoked.
fn optional_count(item: &mut Item, attribute: &'static str) -> Result<Option<u64>, StoreError> {
    match item.remove(attribute) {
        None => Ok(None),
        Some(AttributeValue::N(value)) => match value.parse() {
            Ok(count) => Ok(Some(count)),
            Err(_) => Err(StoreError::Corrupt { attribute }),
        },
        Some(_) => Err(StoreError::Corrupt { attribute }),
    }
}
