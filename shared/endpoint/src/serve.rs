//! The main loop of an endpoint's function.

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::lambda_runtime::run;
use lambda_http::{Error, LambdaEvent, Request, service_fn};
use patgate_process::{ConfigError, Environment, telemetry};
use patgate_rules::clock::{self, Timestamp};
use serde_json::value::RawValue;
use tracing::Instrument;

use crate::event;
use crate::problem::Problem;
use crate::request;
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

    let handle = async |event: LambdaEvent<Box<RawValue>>| {
        // Without the box, the futures are nested more deeply than the compiler allows.
        let response = Box::pin(respond(endpoint, event.payload.get(), clock::now())).await;
        Ok::<_, Error>(response)
    };
    run(service_fn(handle)).await
}

/// Responds to an event, whatever it contains. An event that is not a request gets 400.
///
/// Each line that is logged meanwhile has the request's ID in its span, at every log level.
pub async fn respond(endpoint: &impl Endpoint, event: &str, now: Timestamp) -> ApiGatewayV2httpResponse {
    let response = match event::read_request(event) {
        Ok(request) => {
            let request_id = request::id(&request);
            let span = tracing::error_span!("request", request_id);
            let response = endpoint.handle(&request, now).instrument(span).await;
            response.unwrap_or_else(|problem| problem.into_response(request_id))
        }
        Err(error) => {
            let request_id = event::request_id(event);
            let request_id = request_id.as_deref();
            let span = tracing::error_span!("request", request_id);
            span.in_scope(|| Problem::from(error)).into_response(request_id)
        }
    };
    event::to_gateway(response)
}
