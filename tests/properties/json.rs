//! Arbitrary JSON, and changes of JSON values and of their text.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

/// JSON of any shape, with these values and names of fields.
pub(crate) fn nested(
    values: impl Strategy<Value = Value> + 'static,
    field_names: impl Strategy<Value = String> + Clone + 'static,
) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        6 => values,
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
    ];

    leaf.prop_recursive(5, 48, 8, move |inner| {
        prop_oneof![
            3 => prop::collection::vec((field_names.clone(), inner.clone()), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::Array),
        ]
    })
}

/// A change at one place of a JSON value.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Replace(Value),
    Remove,
    Rename(String),
    /// Adds a copy under another name.
    Duplicate(String),
}

/// Up to three changes with these values and names of fields.
pub(crate) fn changes(
    values: impl Strategy<Value = Value>,
    field_names: impl Strategy<Value = String> + Clone,
) -> impl Strategy<Value = Vec<(Index, Change)>> {
    let change = prop_oneof![
        3 => values.prop_map(Change::Replace),
        2 => Just(Change::Remove),
        2 => field_names.clone().prop_map(Change::Rename),
        1 => field_names.prop_map(Change::Duplicate),
    ];
    prop::collection::vec((any::<Index>(), change), 0..4)
}

/// The value after these changes.
pub(crate) fn changed(mut value: Value, changes: Vec<(Index, Change)>) -> Value {
    for (place, change) in changes {
        change_value(&mut value, &place, change);
    }
    value
}

/// The paths of all values inside a JSON value.
fn paths_in(parent: &Value) -> Vec<Vec<String>> {
    let children: Vec<(String, &Value)> = match parent {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    };

    let mut paths = Vec::new();
    for (name, child) in children {
        paths.push(vec![name.clone()]);
        paths.extend(paths_in(child).into_iter().map(|path| [vec![name.clone()], path].concat()));
    }
    paths
}

fn change_value(value: &mut Value, place: &Index, change: Change) {
    let paths = paths_in(value);
    if paths.is_empty() {
        return;
    }

    let (name, parents) = place.get(&paths).split_last().unwrap();
    let parent = parents.iter().fold(value, |value, name| match value {
        Value::Array(items) => &mut items[name.parse::<usize>().unwrap()],
        object => &mut object[name],
    });

    match parent {
        Value::Array(items) => {
            let index: usize = name.parse().unwrap();
            match change {
                Change::Replace(value) => items[index] = value,
                Change::Remove => drop(items.remove(index)),
                Change::Rename(_) | Change::Duplicate(_) => items.push(items[index].clone()),
            }
        }
        Value::Object(fields) => match change {
            Change::Replace(value) => drop(fields.insert(name.clone(), value)),
            Change::Remove => drop(fields.remove(name)),
            Change::Rename(new) => {
                let value = fields.remove(name).unwrap();
                fields.insert(new, value);
            }
            Change::Duplicate(new) => drop(fields.insert(new, fields[name].clone())),
        },
        _ => unreachable!("only arrays and objects contain values"),
    }
}

/// Where a text is damaged, how many characters are removed there, and what is inserted.
pub(crate) type Damage = (Index, usize, String);

pub(crate) fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let replacement = prop_oneof!["[\"{}\\[\\]:,\\\\]{0,3}", any::<String>(), "\\[{0,300}"];
    prop::collection::vec((any::<Index>(), 0..40_usize, replacement), 1..4)
}

/// The text of a value after this damage.
pub(crate) fn damaged(value: &Value, damage: Vec<Damage>) -> String {
    let mut text: Vec<char> = value.to_string().chars().collect();
    for (place, length, replacement) in damage {
        let start = place.index(text.len() + 1);
        let end = (start + length).min(text.len());
        text.splice(start..end, replacement.chars());
    }
    text.into_iter().collect()
}
