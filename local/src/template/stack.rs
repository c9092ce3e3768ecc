//! One stack: a template with its parameters, and what the names in it refer to.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::account::{ACCOUNT_ID, REGION, lambda_function_arn};
use crate::template::values::text;

#[derive(Debug)]
pub(super) struct Stack<'a> {
    name: &'a str,
    template: &'a Value,
    parameters: BTreeMap<String, Value>,
    /// What the stacks before this one export.
    imports: &'a BTreeMap<String, Value>,
}

impl<'a> Stack<'a> {
    /// A stack with the given parameters. All other parameters have their defaults.
    pub(super) fn new(
        name: &'a str,
        template: &'a Value,
        given: &BTreeMap<String, String>,
        imports: &'a BTreeMap<String, Value>,
    ) -> Result<Self> {
        let parameters = parameter_values(template, given)?;
        Ok(Self { name, template, parameters, imports })
    }

    /// The logical IDs and unresolved properties of all resources of a type.
    pub(super) fn resources(&self, resource_type: &str) -> impl Iterator<Item = (&String, &Value)> {
        let resources = self.template.get("Resources").and_then(Value::as_object);
        resources.into_iter().flatten().filter_map(move |(id, resource)| {
            let has_type = resource.get("Type").and_then(Value::as_str) == Some(resource_type);
            has_type.then(|| (id, resource.get("Properties").unwrap_or(&Value::Null)))
        })
    }

    /// The values that this stack exports, by the names that it exports them under.
    pub(super) fn exports(&self) -> Result<BTreeMap<String, Value>> {
        let outputs = self.template.get("Outputs").and_then(Value::as_object);
        let mut exports = BTreeMap::new();
        for output in outputs.into_iter().flat_map(Map::values) {
            if let (Some(name), Some(value)) = (output.pointer("/Export/Name"), output.get("Value")) {
                exports.insert(text(&self.resolve(name)?)?, self.resolve(value)?);
            }
        }
        Ok(exports)
    }

    pub(super) fn import(&self, name: &str) -> Result<Value> {
        self.imports.get(name).cloned().with_context(|| format!("no stack exports `{name}`"))
    }

    /// The unresolved definition of a condition.
    pub(super) fn condition_definition(&self, name: &str) -> Result<&Value> {
        let condition = self.template.get("Conditions").and_then(|conditions| conditions.get(name));
        condition.with_context(|| format!("there is no condition `{name}`"))
    }

    /// What `Ref` returns: a parameter, a pseudo parameter, or a resource's name.
    pub(super) fn reference(&self, name: &str) -> Result<Value> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }

        let pseudo_parameter = match name {
            "AWS::Region" => Some(Value::from(REGION)),
            "AWS::AccountId" => Some(ACCOUNT_ID.into()),
            "AWS::Partition" => Some("aws".into()),
            "AWS::URLSuffix" => Some("amazonaws.com".into()),
            "AWS::StackName" => Some(self.name.into()),
            "AWS::NoValue" => Some(no_value()),
            _ => None,
        };
        if let Some(value) = pseudo_parameter {
            return Ok(value);
        }

        match name.split_once('.') {
            Some((function, "Alias")) => self.alias_arn(function).map(Value::from),
            _ => self.type_of(name).map(|_| name.into()),
        }
    }

    /// What `Fn::GetAtt` returns.
    pub(super) fn attribute(&self, id: &str, attribute: &str) -> Result<Value> {
        match attribute {
            "Arn" => self.arn(id).map(Value::from),
            _ => bail!("the attribute `{attribute}` of `{id}` is not emulated"),
        }
    }

    /// The ARN of the alias that SAM adds to a function with `AutoPublishAlias`.
    fn alias_arn(&self, function: &str) -> Result<String> {
        let alias = self.template.pointer(&format!("/Resources/{function}/Properties/AutoPublishAlias"));
        let alias = alias.with_context(|| format!("`{function}` has no `AutoPublishAlias`"))?;

        Ok(format!("{}:{}", self.arn(function)?, text(&self.resolve(alias)?)?))
    }

    fn arn(&self, id: &str) -> Result<String> {
        Ok(match self.type_of(id)? {
            "AWS::Serverless::Function" => lambda_function_arn(id),
            "AWS::DynamoDB::Table" => format!("arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{id}"),
            "AWS::IAM::Role" => format!("arn:aws:iam::{ACCOUNT_ID}:role/{id}"),
            "AWS::Logs::LogGroup" => format!("arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{id}"),
            other => bail!("the ARN of `{id}` is not emulated: it is a `{other}`"),
        })
    }

    fn type_of(&self, id: &str) -> Result<&str> {
        let resource = self.template.get("Resources").and_then(|resources| resources.get(id));
        let resource_type = resource.and_then(|resource| resource.get("Type")).and_then(Value::as_str);
        resource_type.with_context(|| format!("`{id}` is neither a parameter nor a resource"))
    }
}

/// The values of all parameters that the template declares.
fn parameter_values(template: &Value, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, Value>> {
    let declarations = template.get("Parameters").and_then(Value::as_object);
    let mut parameters = BTreeMap::new();
    for (name, declaration) in declarations.into_iter().flatten() {
        let value = match (given.get(name), declaration.get("Default")) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => text(default)?,
            (None, None) => bail!("the parameter `{name}` has no value"),
        };
        let value = match declaration.get("Type").and_then(Value::as_str) {
            Some("CommaDelimitedList") => value.split(',').map(str::trim).collect::<Vec<_>>().into(),
            _ => value.into(),
        };
        parameters.insert(name.clone(), value);
    }

    if let Some(unknown) = given.keys().find(|name| !parameters.contains_key(*name)) {
        bail!("the template has no parameter `{unknown}`");
    }
    Ok(parameters)
}

/// What `AWS::NoValue` resolves to. A mapping leaves out a field with this value.
fn no_value() -> Value {
    Map::from_iter([("Ref".to_owned(), Value::from("AWS::NoValue"))]).into()
}

pub(super) fn is_no_value(value: &Value) -> bool {
    *value == no_value()
}
