//! The authorizer, called with events as API Gateway sends them.

mod events;
mod reads;
mod sessions;

use lambda_http::lambda_runtime::Diagnostic;
use patgate_authorizer::{Authorizer, Outcome};
use patgate_rules::clock;
use patgate_rules::token::PlainToken;

use crate::gateway_events;

async fn send(authorizer: &Authorizer, event: &str) -> Outcome {
    authorizer.handle(event, clock::now()).await
}

async fn send_token(authorizer: &Authorizer, recorded: &str, secret: &PlainToken) -> Outcome {
    send(authorizer, &gateway_events::with_bearer(recorded, secret.expose())).await
}

/// The status with which API Gateway responds: 200 if the request is allowed, else the one
/// that it derives from the error.
fn gateway_status(outcome: Outcome) -> u16 {
    match outcome.response.map_err(|rejection| Diagnostic::from(rejection).error_message) {
        Ok(_) => 200,
        Err(message) if message == "Unauthorized" => 401,
        Err(_) => 500,
    }
}
