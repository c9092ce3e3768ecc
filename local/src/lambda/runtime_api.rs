//! The Runtime API of one instance, over HTTP. The handlers only pass messages; the
//! instance decides.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::{InvokeError, PAYLOAD_MAX_BYTES};

/// What an instance's process says.
pub(super) enum Message {
    /// The runtime is ready for an event.
    Next(oneshot::Sender<RuntimeEvent>),
    /// The runtime is done with the event of this id.
    Answer { request_id: String, answer: super::Answer },
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

type Messages = mpsc::UnboundedSender<Message>;

pub(super) fn router(messages: Messages) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next_event))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(PAYLOAD_MAX_BYTES + 64 * 1024))
        .with_state(messages)
}

async fn next_event(State(messages): State<Messages>) -> Response {
    let (next, event) = oneshot::channel();
    let _ = messages.send(Message::Next(next));
    let Ok(event) = event.await else { return StatusCode::GONE.into_response() };
    let mut response = event.body.into_response();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", event.request_id),
        ("lambda-runtime-deadline-ms", event.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", event.function_arn),
        ("content-type", "application/json".to_owned()),
    ] {
        // Ids, numbers and names are legal values, all of them.
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn response(
    State(messages): State<Messages>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> StatusCode {
    let answer = match String::from_utf8(body.to_vec()) {
        _ if body.len() > PAYLOAD_MAX_BYTES => Err(InvokeError::Broken("the response is too large")),
        Ok(body) => Ok(body),
        Err(_) => Err(InvokeError::Broken("the response is not UTF-8")),
    };
    let _ = messages.send(Message::Answer { request_id, answer });
    StatusCode::ACCEPTED
}

async fn error(State(messages): State<Messages>, Path(request_id): Path<String>, body: Bytes) -> StatusCode {
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = error.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    let answer = Err(InvokeError::Function(message.to_owned()));
    let _ = messages.send(Message::Answer { request_id, answer });
    StatusCode::ACCEPTED
}

async fn init_error(State(messages): State<Messages>) -> StatusCode {
    let _ = messages.send(Message::InitError);
    StatusCode::ACCEPTED
}
