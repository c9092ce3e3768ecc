use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::BehaviorVersion;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use chrono::Utc;
use lambda_http::{Error, Request, run, service_fn};
use patgate_package_api::{PackageApi, packages::Packages};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "this example has its own configuration and clock")]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().json().flatten_event(true).with_max_level(tracing::Level::INFO).init();

    // ring keeps the cold start short; see docs/decisions/0019-most-of-a-cold-start-is-tls.md.
    let https =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let aws = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(https).load().await;
    let packages = Packages::new(Client::new(&aws), std::env::var("PACKAGES_TABLE")?);

    let api = &PackageApi::new(packages);
    run(service_fn(async |request: Request| Ok::<_, Error>(api.handle(&request, Utc::now()).await))).await
}
