//! The authorizer, called with events as API Gateway sends them.

mod events;
mod reads;
mod refusals;
mod sessions;

use patgate_authorizer::{Authorizer, Outcome};
use patgate_rules::clock;
use patgate_rules::token::PlainToken;

use crate::gateway_events::{self, APP_SYNC, gateway_status};

async fn send(authorizer: &Authorizer, event: &str) -> Outcome {
    authorizer.handle(event, clock::now()).await
}

/// The status of a denial with the default `RefusalStatus`.
fn denied_status(recorded: &str) -> u16 {
    if recorded == APP_SYNC { 403 } else { 401 }
}

async fn send_token(authorizer: &Authorizer, recorded: &str, secret: &PlainToken) -> Outcome {
    send(authorizer, &gateway_events::with_bearer(recorded, secret.expose())).await
}
