use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::BehaviorVersion;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use chrono::Utc;
use lambda_http::lambda_runtime::run;
use lambda_http::{Error, LambdaEvent, service_fn};
use patgate_package_api::{PackageApi, packages::Packages};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "this example has its own configuration and clock")]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().flatten_event(true).with_max_level(tracing::Level::INFO).init();
    let packages = Packages::new(dynamodb_client().await, std::env::var("PACKAGES_TABLE")?);

    let api = &PackageApi::new(packages);
    let handle = async |event: LambdaEvent<Box<RawValue>>| {
        Ok::<_, Error>(api.respond(event.payload.get(), Utc::now()).await)
    };
    run(service_fn(handle)).await
}

/// A client that gives up before the client of the API does. By default the SDK has no limit
/// in total. ring keeps the cold start short
/// (docs/decisions/0019-most-of-a-cold-start-is-tls.md).
async fn dynamodb_client() -> Client {
    let https =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(300))
        .operation_attempt_timeout(Duration::from_millis(1_500))
        .operation_timeout(Duration::from_secs(4))
        .build();
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(25));

    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(https)
        .timeout_config(timeouts)
        .retry_config(retries)
        .load()
        .await;
    Client::new(&config)
}
