use authorizer::{Authorizer, after_response::AfterResponse};
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use patgate::config::{AuthorizerConfig, AwsEnvironment, Environment};
use patgate::store::dynamodb::Store;
use patgate::{clock, telemetry};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::init(&environment);
    let config = AuthorizerConfig::read(&environment)?;
    let store = Store::for_authorizer(&AwsEnvironment::read(&environment)?, config.tables.clone());
    let authorizer = &Authorizer::new(config, store.clone());
    // An extension has to be registered before the runtime asks for its first event.
    let after_response = &AfterResponse::register(store, authorizer.metrics()).await?;
    let handle = async |event: LambdaEvent<Box<RawValue>>| {
        let outcome = authorizer.handle(event.payload.get(), clock::now()).await;
        after_response.hand_over(outcome.last_use);
        outcome.answer
    };
    Runtime::new(service_fn(handle)).run().await
}
