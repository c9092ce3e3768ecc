//! Reads and changes the tables directly, without Patgate's code.

use serde_json::{Value, json};

use crate::http::Request;

/// All items of a table, in DynamoDB's JSON.
pub fn scan(dynamodb: &str, table: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut start = Value::Null;
    loop {
        let mut body = json!({ "TableName": table, "ConsistentRead": true });
        if !start.is_null() {
            body["ExclusiveStartKey"] = start;
        }

        let response = call_dynamodb(dynamodb, "Scan", &body);
        items.extend(response["Items"].as_array().unwrap_or_else(|| panic!("{response}")).clone());
        start = response["LastEvaluatedKey"].clone();
        if start.is_null() {
            return items;
        }
    }
}

/// Deletes one item.
pub fn delete_item(dynamodb: &str, table: &str, key: &Value) {
    call_dynamodb(dynamodb, "DeleteItem", &json!({ "TableName": table, "Key": key }));
}

/// Creates an empty table with the keys of another, as a restore does.
pub fn create_table_like(dynamodb: &str, name: &str, model: &str) {
    let mut definition = table_definition(dynamodb, model);
    definition["TableName"] = name.into();
    call_dynamodb(dynamodb, "CreateTable", &definition);
}

/// Replaces all items of a table, as a restore does.
pub fn replace_items(dynamodb: &str, table: &str, key: &str, items: &[Value]) {
    for item in scan(dynamodb, table) {
        delete_item(dynamodb, table, &json!({ key: item[key] }));
    }
    for item in items {
        call_dynamodb(dynamodb, "PutItem", &json!({ "TableName": table, "Item": item }));
    }
}

/// Sets one attribute of a user, as an operator would by hand.
pub fn set_user(dynamodb: &str, user_id: &str, attribute: &str, value: &Value) {
    set_attribute(dynamodb, "Users", &json!({ "user_id": { "S": user_id } }), attribute, value);
}

/// Sets one attribute of a token, which no operator should do.
pub fn set_token(dynamodb: &str, hash: &str, attribute: &str, value: &Value) {
    set_attribute(dynamodb, "Tokens", &json!({ "token_hash": { "S": hash } }), attribute, value);
}

fn set_attribute(dynamodb: &str, table: &str, key: &Value, attribute: &str, value: &Value) {
    let update = json!({
        "TableName": table,
        "Key": key,
        "UpdateExpression": "SET #attribute = :value",
        "ExpressionAttributeNames": { "#attribute": attribute },
        "ExpressionAttributeValues": { ":value": value },
    });
    call_dynamodb(dynamodb, "UpdateItem", &update);
}

/// The DynamoDB to use in place of the embedded one, if `OTHER_DYNAMODB_URL` is set: tests
/// then run against another implementation. All tests share it, so they run one by one.
pub fn other_dynamodb_url() -> Option<String> {
    std::env::var("OTHER_DYNAMODB_URL").ok()
}

/// Creates empty tables like those of `from` in `to`, and deletes what has their names there.
pub(crate) fn copy_tables(from: &str, to: &str) {
    let present = table_names(to);
    for name in table_names(from) {
        if present.contains(&name) {
            call_dynamodb(to, "DeleteTable", &json!({ "TableName": name }));
        }
        call_dynamodb(to, "CreateTable", &table_definition(from, &name));
    }
}

fn table_names(dynamodb: &str) -> Vec<String> {
    let names = call_dynamodb(dynamodb, "ListTables", &json!({}))["TableNames"].clone();
    serde_json::from_value(names).expect("names of tables")
}

/// The parameters of CreateTable for a table like this one.
fn table_definition(dynamodb: &str, name: &str) -> Value {
    let mut table = call_dynamodb(dynamodb, "DescribeTable", &json!({ "TableName": name }))["Table"].clone();
    let properties = table.as_object_mut().expect("a table");
    let wanted = ["TableName", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"];
    properties.retain(|property, value| wanted.contains(&property.as_str()) && !value.is_null());

    let indexes = properties.get_mut("GlobalSecondaryIndexes").and_then(Value::as_array_mut);
    for index in indexes.into_iter().flatten() {
        let index = index.as_object_mut().expect("an index");
        index.retain(|property, _| ["IndexName", "KeySchema", "Projection"].contains(&property.as_str()));
    }

    properties.insert("BillingMode".to_owned(), "PAY_PER_REQUEST".into());
    table
}

/// Calls an operation of DynamoDB's API.
pub fn call_dynamodb(dynamodb: &str, operation: &str, body: &Value) -> Value {
    let response = Request::new("POST", dynamodb)
        .header("X-Amz-Target", &format!("DynamoDB_20120810.{operation}"))
        .header(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=TESTS/20260101/us-east-1/dynamodb/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=0",
        )
        .header("X-Amz-Date", "20260101T000000Z")
        .body("application/x-amz-json-1.0", body.to_string())
        .send();
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}
