use patgate_check_token::{CheckToken, Config};
use patgate_dynamodb::Store;
use patgate_endpoint::{Error, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(async |environment| {
        let config = Config::read(environment)?;
        Ok(CheckToken::new(config, Store::for_endpoint(environment).await?))
    })
    .await
}
