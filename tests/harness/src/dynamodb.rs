//! A look into the tables, without the project's own code.

use serde_json::{Value, json};

use crate::http::Request;

/// All items of a table, as DynamoDB's JSON.
pub fn scan(dynamodb: &str, table: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut start = Value::Null;
    loop {
        let mut body = json!({ "TableName": table, "ConsistentRead": true });
        if !start.is_null() {
            body["ExclusiveStartKey"] = start;
        }
        let answer = call(dynamodb, "Scan", &body);
        items.extend(answer["Items"].as_array().unwrap_or_else(|| panic!("{answer}")).clone());
        start = answer["LastEvaluatedKey"].clone();
        if start.is_null() {
            return items;
        }
    }
}

/// Deletes one item.
pub fn delete_item(dynamodb: &str, table: &str, key: &Value) {
    call(dynamodb, "DeleteItem", &json!({ "TableName": table, "Key": key }));
}

/// Makes a table by the keys of another, as a restore does; it is empty.
pub fn create_table_like(dynamodb: &str, name: &str, model: &str) {
    let table = definition(dynamodb, model);
    let mut table = table.as_object().expect("a table").clone();
    table.insert("TableName".to_owned(), name.into());
    call(dynamodb, "CreateTable", &json!(table));
}

/// Puts these items into a table in place of those in it, as a restore does.
pub fn replace_items(dynamodb: &str, table: &str, key: &str, items: &[Value]) {
    for item in scan(dynamodb, table) {
        delete_item(dynamodb, table, &json!({ key: item[key] }));
    }
    for item in items {
        call(dynamodb, "PutItem", &json!({ "TableName": table, "Item": item }));
    }
}

/// Sets one attribute of a user, as an operator would by hand.
pub fn set_user(dynamodb: &str, user_id: &str, attribute: &str, value: &Value) {
    set(dynamodb, "Users", &json!({ "user_id": { "S": user_id } }), attribute, value);
}

/// Sets one attribute of a token, as nobody should.
pub fn set_token(dynamodb: &str, hash: &str, attribute: &str, value: &Value) {
    set(dynamodb, "Tokens", &json!({ "token_hash": { "S": hash } }), attribute, value);
}

fn set(dynamodb: &str, table: &str, key: &Value, attribute: &str, value: &Value) {
    let update = json!({
        "TableName": table,
        "Key": key,
        "UpdateExpression": "SET #attribute = :value",
        "ExpressionAttributeNames": { "#attribute": attribute },
        "ExpressionAttributeValues": { ":value": value },
    });
    call(dynamodb, "UpdateItem", &update);
}

/// Another implementation of DynamoDB to test with: a moto server, if there is one. It is
/// one for all, so tests run one after the other.
pub(crate) fn other() -> Option<String> {
    std::env::var("MOTO_URL").ok()
}

/// Makes `to` anew, with the tables of `from`.
pub(crate) fn copy_tables(from: &str, to: &str) {
    let reset = Request::new("POST", &format!("{to}/moto-api/reset")).send();
    assert_eq!(reset.status, 200, "{reset:?}");
    let names = call(from, "ListTables", &json!({}))["TableNames"].clone();
    for name in names.as_array().expect("names of tables") {
        call(to, "CreateTable", &definition(from, name.as_str().expect("a name")));
    }
}

/// What a table like this one is created by.
fn definition(dynamodb: &str, name: &str) -> Value {
    let mut table = call(dynamodb, "DescribeTable", &json!({ "TableName": name }))["Table"].clone();
    let properties = table.as_object_mut().expect("a table");
    let wanted = ["TableName", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"];
    properties.retain(|property, value| wanted.contains(&property.as_str()) && !value.is_null());
    for index in
        properties.get_mut("GlobalSecondaryIndexes").and_then(Value::as_array_mut).into_iter().flatten()
    {
        let index = index.as_object_mut().expect("an index");
        index.retain(|property, _| ["IndexName", "KeySchema", "Projection"].contains(&property.as_str()));
    }
    properties.insert("BillingMode".to_owned(), "PAY_PER_REQUEST".into());
    table
}

/// Calls an operation of DynamoDB's API.
pub fn call(dynamodb: &str, operation: &str, body: &Value) -> Value {
    let answer = Request::new("POST", dynamodb)
        .header("X-Amz-Target", &format!("DynamoDB_20120810.{operation}"))
        .header(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=TESTS/20260101/us-east-1/dynamodb/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=0",
        )
        .header("X-Amz-Date", "20260101T000000Z")
        .body("application/x-amz-json-1.0", body.to_string())
        .send();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}
