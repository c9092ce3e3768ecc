//! Writes down which function did what to which table, so that the policies of the
//! template can be held against it (`tests/aws/least_privilege.py`).

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

use crate::proxy::Recorded;
use crate::records;

/// Adds what a request needs permission for.
pub(crate) fn write_down(request: &Recorded) {
    static FILE: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    let file = FILE.get_or_init(|| records::file("jsonl"));
    let Some(file) = file else { return };
    let lines: String = actions(&request.operation, &request.body)
        .map(|(action, table, index)| {
            let line =
                json!({ "function": request.function, "action": action, "table": table, "index": index });
            format!("{line}\n")
        })
        .collect();
    file.lock().unwrap().write_all(lines.as_bytes()).expect("operations are written down");
}

/// The actions of IAM that an operation needs, each with its table and index. A
/// transaction needs those of its items.
fn actions<'a>(
    operation: &'a str,
    body: &'a Value,
) -> impl Iterator<Item = (&'a str, &'a str, Option<&'a str>)> {
    let mut actions = Vec::new();
    match operation {
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            actions.extend(tables.map(|(table, _)| (operation, table.as_str(), None)));
        }
        "TransactWriteItems" => {
            for item in body["TransactItems"].as_array().into_iter().flatten() {
                for (kind, act) in item.as_object().into_iter().flatten() {
                    let action = match kind.as_str() {
                        "ConditionCheck" => "ConditionCheckItem",
                        "Delete" => "DeleteItem",
                        "Put" => "PutItem",
                        "Update" => "UpdateItem",
                        other => panic!("a transaction with `{other}`"),
                    };
                    actions.push((action, act["TableName"].as_str().unwrap_or_default(), None));
                }
            }
        }
        _ => actions.push((
            operation,
            body["TableName"].as_str().unwrap_or_default(),
            body["IndexName"].as_str(),
        )),
    }
    actions.into_iter()
}
