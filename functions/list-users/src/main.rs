use lambda_http::{Error, Request, run, service_fn};
use list_users::ListUsers;
use patgate::config::{Environment, ListUsersConfig, TrustedRoots};
use patgate::store::dynamodb::Store;
use patgate::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::init(&environment);
    let config = ListUsersConfig::read(&environment)?;
    let store = Store::for_endpoint(config.tables.clone(), TrustedRoots::read(&environment)?).await;
    let endpoint = &ListUsers::new(config, store);
    run(service_fn(async |request: Request| Ok::<_, Error>(endpoint.handle(&request).await))).await
}
