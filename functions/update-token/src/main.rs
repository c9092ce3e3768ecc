use patgate_dynamodb::Store;
use patgate_endpoint::{Error, serve};
use patgate_update_token::{Config, UpdateToken};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(async |environment| {
        let config = Config::read(environment)?;
        Ok(UpdateToken::new(config, Store::for_endpoint(environment).await?))
    })
    .await
}
