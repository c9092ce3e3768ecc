//! The main loop of an endpoint's function.

use lambda_http::{Error, Request, run, service_fn};
use patgate_process::{ConfigError, Environment, telemetry};
use patgate_rules::clock::{self, Timestamp};

use crate::problem::Problem;
use crate::response::Response;

/// An endpoint of the API.
pub trait Endpoint {
    /// Handles one request.
    ///
    /// # Errors
    /// The problem that becomes the response.
    fn handle(
        &self,
        request: &Request,
        now: Timestamp,
    ) -> impl Future<Output = Result<Response, Problem>> + Send;
}

/// Runs an endpoint as a Lambda function. `start` builds it once, at the cold start.
///
/// # Errors
/// When a variable is missing or invalid, or the Lambda runtime fails.
pub async fn serve<E: Endpoint + Sync>(
    start: impl AsyncFnOnce(&Environment<'_>) -> Result<E, ConfigError>,
) -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::init(&environment);
    let endpoint = &start(&environment).await?;

    let handle = async |request: Request| {
        let response = endpoint.handle(&request, clock::now()).await;
        Ok::<_, Error>(response.unwrap_or_else(Problem::into_response))
    };
    run(service_fn(handle)).await
}
