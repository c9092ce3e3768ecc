//! A template's conditions.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::template::stack::Stack;
use crate::template::values::single_field;

impl Stack<'_> {
    /// Whether the condition of this name is true.
    pub(super) fn condition(&self, name: &str) -> Result<bool> {
        self.evaluate(self.condition_definition(name)?)
    }

    fn evaluate(&self, condition: &Value) -> Result<bool> {
        match condition.as_object().and_then(single_field) {
            Some(("Condition", Value::String(name))) => self.condition(name),
            Some(("Fn::Equals", Value::Array(sides))) => match sides.as_slice() {
                [left, right] => Ok(self.resolve(left)? == self.resolve(right)?),
                _ => bail!("`Fn::Equals` needs two values"),
            },
            Some(("Fn::Not", Value::Array(inner))) => match inner.as_slice() {
                [inner] => Ok(!self.evaluate(inner)?),
                _ => bail!("`Fn::Not` needs one condition"),
            },
            Some((function, _)) => bail!("the condition function `{function}` is not emulated"),
            None => bail!("`{condition}` is not a condition"),
        }
    }
}
