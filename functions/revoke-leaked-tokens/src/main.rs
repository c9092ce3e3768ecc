use lambda_http::{Error, Request, run, service_fn};
use patgate::config::{Environment, RevokeLeakedTokensConfig, TrustedRoots};
use patgate::store::dynamodb::Store;
use patgate::{clock, telemetry};
use revoke_leaked_tokens::RevokeLeakedTokens;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::init(&environment);
    let config = RevokeLeakedTokensConfig::read(&environment)?;
    let store = Store::for_endpoint(config.tables.clone(), TrustedRoots::read(&environment)?).await;
    let endpoint = &RevokeLeakedTokens::new(config, store);
    run(service_fn(async |request: Request| Ok::<_, Error>(endpoint.handle(&request, clock::now()).await)))
        .await
}
