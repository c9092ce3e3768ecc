use patgate_create_token::{Config, CreateToken};
use patgate_dynamodb::Store;
use patgate_endpoint::{Error, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(async |environment| {
        let config = Config::read(environment)?;
        Ok(CreateToken::new(config, Store::for_endpoint(environment).await?))
    })
    .await
}
