//! `POST /api/tokens/check`: says whether a token works, and why not.
//!
//! It needs no credential except the token in its body, because the reason is wanted most
//! when the token no longer works. Only a holder of the token learns something about it: a
//! token cannot be guessed. The use of the token is not recorded, and the token is not logged.

mod config;

use patgate_dynamodb::{OwnedToken, Store};
use patgate_endpoint::input::unknown_fields;
use patgate_endpoint::request::json_object;
use patgate_endpoint::resource::unusable_because;
use patgate_endpoint::{Endpoint, FieldCode, FieldError, FieldProblem, Problem, Request, Response, response};
use patgate_rules::clock::{self, Timestamp};
use patgate_rules::verdict::{self, Verdict};
use serde_json::{Map, Value, json};

pub use crate::config::Config;

const TOKEN: &str = "token";

/// Handles `POST /api/tokens/check`.
#[derive(Debug)]
pub struct CheckToken {
    config: Config,
    store: Store,
}

#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error("is required")]
    Missing,
    #[error("must be a string")]
    NotText,
}

impl FieldProblem for TokenError {
    fn code(&self) -> FieldCode {
        match self {
            Self::Missing => FieldCode::Required,
            Self::NotText => FieldCode::WrongType,
        }
    }
}

impl CheckToken {
    #[must_use]
    pub fn new(config: Config, store: Store) -> Self {
        Self { config, store }
    }
}

impl Endpoint for CheckToken {
    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Problem> {
        let fields = json_object(request.body())?;
        let text = read_token(&fields)?;

        let Ok(plain) = self.config.token_format.parse(text) else {
            return Ok(response::ok(&json!({ "usable": false, "because": "malformed" })));
        };
        let body = match self.store.get_token_and_owner(&plain.hash(), None).await? {
            (Some(token), owner) => self.describe(&OwnedToken { token, owner }, now),
            (None, _) => json!({ "usable": false, "because": Verdict::Unknown.as_str() }),
        };

        Ok(response::ok(&body))
    }
}

impl CheckToken {
    /// What the holder of a token learns: what the API shows them with a token that works, and
    /// otherwise what they need to replace it.
    fn describe(&self, owned: &OwnedToken, now: Timestamp) -> Value {
        let OwnedToken { token, owner } = owned;
        let verdict = verdict::verify(Some(token), owner.as_ref(), now, self.config.policy);
        let revocation = verdict::revocation(token, owner.as_ref());
        let roles = owner.as_ref().filter(|_| verdict == Verdict::Allowed).map(|owner| &owner.roles);

        let members = [
            ("usable", Some(json!(verdict == Verdict::Allowed))),
            ("because", unusable_because(verdict).map(Value::from)),
            ("id", Some(json!(token.token_id.to_string()))),
            ("name", Some(json!(token.name))),
            ("expiresAt", token.expires_at.map(|at| json!(clock::to_text(at)))),
            ("revokedAt", revocation.as_ref().map(|revocation| json!(clock::to_text(revocation.at)))),
            ("revocationReason", revocation.as_ref().map(|revocation| json!(revocation.reason.as_str()))),
            ("roles", roles.map(|roles| json!(roles))),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// Reads the body's only field. No error contains its value.
fn read_token(fields: &Map<String, Value>) -> Result<&str, Problem> {
    let mut errors = unknown_fields(fields, &[TOKEN]);
    let token = match fields.get(TOKEN) {
        None | Some(Value::Null) => Err(TokenError::Missing),
        Some(value) => value.as_str().ok_or(TokenError::NotText),
    };

    match token {
        Ok(token) if errors.is_empty() => Ok(token),
        token => {
            errors.extend(token.err().map(|error| FieldError::in_field(TOKEN, &error)));
            Err(Problem::invalid(errors))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_field_is_named_and_no_value_is_repeated() {
        for (body, field) in [
            (json!({}), "token"),
            (json!({ "token": null }), "token"),
            (json!({ "token": ["fdp_secret"] }), "token"),
            (json!({ "token": "fdp_secret", "tokens": ["fdp_secret"] }), "tokens"),
        ] {
            let problem = format!("{:?}", read_token(body.as_object().unwrap()).unwrap_err());
            assert!(problem.contains(&format!("Pointer(\"/{field}\")")), "{body}: {problem}");
            assert!(!problem.contains("fdp_secret"), "{problem}");
        }
    }
}
