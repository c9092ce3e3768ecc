use authorizer::{Authorizer, after_response::AfterResponse};
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn, tower::util::ThenLayer};
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
    store.connect().await;
    let authorizer = &Authorizer::new(config, store.clone());
    let after_response = &AfterResponse::new(store, authorizer.metrics());
    let handle = async |event: LambdaEvent<Box<RawValue>>| {
        let outcome = authorizer.handle(event.payload.get(), clock::now()).await;
        after_response.hand_over(outcome.last_use);
        outcome.answer
    };
    // The runtime's service has posted the response when it is done.
    let then_work = ThenLayer::new(async |posted: Result<(), Error>| {
        after_response.work().await;
        posted
    });
    Runtime::new(service_fn(handle)).layer(then_work).run().await
}
