use patgate_endpoint::{Error, serve};
use patgate_get_caller::{Config, GetCaller};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(async |environment| Ok(GetCaller::new(Config::read(environment)?))).await
}
