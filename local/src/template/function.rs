//! A template's Lambda functions.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::template::stack::Stack;
use crate::template::values::{text, whole_number};

pub(super) const RESOURCE_TYPE: &str = "AWS::Serverless::Function";

/// Lambda's defaults.
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>
const DEFAULT_TIMEOUT_SECONDS: u64 = 3;
const DEFAULT_MEMORY_MB: u64 = 128;

#[derive(Debug, Clone)]
pub(crate) struct Function {
    /// The function's logical ID, which is its name on this machine.
    pub(crate) name: String,
    /// The file name of its binary: the last part of `CodeUri`.
    pub(crate) binary: String,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) timeout: Duration,
    pub(crate) memory_mb: u64,
}

pub(super) fn read_functions(stack: &Stack<'_>) -> Result<Vec<Function>> {
    stack.resources(RESOURCE_TYPE).map(|(id, properties)| read_function(stack, id, properties)).collect()
}

fn read_function(stack: &Stack<'_>, id: &str, properties: &Value) -> Result<Function> {
    let number = |name: &str, default: u64| match properties.get(name) {
        None => Ok(default),
        Some(value) => whole_number(&stack.resolve_in(id, value)?)
            .with_context(|| format!("`{name}` of `{id}` is not a whole number")),
    };

    let code_uri = properties.get("CodeUri").and_then(Value::as_str);
    let code_uri = code_uri.with_context(|| format!("`{id}` has no `CodeUri`"))?;
    let binary = code_uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();

    Ok(Function {
        name: id.to_owned(),
        binary,
        environment: environment_variables(stack, id, properties)?,
        timeout: Duration::from_secs(number("Timeout", DEFAULT_TIMEOUT_SECONDS)?),
        memory_mb: number("MemorySize", DEFAULT_MEMORY_MB)?,
    })
}

fn environment_variables(
    stack: &Stack<'_>,
    id: &str,
    properties: &Value,
) -> Result<BTreeMap<String, String>> {
    let variables = properties.pointer("/Environment/Variables").unwrap_or(&Value::Null);
    let variables = stack.resolve_in(id, variables)?;

    let variables = variables.as_object().into_iter().flatten();
    variables.map(|(name, value)| Ok((name.clone(), text(value)?))).collect()
}
