//! A look into the tables, without the project's own code.

use serde_json::{Value, json};

use crate::http::{Request, Response};

/// All items of a table, as DynamoDB's JSON.
pub fn scan(dynamodb: &str, table: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut start = Value::Null;
    loop {
        let mut body = json!({ "TableName": table, "ConsistentRead": true });
        if !start.is_null() {
            body["ExclusiveStartKey"] = start;
        }
        let answer = call(dynamodb, "Scan", &body).json();
        items.extend(answer["Items"].as_array().unwrap_or_else(|| panic!("{answer}")).clone());
        start = answer["LastEvaluatedKey"].clone();
        if start.is_null() {
            return items;
        }
    }
}

fn call(dynamodb: &str, operation: &str, body: &Value) -> Response {
    Request::new("POST", dynamodb)
        .header("X-Amz-Target", &format!("DynamoDB_20120810.{operation}"))
        .header(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=TESTS/20260101/us-east-1/dynamodb/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=0",
        )
        .header("X-Amz-Date", "20260101T000000Z")
        .body("application/x-amz-json-1.0", body.to_string())
        .send()
}
