//! The users of one test in a system that other tests use at the same time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use uuid::Uuid;

use crate::{Request, sessions, user_path};

/// The users whom a test signs in to a shared system. When the test ends, they are enabled and
/// have no usable token.
#[derive(Debug)]
pub(crate) struct TestUsers {
    api: String,
    origin: Origin,
    signed_in: Mutex<BTreeMap<String, TestUser>>,
}

/// Where the users come from.
#[derive(Debug)]
enum Origin {
    /// Each test has users of its own, whose IDs end with a suffix of the test.
    New { sign_in_url: String, suffix: String },
    /// All tests have the same users, so only one test runs at a time.
    Given { _turn: MutexGuard<'static, ()> },
}

#[derive(Debug, Clone)]
struct TestUser {
    id: String,
    session: String,
}

impl TestUsers {
    /// Users who sign in at `SIGN_IN_URL`, or else those with the sessions `SESSION_ALICE`,
    /// `SESSION_BOB` and `SESSION_ADMIN`.
    pub(crate) fn from_environment(api: &str) -> Self {
        static TURN: Mutex<()> = Mutex::new(());

        match std::env::var("SIGN_IN_URL") {
            Ok(sign_in_url) => Self::new(api, &sign_in_url),
            // A test that failed has ended its turn as well.
            Err(_) => {
                let origin = Origin::Given { _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner) };
                Self { api: api.to_owned(), origin, signed_in: Mutex::default() }
            }
        }
    }

    /// Users who sign in at this URL, which takes `user` and `roles` as `local` does.
    pub(crate) fn new(api: &str, sign_in_url: &str) -> Self {
        let suffix = Uuid::new_v4().simple().to_string();
        let origin = Origin::New { sign_in_url: sign_in_url.to_owned(), suffix };
        Self { api: api.to_owned(), origin, signed_in: Mutex::default() }
    }

    /// A session of this user.
    pub(crate) fn session(&self, user: &str) -> String {
        let session = match &self.origin {
            Origin::New { sign_in_url, suffix } => {
                let id = format!("{user}-{suffix}");
                sessions::request(sign_in_url, &[("user", &id), ("roles", usual_role(user))])
            }
            Origin::Given { .. } => {
                let variable = format!("SESSION_{}", user.to_uppercase());
                std::env::var(&variable)
                    .unwrap_or_else(|_| panic!("`{variable}` or `SIGN_IN_URL` is not set"))
            }
        };

        // A user who is disabled later is still known by this ID.
        let mut signed_in = self.signed_in.lock().expect("no test fails while it signs a user in");
        signed_in.entry(user.to_owned()).or_insert_with(|| {
            let response = self.request("GET", "/api/me", &session).send();
            assert_eq!(response.status, 200, "the session of {user} is refused: {response:?}");
            let id = response.json()["id"].as_str().expect("a user ID").to_owned();
            TestUser { id, session: session.clone() }
        });
        session
    }

    fn request(&self, method: &str, path: &str, session: &str) -> Request {
        Request::new(method, &format!("{}{path}", self.api)).bearer(session).until_admitted()
    }

    /// Whether all tokens of this user are revoked now.
    fn revoke_tokens(&self, user: &TestUser) -> bool {
        let path = format!("{}/revoke-all-tokens", user_path(&user.id));
        let response = self.request("POST", &path, &user.session).try_send();
        response.is_ok_and(|response| response.status == 204)
    }

    /// Whether an administrator of this test has enabled this user.
    fn enable(&self, user: &TestUser, administrator: &TestUser) -> bool {
        let request = self.request("PATCH", &user_path(&user.id), &administrator.session);
        let response = request.json(&json!({ "disabled": false })).try_send();
        response.is_ok_and(|response| response.status == 200)
    }
}

impl Drop for TestUsers {
    fn drop(&mut self) {
        let signed_in = self.signed_in.get_mut().unwrap_or_else(PoisonError::into_inner).clone();
        let administrator = signed_in.get("admin");

        for (name, user) in &signed_in {
            // A disabled user cannot revoke anything.
            let is_clean = self.revoke_tokens(user)
                || administrator.is_some_and(|administrator| self.enable(user, administrator))
                    && self.revoke_tokens(user);
            if !is_clean {
                eprintln!("`{}` ({name}) may be disabled or have usable tokens", user.id);
            }
        }
    }
}

/// The role that a user of this name has in `local`.
fn usual_role(user: &str) -> &'static str {
    match user {
        "alice" => "publisher",
        "bob" => "viewer",
        "admin" => "administrator",
        _ => "",
    }
}
