//! The query parameters of the list.

use patgate_endpoint::input::{
    DEFAULT_PAGE_LIMIT, InvalidLimit, InvalidSearch, NotBoolean, parse_boolean, parse_page_limit,
    parse_search, read_each,
};
use patgate_endpoint::token_fields::{TimeError, read_time};
use patgate_endpoint::{FieldCode, FieldProblem, Problem};
use patgate_rules::token_filter::TokenFilter;
use patgate_rules::user::is_user_id;
use patgate_rules::verdict::UnknownStatus;
use uuid::Uuid;

/// A valid query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) users: Users,
    pub(crate) filter: TokenFilter,
    pub(crate) limit: usize,
    pub(crate) cursor: Option<Uuid>,
}

/// The users whose tokens are requested.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Users {
    Caller,
    One(String),
    All,
}

/// What is wrong with a parameter.
#[derive(Debug, thiserror::Error)]
enum ParameterError {
    #[error(transparent)]
    Limit(#[from] InvalidLimit),
    #[error("must be `active`, `expired` or `revoked`")]
    Status(#[from] UnknownStatus),
    #[error("is not a cursor of this list")]
    Cursor,
    #[error(transparent)]
    Boolean(#[from] NotBoolean),
    #[error(transparent)]
    Search(#[from] InvalidSearch),
    #[error(transparent)]
    Time(#[from] TimeError),
    #[error("is not a valid user ID")]
    UserId,
    #[error("give `allUsers` or `userId`, and only once")]
    UsersChosenTwice,
    #[error("is not a known parameter")]
    Unknown,
}

impl FieldProblem for ParameterError {
    fn code(&self) -> FieldCode {
        match self {
            Self::Limit(error) => error.code(),
            Self::Boolean(error) => error.code(),
            Self::Search(error) => error.code(),
            Self::Time(error) => error.code(),
            Self::Status(_) | Self::Cursor | Self::UserId => FieldCode::InvalidFormat,
            Self::UsersChosenTwice => FieldCode::Conflicting,
            Self::Unknown => FieldCode::Unknown,
        }
    }
}

impl Query {
    /// Reads the parameters. The problem names every one that is wrong.
    pub(crate) fn read<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Problem> {
        let filter = TokenFilter::default();
        let mut query = Self { users: Users::Caller, filter, limit: DEFAULT_PAGE_LIMIT, cursor: None };
        read_each(parameters, |name, value| query.set(name, value))?;

        Ok(query)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ParameterError> {
        match name {
            "limit" => self.limit = parse_page_limit(value)?,
            "status" => self.filter.status = Some(value.parse()?),
            "usable" => self.filter.usable = Some(parse_boolean(value)?),
            "q" => self.filter.text = Some(parse_search(value)?),
            "expiresBefore" => self.filter.expires_before = Some(read_time(value)?),
            "unusedSince" => self.filter.unused_since = Some(read_time(value)?),
            "cursor" => {
                // A cursor is only an ID and grants nothing, so it need not be signed.
                let cursor = Uuid::try_parse(value).ok().filter(|id| id.get_version_num() == 7);
                self.cursor = Some(cursor.ok_or(ParameterError::Cursor)?);
            }
            "allUsers" => {
                if parse_boolean(value)? {
                    self.choose(Users::All)?;
                }
            }
            "userId" if !is_user_id(value) => return Err(ParameterError::UserId),
            "userId" => self.choose(Users::One(value.to_owned()))?,
            _ => return Err(ParameterError::Unknown),
        }
        Ok(())
    }

    fn choose(&mut self, users: Users) -> Result<(), ParameterError> {
        if self.users != Users::Caller {
            return Err(ParameterError::UsersChosenTwice);
        }
        self.users = users;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use patgate_rules::search::SearchText;
    use patgate_rules::verdict::Status;

    #[test]
    fn default_is_the_first_25_tokens_of_the_caller() {
        let query = Query::read([]).unwrap();
        let filter = TokenFilter::default();
        assert_eq!(query, Query { users: Users::Caller, filter, limit: 25, cursor: None });
    }

    #[test]
    fn every_parameter_is_parsed() {
        let cursor = Uuid::now_v7();
        let text = cursor.to_string();
        let query = Query::read([
            ("limit", "100"),
            ("status", "expired"),
            ("cursor", text.as_str()),
            ("allUsers", "true"),
            ("q", " Déploy"),
            ("usable", "false"),
            ("expiresBefore", "2027-01-31T23:59:59Z"),
            ("unusedSince", "2026-01-31T01:00:00+01:00"),
        ]);
        let time = |text| patgate_rules::clock::from_text(text).ok();
        let filter = TokenFilter {
            status: Some(Status::Expired),
            usable: Some(false),
            text: SearchText::new("deploy"),
            expires_before: time("2027-01-31T23:59:59.000Z"),
            unused_since: time("2026-01-31T00:00:00.000Z"),
        };
        let expected = Query { users: Users::All, filter, limit: 100, cursor: Some(cursor) };
        assert_eq!(query.unwrap(), expected);
        assert_eq!(Query::read([("userId", "42")]).unwrap().users, Users::One("42".into()));
    }

    #[test]
    fn invalid_values_are_rejected() {
        for (name, value) in [
            ("limit", "0"),
            ("limit", "-1"),
            ("limit", "101"),
            ("limit", "x"),
            ("limit", ""),
            ("status", "Active"),
            ("cursor", ""),
            ("cursor", "bm90IGEgY3Vyc29y"),
            ("cursor", "8c1bd9d4-4d6a-4d0b-9f4b-0a8b5f0f9a11"),
            ("allUsers", "yes"),
            ("usable", "True"),
            ("usable", ""),
            ("q", ""),
            ("q", " "),
            ("expiresBefore", "tomorrow"),
            ("expiresBefore", "2027-01-31"),
            ("unusedSince", ""),
            ("userId", ""),
            ("page", "2"),
        ] {
            assert!(Query::read([(name, value)]).is_err(), "{name}={value}");
        }
        assert!(Query::read([("allUsers", "true"), ("userId", "42")]).is_err());
        assert!(Query::read([("userId", "x".repeat(256).as_str())]).is_err());
        assert!(Query::read([("q", "é".repeat(101).as_str())]).is_err());
        assert!(Query::read([("q", "é".repeat(100).as_str())]).is_ok());
    }
}
