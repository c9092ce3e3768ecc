//! What a creation with an `Idempotency-Key` created.

use aws_sdk_dynamodb::types::AttributeValue;
use patgate_rules::clock::Timestamp;
use patgate_rules::idempotency::{EarlierCreation, Idempotency, IdempotencyKey, MAX_AGE, RequestHash};
use uuid::Uuid;

use super::{Item, TOKEN_HASH, required, seconds, text};
use crate::error::StoreError;

/// With the name `token_id`, the item could enter an index.
const CREATED_ID: &str = "created_id";
const REQUEST_HASH: &str = "request_hash";

pub(crate) fn idempotency_key(key: &IdempotencyKey) -> AttributeValue {
    text(format!("idem#{}", key.as_str()))
}

pub(crate) fn idempotency_item(idempotency: &Idempotency, token_id: Uuid, now: Timestamp) -> Item {
    Item::from([
        (TOKEN_HASH.to_owned(), idempotency_key(&idempotency.key)),
        (CREATED_ID.to_owned(), text(token_id.to_string())),
        (REQUEST_HASH.to_owned(), text(idempotency.request.as_str())),
        ("purge_at".to_owned(), seconds(now + MAX_AGE)),
    ])
}

/// The creation in an item. `None` if it is too old: TTL deletes it within days, not at once.
pub(crate) fn read_idempotency_item(
    mut item: Item,
    now: Timestamp,
) -> Result<Option<EarlierCreation>, StoreError> {
    let purge_at = match item.get("purge_at") {
        Some(AttributeValue::N(seconds)) => seconds.parse::<i64>().ok(),
        _ => None,
    };
    let purge_at = purge_at.ok_or(StoreError::Corrupt { attribute: "purge_at" })?;
    if purge_at <= now.timestamp() {
        return Ok(None);
    }

    let corrupt = StoreError::Corrupt { attribute: CREATED_ID };
    let token_id = required(&mut item, CREATED_ID)?.parse().map_err(|_| corrupt)?;
    let request = RequestHash::from_stored(required(&mut item, REQUEST_HASH)?);
    Ok(Some(EarlierCreation { token_id, request }))
}
