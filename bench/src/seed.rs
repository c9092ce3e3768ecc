//! Tokens and users that a measurement needs, written in the form of the store.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use patgate_harness::call_dynamodb;
use serde_json::{Value, json};
use uuid::Uuid;

/// DynamoDB's limit for one BatchWriteItem.
const BATCH_MAX: usize = 25;

pub(crate) fn put_items(dynamodb: &str, table: &str, items: &[Value]) {
    let put = |item: &Value| json!({ "PutRequest": { "Item": item } });
    for batch in items.chunks(BATCH_MAX) {
        let puts: Vec<_> = batch.iter().map(put).collect();
        call_dynamodb(dynamodb, "BatchWriteItem", &json!({ "RequestItems": { table: puts } }));
    }
}

/// The item of a token, and its lookup item.
pub(crate) fn token_items(user: &str, number: usize, created: DateTime<Utc>) -> [Value; 2] {
    let milliseconds = u64::try_from(created.timestamp_millis()).expect("a time after 1970");
    let unique = u128::try_from(number).expect("a number") << 16;
    let id = uuid::Builder::from_unix_timestamp_millis(
        milliseconds,
        &unique.to_be_bytes()[6..].try_into().expect("ten bytes"),
    );
    let id: Uuid = id.into_uuid();
    let hash = token_hash(number);
    let token = json!({
        "token_hash": { "S": hash },
        "token_id": { "S": id.to_string() },
        "user_id": { "S": user },
        "generation": { "N": "0" },
        "name": { "S": format!("token {number}") },
        "prefix": { "S": "fdp_000000" },
        "created_at": { "S": created.to_rfc3339_opts(SecondsFormat::Millis, true) },
        "created_month": { "S": format!("{:04}-{:02}", created.year(), created.month()) },
    });

    let lookup = json!({
        "token_hash": { "S": format!("id#{id}") },
        "found_hash": { "S": hash },
        "found_owner": { "S": user },
    });

    [token, lookup]
}

/// The hash of a token in [`token_items`].
pub(crate) fn token_hash(number: usize) -> String {
    format!("{number:064x}")
}
