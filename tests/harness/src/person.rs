//! Somebody who is signed in.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Request, Response, System};

/// A person with a session.
#[derive(Debug, Clone)]
pub struct Person<'a> {
    pub(crate) system: &'a System,
    pub session: String,
}

/// A token as its creation showed it.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub id: String,
    pub secret: String,
    pub resource: Value,
}

impl Person<'_> {
    /// A request with this session.
    pub fn request(&self, method: &str, path: &str) -> Request {
        self.system.request(method, path).bearer(&self.session)
    }

    pub fn call(&self, method: &str, path: &str) -> Response {
        self.request(method, path).send()
    }

    pub fn create(&self, body: &Value) -> Response {
        self.request("POST", "/api/tokens").json(body).send()
    }

    #[track_caller]
    pub fn create_token(&self, name: &str) -> NewToken {
        self.create_from(&json!({ "name": name }))
    }

    /// Creates a token that expires at a time (RFC 3339).
    #[track_caller]
    pub fn create_expiring(&self, name: &str, expires_at: &str) -> NewToken {
        self.create_from(&json!({ "name": name, "expiresAt": expires_at }))
    }

    #[track_caller]
    fn create_from(&self, body: &Value) -> NewToken {
        let response = self.create(body);
        assert_eq!(response.status, 201, "{response:?}");
        let resource = response.json();
        let text = |field: &str| resource[field].as_str().unwrap_or_else(|| panic!("{resource}")).to_owned();
        NewToken { id: text("id"), secret: text("token"), resource }
    }

    /// The tokens on the first page of a list.
    #[track_caller]
    pub fn list(&self, query: &str) -> Vec<Value> {
        let response = self.call("GET", &format!("/api/tokens?{query}"));
        assert_eq!(response.status, 200, "{response:?}");
        response.json()["items"].as_array().expect("items").clone()
    }

    /// Asks for a list until it has a token of this id: an index may lag.
    #[track_caller]
    pub fn find_listed(&self, query: &str, id: &str) -> Value {
        self.find_where(query, |item| item["id"] == id)
    }

    /// Asks for one's own list until it shows a token in some state.
    #[track_caller]
    pub fn list_until(&self, id: &str, state: impl Fn(&Value) -> bool) -> Value {
        self.find_where("limit=100", |item| item["id"] == id && state(item))
    }

    #[track_caller]
    fn find_where(&self, query: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let items = self.list(query);
            if let Some(found) = items.iter().find(|item| wanted(item)) {
                return found.clone();
            }
            assert!(Instant::now() < deadline, "not in the list: {items:?}");
        }
    }

    /// The user id, as backends see it.
    pub fn id(&self) -> String {
        self.call("GET", "/api/me").json()["id"].as_str().expect("an id").to_owned()
    }

    /// A token in this person's eyes.
    #[track_caller]
    pub fn show(&self, id: &str) -> Value {
        let response = self.call("GET", &format!("/api/tokens/{id}"));
        assert_eq!(response.status, 200, "{response:?}");
        response.json()
    }

    pub fn revoke(&self, id: &str) -> u16 {
        self.call("DELETE", &format!("/api/tokens/{id}")).status
    }

    /// The roles that the authorizer gives this session.
    pub fn roles(&self) -> Value {
        self.call("GET", "/api/me").json()["roles"].clone()
    }
}
