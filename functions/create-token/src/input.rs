//! The body of a creation, checked field by field.

use chrono::{DateTime, Datelike, SubsecRound, TimeDelta, Utc};
use lambda_http::aws_lambda_events::encodings::Body;
use patgate::clock::Timestamp;
use patgate::config::ExpiryRules;
use patgate::http::input::{json_object, unknown_fields};
use patgate::http::{FieldError, Problem};
use patgate::record::NAME_MAX_CHARACTERS;
use serde_json::{Map, Value};

/// "In 90 days" is computed by a client's clock.
const CLIENT_CLOCK_AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);
/// RFC 3339 has four digits for a year, and stored times have one width.
const LAST_YEAR: i32 = 9999;
const NAME: &str = "name";
const EXPIRES_AT: &str = "expiresAt";

/// A valid body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Input {
    /// Reads a body; what is wrong with it is said of every field at once.
    pub(crate) fn read(body: &Body, rules: ExpiryRules, now: Timestamp) -> Result<Self, Problem> {
        Self::check(&json_object(body)?, rules, now).map_err(Problem::invalid)
    }

    fn check(
        fields: &Map<String, Value>,
        rules: ExpiryRules,
        now: Timestamp,
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = unknown_fields(fields, &[NAME, EXPIRES_AT]);
        let name = check_name(fields.get(NAME));
        let expires_at = check_expiry(fields.get(EXPIRES_AT), rules, now);
        match (name, expires_at) {
            (Ok(name), Ok(expires_at)) if errors.is_empty() => Ok(Self { name, expires_at }),
            (name, expires_at) => {
                errors.extend(name.err().map(|message| FieldError::new(NAME, message)));
                errors.extend(expires_at.err().map(|message| FieldError::new(EXPIRES_AT, message)));
                Err(errors)
            }
        }
    }
}

fn check_name(value: Option<&Value>) -> Result<String, String> {
    let name = match value {
        None | Some(Value::Null) => return Err("is required".to_owned()),
        Some(Value::String(name)) => name.trim(),
        Some(_) => return Err("must be a string".to_owned()),
    };
    if name.is_empty() {
        Err("must not be empty".to_owned())
    } else if name.chars().count() > NAME_MAX_CHARACTERS {
        Err(format!("must not be longer than {NAME_MAX_CHARACTERS} characters"))
    } else if name.chars().any(char::is_control) {
        Err("must not contain control characters".to_owned())
    } else {
        Ok(name.to_owned())
    }
}

fn check_expiry(
    value: Option<&Value>,
    rules: ExpiryRules,
    now: Timestamp,
) -> Result<Option<Timestamp>, String> {
    let text = match value {
        None | Some(Value::Null) if rules.required => return Err("is required here".to_owned()),
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err("must be a string".to_owned()),
    };
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|_| "must be a date and time as in RFC 3339, such as `2027-01-31T23:59:59Z`".to_owned())?;
    let time = time.with_timezone(&Utc).trunc_subsecs(3);
    let latest = rules.max_days.map(|days| now + TimeDelta::days(days.into()));
    if time <= now {
        Err("must be in the future".to_owned())
    } else if latest.is_some_and(|latest| time > latest + CLIENT_CLOCK_AHEAD_MAX) {
        Err(format!("must not be more than {} days ahead", rules.max_days.unwrap_or_default()))
    } else if time.year() > LAST_YEAR {
        Err(format!("must not be after the year {LAST_YEAR}"))
    } else {
        Ok(Some(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> Timestamp {
        patgate::clock::from_text("2026-11-23T09:30:00.000Z").unwrap()
    }

    fn check(body: Value) -> Result<Input, Vec<(String, String)>> {
        check_by(ExpiryRules::default(), body)
    }

    fn check_by(rules: ExpiryRules, body: Value) -> Result<Input, Vec<(String, String)>> {
        let pairs = |errors: Vec<FieldError>| errors.into_iter().map(|error| (error.field, error.message));
        Input::check(body.as_object().unwrap(), rules, now()).map_err(|errors| pairs(errors).collect())
    }

    #[test]
    fn rules_of_the_deployment_hold() {
        let required = ExpiryRules { required: true, max_days: None };
        let limited = ExpiryRules { required: true, max_days: Some(30) };
        for body in [json!({ "name": "ci" }), json!({ "name": "ci", "expiresAt": null })] {
            let wrong = vec![("expiresAt".to_owned(), "is required here".to_owned())];
            assert_eq!(check_by(required, body.clone()), Err(wrong.clone()));
            assert_eq!(check_by(limited, body), Err(wrong));
        }
        let at = |time: &str| json!({ "name": "ci", "expiresAt": time });
        assert!(check_by(required, at("2099-01-01T00:00:00Z")).is_ok());
        assert!(check_by(limited, at("2026-12-23T09:34:59Z")).is_ok());
        let wrong = check_by(limited, at("2026-12-23T09:36:00Z")).unwrap_err();
        assert_eq!(wrong, [("expiresAt".to_owned(), "must not be more than 30 days ahead".to_owned())]);
    }

    fn fields(body: Value) -> Vec<String> {
        check(body).unwrap_err().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn name_alone_makes_a_token_that_does_not_expire() {
        let input = Input { name: "ci runner ✓".into(), expires_at: None };
        assert_eq!(check(json!({ "name": " ci runner ✓ " })), Ok(input));
        assert!(check(json!({ "name": "ci", "expiresAt": null })).unwrap().expires_at.is_none());
    }

    #[test]
    fn expiry_is_taken_in_any_zone_to_the_millisecond() {
        let input = check(json!({ "name": "ci", "expiresAt": "2026-11-23T11:30:00.0019+02:00" })).unwrap();
        let expected = patgate::clock::from_text("2026-11-23T09:30:00.001Z").unwrap();
        assert_eq!(input.expires_at, Some(expected));
    }

    #[test]
    fn each_wrong_field_is_named() {
        for wrong in
            [json!(null), json!(7), json!(""), json!(" \t"), json!("a\u{7}b"), json!("x".repeat(101))]
        {
            assert_eq!(fields(json!({ "name": wrong })), ["name"], "{wrong}");
        }
        for wrong in [
            json!(7),
            json!(""),
            json!("tomorrow"),
            json!("2027-01-31"),
            json!("2026-11-23T09:30:00Z"),
            json!("2026-11-23T09:30:00.0009Z"),
            json!("2027-02-30T00:00:00Z"),
            json!("9999-12-31T23:59:59-01:00"),
            json!("+12027-01-01T00:00:00Z"),
        ] {
            assert_eq!(fields(json!({ "name": "ci", "expiresAt": wrong })), ["expiresAt"], "{wrong}");
        }
        assert_eq!(fields(json!({ "name": "", "expiresAt": 7, "role": "x" })), ["role", "name", "expiresAt"]);
        assert!(check(json!({ "name": "é".repeat(100) })).is_ok());
    }
}
