//! A proxy between the functions and DynamoDB. It records all requests, and injects the
//! faults that a network and a database can have.

mod server;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::server::{Injection, State};

/// A request that a function sent.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// Such as `GetItem`.
    pub operation: String,
    /// The logical ID of the function, from the key with which it signed.
    pub function: String,
    pub body: Value,
    /// When the proxy forwarded it. `None` if it did not.
    pub forwarded_at: Option<Instant>,
    /// The status of the response; 0 if there was none.
    pub status: u16,
    /// The capacity units that the request consumed, if [`DynamoDbProxy::report_units`]
    /// was called.
    pub units: f64,
}

impl RecordedRequest {
    /// Whether this request only opens the connection of a new instance: it reads a user
    /// ID that cannot exist.
    pub fn opens_connection(&self) -> bool {
        self.operation == "GetItem" && self.body["Key"]["user_id"]["S"] == "\u{2205}"
    }
}

/// A fault of the network or of DynamoDB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DynamoDbFault {
    /// The proxy sends this status and body, and does not forward the request.
    Respond(u16, String),
    /// The request is forwarded after this time.
    Slow(Duration),
    /// The request is not forwarded, and there is never a response.
    Hang,
    /// The connection breaks before the request is forwarded.
    CutBefore,
    /// The connection breaks after the request is processed.
    CutAfter,
    /// A batch read returns all of its keys as unprocessed. Other requests are forwarded.
    Unprocessed,
}

impl DynamoDbFault {
    /// DynamoDB throttles the request.
    pub fn throttled() -> Self {
        let error = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
        Self::Respond(400, json!({ "__type": error, "message": "throttled" }).to_string())
    }

    /// DynamoDB has an internal error.
    pub fn server_error() -> Self {
        let error = "com.amazonaws.dynamodb.v20120810#InternalServerError";
        Self::Respond(500, json!({ "__type": error, "message": "internal" }).to_string())
    }
}

/// The proxy. It runs until the process of the test ends.
#[derive(Debug)]
pub struct DynamoDbProxy {
    pub url: String,
    state: Arc<State>,
}

impl DynamoDbProxy {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a free port");
        listener.set_nonblocking(true).expect("a socket for tokio");
        let url = format!("http://{}", listener.local_addr().expect("the address of the proxy"));

        let state = Arc::new(State::default());
        server::start(listener, Arc::clone(&state));
        Self { url, state }
    }

    /// Sets the DynamoDB to forward to.
    pub fn forward_to(&self, upstream: &str) {
        *self.state.upstream.lock().unwrap() = upstream.to_owned();
    }

    /// Injects a fault into every request from now on.
    pub fn inject(&self, fault: DynamoDbFault) {
        self.inject_where(usize::MAX, fault, |_| true);
    }

    /// Injects a fault into the next `times` requests of one operation.
    pub fn inject_into(&self, operation: &'static str, times: usize, fault: DynamoDbFault) {
        self.inject_where(times, fault, move |request| request.operation == operation);
    }

    /// Injects a fault into the next `times` requests that match.
    pub fn inject_where(
        &self,
        times: usize,
        fault: DynamoDbFault,
        matches: impl Fn(&RecordedRequest) -> bool + Send + 'static,
    ) {
        let injection = Injection { fault, matches: Box::new(matches), times_left: times };
        self.state.injections.lock().unwrap().push(injection);
    }

    /// Responds to the next request of one operation with this status and body.
    pub fn fail_once(&self, operation: &'static str, status: u16, body: &str) {
        self.inject_into(operation, 1, DynamoDbFault::Respond(status, body.to_owned()));
    }

    /// Removes all injected faults.
    pub fn clear_faults(&self) {
        self.state.injections.lock().unwrap().clear();
    }

    /// When the recorded request that matches was forwarded.
    pub fn forwarded_at(&self, matches: impl Fn(&RecordedRequest) -> bool) -> Option<Instant> {
        let recorded = self.state.recorded.lock().unwrap();
        recorded.iter().find(|request| matches(request))?.forwarded_at
    }

    /// Makes DynamoDB report the capacity units of every request from now on.
    pub fn report_units(&self) {
        self.state.reports_units.store(true, Ordering::SeqCst);
    }

    /// The number of connections that were opened so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The requests since the last call, except those that only open a connection: new
    /// instances may start whenever the others are busy.
    pub fn take(&self) -> Vec<RecordedRequest> {
        let mut recorded = self.take_all();
        recorded.retain(|request| !request.opens_connection());
        recorded
    }

    /// All requests since the last call.
    pub fn take_all(&self) -> Vec<RecordedRequest> {
        std::mem::take(&mut self.state.recorded.lock().unwrap())
    }
}
