//! SAM's `Globals`: properties that all functions, or all HTTP APIs, of a template share.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::template::values::{reject_other_fields, single_field};

/// The emulated sections of `Globals`, with the resource types that they apply to.
const SECTIONS: [(&str, &str); 2] =
    [("Function", "AWS::Serverless::Function"), ("HttpApi", "AWS::Serverless::HttpApi")];

/// Merges `Globals` into the properties of each resource, and removes it from the template.
pub(super) fn apply(template: &mut Value) -> Result<()> {
    let Some(globals) = template.as_object_mut().and_then(|template| template.remove("Globals")) else {
        return Ok(());
    };
    let globals = globals.as_object().context("`Globals` is not a mapping")?;

    reject_other_fields(globals, &SECTIONS.map(|(section, _)| section)).context("in `Globals`")?;
    if globals.get("Function").is_some_and(|function| function.get("Events").is_some()) {
        bail!("SAM does not support `Events` in `Globals`");
    }

    let resources = template.get_mut("Resources").and_then(Value::as_object_mut);
    for (id, resource) in resources.into_iter().flatten() {
        let resource_type = resource.get("Type").and_then(Value::as_str);
        let section = SECTIONS.iter().find(|(_, applies_to)| Some(*applies_to) == resource_type);
        let Some(shared) = section.and_then(|(section, _)| globals.get(*section)) else { continue };
        let Some(resource) = resource.as_object_mut() else { continue };

        if resource.contains_key("IgnoreGlobals") {
            bail!("`IgnoreGlobals` of `{id}` is not emulated");
        }

        let own = resource.remove("Properties").unwrap_or_else(|| Map::new().into());
        resource.insert("Properties".to_owned(), merge(shared.clone(), own));
    }
    Ok(())
}

/// Merges as SAM does: mappings are merged, lists are concatenated, and the resource's own
/// value replaces any other one. Intrinsic functions count as such other values.
fn merge(shared: Value, own: Value) -> Value {
    match (shared, own) {
        (Value::Object(mut shared), Value::Object(own)) if !is_intrinsic(&shared) && !is_intrinsic(&own) => {
            for (name, own) in own {
                let merged = match shared.remove(&name) {
                    Some(shared) => merge(shared, own),
                    None => own,
                };
                shared.insert(name, merged);
            }
            shared.into()
        }
        (Value::Array(mut shared), Value::Array(own)) => {
            shared.extend(own);
            shared.into()
        }
        (_, own) => own,
    }
}

fn is_intrinsic(fields: &Map<String, Value>) -> bool {
    let name = single_field(fields).map(|(name, _)| name);
    name.is_some_and(|name| matches!(name, "Ref" | "Condition") || name.starts_with("Fn::"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::yaml;

    fn applied(text: &str) -> Result<Value> {
        let mut template = yaml::parse(text)?;
        apply(&mut template)?;
        Ok(template)
    }

    /// The expected values are those of aws-sam-translator 1.115.
    #[test]
    fn maps_merge_lists_concatenate_and_own_values_win() {
        let template = applied(
            "
Globals:
  Function:
    Timeout: 10
    MemorySize: !Ref Memory
    Layers: [a]
    Tags: !Ref Tags
    Environment: { Variables: { SHARED: shared, BOTH: shared, REFERENCE: !Ref Table } }
  HttpApi:
    DefaultRouteSettings: { ThrottlingRateLimit: 1 }
Resources:
  Own:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 5
      Layers: [b]
      Tags: { team: security }
      Environment: { Variables: { OWN: own, BOTH: own, REFERENCE: !GetAtt Table.Arn } }
  Bare: { Type: AWS::Serverless::Function }
  Api: { Type: AWS::Serverless::HttpApi, Properties: { DefaultRouteSettings: { ThrottlingBurstLimit: 2 } } }
  Table: { Type: AWS::DynamoDB::Table, Properties: { BillingMode: PAY_PER_REQUEST } }
",
        )
        .unwrap();
        let expected = yaml::parse(
            "
Resources:
  Own:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 5
      MemorySize: !Ref Memory
      Layers: [a, b]
      Tags: { team: security }
      Environment: { Variables: { SHARED: shared, OWN: own, BOTH: own, REFERENCE: !GetAtt Table.Arn } }
  Bare:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 10
      MemorySize: !Ref Memory
      Layers: [a]
      Tags: !Ref Tags
      Environment: { Variables: { SHARED: shared, BOTH: shared, REFERENCE: !Ref Table } }
  Api:
    Type: AWS::Serverless::HttpApi
    Properties: { DefaultRouteSettings: { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2 } }
  Table: { Type: AWS::DynamoDB::Table, Properties: { BillingMode: PAY_PER_REQUEST } }
",
        )
        .unwrap();
        assert_eq!(template, expected);
    }

    #[test]
    fn globals_that_are_not_emulated_are_refused_by_name() {
        let ignoring = "
Globals: { Function: { Timeout: 1 } }
Resources: { Own: { Type: AWS::Serverless::Function, IgnoreGlobals: '*' } }
";
        for (template, named) in [
            ("Globals: { SimpleTable: {} }", "`SimpleTable`"),
            ("Globals: { Function: { Events: {} } }", "`Events`"),
            (ignoring, "`IgnoreGlobals`"),
        ] {
            let error = format!("{:#}", applied(template).unwrap_err());
            assert!(error.contains(named), "{template}: {error}");
        }
    }
}
