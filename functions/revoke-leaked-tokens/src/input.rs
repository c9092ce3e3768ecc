//! The body of a report: tokens, or their hashes.

use std::collections::BTreeSet;

use patgate_endpoint::input::unknown_fields;
use patgate_endpoint::problem::pointer;
use patgate_endpoint::{FieldCode, FieldError, FieldProblem, Problem};
use patgate_rules::token::{TokenFormat, TokenHash};
use serde_json::{Map, Value};

const TOKENS: &str = "tokens";
const HASHES: &str = "hashes";
/// The most entries of both lists together.
const MAX_ENTRIES: usize = 100;

/// A valid body.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) hashes: BTreeSet<TokenHash>,
    /// JSON Pointers of the entries that are not tokens or hashes of this deployment, such as
    /// `/tokens/3`.
    pub(crate) malformed: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("must be a list of strings")]
struct NotAListOfTexts;

impl FieldProblem for NotAListOfTexts {
    fn code(&self) -> FieldCode {
        FieldCode::WrongType
    }
}

impl Input {
    /// Reads a body. A malformed entry does not affect the others, because a leaked token
    /// must be revoked at once. Whether an entry is malformed is known without a read, so
    /// the response does not reveal which tokens exist.
    pub(crate) fn read(fields: &Map<String, Value>, format: &TokenFormat) -> Result<Self, Problem> {
        let mut errors = unknown_fields(fields, &[TOKENS, HASHES]);
        let mut read_list = |field| {
            let list = fields.get(field).map_or(Ok(Vec::new()), read_texts);
            list.unwrap_or_else(|error| {
                errors.push(FieldError::in_field(field, &error));
                Vec::new()
            })
        };
        let (tokens, hashes) = (read_list(TOKENS), read_list(HASHES));

        if errors.is_empty() && !(1..=MAX_ENTRIES).contains(&(tokens.len() + hashes.len())) {
            let detail =
                format!("`{TOKENS}` and `{HASHES}` must contain 1 to {MAX_ENTRIES} entries in total");
            errors.push(FieldError::at_field(TOKENS, FieldCode::OutOfRange, detail));
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }

        let mut input = Self { hashes: BTreeSet::new(), malformed: Vec::new() };
        input.add(TOKENS, &tokens, |text| format.parse(text).ok().map(|token| token.hash()));
        input.add(HASHES, &hashes, |text| text.parse().ok());

        Ok(input)
    }

    fn add(&mut self, field: &str, entries: &[&str], hash: impl Fn(&str) -> Option<TokenHash>) {
        for (index, entry) in entries.iter().enumerate() {
            match hash(entry) {
                Some(hash) => drop(self.hashes.insert(hash)),
                None => self.malformed.push(format!("{}/{index}", pointer(field))),
            }
        }
    }
}

fn read_texts(value: &Value) -> Result<Vec<&str>, NotAListOfTexts> {
    let values = value.as_array().ok_or(NotAListOfTexts)?;
    values.iter().map(|value| value.as_str().ok_or(NotAListOfTexts)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::SysRng;
    use serde_json::json;

    fn format() -> TokenFormat {
        TokenFormat::new("fdp_").unwrap()
    }

    fn read(body: Value) -> Result<Input, Problem> {
        Input::read(body.as_object().unwrap(), &format())
    }

    #[test]
    fn token_and_its_hash_count_as_one_token() {
        let token = format().generate(&mut SysRng).unwrap();
        let hash = token.hash();
        let input = read(json!({
            "tokens": [token.expose(), token.expose()],
            "hashes": [hash.as_str(), hash.as_str().to_uppercase()],
        }));
        let input = input.unwrap();
        assert_eq!(input.hashes.into_iter().collect::<Vec<_>>(), [hash]);
        assert!(input.malformed.is_empty());
    }

    #[test]
    fn malformed_entries_are_reported_and_valid_ones_are_kept() {
        let token = format().generate(&mut SysRng).unwrap();
        let mut wrong = token.expose().to_owned();
        let last = wrong.pop();
        wrong.push(if last == Some('0') { '1' } else { '0' });
        let body = json!({ "tokens": ["", wrong, token.expose()], "hashes": ["abc", "g".repeat(64)] });
        let input = read(body).unwrap();
        assert_eq!(input.hashes.len(), 1);
        assert_eq!(input.malformed, ["/tokens/0", "/tokens/1", "/hashes/0", "/hashes/1"]);
    }

    #[test]
    fn body_of_another_shape_is_rejected() {
        for (body, field) in [
            (json!({}), "tokens"),
            (json!({ "tokens": [] }), "tokens"),
            (json!({ "tokens": "fdp_" }), "tokens"),
            (json!({ "tokens": [7] }), "tokens"),
            (json!({ "tokens": null }), "tokens"),
            (json!({ "hashes": {} }), "hashes"),
            (json!({ "tokens": ["x"], "reason": "found" }), "reason"),
            (json!({ "tokens": vec!["x"; 60], "hashes": vec!["x"; 41] }), "tokens"),
        ] {
            let problem = read(body.clone()).unwrap_err();
            assert!(
                format!("{problem:?}").contains(&format!("Pointer({:?})", pointer(field))),
                "{body}: {problem:?}"
            );
        }
        assert_eq!(read(json!({ "tokens": vec!["x"; 100] })).unwrap().malformed.len(), 100);
    }
}
