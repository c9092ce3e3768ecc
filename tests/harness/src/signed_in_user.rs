//! A user with a session, and the requests that they make.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Request, Response, System};

/// A list reads an index, which may lag behind.
const LIST_TIMEOUT: Duration = Duration::from_secs(5);

/// A user with a session.
#[derive(Debug, Clone)]
pub struct SignedInUser<'a> {
    pub(crate) system: &'a System,
    pub session: String,
}

/// A token as the response to its creation shows it.
#[derive(Debug, Clone)]
pub struct CreatedToken {
    pub id: String,
    pub secret: String,
    pub resource: Value,
}

impl SignedInUser<'_> {
    /// A request with this session.
    pub fn request(&self, method: &str, path: &str) -> Request {
        self.system.request(method, path).bearer(&self.session)
    }

    /// Sends a request with this session and without a body.
    pub fn call(&self, method: &str, path: &str) -> Response {
        self.request(method, path).send()
    }

    /// Like [`SignedInUser::call`], but waits while the API throttles the request.
    pub fn call_until_admitted(&self, method: &str, path: &str) -> Response {
        self.request(method, path).until_admitted().send()
    }

    /// The user ID that backends see.
    pub fn id(&self) -> String {
        self.call("GET", "/api/me").json()["id"].as_str().expect("a user ID").to_owned()
    }

    /// The roles that the authorizer gives this session.
    pub fn roles(&self) -> Value {
        self.call("GET", "/api/me").json()["roles"].clone()
    }

    /// Creates a token that does not expire.
    #[track_caller]
    pub fn create_token(&self, name: &str) -> CreatedToken {
        self.create_from(&json!({ "name": name }))
    }

    /// Creates a token that expires at this time (RFC 3339).
    #[track_caller]
    pub fn create_expiring_token(&self, name: &str, expires_at: &str) -> CreatedToken {
        self.create_from(&json!({ "name": name, "expiresAt": expires_at }))
    }

    #[track_caller]
    fn create_from(&self, body: &Value) -> CreatedToken {
        let response = self.request_token(body);
        assert_eq!(response.status, 201, "{response:?}");

        let resource = response.json();
        let text = |field: &str| resource[field].as_str().unwrap_or_else(|| panic!("{resource}")).to_owned();
        CreatedToken { id: text("id"), secret: text("token"), resource }
    }

    /// Requests a token with this body, which may be invalid. Waits while the API throttles it.
    pub fn request_token(&self, body: &Value) -> Response {
        self.request("POST", "/api/tokens").json(body).until_admitted().send()
    }

    /// The tokens on the first page of a list.
    #[track_caller]
    pub fn list_tokens(&self, query: &str) -> Vec<Value> {
        self.list_page(query)["items"].as_array().expect("a list of items").clone()
    }

    #[track_caller]
    fn list_page(&self, query: &str) -> Value {
        let response = self.call_until_admitted("GET", &format!("/api/tokens?{query}"));
        assert_eq!(response.status, 200, "{response:?}");

        response.json()
    }

    /// Repeats a list request until the list contains the token with this ID.
    #[track_caller]
    pub fn find_listed_token(&self, query: &str, id: &str) -> Value {
        self.wait_for_listed(query, |item| item["id"] == id)
    }

    /// Repeats the request for the user's own list until it shows a token in some state.
    #[track_caller]
    pub fn wait_for_listed_state(&self, id: &str, state: impl Fn(&Value) -> bool) -> Value {
        self.wait_for_listed("limit=100", |item| item["id"] == id && state(item))
    }

    #[track_caller]
    fn wait_for_listed(&self, query: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + LIST_TIMEOUT;
        let mut cursor = String::new();
        loop {
            let page = self.list_page(&format!("{query}{cursor}"));
            let items = page["items"].as_array().expect("a list of items");
            if let Some(found) = items.iter().find(|item| is_wanted(item)) {
                return found.clone();
            }
            assert!(Instant::now() < deadline, "not in the list: {items:?}");

            // After the last page, begin again.
            cursor = page["nextCursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
        }
    }

    /// A token as this user sees it.
    #[track_caller]
    pub fn show_token(&self, id: &str) -> Value {
        let response = self.call_until_admitted("GET", &format!("/api/tokens/{id}"));
        assert_eq!(response.status, 200, "{response:?}");

        response.json()
    }

    /// Revokes a token and returns the status of the response.
    pub fn revoke_token(&self, id: &str) -> u16 {
        self.call("DELETE", &format!("/api/tokens/{id}")).status
    }
}
