//! CloudFormation's intrinsic functions, as far as the templates use them. Others are
//! refused by name, never ignored.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Value};

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";

/// What names mean within one stack.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    stack: &'a str,
    document: &'a Value,
    parameters: BTreeMap<String, Value>,
    imports: &'a BTreeMap<String, Value>,
}

impl<'a> Scope<'a> {
    /// A stack with its parameters; those not given have their defaults.
    pub(super) fn new(
        stack: &'a str,
        document: &'a Value,
        given: BTreeMap<String, String>,
        imports: &'a BTreeMap<String, Value>,
    ) -> Result<Self> {
        let mut parameters = BTreeMap::new();
        let declared = document.get("Parameters").and_then(Value::as_object);
        for (name, declaration) in declared.into_iter().flatten() {
            let value = match (given.get(name), declaration.get("Default")) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => text(default)?,
                (None, None) => bail!("parameter `{name}` has no value"),
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
        Ok(Self { stack, document, parameters, imports })
    }

    /// A value with all its intrinsic functions carried out.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value> {
        match value {
            Value::Array(values) => {
                Ok(values.iter().map(|value| self.resolve(value)).collect::<Result<Vec<_>>>()?.into())
            }
            Value::Object(fields) => match single(fields) {
                Some((name, argument)) if name == "Ref" || name.starts_with("Fn::") => {
                    self.call(name, argument)
                }
                _ => {
                    let mut resolved = Map::new();
                    for (name, value) in fields {
                        let value = self.resolve(value)?;
                        if !is_no_value(&value) {
                            resolved.insert(name.clone(), value);
                        }
                    }
                    Ok(resolved.into())
                }
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
        }
    }

    /// The values that this stack exports, by their exported names.
    pub(super) fn exports(&self) -> Result<BTreeMap<String, Value>> {
        let outputs = self.document.get("Outputs").and_then(Value::as_object);
        let mut exports = BTreeMap::new();
        for output in outputs.into_iter().flat_map(Map::values) {
            if let (Some(name), Some(value)) = (output.pointer("/Export/Name"), output.get("Value")) {
                exports.insert(text(&self.resolve(name)?)?, self.resolve(value)?);
            }
        }
        Ok(exports)
    }

    fn call(&self, function: &str, argument: &Value) -> Result<Value> {
        match (function, argument) {
            ("Ref", Value::String(name)) => self.reference(name),
            ("Fn::GetAtt", Value::String(path)) => {
                let (id, attribute) =
                    path.split_once('.').with_context(|| format!("`{path}` names no attribute"))?;
                self.attribute(id, attribute)
            }
            ("Fn::GetAtt", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(id), Value::String(attribute)] => self.attribute(id, attribute),
                _ => bail!("`Fn::GetAtt` takes a resource and an attribute"),
            },
            ("Fn::Sub", Value::String(template)) => self.substitute(template).map(Value::from),
            ("Fn::ImportValue", name) => {
                let name = text(&self.resolve(name)?)?;
                self.imports.get(&name).cloned().with_context(|| format!("no stack exports `{name}`"))
            }
            ("Fn::If", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(condition), yes, no] => {
                    self.resolve(if self.condition(condition)? { yes } else { no })
                }
                _ => bail!("`Fn::If` takes a condition and two values"),
            },
            (function, _) => Err(anyhow!("the intrinsic function `{function}` is not understood here")),
        }
    }

    fn reference(&self, name: &str) -> Result<Value> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        let pseudo = match name {
            "AWS::Region" => Some(Value::from(REGION)),
            "AWS::AccountId" => Some(ACCOUNT.into()),
            "AWS::Partition" => Some("aws".into()),
            "AWS::URLSuffix" => Some("amazonaws.com".into()),
            "AWS::StackName" => Some(self.stack.into()),
            "AWS::NoValue" => Some(no_value()),
            _ => None,
        };
        if let Some(value) = pseudo {
            return Ok(value);
        }
        match self.type_of(name)? {
            "AWS::Lambda::Alias" => self.alias(name),
            _ => Ok(name.into()),
        }
    }

    /// An alias is referred to by its ARN: the function's and its own name.
    fn alias(&self, id: &str) -> Result<Value> {
        let property = |name: &str| {
            let value = self.document.pointer(&format!("/Resources/{id}/Properties/{name}"));
            text(&self.resolve(value.with_context(|| format!("alias `{id}` has no `{name}`"))?)?)
        };
        let function = property("FunctionName")?;
        Ok(format!("{}:{}", self.arn(&function)?, property("Name")?).into())
    }

    fn attribute(&self, id: &str, attribute: &str) -> Result<Value> {
        match attribute {
            "Arn" => self.arn(id).map(Value::from),
            _ => bail!("`{id}` has no attribute `{attribute}` here"),
        }
    }

    fn arn(&self, id: &str) -> Result<String> {
        let place = format!("{REGION}:{ACCOUNT}");
        Ok(match self.type_of(id)? {
            "AWS::Serverless::Function" => format!("arn:aws:lambda:{place}:function:{id}"),
            "AWS::DynamoDB::Table" => format!("arn:aws:dynamodb:{place}:table/{id}"),
            "AWS::IAM::Role" => format!("arn:aws:iam::{ACCOUNT}:role/{id}"),
            "AWS::Logs::LogGroup" => format!("arn:aws:logs:{place}:log-group:{id}"),
            other => bail!("`{id}` is a `{other}`, which has no ARN here"),
        })
    }

    fn type_of(&self, id: &str) -> Result<&str> {
        let resource = self.document.get("Resources").and_then(|resources| resources.get(id));
        let kind = resource.and_then(|resource| resource.get("Type")).and_then(Value::as_str);
        kind.with_context(|| format!("`{id}` is neither a parameter nor a resource"))
    }

    /// `${Name}`, `${Resource.Attribute}`, and `${!literal}`.
    fn substitute(&self, template: &str) -> Result<String> {
        let mut result = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) =
                after.split_once('}').with_context(|| format!("`{template}` lacks a brace"))?;
            result.push_str(before);
            match (name.strip_prefix('!'), name.split_once('.')) {
                (Some(literal), _) => result.push_str(&format!("${{{literal}}}")),
                (None, Some((id, attribute))) => {
                    result.push_str(&text(&self.attribute(id, attribute)?)?);
                }
                _ => result.push_str(&text(&self.reference(name)?)?),
            }
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn condition(&self, name: &str) -> Result<bool> {
        let conditions = self.document.get("Conditions").and_then(|conditions| conditions.get(name));
        self.holds(conditions.with_context(|| format!("there is no condition `{name}`"))?)
    }

    fn holds(&self, condition: &Value) -> Result<bool> {
        let call = condition.as_object().and_then(single);
        match call {
            Some(("Condition", Value::String(name))) => self.condition(name),
            Some(("Fn::Equals", Value::Array(sides))) => match sides.as_slice() {
                [left, right] => Ok(self.resolve(left)? == self.resolve(right)?),
                _ => bail!("`Fn::Equals` takes two values"),
            },
            Some(("Fn::Not", Value::Array(inner))) => match inner.as_slice() {
                [inner] => Ok(!self.holds(inner)?),
                _ => bail!("`Fn::Not` takes one condition"),
            },
            Some((function, _)) => bail!("the condition function `{function}` is not understood here"),
            None => bail!("`{condition}` is no condition"),
        }
    }
}

/// A scalar as CloudFormation would write it into a string.
pub(super) fn text(value: &Value) -> Result<String> {
    match value {
        Value::String(value) => Ok(value.clone()),
        Value::Number(value) => Ok(value.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Array(values) => Ok(values.iter().map(text).collect::<Result<Vec<_>>>()?.join(",")),
        Value::Null | Value::Object(_) => bail!("`{value}` is no text"),
    }
}

fn single(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut fields = fields.iter();
    match (fields.next(), fields.next()) {
        (Some((name, value)), None) => Some((name.as_str(), value)),
        _ => None,
    }
}

fn no_value() -> Value {
    Map::from_iter([("Ref".to_owned(), Value::from("AWS::NoValue"))]).into()
}

fn is_no_value(value: &Value) -> bool {
    *value == no_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "
Parameters:
  Prefix: { Type: String, Default: fdp_ }
  Origins: { Type: CommaDelimitedList, Default: 'https://a.example, https://b.example' }
Conditions:
  IsDefault: !Equals [!Ref Prefix, fdp_]
  IsOther: !Not [!Condition IsDefault]
Resources:
  Tokens: { Type: AWS::DynamoDB::Table }
  Authorizer: { Type: AWS::Serverless::Function }
  Live: { Type: AWS::Lambda::Alias, Properties: { Name: live, FunctionName: !Ref Authorizer } }
Outputs:
  Arn: { Value: !Ref Live, Export: { Name: !Sub '${AWS::StackName}-Arn' } }
";

    fn resolve(given: &[(&str, &str)], yaml: &str) -> Result<Value> {
        let document = super::super::yaml::parse(TEMPLATE)?;
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let imports = BTreeMap::from([("core-Arn".to_owned(), Value::from("arn:x"))]);
        let scope = Scope::new("stack", &document, given, &imports)?;
        scope.resolve(&super::super::yaml::parse(yaml)?)
    }

    #[test]
    fn intrinsics_of_the_templates_are_carried_out() {
        for (yaml, expected) in [
            ("!Ref Prefix", "fdp_"),
            ("!Ref Tokens", "Tokens"),
            ("Ref: AWS::Region", "us-east-1"),
            ("!Ref Live", "arn:aws:lambda:us-east-1:000000000000:function:Authorizer:live"),
            ("!GetAtt Tokens.Arn", "arn:aws:dynamodb:us-east-1:000000000000:table/Tokens"),
            (
                "!Sub '${Tokens.Arn}/${Prefix}/${!kept}'",
                "arn:aws:dynamodb:us-east-1:000000000000:table/Tokens/fdp_/${kept}",
            ),
            ("Fn::ImportValue: !Sub core-Arn", "arn:x"),
            ("!If [IsDefault, yes, no]", "yes"),
            ("!If [IsOther, yes, no]", "no"),
        ] {
            assert_eq!(resolve(&[], yaml).unwrap(), Value::from(expected), "{yaml}");
        }
        assert_eq!(resolve(&[("Prefix", "x_")], "!If [IsOther, yes, no]").unwrap(), Value::from("yes"));
    }

    #[test]
    fn lists_and_absent_values_keep_their_meaning() {
        let origins = Value::from(vec!["https://a.example", "https://b.example"]);
        assert_eq!(resolve(&[], "!Ref Origins").unwrap(), origins);
        let resolved = resolve(&[], "{ a: !If [IsOther, 1, !Ref AWS::NoValue], b: 2 }").unwrap();
        assert_eq!(resolved, serde_json::json!({ "b": 2 }));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (yaml, named) in [
            ("!Join [',', [a, b]]", "`Fn::Join`"),
            ("!Ref Nobody", "`Nobody`"),
            ("!GetAtt Tokens.StreamArn", "`StreamArn`"),
            ("Fn::ImportValue: elsewhere", "`elsewhere`"),
            ("!If [Nowhere, 1, 2]", "`Nowhere`"),
        ] {
            let error = format!("{:#}", resolve(&[], yaml).unwrap_err());
            assert!(error.contains(named), "{yaml}: {error}");
        }
        let error = resolve(&[("Prefixx", "x")], "1").unwrap_err().to_string();
        assert!(error.contains("`Prefixx`"), "{error}");
    }

    #[test]
    fn exports_carry_their_resolved_names() {
        let document = super::super::yaml::parse(TEMPLATE).unwrap();
        let imports = BTreeMap::new();
        let scope = Scope::new("stack", &document, BTreeMap::new(), &imports).unwrap();
        let exports = scope.exports().unwrap();
        assert!(exports.contains_key("stack-Arn"), "{exports:?}");
    }
}
