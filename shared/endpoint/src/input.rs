//! Checks of fields and parameters that report every mistake at once.

use std::collections::BTreeSet;

use patgate_rules::search::{MAX_SEARCH_CHARACTERS, SearchText};
use patgate_rules::token::has_form_of_token;
use serde_json::{Map, Value};

use crate::problem::{FieldCode, FieldError, FieldProblem, Problem};

/// The most items on a page of a list.
const MAX_PAGE_LIMIT: usize = 100;
/// The number of items on a page without the parameter `limit`.
pub const DEFAULT_PAGE_LIMIT: usize = 25;

/// The parameter `limit` is not a valid number of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimit {
    #[error("must be a whole number")]
    NotANumber,
    #[error("must be a number from 1 to {MAX_PAGE_LIMIT}")]
    OutOfRange,
}

impl FieldProblem for InvalidLimit {
    fn code(&self) -> FieldCode {
        match self {
            Self::NotANumber => FieldCode::InvalidFormat,
            Self::OutOfRange => FieldCode::OutOfRange,
        }
    }
}

/// Parses the parameter `limit` of a list.
///
/// # Errors
/// When it is not a number from 1 to 100.
pub fn parse_page_limit(text: &str) -> Result<usize, InvalidLimit> {
    let limit: i64 = text.parse().map_err(|_| InvalidLimit::NotANumber)?;
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=MAX_PAGE_LIMIT).contains(limit));
    limit.ok_or(InvalidLimit::OutOfRange)
}

/// The parameter `q` is not a text to search for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSearch {
    #[error("must have 1 to {MAX_SEARCH_CHARACTERS} characters, and not only accents")]
    Length,
    #[error("must not be a whole token, which others can see in a URL; search for its first characters")]
    Secret,
}

impl FieldProblem for InvalidSearch {
    fn code(&self) -> FieldCode {
        match self {
            Self::Length => FieldCode::InvalidFormat,
            Self::Secret => FieldCode::Secret,
        }
    }
}

/// Parses the parameter `q` of a list.
///
/// # Errors
/// When it is empty, too long, or a whole token.
pub fn parse_search(text: &str) -> Result<SearchText, InvalidSearch> {
    if has_form_of_token(text.trim()) {
        return Err(InvalidSearch::Secret);
    }
    let text = Some(text).filter(|text| text.chars().count() <= MAX_SEARCH_CHARACTERS);
    text.and_then(SearchText::new).ok_or(InvalidSearch::Length)
}

/// The parameter is not a boolean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `true` or `false`")]
pub struct NotBoolean;

impl FieldProblem for NotBoolean {
    fn code(&self) -> FieldCode {
        FieldCode::InvalidFormat
    }
}

/// Parses a parameter that is `true` or `false`.
///
/// # Errors
/// When it is another text.
pub fn parse_boolean(text: &str) -> Result<bool, NotBoolean> {
    text.parse().map_err(|_| NotBoolean)
}

/// Passes each parameter to `read`, and collects the error of every one that is wrong or
/// repeated.
///
/// # Errors
/// 400 with one error for each wrong parameter.
pub fn read_each<'a, E: FieldProblem>(
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    mut read: impl FnMut(&'a str, &'a str) -> Result<(), E>,
) -> Result<(), Problem> {
    let mut names = BTreeSet::new();
    let mut errors = Vec::new();
    for (name, value) in parameters {
        match read(name, value) {
            _ if !names.insert(name) => {
                errors.push(FieldError::at_parameter(name, FieldCode::Repeated, "must not be repeated"));
            }
            Ok(()) => {}
            Err(error) => errors.push(FieldError::in_parameter(name, &error)),
        }
    }

    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// An error for each field that is not one of `known`.
#[must_use]
pub fn unknown_fields(fields: &Map<String, Value>, known: &[&str]) -> Vec<FieldError> {
    let unknown = fields.keys().filter(|field| !known.contains(&field.as_str()));
    unknown.map(|field| FieldError::at_field(field, FieldCode::Unknown, "is not a known field")).collect()
}
