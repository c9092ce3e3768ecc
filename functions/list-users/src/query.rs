//! The query parameters of the list.

use patgate_endpoint::input::{
    DEFAULT_PAGE_LIMIT, InvalidLimit, InvalidSearch, NotBoolean, parse_boolean, parse_page_limit,
    parse_search, read_each,
};
use patgate_endpoint::{FieldCode, FieldProblem, Problem};
use patgate_rules::user::{UserFilter, is_user_id};

/// A valid query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query<'a> {
    pub(crate) limit: usize,
    /// A user ID. It need not be hidden, because administrators may see all users.
    pub(crate) cursor: Option<&'a str>,
    pub(crate) filter: UserFilter,
}

/// What is wrong with a parameter.
#[derive(Debug, thiserror::Error)]
enum ParameterError {
    #[error(transparent)]
    Limit(#[from] InvalidLimit),
    #[error(transparent)]
    Boolean(#[from] NotBoolean),
    #[error(transparent)]
    Search(#[from] InvalidSearch),
    #[error("is not a cursor of this list")]
    Cursor,
    #[error("is not a known parameter")]
    Unknown,
}

impl FieldProblem for ParameterError {
    fn code(&self) -> FieldCode {
        match self {
            Self::Limit(error) => error.code(),
            Self::Boolean(error) => error.code(),
            Self::Search(error) => error.code(),
            Self::Cursor => FieldCode::InvalidFormat,
            Self::Unknown => FieldCode::Unknown,
        }
    }
}

impl<'a> Query<'a> {
    /// Reads the parameters. The problem names every one that is wrong.
    pub(crate) fn read(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Problem> {
        let mut query = Self { limit: DEFAULT_PAGE_LIMIT, cursor: None, filter: UserFilter::default() };
        read_each(parameters, |name, value| query.set(name, value))?;

        Ok(query)
    }

    fn set(&mut self, name: &str, value: &'a str) -> Result<(), ParameterError> {
        match name {
            "limit" => self.limit = parse_page_limit(value)?,
            "q" => self.filter.text = Some(parse_search(value)?),
            "disabled" => self.filter.disabled = Some(parse_boolean(value)?),
            "cursor" if is_user_id(value) => self.cursor = Some(value),
            "cursor" => return Err(ParameterError::Cursor),
            _ => return Err(ParameterError::Unknown),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patgate_rules::search::SearchText;

    #[test]
    fn every_parameter_is_read() {
        let default = Query { limit: 25, cursor: None, filter: UserFilter::default() };
        assert_eq!(Query::read([]).unwrap(), default);
        let query = [("limit", "100"), ("cursor", "alice"), ("q", "Öberg"), ("disabled", "true")];
        let filter = UserFilter { text: SearchText::new("oberg"), disabled: Some(true) };
        assert_eq!(Query::read(query).unwrap(), Query { limit: 100, cursor: Some("alice"), filter });
    }

    #[test]
    fn invalid_values_are_rejected() {
        for (name, value) in [
            ("limit", "0"),
            ("limit", "101"),
            ("cursor", ""),
            ("cursor", "a\n"),
            ("q", ""),
            ("disabled", "1"),
            ("page", "2"),
        ] {
            assert!(Query::read([(name, value)]).is_err(), "{name}={value}");
        }
    }
}
