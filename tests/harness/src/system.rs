//! The system under test.

use crate::http::{self, Request, Response};
use crate::local::{Local, Settings};
use crate::proxy::DynamoDbProxy;
use crate::raw_http;
use crate::signed_in_user::SignedInUser;

/// A system under test: started for one test, or a deployment at `BASE_URL`.
#[derive(Debug)]
pub struct System {
    /// Base URL of the management endpoints.
    pub api: String,
    /// Base URL of the package API; the same as `api` on this machine.
    pub packages: String,
    sign_in: Option<String>,
    local: Option<Local>,
}

impl System {
    /// The deployment at `BASE_URL`, or a new system on this machine.
    ///
    /// For a deployment, `PACKAGES_URL` is the package API (default: `BASE_URL`). Sessions
    /// come from `SIGN_IN_URL`, which takes `user=…` as `local` does, or from the variables
    /// `SESSION_ALICE`, `SESSION_BOB` and `SESSION_ADMIN`.
    pub fn start() -> Self {
        match std::env::var("BASE_URL") {
            Ok(api) => Self {
                packages: std::env::var("PACKAGES_URL").unwrap_or_else(|_| api.clone()),
                sign_in: std::env::var("SIGN_IN_URL").ok(),
                api,
                local: None,
            },
            Err(_) => Self::on_this_machine(Settings::default()),
        }
    }

    /// A new system on this machine, for tests that need more than the API. With `BASE_URL`
    /// set it returns None and reports that the test is skipped.
    pub fn start_local(settings: Settings) -> Option<Self> {
        if std::env::var("BASE_URL").is_ok() {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            eprintln!("skipped: `{name}` needs a system on this machine");
            return None;
        }

        Some(Self::on_this_machine(settings))
    }

    /// Like [`System::start_local`], with a proxy between the functions and DynamoDB.
    pub fn start_observed() -> Option<(Self, DynamoDbProxy)> {
        Self::start_observed_with(Settings::default())
    }

    /// Like [`System::start_observed`], with settings.
    pub fn start_observed_with(settings: Settings) -> Option<(Self, DynamoDbProxy)> {
        let proxy = DynamoDbProxy::start();
        let settings = Settings { functions_dynamodb_url: Some(proxy.url.clone()), ..settings };
        let system = Self::start_local(settings)?;
        proxy.forward_to(&system.local().dynamodb);

        Some((system, proxy))
    }

    fn on_this_machine(settings: Settings) -> Self {
        let local = Local::start(settings);
        Self {
            api: local.api.clone(),
            packages: local.api.clone(),
            sign_in: Some(format!("{}/sign-in", local.issuer)),
            local: Some(local),
        }
    }

    /// The `local` process that runs this system. Panics for a deployment.
    pub fn local(&self) -> &Local {
        self.local.as_ref().expect("the system runs on this machine")
    }

    /// Stops the system and returns its output.
    pub fn stop(self) -> String {
        self.local.expect("the system runs on this machine").stop()
    }

    /// Waits until the system has stopped without an error, and returns its output.
    pub fn wait(self) -> String {
        self.local.expect("the system runs on this machine").wait()
    }

    /// Signs a user in with their usual roles.
    pub fn sign_in(&self, user: &str) -> SignedInUser<'_> {
        let variable = format!("SESSION_{}", user.to_uppercase());
        match std::env::var(&variable) {
            Ok(session) if self.local.is_none() => SignedInUser { system: self, session },
            _ => self.sign_in_as(user, &[]),
        }
    }

    /// Signs a user in with further form fields: `roles`, or `claims` that change the session's.
    pub fn sign_in_as(&self, user: &str, fields: &[(&str, &str)]) -> SignedInUser<'_> {
        let url = self.sign_in.as_ref().expect("SIGN_IN_URL or SESSION_… is set");
        let form: Vec<_> = [("user", user)].iter().chain(fields).copied().collect();
        let response = http::agent().post(url).send_form(form).expect("a response of the issuer");
        let response = Response::read(response).expect("the issuer's complete response");
        assert_eq!(response.status, 200, "{response:?}");

        let session = response.json()["access_token"].as_str().expect("a session").to_owned();
        SignedInUser { system: self, session }
    }

    /// A request without any credential.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let base = if path.starts_with("/api/Package") { &self.packages } else { &self.api };
        Request::new(method, &format!("{base}{path}"))
    }

    /// Sends these bytes unchanged, and returns the status and the body of each response.
    /// Panics for a deployment.
    pub fn send_raw(&self, bytes: &[u8]) -> Vec<(u16, String)> {
        raw_http::send(&self.local().api, bytes)
    }

    /// Sends a request with a bearer credential.
    pub fn call(&self, method: &str, path: &str, bearer: &str) -> Response {
        self.request(method, path).bearer(bearer).send()
    }

    /// The status of `GET /api/me` with this credential.
    pub fn status_of(&self, bearer: &str) -> u16 {
        self.call("GET", "/api/me", bearer).status
    }
}
