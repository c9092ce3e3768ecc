//! The body of a creation.

use chrono::{DateTime, Datelike, SubsecRound, TimeDelta, Utc};
use patgate_endpoint::input::unknown_fields;
use patgate_endpoint::request::json_object;
use patgate_endpoint::response::Body;
use patgate_endpoint::{FieldCode, FieldError, FieldProblem, Problem};
use patgate_rules::clock::Timestamp;
use patgate_rules::display_name::{self, UnclearName};
use patgate_rules::expiry::ExpiryRules;
use patgate_rules::token_record::MAX_TOKEN_NAME_CHARACTERS;
use serde_json::{Map, Value};

/// How far a client's clock, which computes "in 90 days", may be ahead.
const MAX_CLIENT_CLOCK_LEAD: TimeDelta = TimeDelta::minutes(5);
/// A year has four digits in RFC 3339, and stored times have a fixed width.
const LAST_YEAR: i32 = 9999;
const NAME: &str = "name";
const EXPIRES_AT: &str = "expiresAt";

/// A valid body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Debug, thiserror::Error)]
enum NameError {
    #[error("is required")]
    Missing,
    #[error("must be a string")]
    NotText,
    #[error("must not be empty")]
    Empty,
    #[error("must not be longer than {MAX_TOKEN_NAME_CHARACTERS} characters")]
    TooLong,
    #[error(transparent)]
    Unclear(#[from] UnclearName),
}

#[derive(Debug, thiserror::Error)]
enum ExpiryError {
    #[error("is required: every token of this deployment must expire")]
    Required,
    #[error("must be a string")]
    NotText,
    #[error("must be a date and time as in RFC 3339, such as `2027-01-31T23:59:59Z`")]
    NotATime,
    #[error("must be in the future")]
    Past,
    #[error("must not be more than {max_days} days ahead")]
    TooLate { max_days: u16 },
    #[error("must not be after the year {LAST_YEAR}")]
    AfterLastYear,
}

impl FieldProblem for NameError {
    fn code(&self) -> FieldCode {
        match self {
            Self::Missing => FieldCode::Required,
            Self::NotText => FieldCode::WrongType,
            Self::Empty => FieldCode::Empty,
            Self::TooLong => FieldCode::TooLong,
            Self::Unclear(_) => FieldCode::UnclearName,
        }
    }
}

impl FieldProblem for ExpiryError {
    fn code(&self) -> FieldCode {
        match self {
            Self::Required => FieldCode::Required,
            Self::NotText => FieldCode::WrongType,
            Self::NotATime => FieldCode::InvalidFormat,
            Self::Past => FieldCode::InThePast,
            Self::TooLate { .. } | Self::AfterLastYear => FieldCode::TooFarAhead,
        }
    }
}

impl Input {
    /// Reads a body. The problem names every field that is wrong.
    pub(crate) fn read(body: &Body, rules: ExpiryRules, now: Timestamp) -> Result<Self, Problem> {
        Self::check(&json_object(body)?, rules, now).map_err(Problem::invalid)
    }

    fn check(
        fields: &Map<String, Value>,
        rules: ExpiryRules,
        now: Timestamp,
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = unknown_fields(fields, &[NAME, EXPIRES_AT]);
        let name = read_name(fields.get(NAME));
        let expires_at = read_expiry(fields.get(EXPIRES_AT), rules, now);

        match (name, expires_at) {
            (Ok(name), Ok(expires_at)) if errors.is_empty() => Ok(Self { name, expires_at }),
            (name, expires_at) => {
                errors.extend(name.err().map(|error| FieldError::in_field(NAME, &error)));
                errors.extend(expires_at.err().map(|error| FieldError::in_field(EXPIRES_AT, &error)));
                Err(errors)
            }
        }
    }
}

fn read_name(value: Option<&Value>) -> Result<String, NameError> {
    let name = match value {
        None | Some(Value::Null) => return Err(NameError::Missing),
        Some(Value::String(name)) => name.trim(),
        Some(_) => return Err(NameError::NotText),
    };

    if name.is_empty() {
        Err(NameError::Empty)
    } else if name.chars().count() > MAX_TOKEN_NAME_CHARACTERS {
        Err(NameError::TooLong)
    } else {
        display_name::check(name)?;
        Ok(name.to_owned())
    }
}

fn read_expiry(
    value: Option<&Value>,
    rules: ExpiryRules,
    now: Timestamp,
) -> Result<Option<Timestamp>, ExpiryError> {
    let text = match value {
        None | Some(Value::Null) if rules.required => return Err(ExpiryError::Required),
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(ExpiryError::NotText),
    };
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| ExpiryError::NotATime)?;
    let time = time.with_timezone(&Utc).trunc_subsecs(3);

    if time <= now {
        return Err(ExpiryError::Past);
    }
    if let Some(max_days) = rules.max_days
        && time > now + TimeDelta::days(max_days.into()) + MAX_CLIENT_CLOCK_LEAD
    {
        return Err(ExpiryError::TooLate { max_days });
    }
    if time.year() > LAST_YEAR {
        return Err(ExpiryError::AfterLastYear);
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

    /// The codes of the errors of `name`, or of another field.
    fn codes(field: &str, body: Value) -> Vec<FieldCode> {
        let errors = check(body).unwrap_err();
        assert!(errors.iter().all(|error| error.place() == format!("/{field}")), "{errors:?}");
        errors.iter().map(FieldError::code).collect()
    }

    #[test]
    fn token_without_expiry_needs_only_a_name() {
        let input = Input { name: "ci runner ✓".into(), expires_at: None };
        assert_eq!(check(json!({ "name": " ci runner ✓ " })), Ok(input));
        assert!(check(json!({ "name": "ci", "expiresAt": null })).unwrap().expires_at.is_none());
    }

    #[test]
    fn name_must_show_what_it_is() {
        for name in ["a\u{202e}b", "a\u{2028}b", "\u{200b}", "\u{3164}"] {
            assert_eq!(codes(NAME, json!({ "name": name })), [FieldCode::UnclearName], "{name:?}");
        }
        assert!(check(json!({ "name": "👩‍💻 דוד" })).is_ok());
    }

    #[test]
    fn expiry_may_have_any_offset_and_is_truncated_to_milliseconds() {
        let input = check(json!({ "name": "ci", "expiresAt": "2026-11-23T11:30:00.0019+02:00" })).unwrap();
        let expected = patgate_rules::clock::from_text("2026-11-23T09:30:00.001Z").unwrap();
        assert_eq!(input.expires_at, Some(expected));
    }

    #[test]
    fn each_wrong_field_is_named_with_its_code() {
        for (wrong, code) in [
            (json!(null), FieldCode::Required),
            (json!(7), FieldCode::WrongType),
            (json!(""), FieldCode::Empty),
            (json!(" \t"), FieldCode::Empty),
            (json!("a\u{7}b"), FieldCode::UnclearName),
            (json!("a\nb"), FieldCode::UnclearName),
            (json!("a\u{0}b"), FieldCode::UnclearName),
            (json!("x".repeat(101)), FieldCode::TooLong),
        ] {
            assert_eq!(codes(NAME, json!({ "name": wrong })), [code], "{wrong}");
        }
        for (wrong, code) in [
            (json!(7), FieldCode::WrongType),
            (json!(""), FieldCode::InvalidFormat),
            (json!("tomorrow"), FieldCode::InvalidFormat),
            (json!("2027-01-31"), FieldCode::InvalidFormat),
            (json!("2026-11-23T09:30:00Z"), FieldCode::InThePast),
            (json!("2026-11-23T09:30:00.0009Z"), FieldCode::InThePast),
            (json!("2027-02-30T00:00:00Z"), FieldCode::InvalidFormat),
            (json!("9999-12-31T23:59:59-01:00"), FieldCode::TooFarAhead),
            (json!("+12027-01-01T00:00:00Z"), FieldCode::InvalidFormat),
        ] {
            assert_eq!(codes(EXPIRES_AT, json!({ "name": "ci", "expiresAt": wrong })), [code], "{wrong}");
        }
        assert!(check(json!({ "name": "é".repeat(100) })).is_ok());
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let errors = check(json!({ "name": "", "expiresAt": 7, "role": "x" })).unwrap_err();
        let places: Vec<_> = errors.iter().map(FieldError::place).collect();
        assert_eq!(places, ["/role", "/name", "/expiresAt"]);
    }
}
