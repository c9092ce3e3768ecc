use patgate_dynamodb::Store;
use patgate_endpoint::{Error, serve};
use patgate_revoke_leaked_tokens::{Config, RevokeLeakedTokens};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(async |environment| {
        let config = Config::read(environment)?;
        Ok(RevokeLeakedTokens::new(config, Store::for_endpoint(environment).await?))
    })
    .await
}
