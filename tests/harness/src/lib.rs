//! What the tests have in common: a running system, people in it, and their requests.
//!
//! Every test starts a system of its own on free ports, so none can disturb another.
//! With `BASE_URL` set, the tests that need nothing but the API run against that.

mod documents;
mod dynamodb;
mod http;
mod local;
mod operations;
mod person;
mod proxy;
mod raw;
mod records;
mod sessions;
mod tls;

use sha2::{Digest, Sha256};

pub use documents::{Document, run_script, tools};
pub use dynamodb::{
    call as call_dynamodb, create_table_like, delete_item, replace_items, scan, set_token, set_user,
};
pub use http::{Request, Response};
pub use local::{Local, Settings};
pub use person::{NewToken, Person};
pub use proxy::{DynamoDbProxy, Fault, Recorded};
pub use sessions::{decode_part, forge, forge_text};
pub use tls::TlsFront;

/// A system under test: one started for this test, or one that runs elsewhere.
#[derive(Debug)]
pub struct System {
    /// Where the management endpoints are.
    pub api: String,
    /// Where the package API is; locally the same.
    pub packages: String,
    sign_in: Option<String>,
    local: Option<Local>,
}

impl System {
    /// The system at `BASE_URL`, or a new one on this machine.
    ///
    /// Elsewhere, `PACKAGES_URL` says where the package API is (default: `BASE_URL`),
    /// and sessions come from `SIGN_IN_URL`, which takes `user=…` as `local` does, or
    /// from `SESSION_ALICE`, `SESSION_BOB` and `SESSION_ADMIN`.
    pub fn start() -> Self {
        match std::env::var("BASE_URL") {
            Ok(api) => Self {
                packages: std::env::var("PACKAGES_URL").unwrap_or_else(|_| api.clone()),
                sign_in: std::env::var("SIGN_IN_URL").ok(),
                api,
                local: None,
            },
            Err(_) => Self::local(Settings::default()),
        }
    }

    /// A system on this machine, for tests that look behind the API; None when the
    /// suite runs against another, and then the test says that it was skipped.
    pub fn start_local(settings: Settings) -> Option<Self> {
        if std::env::var("BASE_URL").is_ok() {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            eprintln!("skipped: `{name}` needs `local`, to look behind the API");
            return None;
        }
        Some(Self::local(settings))
    }

    /// Like [`System::start_local`], with a proxy between the functions and DynamoDB.
    pub fn start_observed() -> Option<(Self, DynamoDbProxy)> {
        Self::start_observed_with(Settings::default())
    }

    /// Like [`System::start_observed`], with more to say.
    pub fn start_observed_with(settings: Settings) -> Option<(Self, DynamoDbProxy)> {
        let proxy = DynamoDbProxy::start();
        let settings = Settings { functions_dynamodb_url: Some(proxy.url.clone()), ..settings };
        let system = Self::start_local(settings)?;
        proxy.forward_to(&system.behind().dynamodb);
        Some((system, proxy))
    }

    fn local(settings: Settings) -> Self {
        let local = Local::start(settings);
        Self {
            api: local.api.clone(),
            packages: local.api.clone(),
            sign_in: Some(format!("{}/sign-in", local.issuer)),
            local: Some(local),
        }
    }

    /// What is behind the API. Only for systems from [`System::start_local`].
    pub fn behind(&self) -> &Local {
        self.local.as_ref().expect("the system runs on this machine")
    }

    /// Stops the system and returns what it printed.
    pub fn stop(self) -> String {
        self.local.expect("the system runs on this machine").stop()
    }

    /// Waits until the system has stopped in order, and returns what it printed.
    pub fn wait(self) -> String {
        self.local.expect("the system runs on this machine").wait()
    }

    /// Signs in as somebody with their usual roles.
    pub fn sign_in(&self, user: &str) -> Person<'_> {
        let variable = format!("SESSION_{}", user.to_uppercase());
        match std::env::var(&variable) {
            Ok(session) if self.local.is_none() => Person { system: self, session },
            _ => self.sign_in_as(user, &[]),
        }
    }

    /// Signs in with more to say: `roles`, and `claims` that change the session's.
    pub fn sign_in_as(&self, user: &str, fields: &[(&str, &str)]) -> Person<'_> {
        let url = self.sign_in.as_ref().expect("SIGN_IN_URL or SESSION_… is set");
        let form: Vec<_> = [("user", user)].iter().chain(fields).copied().collect();
        let response = http::agent().post(url).send_form(form).expect("the issuer answers");
        let response = Response::read(response).expect("the issuer's whole answer");
        assert_eq!(response.status, 200, "{response:?}");
        let session = response.json()["access_token"].as_str().expect("a session").to_owned();
        Person { system: self, session }
    }

    /// A request without any credential.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let base = if path.starts_with("/api/Package") { &self.packages } else { &self.api };
        Request::new(method, &format!("{base}{path}"))
    }

    /// Sends bytes as they are, and returns the status and the body of each response.
    /// Only for systems from [`System::start_local`].
    pub fn send_raw(&self, bytes: &[u8]) -> Vec<(u16, String)> {
        raw::send(&self.behind().api, bytes)
    }

    /// A request with a bearer credential.
    pub fn call(&self, method: &str, path: &str, bearer: &str) -> Response {
        self.request(method, path).bearer(bearer).send()
    }

    /// The status with which `GET /api/me` answers a credential.
    pub fn status_of(&self, bearer: &str) -> u16 {
        self.call("GET", "/api/me", bearer).status
    }
}

/// The hash that a token is stored under, without the project's own code.
pub fn sha256(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
