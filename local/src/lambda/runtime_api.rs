//! The Runtime API of one instance, over HTTP. Its handlers only pass messages on; the
//! instance acts on them. Events contain credentials, so no page may ask for one.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::lambda::instance::InstanceError;
use crate::lambda::{InvocationResult, InvokeError, PAYLOAD_MAX_BYTES};
use crate::server;

/// A call of the runtime.
pub(super) enum RuntimeMessage {
    /// The runtime is ready for an event.
    Next(oneshot::Sender<RuntimeEvent>),
    /// The runtime has handled the event with this request ID.
    Response { request_id: String, result: InvocationResult },
    /// The runtime cannot start.
    InitError,
}

/// An event for the runtime.
pub(super) struct RuntimeEvent {
    pub(super) request_id: String,
    pub(super) deadline_ms: i64,
    pub(super) function_arn: String,
    pub(super) body: String,
}

type MessageSender = mpsc::UnboundedSender<RuntimeMessage>;

pub(super) fn router(messages: MessageSender) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next_event))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(invocation_response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(invocation_error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(PAYLOAD_MAX_BYTES + 64 * 1024))
        .layer(middleware::from_fn(server::refuse_pages))
        .with_state(messages)
}

async fn next_event(State(messages): State<MessageSender>) -> Response {
    let (sender, event) = oneshot::channel();
    let _ = messages.send(RuntimeMessage::Next(sender));
    let Ok(event) = event.await else { return StatusCode::GONE.into_response() };

    let mut response = event.body.into_response();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", event.request_id),
        ("lambda-runtime-deadline-ms", event.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", event.function_arn),
        ("content-type", "application/json".to_owned()),
    ] {
        // All of these values are valid in a header.
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn invocation_response(
    State(messages): State<MessageSender>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> StatusCode {
    let result = match String::from_utf8(body.to_vec()) {
        _ if body.len() > PAYLOAD_MAX_BYTES => Err(InstanceError::ResponseTooLarge.into()),
        Ok(body) => Ok(body),
        Err(_) => Err(InstanceError::ResponseNotText.into()),
    };

    let _ = messages.send(RuntimeMessage::Response { request_id, result });
    StatusCode::ACCEPTED
}

async fn invocation_error(
    State(messages): State<MessageSender>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> StatusCode {
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = error.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    let result = Err(InvokeError::Function { message: message.to_owned() });

    let _ = messages.send(RuntimeMessage::Response { request_id, result });
    StatusCode::ACCEPTED
}

async fn init_error(State(messages): State<MessageSender>) -> StatusCode {
    let _ = messages.send(RuntimeMessage::InitError);
    StatusCode::ACCEPTED
}
