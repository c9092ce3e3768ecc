//! DynamoDB's JSON protocol over HTTP, for the operations of the embedded database.
//!
//! The database's crate has a server of its own, which lets every web page read and write the
//! tables and cannot be restricted (docs/decisions/0025).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use dynoxide::auth_material::{self, AuthMaterial};
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What precedes an operation's name in the header `X-Amz-Target`.
const TARGET_PREFIX: &str = "DynamoDB_20120810.";
/// None of these is among the content types that a page can send to another origin without
/// asking first.
const CONTENT_TYPES: [&str; 2] = ["application/x-amz-json-1.0", "application/json"];

const UNKNOWN_OPERATION: &str = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;

pub(super) fn router(database: Database) -> Router {
    Router::new().route("/", post(call_operation)).with_state(Arc::new(database))
}

async fn call_operation(
    State(database): State<Arc<Database>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();

    let content_type = text(header::CONTENT_TYPE.as_str()).split(';').next().unwrap_or_default().trim();
    if !CONTENT_TYPES.iter().any(|known| content_type.eq_ignore_ascii_case(known)) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Some(operation) = text("x-amz-target").strip_prefix(TARGET_PREFIX) else {
        return respond(StatusCode::BAD_REQUEST, UNKNOWN_OPERATION.to_owned());
    };

    // Like DynamoDB, it wants a signature. It verifies none, because there are no secrets.
    let material = AuthMaterial {
        authorization: headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()),
        query: uri.query().unwrap_or_default(),
        has_date_header: headers.contains_key("x-amz-date") || headers.contains_key(header::DATE),
    };
    if let Some(error) = auth_material::validate(material) {
        return respond(StatusCode::BAD_REQUEST, error);
    }

    match run(&database, operation, &body) {
        Ok(body) => respond(StatusCode::OK, body),
        Err(OperationError::Unknown) => respond(StatusCode::BAD_REQUEST, UNKNOWN_OPERATION.to_owned()),
        Err(OperationError::Refused(error)) => {
            let status = StatusCode::from_u16(error.status_code());
            respond(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error.to_json())
        }
    }
}

/// A response with the checksum by which a client notices that it is incomplete.
fn respond(status: StatusCode, body: String) -> Response {
    let headers = [
        ("content-type", CONTENT_TYPES[0].to_owned()),
        ("x-amzn-requestid", uuid::Uuid::now_v7().simple().to_string().to_uppercase()),
        ("x-amz-crc32", crc32fast::hash(body.as_bytes()).to_string()),
    ];
    (status, headers, body).into_response()
}

/// Why an operation has no result.
#[derive(Debug, thiserror::Error)]
enum OperationError {
    #[error("there is no such operation")]
    Unknown,
    #[error(transparent)]
    Refused(#[from] DynoxideError),
}

/// Runs an operation on its input, and returns its output, both in JSON.
fn run(database: &Database, operation: &str, input: &[u8]) -> Result<String, OperationError> {
    let output = match operation {
        "BatchGetItem" => call(input, |input| database.batch_get_item(input)),
        "BatchWriteItem" => call(input, |input| database.batch_write_item(input)),
        "CreateTable" => call(input, |input| database.create_table(input)),
        "DeleteItem" => call(input, |input| database.delete_item(input)),
        "DeleteTable" => call(input, |input| database.delete_table(input)),
        "DescribeTable" => call(input, |input| database.describe_table(input)),
        "DescribeTimeToLive" => call(input, |input| database.describe_time_to_live(input)),
        "GetItem" => call(input, |input| database.get_item(input)),
        "ListTables" => call(input, |input| database.list_tables(input)),
        "PutItem" => call(input, |input| database.put_item(input)),
        "Query" => call(input, |input| database.query(input)),
        "Scan" => call(input, |input| database.scan(input)),
        "TransactGetItems" => call(input, |input| database.transact_get_items(input)),
        "TransactWriteItems" => call(input, |input| database.transact_write_items(input)),
        "UpdateItem" => call(input, |input| database.update_item(input)),
        "UpdateTable" => call(input, |input| database.update_table(input)),
        "UpdateTimeToLive" => call(input, |input| database.update_time_to_live(input)),
        _ => return Err(OperationError::Unknown),
    };
    Ok(output?)
}

fn call<Input: DeserializeOwned, Output: Serialize>(
    input: &[u8],
    operation: impl FnOnce(Input) -> Result<Output, DynoxideError>,
) -> Result<String, DynoxideError> {
    let input = serde_json::from_slice(input)
        .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;

    let output = operation(input)?;
    serde_json::to_string(&output).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
