use lambda_http::{Error, Request, run, service_fn};
use patgate::config::{Environment, TrustedRoots, UpdateUserConfig};
use patgate::store::dynamodb::Store;
use patgate::{clock, telemetry};
use update_user::UpdateUser;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::init(&environment);
    let config = UpdateUserConfig::read(&environment)?;
    let store = Store::for_endpoint(config.tables.clone(), TrustedRoots::read(&environment)?).await;
    let endpoint = &UpdateUser::new(config, store);
    run(service_fn(async |request: Request| Ok::<_, Error>(endpoint.handle(&request, clock::now()).await)))
        .await
}
