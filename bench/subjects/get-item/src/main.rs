//! One consistent GetItem for each event, with the authorizer's own client: the cost of a read
//! without any processing.

use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use patgate_dynamodb::authorizer_client;
use patgate_dynamodb::config::AwsEnvironment;
use patgate_process::Environment;
use serde_json::value::RawValue;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let client = &authorizer_client(&AwsEnvironment::read(&environment)?);
    let table = &environment.required("TOKENS_TABLE")?;
    let hash = &environment.required("TOKEN_HASH")?;

    let handle = async |_: LambdaEvent<Box<RawValue>>| {
        let key = AttributeValue::S(hash.clone());
        let read = client.get_item().table_name(table).key("token_hash", key).consistent_read(true);

        let found = read.send().await?.item.is_some();
        Ok::<Value, Error>(json!({ "isAuthorized": found }))
    };

    Runtime::new(service_fn(handle)).run().await
}
