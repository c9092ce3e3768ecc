//! The caller of a request: written by the authorizer, read by every backend.
//!
//! This crate is all that a Rust backend behind the authorizer needs. The context is a
//! flat map of strings, because every type of API can carry that. A personal access token
//! and a session fill in the same fields, so a backend treats both the same.

use serde_json::{Map, Value};

const USER_ID: &str = "userId";
const USER_NAME: &str = "userName";
const ROLES: &str = "roles";
const AUTH_METHOD: &str = "authMethod";
const TOKEN_ID: &str = "tokenId";
const TOKEN_NAME: &str = "tokenName";

/// The caller of a request, as the authorizer established it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub user_id: String,
    pub user_name: String,
    /// The names of the user's roles at the time of this request, without white space.
    pub roles: Vec<String>,
    pub credential: Credential,
}

/// How the caller proved their identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A signed-in session.
    Session,
    /// A personal access token.
    Token { id: String, name: String },
}

/// The request context holds no caller: the route has no authorizer, or another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request context has no usable `{0}`; is the authorizer attached to this route?")]
pub struct MissingCaller(&'static str);

impl Caller {
    /// Reads the caller from the fields of the authorizer's context:
    /// `requestContext.authorizer.lambda` for an HTTP API (payload 2.0),
    /// `requestContext.authorizer` for a REST API.
    ///
    /// # Errors
    /// When a field that identifies the caller is absent or has an unknown value.
    pub fn from_context<'a>(field: impl Fn(&str) -> Option<&'a Value>) -> Result<Self, MissingCaller> {
        let text = |name: &'static str| field(name).and_then(Value::as_str).ok_or(MissingCaller(name));

        let user_id = text(USER_ID)?;
        if user_id.is_empty() {
            return Err(MissingCaller(USER_ID));
        }

        let credential = match text(AUTH_METHOD)? {
            "session" => Credential::Session,
            "pat" => Credential::Token { id: text(TOKEN_ID)?.to_owned(), name: text(TOKEN_NAME)?.to_owned() },
            _ => return Err(MissingCaller(AUTH_METHOD)),
        };

        Ok(Self {
            user_id: user_id.to_owned(),
            user_name: text(USER_NAME)?.to_owned(),
            roles: text(ROLES)?.split_ascii_whitespace().map(str::to_owned).collect(),
            credential,
        })
    }

    /// The context for API Gateway. Every field is always present: for a session,
    /// `tokenId` and `tokenName` are empty, so that mapping templates need no cases.
    #[must_use]
    pub fn to_context(&self) -> Map<String, Value> {
        let (method, token_id, token_name) = match &self.credential {
            Credential::Session => ("session", "", ""),
            Credential::Token { id, name } => ("pat", id.as_str(), name.as_str()),
        };
        let roles = self.roles.join(" ");

        [
            (USER_ID, self.user_id.as_str()),
            (USER_NAME, self.user_name.as_str()),
            (ROLES, roles.as_str()),
            (AUTH_METHOD, method),
            (TOKEN_ID, token_id),
            (TOKEN_NAME, token_name),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
    }

    /// Whether the caller has this role. Names are compared exactly.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|name| name == role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(credential: Credential) -> Caller {
        Caller {
            user_id: "alice".into(),
            user_name: "Alice Ångström".into(),
            roles: vec!["publisher".into(), "viewer".into()],
            credential,
        }
    }

    fn read(context: &Map<String, Value>) -> Result<Caller, MissingCaller> {
        Caller::from_context(|name| context.get(name))
    }

    #[test]
    fn backend_reads_the_caller_that_the_authorizer_wrote() {
        let token = Credential::Token { id: "42".into(), name: "ci runner".into() };
        for credential in [Credential::Session, token] {
            let caller = caller(credential);
            assert_eq!(read(&caller.to_context()).unwrap(), caller);
        }
    }

    #[test]
    fn both_credentials_fill_the_same_fields_with_strings_only() {
        let session = caller(Credential::Session).to_context();
        let token = caller(Credential::Token { id: "42".into(), name: "ci".into() }).to_context();
        assert!(session.keys().eq(token.keys()));
        assert!(session.values().chain(token.values()).all(Value::is_string));
    }

    #[test]
    fn caller_without_roles_has_no_role() {
        let mut caller = caller(Credential::Session);
        caller.roles.clear();
        let read = read(&caller.to_context()).unwrap();
        assert!(read.roles.is_empty() && !read.has_role(""));
    }

    #[test]
    fn route_without_the_authorizer_has_no_caller() {
        for missing in [USER_ID, USER_NAME, ROLES, AUTH_METHOD] {
            let mut context = caller(Credential::Session).to_context();
            context.remove(missing);
            assert_eq!(read(&context), Err(MissingCaller(missing)));
        }
        let mut context = caller(Credential::Session).to_context();
        context.insert(AUTH_METHOD.into(), "magic".into());
        assert!(read(&context).is_err());
        context.insert(AUTH_METHOD.into(), "session".into());
        context.insert(USER_ID.into(), "".into());
        assert!(read(&context).is_err());
    }

    #[test]
    fn role_names_are_compared_as_a_whole() {
        let caller = caller(Credential::Session);
        assert!(caller.has_role("viewer"));
        assert!(!caller.has_role("view") && !caller.has_role("Viewer"));
    }
}
