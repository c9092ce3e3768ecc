use std::io::Write;

use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn, tower::util::ThenLayer};
use patgate_authorizer::{Authorizer, Config, after_response::AfterResponse, metrics};
use patgate_dynamodb::Store;
use patgate_dynamodb::config::{AwsEnvironment, Tables};
use patgate_process::{Environment, telemetry};
use patgate_rules::clock;
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::args().nth(1).as_deref() == Some("--list-metrics") {
        // For the tests of the dashboard and the documents.
        for name in metrics::names() {
            writeln!(std::io::stdout(), "{name}")?;
        }
        return Ok(());
    }

    let environment = Environment::process();
    telemetry::init(&environment);
    let config = Config::read(&environment)?;
    let store = Store::for_authorizer(&AwsEnvironment::read(&environment)?, Tables::read(&environment)?);
    store.connect().await;

    let authorizer = &Authorizer::new(config, store.clone());
    let after_response = &AfterResponse::new(store, authorizer.metrics());
    let handle = async |event: LambdaEvent<Box<RawValue>>| {
        let outcome = authorizer.handle(event.payload.get(), clock::now()).await;
        after_response.schedule(outcome.use_to_record);
        outcome.response
    };
    // The runtime's service is done when it has posted the response.
    let after_posting = ThenLayer::new(async |posted: Result<(), Error>| {
        after_response.run().await;
        posted
    });

    Runtime::new(service_fn(handle)).layer(after_posting).run().await
}
