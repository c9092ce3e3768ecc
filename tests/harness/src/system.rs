//! The system under test.

use crate::http::{Request, Response};
use crate::local::{Local, Settings};
use crate::proxy::DynamoDbProxy;
use crate::raw_http;
use crate::sessions;
use crate::signed_in_user::SignedInUser;
use crate::test_users::TestUsers;

/// A system under test: started for one test, or the running one at `BASE_URL`.
#[derive(Debug)]
pub struct System {
    /// Base URL of the management endpoints.
    pub api: String,
    /// Base URL of the package API; the same as `api` on this machine.
    pub packages: String,
    host: Host,
}

/// What runs a system under test.
#[derive(Debug)]
enum Host {
    /// A process of this test.
    Own(Local),
    /// A system that others use at the same time.
    Shared(TestUsers),
}

impl System {
    /// The running system at `BASE_URL`, or a new system on this machine.
    ///
    /// For a running system, `PACKAGES_URL` is the package API (default: `BASE_URL`). Its users
    /// sign in at `SIGN_IN_URL`, or have the sessions `SESSION_ALICE`, `SESSION_BOB` and
    /// `SESSION_ADMIN`.
    pub fn start() -> Self {
        match std::env::var("BASE_URL") {
            Ok(api) => Self {
                packages: std::env::var("PACKAGES_URL").unwrap_or_else(|_| api.clone()),
                host: Host::Shared(TestUsers::from_environment(&api)),
                api,
            },
            Err(_) => Self::on_this_machine(Settings::default()),
        }
    }

    /// A running system, with users of this test who sign in at this URL.
    pub fn shared(api: &str, sign_in_url: &str) -> Self {
        let users = TestUsers::new(api, sign_in_url);
        Self { api: api.to_owned(), packages: api.to_owned(), host: Host::Shared(users) }
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
        Self { api: local.api.clone(), packages: local.api.clone(), host: Host::Own(local) }
    }

    /// The `local` process that runs this system. Panics for a shared system.
    pub fn local(&self) -> &Local {
        match &self.host {
            Host::Own(local) => local,
            Host::Shared(_) => panic!("the system is shared"),
        }
    }

    fn into_local(self) -> Local {
        match self.host {
            Host::Own(local) => local,
            Host::Shared(_) => panic!("the system is shared"),
        }
    }

    /// Stops the system and returns its output. Panics for a shared system.
    pub fn stop(self) -> String {
        self.into_local().stop()
    }

    /// Waits until the system has stopped without an error, and returns its output. Panics for
    /// a shared system.
    pub fn wait(self) -> String {
        self.into_local().wait()
    }

    /// Signs a user in with their usual roles. In a shared system, the user's ID may differ
    /// from this name.
    pub fn sign_in(&self, user: &str) -> SignedInUser<'_> {
        match &self.host {
            Host::Own(_) => self.sign_in_as(user, &[]),
            Host::Shared(users) => SignedInUser { system: self, session: users.session(user) },
        }
    }

    /// Signs a user in with further form fields: `roles`, or `claims` that change the session's.
    /// Panics for a shared system.
    pub fn sign_in_as(&self, user: &str, fields: &[(&str, &str)]) -> SignedInUser<'_> {
        let url = format!("{}/sign-in", self.local().issuer);
        let form: Vec<_> = [("user", user)].iter().chain(fields).copied().collect();
        SignedInUser { system: self, session: sessions::request(&url, &form) }
    }

    /// A request without any credential.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let base = if path.starts_with("/api/Package") { &self.packages } else { &self.api };
        let request = Request::new(method, &format!("{base}{path}"));
        match self.host {
            Host::Own(_) => request,
            Host::Shared(_) => request.until_admitted(),
        }
    }

    /// Sends these bytes unchanged, and returns the status and the body of each response.
    /// Panics for a shared system.
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
