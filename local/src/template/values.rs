//! Reads typed values from templates.

use anyhow::{Result, bail};
use serde_json::{Map, Value};

/// A scalar or list as CloudFormation writes it into a string.
pub(super) fn text(value: &Value) -> Result<String> {
    match value {
        Value::String(value) => Ok(value.clone()),
        Value::Number(value) => Ok(value.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Array(values) => Ok(values.iter().map(text).collect::<Result<Vec<_>>>()?.join(",")),
        Value::Null | Value::Object(_) => bail!("`{value}` is not a string"),
    }
}

/// A list's strings; empty if there is no list.
pub(super) fn strings(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A whole number. A parameter's number is a string.
pub(super) fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Fails if there are other fields than the emulated ones.
pub(super) fn reject_other_fields(fields: &Map<String, Value>, emulated: &[&str]) -> Result<()> {
    match fields.keys().find(|name| !emulated.contains(&name.as_str())) {
        Some(name) => bail!("`{name}` is not emulated"),
        None => Ok(()),
    }
}

/// The only field of an object, with its name.
pub(super) fn single_field(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut fields = fields.iter();
    match (fields.next(), fields.next()) {
        (Some((name, value)), None) => Some((name.as_str(), value)),
        _ => None,
    }
}
