//! The fields of a token that its owner chooses.

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use patgate_rules::clock::Timestamp;
use patgate_rules::display_name::{self, UnclearText};
use patgate_rules::token_record::{MAX_TOKEN_DESCRIPTION_CHARACTERS, MAX_TOKEN_NAME_CHARACTERS};
use serde_json::Value;

use crate::problem::{FieldCode, FieldProblem};

pub const NAME: &str = "name";
pub const DESCRIPTION: &str = "description";
pub const EXPIRES_AT: &str = "expiresAt";

/// A year has four digits in RFC 3339, and stored times have a fixed width.
const LAST_YEAR: i32 = 9999;

/// What is wrong with a name or a description.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    #[error("is required")]
    Missing,
    #[error("must be a string")]
    NotText,
    #[error("must not be empty")]
    Empty,
    #[error("must not be longer than {max_characters} characters")]
    TooLong { max_characters: usize },
    #[error(transparent)]
    Unclear(#[from] UnclearText),
}

/// What is wrong with a time.
#[derive(Debug, thiserror::Error)]
pub enum TimeError {
    #[error("must be a string")]
    NotText,
    #[error("must be a date and time as in RFC 3339, such as `2027-01-31T23:59:59Z`")]
    NotATime,
    #[error("must be in the future")]
    Past,
    #[error("must not be after the year {LAST_YEAR}")]
    AfterLastYear,
}

impl FieldProblem for TextError {
    fn code(&self) -> FieldCode {
        match self {
            Self::Missing => FieldCode::Required,
            Self::NotText => FieldCode::WrongType,
            Self::Empty => FieldCode::Empty,
            Self::TooLong { .. } => FieldCode::TooLong,
            Self::Unclear(_) => FieldCode::UnclearText,
        }
    }
}

impl FieldProblem for TimeError {
    fn code(&self) -> FieldCode {
        match self {
            Self::NotText => FieldCode::WrongType,
            Self::NotATime => FieldCode::InvalidFormat,
            Self::Past => FieldCode::InThePast,
            Self::AfterLastYear => FieldCode::TooFarAhead,
        }
    }
}

/// Reads the name of a token, without surrounding spaces.
///
/// # Errors
/// When it is missing, empty, longer than 100 characters or does not show what it is.
pub fn read_name(value: Option<&Value>) -> Result<String, TextError> {
    match value {
        None | Some(Value::Null) => Err(TextError::Missing),
        Some(value) => read_text(value, MAX_TOKEN_NAME_CHARACTERS)?.ok_or(TextError::Empty),
    }
}

/// Reads the description of a token, without surrounding spaces. `None` if it is null or
/// empty.
///
/// # Errors
/// When it is longer than 500 characters or does not show what it is.
pub fn read_description(value: Option<&Value>) -> Result<Option<String>, TextError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read_text(value, MAX_TOKEN_DESCRIPTION_CHARACTERS),
    }
}

fn read_text(value: &Value, max_characters: usize) -> Result<Option<String>, TextError> {
    let text = value.as_str().ok_or(TextError::NotText)?.trim();
    if text.is_empty() {
        return Ok(None);
    }

    if text.chars().count() > max_characters {
        return Err(TextError::TooLong { max_characters });
    }
    display_name::check(text)?;
    Ok(Some(text.to_owned()))
}

/// Reads a time in RFC 3339, truncated to milliseconds.
///
/// # Errors
/// When it has another form, or is after the year 9999.
pub fn read_time(text: &str) -> Result<Timestamp, TimeError> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| TimeError::NotATime)?;
    let time = time.with_timezone(&Utc).trunc_subsecs(3);

    if time.year() > LAST_YEAR { Err(TimeError::AfterLastYear) } else { Ok(time) }
}

/// Reads the expiry of a token: a time in the future.
///
/// # Errors
/// When it is not such a time.
pub fn read_expiry(value: &Value, now: Timestamp) -> Result<Timestamp, TimeError> {
    let time = read_time(value.as_str().ok_or(TimeError::NotText)?)?;
    if time <= now { Err(TimeError::Past) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> Timestamp {
        patgate_rules::clock::from_text("2026-11-23T09:30:00.000Z").unwrap()
    }

    #[test]
    fn texts_are_trimmed_and_a_description_may_be_absent() {
        assert_eq!(read_name(Some(&json!(" ci runner ✓ "))).unwrap(), "ci runner ✓");
        assert!(read_name(Some(&json!("é".repeat(100)))).is_ok());
        assert_eq!(read_description(Some(&json!(" deploys "))).unwrap().as_deref(), Some("deploys"));
        assert!(read_description(Some(&json!("é".repeat(500)))).is_ok());
        for absent in [None, Some(&json!(null)), Some(&json!(" "))] {
            assert_eq!(read_description(absent).unwrap(), None);
        }
    }

    #[test]
    fn texts_must_show_what_they_are() {
        for text in ["a\u{202e}b", "a\u{2028}b", "\u{200b}", "\u{3164}", "a\u{7}b", "a\nb", "a\u{0}b"] {
            let text = json!(text);
            assert_eq!(read_name(Some(&text)).unwrap_err().code(), FieldCode::UnclearText, "{text}");
            assert_eq!(read_description(Some(&text)).unwrap_err().code(), FieldCode::UnclearText, "{text}");
        }
        assert!(read_name(Some(&json!("👩‍💻 דוד"))).is_ok());
    }

    #[test]
    fn each_wrong_text_has_its_code() {
        for (wrong, code) in [
            (json!(null), FieldCode::Required),
            (json!(7), FieldCode::WrongType),
            (json!(""), FieldCode::Empty),
            (json!(" \t"), FieldCode::Empty),
            (json!("x".repeat(101)), FieldCode::TooLong),
        ] {
            assert_eq!(read_name(Some(&wrong)).unwrap_err().code(), code, "{wrong}");
        }
        for (wrong, code) in
            [(json!(["x"]), FieldCode::WrongType), (json!("x".repeat(501)), FieldCode::TooLong)]
        {
            assert_eq!(read_description(Some(&wrong)).unwrap_err().code(), code, "{wrong}");
        }
    }

    #[test]
    fn expiry_may_have_any_offset_and_is_truncated_to_milliseconds() {
        let expiry = read_expiry(&json!("2026-11-23T11:30:00.0019+02:00"), now()).unwrap();
        assert_eq!(expiry, patgate_rules::clock::from_text("2026-11-23T09:30:00.001Z").unwrap());
    }

    #[test]
    fn each_wrong_expiry_has_its_code() {
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
            assert_eq!(read_expiry(&wrong, now()).unwrap_err().code(), code, "{wrong}");
        }
    }
}
