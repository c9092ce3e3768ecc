//! The body of a report: tokens, or their hashes.

use std::collections::BTreeSet;

use patgate::http::input::unknown_fields;
use patgate::http::{FieldError, Problem};
use patgate::token::{TokenFormat, TokenHash};
use serde_json::{Map, Value};

const TOKENS: &str = "tokens";
const HASHES: &str = "hashes";
/// Of both together.
const ENTRIES_MAX: usize = 100;

/// A valid body.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) hashes: BTreeSet<TokenHash>,
    /// Entries that no token of this deployment can be, such as `tokens[3]`.
    pub(crate) malformed: Vec<String>,
}

impl Input {
    /// Reads a body. An entry that is no token or hash does not spoil the others: what
    /// leaked should end now. Whether it is one is known without a read, so saying so
    /// tells nobody which tokens there are.
    pub(crate) fn read(fields: &Map<String, Value>, format: &TokenFormat) -> Result<Self, Problem> {
        let mut errors = unknown_fields(fields, &[TOKENS, HASHES]);
        let mut list = |field| {
            let list = fields.get(field).map_or(Ok(Vec::new()), texts);
            list.unwrap_or_else(|message| {
                errors.push(FieldError::new(field, message));
                Vec::new()
            })
        };
        let (tokens, hashes) = (list(TOKENS), list(HASHES));
        if errors.is_empty() && !(1..=ENTRIES_MAX).contains(&(tokens.len() + hashes.len())) {
            let message = format!("and `{HASHES}` must have 1 to {ENTRIES_MAX} entries together");
            errors.push(FieldError::new(TOKENS, message));
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let mut input = Self { hashes: BTreeSet::new(), malformed: Vec::new() };
        let of_token = |text: &str| format.parse(text).ok().map(|token| token.hash());
        input.add(TOKENS, &tokens, of_token);
        input.add(HASHES, &hashes, TokenHash::from_hex);
        Ok(input)
    }

    fn add(&mut self, field: &str, entries: &[&str], hash: impl Fn(&str) -> Option<TokenHash>) {
        for (index, entry) in entries.iter().enumerate() {
            match hash(entry) {
                Some(hash) => drop(self.hashes.insert(hash)),
                None => self.malformed.push(format!("{field}[{index}]")),
            }
        }
    }
}

fn texts(value: &Value) -> Result<Vec<&str>, &'static str> {
    const MESSAGE: &str = "must be a list of strings";
    let values = value.as_array().ok_or(MESSAGE)?;
    values.iter().map(|value| value.as_str().ok_or(MESSAGE)).collect()
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
    fn token_and_its_hash_are_one_entry() {
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
    fn what_is_no_token_is_pointed_out_and_spoils_nothing() {
        let token = format().generate(&mut SysRng).unwrap();
        let mut wrong = token.expose().to_owned();
        let last = wrong.pop();
        wrong.push(if last == Some('0') { '1' } else { '0' });
        let body = json!({ "tokens": ["", wrong, token.expose()], "hashes": ["abc", "g".repeat(64)] });
        let input = read(body).unwrap();
        assert_eq!(input.hashes.len(), 1);
        assert_eq!(input.malformed, ["tokens[0]", "tokens[1]", "hashes[0]", "hashes[1]"]);
    }

    #[test]
    fn body_of_another_shape_is_refused() {
        for body in [
            json!({}),
            json!({ "tokens": [] }),
            json!({ "tokens": "fdp_" }),
            json!({ "tokens": [7] }),
            json!({ "tokens": null }),
            json!({ "tokens": ["x"], "reason": "found" }),
            json!({ "tokens": vec!["x"; 60], "hashes": vec!["x"; 41] }),
        ] {
            assert!(read(body.clone()).is_err(), "{body}");
        }
        assert_eq!(read(json!({ "tokens": vec!["x"; 100] })).unwrap().malformed.len(), 100);
    }
}
