//! The body of a creation.

use chrono::TimeDelta;
use patgate_endpoint::input::unknown_fields;
use patgate_endpoint::token_fields::{
    DESCRIPTION, EXPIRES_AT, NAME, TimeError, read_description, read_expiry, read_name,
};
use patgate_endpoint::{FieldCode, FieldError, FieldProblem, Problem};
use patgate_rules::clock::Timestamp;
use patgate_rules::expiry::ExpiryRules;
use serde_json::{Map, Value};

/// How far a client's clock, which computes "in 90 days", may be ahead.
const MAX_CLIENT_CLOCK_LEAD: TimeDelta = TimeDelta::minutes(5);

/// A valid body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Debug, thiserror::Error)]
enum ExpiryError {
    #[error("is required: every token of this deployment must expire")]
    Required,
    #[error(transparent)]
    Time(#[from] TimeError),
    #[error("must not be more than {max_days} days ahead")]
    TooLate { max_days: u16 },
}

impl FieldProblem for ExpiryError {
    fn code(&self) -> FieldCode {
        match self {
            Self::Required => FieldCode::Required,
            Self::Time(error) => error.code(),
            Self::TooLate { .. } => FieldCode::TooFarAhead,
        }
    }
}

impl Input {
    /// Reads the fields of a body. The problem names every field that is wrong.
    pub(crate) fn read(
        fields: &Map<String, Value>,
        rules: ExpiryRules,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        Self::check(fields, rules, now).map_err(Problem::invalid)
    }

    fn check(
        fields: &Map<String, Value>,
        rules: ExpiryRules,
        now: Timestamp,
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = unknown_fields(fields, &[NAME, DESCRIPTION, EXPIRES_AT]);
        let name = read_name(fields.get(NAME));
        let description = read_description(fields.get(DESCRIPTION));
        let expires_at = read_new_expiry(fields.get(EXPIRES_AT), rules, now);

        match (name, description, expires_at) {
            (Ok(name), Ok(description), Ok(expires_at)) if errors.is_empty() => {
                Ok(Self { name, description, expires_at })
            }
            (name, description, expires_at) => {
                errors.extend(name.err().map(|error| FieldError::in_field(NAME, &error)));
                errors.extend(description.err().map(|error| FieldError::in_field(DESCRIPTION, &error)));
                errors.extend(expires_at.err().map(|error| FieldError::in_field(EXPIRES_AT, &error)));
                Err(errors)
            }
        }
    }
}

fn read_new_expiry(
    value: Option<&Value>,
    rules: ExpiryRules,
    now: Timestamp,
) -> Result<Option<Timestamp>, ExpiryError> {
    let value = match value {
        None | Some(Value::Null) if rules.required => return Err(ExpiryError::Required),
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let time = read_expiry(value, now)?;

    if let Some(max_days) = rules.max_days
        && time > now + TimeDelta::days(max_days.into()) + MAX_CLIENT_CLOCK_LEAD
    {
        return Err(ExpiryError::TooLate { max_days });
    }
    Ok(Some(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> Timestamp {
        patgate_rules::clock::from_text("2026-11-23T09:30:00.000Z").unwrap()
    }

    fn check(body: Value) -> Result<Input, Vec<FieldError>> {
        check_with(ExpiryRules::default(), body)
    }

    fn check_with(rules: ExpiryRules, body: Value) -> Result<Input, Vec<FieldError>> {
        Input::check(body.as_object().unwrap(), rules, now())
    }

    #[test]
    fn expiry_rules_of_the_deployment_apply() {
        let required = ExpiryRules { required: true, max_days: None };
        let limited = ExpiryRules { required: true, max_days: Some(30) };
        for body in [json!({ "name": "ci" }), json!({ "name": "ci", "expiresAt": null })] {
            let expected = vec![FieldError::in_field(EXPIRES_AT, &ExpiryError::Required)];
            assert_eq!(check_with(required, body.clone()), Err(expected.clone()));
            assert_eq!(check_with(limited, body), Err(expected));
        }
        let at = |time: &str| json!({ "name": "ci", "expiresAt": time });
        assert!(check_with(required, at("2099-01-01T00:00:00Z")).is_ok());
        assert!(check_with(limited, at("2026-12-23T09:34:59Z")).is_ok());
        let errors = check_with(limited, at("2026-12-23T09:36:00Z")).unwrap_err();
        assert_eq!(errors, [FieldError::in_field(EXPIRES_AT, &ExpiryError::TooLate { max_days: 30 })]);
    }

    #[test]
    fn token_needs_only_a_name() {
        let input = Input { name: "ci".into(), description: None, expires_at: None };
        assert_eq!(check(json!({ "name": " ci " })), Ok(input));
        assert!(check(json!({ "name": "ci", "expiresAt": null })).unwrap().expires_at.is_none());
        let described = check(json!({ "name": "ci", "description": "deploys the site" })).unwrap();
        assert_eq!(described.description.as_deref(), Some("deploys the site"));
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let body = json!({ "name": "", "description": 7, "expiresAt": 7, "role": "x" });
        let errors = check(body).unwrap_err();
        let places: Vec<_> = errors.iter().map(FieldError::place).collect();
        assert_eq!(places, ["/role", "/name", "/description", "/expiresAt"]);
    }
}
