//! The body of a change.

use patgate_endpoint::input::unknown_fields;
use patgate_endpoint::{FieldCode, FieldError, FieldProblem, Problem};
use patgate_rules::user::is_role_name;
use serde_json::{Map, Value};

const DISABLED: &str = "disabled";
const ROLES: &str = "roles";
/// All of a user's roles are part of the context of every request.
const MAX_ROLES: usize = 50;

/// A valid body. `None` means unchanged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) disabled: Option<bool>,
    pub(crate) roles: Option<Vec<String>>,
}

#[derive(Debug, thiserror::Error)]
#[error("must be `true` or `false`")]
struct NotBoolean;

impl FieldProblem for NotBoolean {
    fn code(&self) -> FieldCode {
        FieldCode::WrongType
    }
}

#[derive(Debug, thiserror::Error)]
enum RolesError {
    #[error("is read-only here: roles are managed by the claim `{claim}` of each sign-in")]
    ManagedByClaim { claim: String },
    #[error("must be a list of names")]
    NotAList,
    #[error("must not have more than {MAX_ROLES} names")]
    TooMany,
    #[error("contains `{name}`, which is not a name of 1 to 128 visible ASCII characters")]
    InvalidName { name: Value },
}

impl FieldProblem for RolesError {
    fn code(&self) -> FieldCode {
        match self {
            Self::ManagedByClaim { .. } => FieldCode::ReadOnly,
            Self::NotAList => FieldCode::WrongType,
            Self::TooMany => FieldCode::TooMany,
            Self::InvalidName { .. } => FieldCode::InvalidFormat,
        }
    }
}

impl Input {
    /// Reads a body. The problem names every field that is wrong. With a `roles_claim`,
    /// roles cannot be changed here.
    pub(crate) fn read(fields: &Map<String, Value>, roles_claim: Option<&str>) -> Result<Self, Problem> {
        let mut errors = unknown_fields(fields, &[DISABLED, ROLES]);
        if fields.is_empty() {
            let detail = format!("must have `{DISABLED}` or `{ROLES}`");
            errors.push(FieldError::at_body(FieldCode::Required, detail));
        }

        let disabled = fields.get(DISABLED).map(read_disabled).transpose();
        let roles = fields.get(ROLES).map(|roles| read_roles(roles, roles_claim)).transpose();
        match (disabled, roles) {
            (Ok(disabled), Ok(roles)) if errors.is_empty() => Ok(Self { disabled, roles }),
            (disabled, roles) => {
                errors.extend(disabled.err().map(|error| FieldError::in_field(DISABLED, &error)));
                errors.extend(roles.err().map(|error| FieldError::in_field(ROLES, &error)));
                Err(Problem::invalid(errors))
            }
        }
    }
}

fn read_disabled(value: &Value) -> Result<bool, NotBoolean> {
    value.as_bool().ok_or(NotBoolean)
}

/// Reads the names of roles, each once.
fn read_roles(value: &Value, roles_claim: Option<&str>) -> Result<Vec<String>, RolesError> {
    if let Some(claim) = roles_claim {
        return Err(RolesError::ManagedByClaim { claim: claim.to_owned() });
    }
    let names = value.as_array().ok_or(RolesError::NotAList)?;
    if names.len() > MAX_ROLES {
        return Err(RolesError::TooMany);
    }

    let mut roles = Vec::with_capacity(names.len());
    for name in names {
        match name.as_str() {
            Some(role) if is_role_name(role) => {
                if !roles.iter().any(|known| known == role) {
                    roles.push(role.to_owned());
                }
            }
            _ => return Err(RolesError::InvalidName { name: name.clone() }),
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
    fn omitted_fields_stay_unchanged() {
        let disable = Input { disabled: Some(true), roles: None };
        assert_eq!(read(json!({ "disabled": true }), Some("groups")), Ok(disable));
        let roles = Input { disabled: None, roles: Some(vec!["viewer".into(), "publisher".into()]) };
        assert_eq!(read(json!({ "roles": ["viewer", "publisher", "viewer"] }), None), Ok(roles));
        assert_eq!(read(json!({ "roles": [] }), None).unwrap().roles, Some(Vec::new()));
    }

    #[test]
    fn each_wrong_field_is_named() {
        for (body, field) in [
            (json!({ "disabled": null }), "disabled"),
            (json!({ "disabled": "true" }), "disabled"),
            (json!({ "disabled": "yes" }), "disabled"),
            (json!({ "disabled": 1 }), "disabled"),
            (json!({ "disabled": true, "name": "x" }), "name"),
            (json!({ "roles": null }), "roles"),
            (json!({ "roles": "viewer" }), "roles"),
            (json!({ "roles": [7] }), "roles"),
            (json!({ "roles": [""] }), "roles"),
            (json!({ "roles": ["site administrator"] }), "roles"),
            (json!({ "roles": vec!["viewer"; 51] }), "roles"),
        ] {
            let error = read(body.clone(), None).unwrap_err();
            assert!(error.contains(&format!("Pointer(\"/{field}\")")), "{body}: {error}");
        }
        assert!(read(json!({}), None).unwrap_err().contains("Pointer(\"\")"));
        let error = read(json!({ "roles": ["viewer"] }), Some("cognito:groups")).unwrap_err();
        assert!(error.contains("`cognito:groups`"), "{error}");
    }
}
