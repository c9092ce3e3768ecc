//! What a request brings along, checked: path, query and body.

use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::{Request, RequestExt};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{FieldError, Problem};
use crate::user::is_user_id;

/// No endpoint needs more.
const BODY_MAX_BYTES: usize = 16 * 1024;
/// The most items on a page of a list, and how many there are if nobody asks.
const PAGE_MAX: usize = 100;
pub const PAGE_DEFAULT: usize = 25;

/// The variable `{id}` of a path, decoded.
#[must_use]
pub fn path_id(request: &Request) -> Option<&str> {
    request.path_parameters_ref().and_then(|path| path.first("id"))
}

/// The id of a token in a path, in the form the API gives it out.
///
/// # Errors
/// 400 when the text is no UUID with hyphens.
pub fn token_id(text: &str) -> Result<Uuid, Problem> {
    let id = Uuid::try_parse(text).ok().filter(|_| text.len() == uuid::fmt::Hyphenated::LENGTH);
    id.ok_or_else(|| Problem::invalid(vec![FieldError::new("id", "must be the UUID of a token")]))
}

/// The id of a user in a path.
///
/// # Errors
/// 400 when nobody can have it.
pub fn user_id(request: &Request) -> Result<&str, Problem> {
    let id = path_id(request).filter(|id| is_user_id(id));
    id.ok_or_else(|| Problem::invalid(vec![FieldError::new("id", "is no user's id")]))
}

/// The parameters of the query, decoded.
pub fn query(request: &Request) -> impl Iterator<Item = (&str, &str)> {
    request.query_string_parameters_ref().into_iter().flat_map(|query| query.iter())
}

/// Takes in parameters one by one; what is wrong is said of every one at once.
///
/// # Errors
/// 400 with what `take` says of each.
pub fn take_each<'a>(
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    mut take: impl FnMut(&'a str, &'a str) -> Result<(), String>,
) -> Result<(), Problem> {
    let wrong = |(name, value)| take(name, value).err().map(|message| FieldError::new(name, message));
    let errors: Vec<_> = parameters.into_iter().filter_map(wrong).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// The parameter `limit` of a list.
///
/// # Errors
/// What is wrong with it.
pub fn page_limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
    limit.ok_or_else(|| format!("must be a whole number from 1 to {PAGE_MAX}"))
}

/// The fields of a body.
///
/// # Errors
/// 400 when it is too large or no JSON object.
pub fn json_object(body: &Body) -> Result<Map<String, Value>, Problem> {
    if body.len() > BODY_MAX_BYTES {
        return Err(Problem::bad_request(format!("The body is larger than {BODY_MAX_BYTES} bytes.")));
    }
    // The parser says where it stopped, and never quotes what it read.
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(format!("The body is not JSON: {error}.")))?;
    match body {
        Value::Object(fields) => Ok(fields),
        _ => Err(Problem::bad_request("The body is not a JSON object.")),
    }
}

/// An error for every field that is not one of these.
#[must_use]
pub fn unknown_fields(fields: &Map<String, Value>, known: &[&str]) -> Vec<FieldError> {
    let unknown = fields.keys().filter(|field| !known.contains(&field.as_str()));
    unknown.map(|field| FieldError::new(field, "is not a known field")).collect()
}
