//! A proxy between the functions and DynamoDB that writes down what passes, and does what
//! a network and a database do on a bad day.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use serde_json::{Value, json};

use crate::http::agent;
use crate::operations;

/// A request that a function made.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Such as `GetItem`.
    pub operation: String,
    /// The logical id of the function, by the key it signed with.
    pub function: String,
    pub body: Value,
    /// What it was answered; 0 if nothing was.
    pub status: u16,
    /// The capacity units that it consumed, where the proxy asks for them.
    pub units: f64,
}

impl Recorded {
    /// Whether this opens an instance's connection and asks for nothing: the read of the
    /// user whom nobody is.
    pub fn opens_connection(&self) -> bool {
        self.operation == "GetItem" && self.body["Key"]["user_id"]["S"] == "\u{2205}"
    }
}

/// What may go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answered instead of being passed on.
    Answer(u16, String),
    /// Passed on after this time.
    Slow(Duration),
    /// Never answered, and never passed on.
    Hang,
    /// The connection is cut, and nothing was done.
    CutBefore,
    /// The connection is cut once it was done.
    CutAfter,
    /// A batch read none of its keys; every other request is passed on.
    Unprocessed,
}

impl Fault {
    /// DynamoDB throttles.
    pub fn throttled() -> Self {
        let error = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
        Self::Answer(400, json!({ "__type": error, "message": "throttled" }).to_string())
    }

    /// DynamoDB has a fault of its own.
    pub fn server_error() -> Self {
        let error = "com.amazonaws.dynamodb.v20120810#InternalServerError";
        Self::Answer(500, json!({ "__type": error, "message": "internal" }).to_string())
    }
}

/// A fault, and what it happens to.
struct Injection {
    fault: Fault,
    concerns: Box<dyn Fn(&Recorded) -> bool + Send>,
    /// How often still.
    times: usize,
}

/// The proxy. It lives as long as the test's process.
#[derive(Debug)]
pub struct DynamoDbProxy {
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    upstream: Mutex<String>,
    recorded: Mutex<Vec<Recorded>>,
    injections: Mutex<Vec<Injection>>,
    asks_for_units: AtomicBool,
    connections: AtomicUsize,
}

impl DynamoDbProxy {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket for tokio");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let shared = Arc::new(Shared::default());
        let router = Router::new().fallback(forward).with_state(Arc::clone(&shared));
        let counting = Arc::clone(&shared);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let listener = listener.tap_io(move |_| {
                    counting.connections.fetch_add(1, Ordering::SeqCst);
                });
                axum::serve(listener, router).await.expect("the proxy serves");
            });
        });
        Self { url, shared }
    }

    /// Says where the real one is, once that is known.
    pub fn forward_to(&self, upstream: &str) {
        *self.shared.upstream.lock().unwrap() = upstream.to_owned();
    }

    /// From now on this happens to every request.
    pub fn inject(&self, fault: Fault) {
        self.inject_where(usize::MAX, fault, |_| true);
    }

    /// This happens to the next requests of one operation, this many times.
    pub fn inject_into(&self, operation: &'static str, times: usize, fault: Fault) {
        self.inject_where(times, fault, move |request| request.operation == operation);
    }

    /// This happens to the next requests that it concerns, this many times.
    pub fn inject_where(
        &self,
        times: usize,
        fault: Fault,
        concerns: impl Fn(&Recorded) -> bool + Send + 'static,
    ) {
        let injection = Injection { fault, concerns: Box::new(concerns), times };
        self.shared.injections.lock().unwrap().push(injection);
    }

    /// Takes away all that was injected.
    pub fn heal(&self) {
        self.shared.injections.lock().unwrap().clear();
    }

    /// From now on answers every request with this status and body; None passes them on.
    pub fn fail_with(&self, failure: Option<(u16, &str)>) {
        self.heal();
        if let Some((status, body)) = failure {
            self.inject(Fault::Answer(status, body.to_owned()));
        }
    }

    /// Answers the next request of one operation with this status and body.
    pub fn fail_once(&self, operation: &'static str, status: u16, body: &str) {
        self.inject_into(operation, 1, Fault::Answer(status, body.to_owned()));
    }

    /// From now on asks DynamoDB what each request consumes.
    pub fn ask_for_units(&self) {
        self.shared.asks_for_units.store(true, Ordering::SeqCst);
    }

    /// How many connections were opened up to now.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// What has passed since the last call, but for what new instances read to connect:
    /// a new one may be started whenever the others are busy.
    pub fn take(&self) -> Vec<Recorded> {
        let mut recorded = self.take_all();
        recorded.retain(|request| !request.opens_connection());
        recorded
    }

    /// All that has passed since the last call.
    pub fn take_all(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.shared.recorded.lock().unwrap())
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Shared(…)")
    }
}

impl Shared {
    /// The fault that is due for a request, if one is.
    fn fault(&self, request: &Recorded) -> Option<Fault> {
        let mut injections = self.injections.lock().unwrap();
        let mut due = injections.iter_mut().filter(|injection| injection.times > 0);
        let injection = due.find(|injection| (injection.concerns)(request))?;
        injection.times -= 1;
        Some(injection.fault.clone())
    }
}

async fn forward(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    // Of its own, so that what was asked is done although nobody waits for it any more: that
    // is what a database does.
    tokio::spawn(answer(shared, headers, body)).await.expect("an answer")
}

async fn answer(shared: Arc<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let mut recorded = record(&headers, &body);
    let fault = shared.fault(&recorded);
    let answer = match &fault {
        Some(Fault::Answer(status, body)) => {
            (StatusCode::from_u16(*status).unwrap(), body.clone()).into_response()
        }
        Some(Fault::Hang) => {
            shared.recorded.lock().unwrap().push(recorded);
            return std::future::pending().await;
        }
        Some(Fault::CutBefore) => cut(),
        Some(Fault::Unprocessed) if recorded.operation == "BatchGetItem" => {
            let keys = &recorded.body["RequestItems"];
            axum::Json(json!({ "Responses": {}, "UnprocessedKeys": keys })).into_response()
        }
        Some(Fault::Slow(_) | Fault::CutAfter | Fault::Unprocessed) | None => {
            if let Some(Fault::Slow(time)) = fault {
                tokio::time::sleep(time).await;
            }
            let upstream = shared.upstream.lock().unwrap().clone();
            let body = match shared.asks_for_units.load(Ordering::SeqCst) {
                true => asking_for_units(&body),
                false => body,
            };
            let passed_on = tokio::task::spawn_blocking(move || pass_on(&upstream, &headers, &body)).await;
            let (answer, units) = passed_on.expect("the request is passed on");
            recorded.units = units;
            if fault == Some(Fault::CutAfter) { cut() } else { answer }
        }
    };
    recorded.status = if is_cut(fault.as_ref()) { 0 } else { answer.status().as_u16() };
    operations::write_down(&recorded);
    shared.recorded.lock().unwrap().push(recorded);
    answer
}

fn is_cut(fault: Option<&Fault>) -> bool {
    matches!(fault, Some(Fault::CutBefore | Fault::CutAfter))
}

/// An answer that breaks off before its first byte of content, and the connection with it.
fn cut() -> Response {
    let broken = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
    Response::new(Body::from_stream(broken))
}

/// The request that also asks what it consumes.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html>
fn asking_for_units(body: &Bytes) -> Bytes {
    let mut body: Value = serde_json::from_slice(body).unwrap();
    body["ReturnConsumedCapacity"] = "TOTAL".into();
    body.to_string().into()
}

/// The units that an answer says were consumed, in all its tables.
fn units(answer: &[u8]) -> f64 {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let consumed = match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.clone(),
        table => vec![table.clone()],
    };
    consumed.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum()
}

/// The answer, and the units that it says were consumed.
fn pass_on(upstream: &str, headers: &HeaderMap, body: &Bytes) -> (Response, f64) {
    let mut request = agent().post(upstream);
    for (name, value) in
        headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()))
    {
        request = request.header(name, value);
    }
    match request.send(&body[..]) {
        Ok(mut answer) => {
            let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
            let content_type = answer.headers().get("content-type").cloned();
            let headers: HeaderMap =
                content_type.map(|value| ("content-type".parse().unwrap(), value)).into_iter().collect();
            let body = answer.body_mut().read_to_vec().unwrap();
            let units = units(&body);
            ((status, headers, body).into_response(), units)
        }
        Err(error) => ((StatusCode::BAD_GATEWAY, error.to_string()).into_response(), 0.0),
    }
}

fn record(headers: &HeaderMap, body: &Bytes) -> Recorded {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let between = |text: &str, before: &str, after: char| {
        let (_, rest) = text.split_once(before)?;
        rest.split_once(after).map(|(found, _)| found.to_owned())
    };
    Recorded {
        operation: text("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned(),
        function: between(text("authorization"), "Credential=LOCAL-", '/').unwrap_or_default(),
        body: serde_json::from_slice(body).unwrap_or_default(),
        status: 0,
        units: 0.0,
    }
}
