use lambda_http::{Error, Request, run, service_fn};
use package_api::{PackageApi, packages::Packages};
use patgate::config::{Environment, TrustedRoots};
use patgate::store::dynamodb::endpoint_client;
use patgate::{clock, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::init(&environment);
    let table = environment.required("PACKAGES_TABLE")?;
    let api =
        &PackageApi::new(Packages::new(endpoint_client(TrustedRoots::read(&environment)?).await, table));
    run(service_fn(async |request: Request| Ok::<_, Error>(api.handle(&request, clock::now()).await))).await
}
