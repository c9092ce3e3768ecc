use get_caller::GetCaller;
use lambda_http::{Error, Request, run, service_fn};
use patgate::config::{Environment, GetCallerConfig};
use patgate::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::init(&environment);
    let endpoint = &GetCaller::new(GetCallerConfig::read(&environment)?);
    run(service_fn(async |request: Request| Ok::<_, Error>(endpoint.handle(&request)))).await
}
