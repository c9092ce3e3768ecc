//! The parts of a request: its caller, path, query and body.

use lambda_http::aws_lambda_events::encodings::Body;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use patgate_caller::{Caller, Credential, MissingCaller};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::problem::{FieldCode, FieldError, Problem, ProblemCode};
use crate::user_path;

/// The largest body that an endpoint accepts.
const MAX_BODY_BYTES: usize = 16 * 1024;
const PATH_ID: &str = "pathId";

/// The ID that API Gateway gave to the request, and returns in the header `apigw-requestid`.
#[must_use]
pub(crate) fn id(request: &Request) -> Option<&str> {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.as_deref(),
        _ => None,
    }
}

/// The caller, from the context that the authorizer added to the request.
///
/// # Errors
/// When the authorizer is not attached to the route.
pub fn read_caller(request: &Request) -> Result<Caller, MissingCaller> {
    let context = request.request_context_ref();
    let authorizer = context.and_then(RequestContext::authorizer);
    Caller::from_context(|name| authorizer.and_then(|authorizer| authorizer.fields.get(name)))
}

/// Rejects the request of a caller who is not an administrator. `act` completes the sentence
/// "Only administrators can …".
///
/// # Errors
/// 403.
pub fn require_administrator(caller: &Caller, admin_role: &str, act: &str) -> Result<(), Problem> {
    if caller.has_role(admin_role) {
        Ok(())
    } else {
        let detail = format!("Only administrators can {act}.");
        Err(Problem::new(ProblemCode::AdministratorRequired, detail))
    }
}

/// Whether the path names a token, rather than all of them.
#[must_use]
pub fn has_path_id(request: &Request) -> bool {
    path_id(request).is_some()
}

pub(crate) fn path_id(request: &Request) -> Option<&str> {
    path_variable(request, "id")
}

fn path_variable<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.path_parameters_ref().and_then(|path| path.first(name))
}

/// The ID of the token that the path names: by its ID, or as `current` the token that made
/// the request.
///
/// # Errors
/// 400 when it is not an ID, and 404 when a session asks for its current token.
pub fn path_token_id(request: &Request, caller: &Caller) -> Result<Uuid, Problem> {
    match (path_id(request).unwrap_or_default(), &caller.credential) {
        ("current", Credential::Token { id, .. }) => parse_token_id(id),
        ("current", Credential::Session) => {
            let detail = "This request was not made with a token.";
            Err(Problem::new(ProblemCode::NoCurrentToken, detail))
        }
        (id, _) => parse_token_id(id),
    }
}

/// Parses a token ID from a path. It must have the form in which the API returns it.
fn parse_token_id(text: &str) -> Result<Uuid, Problem> {
    let id = Uuid::try_parse(text).ok().filter(|_| text.len() == uuid::fmt::Hyphenated::LENGTH);
    id.ok_or_else(|| invalid_path_variable("id", "must be the UUID of a token"))
}

/// The user ID in the path variable `{pathId}`, which has the form of
/// [`user_path::to_path`]. `None` if the path has no such variable.
///
/// # Errors
/// 400 when the variable has another form, such as a user ID that is not encoded.
pub fn optional_path_user_id(request: &Request) -> Result<Option<String>, Problem> {
    let Some(text) = path_variable(request, PATH_ID) else { return Ok(None) };
    user_path::from_path(text).map(Some).ok_or_else(invalid_path_id)
}

/// Like [`optional_path_user_id`], for a path that always has the variable.
///
/// # Errors
/// 400 when the variable is missing or has another form.
pub fn path_user_id(request: &Request) -> Result<String, Problem> {
    optional_path_user_id(request)?.ok_or_else(invalid_path_id)
}

fn invalid_path_id() -> Problem {
    invalid_path_variable(PATH_ID, "must be the `pathId` of a user, such as `u_YWxpY2U`")
}

fn invalid_path_variable(name: &str, detail: &str) -> Problem {
    Problem::invalid(vec![FieldError::at_parameter(name, FieldCode::InvalidFormat, detail)])
}

/// The parameters of the query, decoded.
pub fn query_parameters(request: &Request) -> impl Iterator<Item = (&str, &str)> {
    request.query_string_parameters_ref().into_iter().flat_map(|query| query.iter())
}

/// The fields of a JSON body.
///
/// # Errors
/// 413 when the body is too large, 400 when it is not a JSON object.
pub fn json_object(body: &Body) -> Result<Map<String, Value>, Problem> {
    if body.len() > MAX_BODY_BYTES {
        let detail = format!("The body is larger than {MAX_BODY_BYTES} bytes.");
        return Err(Problem::new(ProblemCode::BodyTooLarge, detail));
    }

    // The message of the parser contains a position and never a part of the body.
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Problem::new(ProblemCode::InvalidBody, format!("The body is not JSON: {error}.")))?;
    match body {
        Value::Object(fields) => Ok(fields),
        _ => Err(Problem::new(ProblemCode::InvalidBody, "The body is not a JSON object.")),
    }
}
