//! The query parameters of the list, each checked.

use patgate::http::Problem;
use patgate::http::input::{PAGE_DEFAULT, page_limit, take_each};
use patgate::user::is_user_id;
use patgate::verify::Status;
use uuid::Uuid;

/// A valid query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) whose: Whose,
    pub(crate) status: Option<Status>,
    pub(crate) limit: usize,
    pub(crate) cursor: Option<Uuid>,
}

/// Whose tokens are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Own,
    User(String),
    Everyone,
}

impl Query {
    /// Reads the parameters; what is wrong is said of every one at once.
    pub(crate) fn read<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Problem> {
        let mut query = Self { whose: Whose::Own, status: None, limit: PAGE_DEFAULT, cursor: None };
        take_each(parameters, |name, value| query.set(name, value))?;
        Ok(query)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "limit" => self.limit = page_limit(value)?,
            "status" => {
                let status = Status::from_word(value);
                self.status = Some(status.ok_or("must be `active`, `expired` or `revoked`")?);
            }
            "cursor" => {
                // An id and nothing more: it grants nothing, whoever writes it.
                let cursor = Uuid::try_parse(value).ok().filter(|id| id.get_version_num() == 7);
                self.cursor = Some(cursor.ok_or("is not a cursor of this list")?);
            }
            "allUsers" => match value {
                "true" => self.choose(Whose::Everyone)?,
                "false" => {}
                _ => return Err("must be `true` or `false`".to_owned()),
            },
            "userId" if !is_user_id(value) => return Err("is no user's id".to_owned()),
            "userId" => self.choose(Whose::User(value.to_owned()))?,
            _ => return Err("is not a known parameter".to_owned()),
        }
        Ok(())
    }

    fn choose(&mut self, whose: Whose) -> Result<(), String> {
        if self.whose != Whose::Own {
            return Err("cannot be combined with the other choice of users".to_owned());
        }
        self.whose = whose;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_parameters_the_first_25_own_tokens_are_asked_for() {
        let query = Query::read([]).unwrap();
        assert_eq!(query, Query { whose: Whose::Own, status: None, limit: 25, cursor: None });
    }

    #[test]
    fn every_parameter_is_read() {
        let cursor = Uuid::now_v7();
        let text = cursor.to_string();
        let query = Query::read([
            ("limit", "100"),
            ("status", "expired"),
            ("cursor", text.as_str()),
            ("allUsers", "true"),
        ]);
        let expected =
            Query { whose: Whose::Everyone, status: Some(Status::Expired), limit: 100, cursor: Some(cursor) };
        assert_eq!(query.unwrap(), expected);
        assert_eq!(Query::read([("userId", "42")]).unwrap().whose, Whose::User("42".into()));
    }

    #[test]
    fn wrong_values_are_refused() {
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
            ("userId", ""),
            ("page", "2"),
        ] {
            assert!(Query::read([(name, value)]).is_err(), "{name}={value}");
        }
        assert!(Query::read([("allUsers", "true"), ("userId", "42")]).is_err());
        assert!(Query::read([("userId", "x".repeat(256).as_str())]).is_err());
    }
}
