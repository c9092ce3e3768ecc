//! A proxy between the functions and DynamoDB that writes down what passes.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

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
    /// What it was answered.
    pub status: u16,
}

/// The proxy. It lives as long as the test's process.
#[derive(Debug)]
pub struct DynamoDbProxy {
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    upstream: Mutex<String>,
    recorded: Mutex<Vec<Recorded>>,
    /// Answered instead of being passed on, while there is something here.
    failure: Mutex<Option<(u16, String)>>,
    /// The operation whose next request is failed, and how it is answered.
    failing_once: Mutex<Option<(String, u16, String)>>,
}

impl DynamoDbProxy {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket for tokio");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let shared = Arc::new(Shared::default());
        let router = Router::new().fallback(forward).with_state(Arc::clone(&shared));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                axum::serve(listener, router).await.expect("the proxy serves");
            });
        });
        Self { url, shared }
    }

    /// Says where the real one is, once that is known.
    pub fn forward_to(&self, upstream: &str) {
        *self.shared.upstream.lock().unwrap() = upstream.to_owned();
    }

    /// From now on answers every request with this status and body; None passes them on.
    pub fn fail_with(&self, failure: Option<(u16, &str)>) {
        *self.shared.failure.lock().unwrap() = failure.map(|(status, body)| (status, body.to_owned()));
    }

    /// Answers the next request of one operation with this status and body.
    pub fn fail_once(&self, operation: &str, status: u16, body: &str) {
        *self.shared.failing_once.lock().unwrap() = Some((operation.to_owned(), status, body.to_owned()));
    }

    /// What has passed since the last call.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.shared.recorded.lock().unwrap())
    }
}

async fn forward(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut recorded = record(&headers, &body);
    let once =
        shared.failing_once.lock().unwrap().take_if(|(operation, ..)| *operation == recorded.operation);
    let always = shared.failure.lock().unwrap().clone();
    let failure = once.map(|(_, status, body)| (status, body)).or(always);
    let answer = match failure {
        Some((status, body)) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        None => {
            let upstream = shared.upstream.lock().unwrap().clone();
            let passed_on = tokio::task::spawn_blocking(move || pass_on(&upstream, &headers, &body)).await;
            passed_on.expect("the request is passed on")
        }
    };
    recorded.status = answer.status().as_u16();
    operations::write_down(&recorded);
    shared.recorded.lock().unwrap().push(recorded);
    answer
}

fn pass_on(upstream: &str, headers: &HeaderMap, body: &Bytes) -> Response {
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
            (status, headers, answer.body_mut().read_to_vec().unwrap()).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
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
    }
}
