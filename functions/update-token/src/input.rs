//! The body of a change, and what it makes of a token.

use patgate_endpoint::input::unknown_fields;
use patgate_endpoint::token_fields::{
    DESCRIPTION, EXPIRES_AT, NAME, TimeError, read_description, read_expiry, read_name,
};
use patgate_endpoint::{FieldCode, FieldError, FieldProblem, Problem};
use patgate_rules::clock::Timestamp;
use patgate_rules::token_record::TokenRecord;
use serde_json::{Map, Value};

/// A valid body. `None` means unchanged.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Input {
    name: Option<String>,
    /// `Some(None)` removes the description.
    description: Option<Option<String>>,
    /// `Some(None)` is accepted for a token that does not expire.
    expires_at: Option<Option<Timestamp>>,
}

#[derive(Debug, thiserror::Error)]
#[error("must not be later than before: a change can only bring the expiry forward")]
struct LaterThanBefore;

impl FieldProblem for LaterThanBefore {
    fn code(&self) -> FieldCode {
        FieldCode::LaterThanBefore
    }
}

impl Input {
    /// Reads a body. The problem names every field that is wrong.
    pub(crate) fn read(fields: &Map<String, Value>, now: Timestamp) -> Result<Self, Problem> {
        let mut errors = unknown_fields(fields, &[NAME, DESCRIPTION, EXPIRES_AT]);
        if fields.is_empty() {
            let detail = format!("must have `{NAME}`, `{DESCRIPTION}` or `{EXPIRES_AT}`");
            errors.push(FieldError::at_body(FieldCode::Required, detail));
        }

        let present = |field| fields.get(field).map(Some);
        let name = present(NAME).map(read_name).transpose();
        let description = present(DESCRIPTION).map(read_description).transpose();
        let expires_at = fields.get(EXPIRES_AT).map(|value| read_new_expiry(value, now)).transpose();
        match (name, description, expires_at) {
            (Ok(name), Ok(description), Ok(expires_at)) if errors.is_empty() => {
                Ok(Self { name, description, expires_at })
            }
            (name, description, expires_at) => {
                errors.extend(name.err().map(|error| FieldError::in_field(NAME, &error)));
                errors.extend(description.err().map(|error| FieldError::in_field(DESCRIPTION, &error)));
                errors.extend(expires_at.err().map(|error| FieldError::in_field(EXPIRES_AT, &error)));
                Err(Problem::invalid(errors))
            }
        }
    }

    /// The token after the change.
    ///
    /// INVARIANT: no change makes a token live longer than its creation allowed.
    ///
    /// # Errors
    /// 400 when the token would expire later than now.
    pub(crate) fn apply(&self, token: &TokenRecord) -> Result<TokenRecord, Problem> {
        let mut changed = token.clone();
        if let Some(name) = &self.name {
            changed.name.clone_from(name);
        }
        if let Some(description) = &self.description {
            changed.description.clone_from(description);
        }
        if let Some(expires_at) = self.expires_at {
            if token.expires_at.is_some_and(|before| expires_at.is_none_or(|after| after > before)) {
                return Err(Problem::invalid(vec![FieldError::in_field(EXPIRES_AT, &LaterThanBefore)]));
            }
            changed.expires_at = expires_at;
        }

        Ok(changed)
    }
}

fn read_new_expiry(value: &Value, now: Timestamp) -> Result<Option<Timestamp>, TimeError> {
    if value.is_null() { Ok(None) } else { read_expiry(value, now).map(Some) }
}

/// The fields whose values differ, by their names in the API.
pub(crate) fn changed_fields(before: &TokenRecord, after: &TokenRecord) -> Vec<&'static str> {
    let fields = [
        (NAME, before.name != after.name),
        (DESCRIPTION, before.description != after.description),
        (EXPIRES_AT, before.expires_at != after.expires_at),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use patgate_rules::clock::from_text;
    use serde_json::json;

    fn read(body: Value) -> Result<Input, String> {
        let now = from_text("2026-11-23T09:30:00.000Z").unwrap();
        Input::read(body.as_object().unwrap(), now).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn omitted_fields_stay_unchanged_and_null_removes_a_description() {
        let name = Input { name: Some("ci".into()), ..Input::default() };
        assert_eq!(read(json!({ "name": " ci " })), Ok(name));
        for none in [json!(null), json!("")] {
            assert_eq!(read(json!({ "description": none })).unwrap().description, Some(None));
        }
        assert_eq!(read(json!({ "expiresAt": null })).unwrap().expires_at, Some(None));
    }

    #[test]
    fn each_wrong_field_is_named() {
        let pointer = |field: &str| if field.is_empty() { String::new() } else { format!("/{field}") };
        for (body, field) in [
            (json!({}), ""),
            (json!({ "name": null }), "name"),
            (json!({ "name": "" }), "name"),
            (json!({ "description": 7 }), "description"),
            (json!({ "description": "x".repeat(501) }), "description"),
            (json!({ "expiresAt": "2026-11-23T09:30:00Z" }), "expiresAt"),
            (json!({ "expiresAt": 7 }), "expiresAt"),
            (json!({ "name": "ci", "roles": [] }), "roles"),
        ] {
            let error = read(body.clone()).unwrap_err();
            assert!(error.contains(&format!("Pointer({:?})", pointer(field))), "{body}: {error}");
        }
    }
}
