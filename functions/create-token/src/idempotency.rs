//! The header `Idempotency-Key`, and the response to a creation that succeeded before.

use patgate_caller::Caller;
use patgate_endpoint::{FieldCode, FieldError, Problem, ProblemCode, Request, resource};
use patgate_rules::idempotency::{
    EarlierCreation, Idempotency, IdempotencyKey, InvalidIdempotencyKey, RequestHash,
};
use serde_json::{Map, Value};

const HEADER: &str = "Idempotency-Key";

/// Reads the header. The body counts as the same if it has the same fields and values.
///
/// # Errors
/// 400 when the key is invalid.
pub(crate) fn read(
    request: &Request,
    caller: &Caller,
    fields: &Map<String, Value>,
) -> Result<Option<Idempotency>, Problem> {
    // API Gateway joins the values of a repeated header, so there is one at most.
    let Some(value) = request.headers().get(HEADER) else { return Ok(None) };
    let key = value
        .to_str()
        .map_err(|_| InvalidIdempotencyKey)
        .and_then(|key| IdempotencyKey::new(&caller.user_id, key));
    let key = key.map_err(|error| {
        let error = FieldError::at_header(HEADER, FieldCode::InvalidFormat, error.to_string());
        Problem::invalid(vec![error])
    })?;
    // The fields of a map are sorted by name.
    let request = RequestHash::of(&Value::from(fields.clone()).to_string());

    Ok(Some(Idempotency { key, request }))
}

/// 409 that leads to the token, or 422 if the earlier request was another one.
pub(crate) fn already_used(idempotency: Option<&Idempotency>, earlier: &EarlierCreation) -> Problem {
    if idempotency.is_none_or(|idempotency| idempotency.request != earlier.request) {
        let detail = "The key was sent with another body before. Nothing was created.";
        return Problem::new(ProblemCode::KeyReused, detail);
    }

    let detail = "An earlier request with this key created the token. Its secret cannot be shown again: revoke the \
                  token, and create another with a new key.";
    Problem::new(ProblemCode::AlreadyCreated, detail)
        .with_extension("tokenId", earlier.token_id.to_string())
        .with_header(resource::LOCATION, resource::token_location(earlier.token_id))
}
