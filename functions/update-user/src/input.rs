//! The body of a change, checked field by field.

use patgate::http::input::unknown_fields;
use patgate::http::{FieldError, Problem};
use patgate::user::is_role_name;
use serde_json::{Map, Value};

const DISABLED: &str = "disabled";
const ROLES: &str = "roles";
/// They all travel in the context of every request.
const ROLES_MAX: usize = 50;

/// A valid body: what is None stays as it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) disabled: Option<bool>,
    pub(crate) roles: Option<Vec<String>>,
}

impl Input {
    /// Reads a body; what is wrong with it is said of every field at once. With a
    /// `roles_claim` roles are not ours to change.
    pub(crate) fn read(fields: &Map<String, Value>, roles_claim: Option<&str>) -> Result<Self, Problem> {
        let mut errors = unknown_fields(fields, &[DISABLED, ROLES]);
        if fields.is_empty() {
            errors.push(FieldError::new(DISABLED, "or `roles` is required"));
        }
        let mut check = |field, message: String| errors.push(FieldError::new(field, message));
        let disabled = match fields.get(DISABLED) {
            None => None,
            Some(Value::Bool(disabled)) => Some(*disabled),
            Some(_) => {
                check(DISABLED, "must be `true` or `false`".to_owned());
                None
            }
        };
        let roles = match (fields.get(ROLES), roles_claim) {
            (None, _) => None,
            (Some(_), Some(claim)) => {
                let message =
                    format!("is read-only here: the claim `{claim}` of each sign-in rules the roles");
                check(ROLES, message);
                None
            }
            (Some(roles), None) => read_roles(roles).map_err(|message| check(ROLES, message)).ok(),
        };
        if errors.is_empty() { Ok(Self { disabled, roles }) } else { Err(Problem::invalid(errors)) }
    }
}

/// Names of roles, each once.
fn read_roles(value: &Value) -> Result<Vec<String>, String> {
    let names = value.as_array().ok_or("must be a list of names")?;
    if names.len() > ROLES_MAX {
        return Err(format!("must not have more than {ROLES_MAX} names"));
    }
    let mut roles = Vec::with_capacity(names.len());
    for name in names {
        match name.as_str() {
            Some(role) if is_role_name(role) => {
                if !roles.iter().any(|known| known == role) {
                    roles.push(role.to_owned());
                }
            }
            _ => return Err(format!("has {name}, which is no name of 1 to 128 visible ASCII characters")),
        }
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: Value, roles_claim: Option<&str>) -> Result<Input, String> {
        let read = Input::read(body.as_object().unwrap(), roles_claim);
        read.map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn what_is_left_out_stays_as_it_is() {
        let disable = Input { disabled: Some(true), roles: None };
        assert_eq!(read(json!({ "disabled": true }), Some("groups")), Ok(disable));
        let roles = Input { disabled: None, roles: Some(vec!["viewer".into(), "publisher".into()]) };
        assert_eq!(read(json!({ "roles": ["viewer", "publisher", "viewer"] }), None), Ok(roles));
        assert_eq!(read(json!({ "roles": [] }), None).unwrap().roles, Some(Vec::new()));
    }

    #[test]
    fn each_wrong_field_is_named() {
        for body in [
            json!({}),
            json!({ "disabled": null }),
            json!({ "disabled": "true" }),
            json!({ "disabled": 1 }),
            json!({ "disabled": true, "name": "x" }),
            json!({ "roles": null }),
            json!({ "roles": "viewer" }),
            json!({ "roles": [7] }),
            json!({ "roles": [""] }),
            json!({ "roles": ["site administrator"] }),
            json!({ "roles": vec!["viewer"; 51] }),
        ] {
            assert!(read(body.clone(), None).is_err(), "{body}");
        }
        let error = read(json!({ "roles": ["viewer"] }), Some("cognito:groups")).unwrap_err();
        assert!(error.contains("`cognito:groups`"), "{error}");
    }
}
