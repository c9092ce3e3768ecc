//! YAML as CloudFormation extends it: short tags become their long form, so that `!Ref X`
//! equals `Ref: X`.

use anyhow::{Context, Result, bail};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

pub(super) fn parse(text: &str) -> Result<Value> {
    let mut documents = Yaml::load_from_str(text)?;
    to_json(documents.pop().context("the file is empty")?)
}

fn to_json(yaml: Yaml<'_>) -> Result<Value> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => value.into(),
        Yaml::Value(Scalar::Integer(value)) => value.into(),
        Yaml::Value(Scalar::FloatingPoint(value)) => value.into_inner().into(),
        Yaml::Value(Scalar::String(value)) => value.into_owned().into(),
        Yaml::Sequence(values) => values.into_iter().map(to_json).collect::<Result<Vec<_>>>()?.into(),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                let key = match to_json(key)? {
                    Value::String(key) => key,
                    key => bail!("the key `{key}` is not a string"),
                };
                object.insert(key, to_json(value)?);
            }
            object.into()
        }
        Yaml::Tagged(tag, value) => {
            let name = match tag.suffix.as_str() {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            Map::from_iter([(name, to_json(*value)?)]).into()
        }
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => bail!("unsupported YAML"),
    })
}
