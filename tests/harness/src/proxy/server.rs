//! How the proxy treats a request.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use serde_json::{Value, json};

use crate::http::agent;
use crate::operations_log;
use crate::proxy::{DynamoDbFault, RecordedRequest};

/// A fault, and the requests that it happens to.
pub(super) struct Injection {
    pub(super) fault: DynamoDbFault,
    pub(super) matches: Box<dyn Fn(&RecordedRequest) -> bool + Send>,
    pub(super) times_left: usize,
}

/// What the server and its [`DynamoDbProxy`](super::DynamoDbProxy) share.
#[derive(Default)]
pub(super) struct State {
    pub(super) upstream: Mutex<String>,
    pub(super) recorded: Mutex<Vec<RecordedRequest>>,
    pub(super) injections: Mutex<Vec<Injection>>,
    pub(super) reports_units: AtomicBool,
    pub(super) connections: AtomicUsize,
}

impl State {
    /// The fault that happens to this request, if any.
    fn next_fault(&self, request: &RecordedRequest) -> Option<DynamoDbFault> {
        let mut injections = self.injections.lock().unwrap();
        let mut active = injections.iter_mut().filter(|injection| injection.times_left > 0);
        let injection = active.find(|injection| (injection.matches)(request))?;
        injection.times_left -= 1;
        Some(injection.fault.clone())
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("State(…)")
    }
}

/// Serves on a thread of its own until the process ends.
pub(super) fn start(listener: TcpListener, state: Arc<State>) {
    let router = Router::new().fallback(handle).with_state(Arc::clone(&state));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            let listener = listener.tap_io(move |_| {
                state.connections.fetch_add(1, Ordering::SeqCst);
            });
            axum::serve(listener, router).await.expect("serve the proxy");
        });
    });
}

async fn handle(
    extract::State(state): extract::State<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // The request runs in a task of its own: like a database, it completes even if the
    // client has closed the connection.
    tokio::spawn(respond(state, headers, body)).await.expect("a response")
}

async fn respond(state: Arc<State>, headers: HeaderMap, body: Bytes) -> Response {
    let mut recorded = record(&headers, &body);
    let fault = state.next_fault(&recorded);

    let response = match &fault {
        Some(DynamoDbFault::Respond(status, body)) => {
            (StatusCode::from_u16(*status).unwrap(), body.clone()).into_response()
        }
        Some(DynamoDbFault::Hang) => {
            state.recorded.lock().unwrap().push(recorded);
            return std::future::pending().await;
        }
        Some(DynamoDbFault::CutBefore) => broken_response(),
        Some(DynamoDbFault::Unprocessed) if recorded.operation == "BatchGetItem" => {
            let keys = &recorded.body["RequestItems"];
            axum::Json(json!({ "Responses": {}, "UnprocessedKeys": keys })).into_response()
        }
        Some(DynamoDbFault::Slow(_) | DynamoDbFault::CutAfter | DynamoDbFault::Unprocessed) | None => {
            if let Some(DynamoDbFault::Slow(delay)) = fault {
                tokio::time::sleep(delay).await;
            }

            recorded.forwarded_at = Some(Instant::now());
            let upstream = state.upstream.lock().unwrap().clone();
            let body = match state.reports_units.load(Ordering::SeqCst) {
                true => with_units_requested(&body),
                false => body,
            };
            let forwarded = tokio::task::spawn_blocking(move || forward(&upstream, &headers, &body)).await;
            let (response, units) = forwarded.expect("the request is forwarded");

            recorded.units = units;
            if fault == Some(DynamoDbFault::CutAfter) { broken_response() } else { response }
        }
    };

    recorded.status = if is_cut(fault.as_ref()) { 0 } else { response.status().as_u16() };
    operations_log::append(&recorded);
    state.recorded.lock().unwrap().push(recorded);
    response
}

fn is_cut(fault: Option<&DynamoDbFault>) -> bool {
    matches!(fault, Some(DynamoDbFault::CutBefore | DynamoDbFault::CutAfter))
}

/// A response that breaks before the first byte of its body, together with the connection.
fn broken_response() -> Response {
    let broken = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
    Response::new(Body::from_stream(broken))
}

/// The request, with the parameter that makes DynamoDB report the consumed capacity.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html>
fn with_units_requested(body: &Bytes) -> Bytes {
    let mut body: Value = serde_json::from_slice(body).unwrap();
    body["ReturnConsumedCapacity"] = "TOTAL".into();
    body.to_string().into()
}

/// The capacity units that a response reports, summed over its tables.
fn consumed_units(response: &[u8]) -> f64 {
    let response: Value = serde_json::from_slice(response).unwrap_or_default();
    let consumed = match &response["ConsumedCapacity"] {
        Value::Array(tables) => tables.clone(),
        table => vec![table.clone()],
    };
    consumed.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum()
}

/// Forwards a request, and returns the response with the capacity units that it reports.
fn forward(upstream: &str, headers: &HeaderMap, body: &Bytes) -> (Response, f64) {
    let mut request = agent().post(upstream);
    for (name, value) in
        headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()))
    {
        request = request.header(name, value);
    }

    match request.send(&body[..]) {
        Ok(mut response) => {
            let status = StatusCode::from_u16(response.status().as_u16()).unwrap();
            let content_type = response.headers().get("content-type").cloned();
            let headers: HeaderMap =
                content_type.map(|value| ("content-type".parse().unwrap(), value)).into_iter().collect();
            let body = response.body_mut().read_to_vec().unwrap();
            let units = consumed_units(&body);
            ((status, headers, body).into_response(), units)
        }
        Err(error) => ((StatusCode::BAD_GATEWAY, error.to_string()).into_response(), 0.0),
    }
}

fn record(headers: &HeaderMap, body: &Bytes) -> RecordedRequest {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed_by = |authorization: &str| {
        let (_, rest) = authorization.split_once("Credential=LOCAL-")?;
        rest.split_once('/').map(|(function, _)| function.to_owned())
    };
    RecordedRequest {
        operation: text("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned(),
        function: signed_by(text("authorization")).unwrap_or_default(),
        body: serde_json::from_slice(body).unwrap_or_default(),
        forwarded_at: None,
        status: 0,
        units: 0.0,
    }
}
