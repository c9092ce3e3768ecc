//! Blocking requests and responses.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::http;

use crate::artifacts;

/// How long to repeat a request that the API throttles, and the pause between two attempts.
const ADMISSION_TIMEOUT: Duration = Duration::from_secs(60);
const ADMISSION_PAUSE: Duration = Duration::from_millis(50);

/// The shortest wait of a server in the tests is a second: it might just be closing an older connection.
const IDLE_AGE_MAX: Duration = Duration::from_millis(500);

pub(crate) fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .max_redirects(0)
            .max_idle_connections_per_host(64)
            .max_idle_age(IDLE_AGE_MAX);
        config.build().into()
    })
}

/// A request that has not been sent yet.
#[derive(Debug)]
pub struct Request {
    builder: http::request::Builder,
    body: Vec<u8>,
    waits_for_admission: bool,
}

impl Request {
    pub fn new(method: &str, url: &str) -> Self {
        let builder = http::Request::builder().method(method).uri(url);
        Self { builder, body: Vec::new(), waits_for_admission: false }
    }

    /// Repeats the request as long as the API throttles it. A test that needs more requests
    /// than a route accepts at once has to wait, and so does every test of a shared system.
    #[must_use]
    pub fn until_admitted(mut self) -> Self {
        self.waits_for_admission = true;
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    #[must_use]
    pub fn bearer(self, credential: &str) -> Self {
        artifacts::write_credential(credential);
        self.header("Authorization", &format!("Bearer {credential}"))
    }

    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", content_type)
    }

    pub fn send(self) -> Response {
        self.try_send().expect("a complete response")
    }

    /// Sends the request to a server that may no longer run.
    ///
    /// # Errors
    /// When there is no complete response.
    pub fn try_send(self) -> Result<Response, ureq::Error> {
        let request = self.builder.body(self.body).expect("a valid request");
        let deadline = Instant::now() + ADMISSION_TIMEOUT;

        loop {
            let response = Response::read(agent().run(request.clone())?)?;
            let is_throttled = response.status == 429;
            if !is_throttled || !self.waits_for_admission || Instant::now() >= deadline {
                return Ok(response);
            }
            std::thread::sleep(ADMISSION_PAUSE);
        }
    }
}

/// A complete response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Response {
    pub(crate) fn read(response: http::Response<ureq::Body>) -> Result<Self, ureq::Error> {
        let (head, mut body) = response.into_parts();
        let text = body.read_to_string()?;
        artifacts::write_token_of(&text);

        Ok(Self { status: head.status.as_u16(), headers: head.headers, text })
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Asserts that this is a problem (RFC 9457) with this status, and returns the names of
    /// the invalid fields, parameters and headers. Patgate's own problems have a code, which is also the
    /// end of their type; those of the package API have none.
    #[track_caller]
    pub fn assert_problem(&self, status: u16) -> Vec<String> {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");

        let problem = self.json();
        assert_eq!(problem["status"], status);
        let kind = problem["code"].as_str().map(|code| format!("urn:patgate:error:{code}"));
        assert_eq!(problem["type"], kind.as_deref().unwrap_or("about:blank"));
        for member in ["title", "detail", "requestId"] {
            assert!(!problem[member].as_str().expect(member).is_empty(), "{problem}");
        }

        let errors = problem["errors"].as_array().expect("a list of errors");
        errors
            .iter()
            .map(|error| {
                assert!(!error["code"].as_str().unwrap().is_empty());
                assert!(!error["detail"].as_str().unwrap().is_empty());
                let pointer = error["pointer"].as_str();
                let field = pointer.map(|pointer| pointer.strip_prefix('/').unwrap_or(pointer));
                let place = field.or(error["parameter"].as_str()).or(error["header"].as_str());
                place.expect("a place").to_owned()
            })
            .collect()
    }

    /// The problem without the ID of its request, to compare it with another.
    #[track_caller]
    pub fn problem(&self) -> Value {
        let mut problem = self.json();
        let id = problem.as_object_mut().and_then(|members| members.remove("requestId"));
        assert!(id.is_some_and(|id| id.is_string()), "{self:?}");

        problem
    }

    /// Asserts that this is an error of the gateway itself: a status, and a body with a
    /// message and nothing else.
    #[track_caller]
    pub fn assert_gateway_error(&self, status: u16, message: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.json(), serde_json::json!({ "message": message }));
    }
}
