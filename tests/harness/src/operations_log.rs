//! Logs the operations of each function on each table, so that the roles of the templates
//! can be compared with them. Each line is a JSON object.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

use crate::artifacts;
use crate::proxy::RecordedRequest;

/// Logs the permissions that a request needs.
pub(crate) fn append(request: &RecordedRequest) {
    static FILE: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    let Some(file) = FILE.get_or_init(|| artifacts::open("jsonl")) else { return };

    let lines: String = actions(&request.operation, &request.body)
        .into_iter()
        .map(|Action { name, table, index }| {
            let line =
                json!({ "function": request.function, "action": name, "table": table, "index": index });
            format!("{line}\n")
        })
        .collect();
    file.lock().unwrap().write_all(lines.as_bytes()).expect("write the operations");
}

/// An IAM action, and what it acts on.
struct Action<'a> {
    name: &'a str,
    table: &'a str,
    index: Option<&'a str>,
}

/// The IAM actions that an operation needs. A transaction needs those of its items.
fn actions<'a>(operation: &'a str, body: &'a Value) -> Vec<Action<'a>> {
    let table_of = |body: &'a Value| body["TableName"].as_str().unwrap_or_default();
    match operation {
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            tables.map(|(table, _)| Action { name: operation, table, index: None }).collect()
        }
        "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().into_iter().flatten();
            let writes = items.flat_map(|item| item.as_object().into_iter().flatten());
            writes
                .map(|(kind, write)| Action { name: action_of(kind), table: table_of(write), index: None })
                .collect()
        }
        _ => vec![Action { name: operation, table: table_of(body), index: body["IndexName"].as_str() }],
    }
}

/// The IAM action of one item of a transaction.
fn action_of(kind: &str) -> &'static str {
    match kind {
        "ConditionCheck" => "ConditionCheckItem",
        "Delete" => "DeleteItem",
        "Put" => "PutItem",
        "Update" => "UpdateItem",
        _ => panic!("unknown kind of item in a transaction: `{kind}`"),
    }
}
