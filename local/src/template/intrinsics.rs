//! The intrinsic functions of CloudFormation that the templates use. Any other one is an
//! error that names it.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::template::stack::{Stack, is_no_value};
use crate::template::values::{single_field, text};

impl Stack<'_> {
    /// Resolves a value of the resource `id`.
    pub(super) fn resolve_in(&self, id: &str, value: &Value) -> Result<Value> {
        self.resolve(value).with_context(|| format!("in `{id}`"))
    }

    /// A value with the results of all its intrinsic functions.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value> {
        match value {
            Value::Array(values) => {
                Ok(values.iter().map(|value| self.resolve(value)).collect::<Result<Vec<_>>>()?.into())
            }
            Value::Object(fields) => match single_field(fields) {
                Some((name, argument)) if name == "Ref" || name.starts_with("Fn::") => {
                    self.call(name, argument)
                }
                _ => self.resolve_fields(fields),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
        }
    }

    fn resolve_fields(&self, fields: &Map<String, Value>) -> Result<Value> {
        let mut resolved = Map::new();
        for (name, value) in fields {
            let value = self.resolve(value)?;
            if !is_no_value(&value) {
                resolved.insert(name.clone(), value);
            }
        }
        Ok(resolved.into())
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
                _ => bail!("`Fn::GetAtt` needs a resource and an attribute"),
            },
            ("Fn::Sub", Value::String(template)) => self.substitute(template).map(Value::from),
            ("Fn::Split", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(separator), joined] => self.split(separator, joined),
                _ => bail!("`Fn::Split` needs a separator and a text"),
            },
            ("Fn::ImportValue", name) => self.import(&text(&self.resolve(name)?)?),
            ("Fn::If", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(condition), if_true, if_false] => {
                    self.resolve(if self.condition(condition)? { if_true } else { if_false })
                }
                _ => bail!("`Fn::If` needs a condition and two values"),
            },
            (function, _) => bail!("the intrinsic function `{function}` is not emulated in this form"),
        }
    }

    fn split(&self, separator: &str, joined: &Value) -> Result<Value> {
        let joined = text(&self.resolve(joined)?)?;
        Ok(joined.split(separator).collect::<Vec<_>>().into())
    }

    /// Replaces `${Name}` and `${Resource.Attribute}`, and turns `${!literal}` into
    /// `${literal}`.
    fn substitute(&self, template: &str) -> Result<String> {
        let mut result = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) =
                after.split_once('}').with_context(|| format!("`{template}` has an unclosed `${{`"))?;

            result.push_str(before);
            match (name.strip_prefix('!'), name.split_once('.')) {
                (Some(literal), _) => result.push_str(&format!("${{{literal}}}")),
                (None, Some((id, attribute))) => {
                    result.push_str(&text(&self.attribute(id, attribute)?)?);
                }
                (None, None) => result.push_str(&text(&self.reference(name)?)?),
            }
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::template::yaml;

    const TEMPLATE: &str = "
Parameters:
  Prefix: { Type: String, Default: fdp_ }
  Origins: { Type: CommaDelimitedList, Default: 'https://a.example, https://b.example' }
Conditions:
  IsDefault: !Equals [!Ref Prefix, fdp_]
  IsOther: !Not [!Condition IsDefault]
Resources:
  Tokens: { Type: AWS::DynamoDB::Table }
  Authorizer: { Type: AWS::Serverless::Function, Properties: { AutoPublishAlias: live } }
  Endpoint: { Type: AWS::Serverless::Function }
Outputs:
  Arn: { Value: !Ref Authorizer.Alias, Export: { Name: !Sub '${AWS::StackName}-Arn' } }
";

    fn resolve_yaml(given: &[(&str, &str)], yaml: &str) -> Result<Value> {
        let template = yaml::parse(TEMPLATE)?;
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let imports = BTreeMap::from([("core-Arn".to_owned(), Value::from("arn:x"))]);
        let stack = Stack::new("stack", &template, &given, &imports)?;
        stack.resolve(&yaml::parse(yaml)?)
    }

    #[test]
    fn intrinsic_functions_of_the_templates_are_resolved() {
        for (yaml, expected) in [
            ("!Ref Prefix", "fdp_"),
            ("!Ref Tokens", "Tokens"),
            ("Ref: AWS::Region", "us-east-1"),
            ("!Ref Authorizer.Alias", "arn:aws:lambda:us-east-1:000000000000:function:Authorizer:live"),
            ("!GetAtt Tokens.Arn", "arn:aws:dynamodb:us-east-1:000000000000:table/Tokens"),
            (
                "!Sub '${Tokens.Arn}/${Prefix}/${!kept}'",
                "arn:aws:dynamodb:us-east-1:000000000000:table/Tokens/fdp_/${kept}",
            ),
            ("Fn::ImportValue: !Sub core-Arn", "arn:x"),
            ("!If [IsDefault, yes, no]", "yes"),
            ("!If [IsOther, yes, no]", "no"),
        ] {
            assert_eq!(resolve_yaml(&[], yaml).unwrap(), Value::from(expected), "{yaml}");
        }
        assert_eq!(resolve_yaml(&[("Prefix", "x_")], "!If [IsOther, yes, no]").unwrap(), Value::from("yes"));
    }

    #[test]
    fn text_is_split_at_each_separator() {
        for (yaml, expected) in [
            ("!Split [',', 'a,b']", vec!["a", "b"]),
            ("!Split ['_', !Ref Prefix]", vec!["fdp", ""]),
            ("!Split [',', a]", vec!["a"]),
        ] {
            assert_eq!(resolve_yaml(&[], yaml).unwrap(), Value::from(expected), "{yaml}");
        }
    }

    #[test]
    fn list_parameters_become_lists_and_absent_values_leave_fields_out() {
        let origins = Value::from(vec!["https://a.example", "https://b.example"]);
        assert_eq!(resolve_yaml(&[], "!Ref Origins").unwrap(), origins);
        let resolved = resolve_yaml(&[], "{ a: !If [IsOther, 1, !Ref AWS::NoValue], b: 2 }").unwrap();
        assert_eq!(resolved, serde_json::json!({ "b": 2 }));
    }

    #[test]
    fn unknown_functions_and_names_are_refused_by_name() {
        for (yaml, named) in [
            ("!Join [',', [a, b]]", "`Fn::Join`"),
            ("!Ref Unknown", "`Unknown`"),
            ("!Ref Endpoint.Alias", "`AutoPublishAlias`"),
            ("!Ref Tokens.Name", "`Tokens.Name`"),
            ("!GetAtt Tokens.StreamArn", "`StreamArn`"),
            ("Fn::ImportValue: elsewhere", "`elsewhere`"),
            ("!If [Undefined, 1, 2]", "`Undefined`"),
        ] {
            let error = format!("{:#}", resolve_yaml(&[], yaml).unwrap_err());
            assert!(error.contains(named), "{yaml}: {error}");
        }
        let error = resolve_yaml(&[("Prefixx", "x")], "1").unwrap_err().to_string();
        assert!(error.contains("`Prefixx`"), "{error}");
    }

    #[test]
    fn exports_have_their_resolved_names() {
        let template = yaml::parse(TEMPLATE).unwrap();
        let imports = BTreeMap::new();
        let stack = Stack::new("stack", &template, &BTreeMap::new(), &imports).unwrap();
        let exports = stack.exports().unwrap();
        assert!(exports.contains_key("stack-Arn"), "{exports:?}");
    }
}
