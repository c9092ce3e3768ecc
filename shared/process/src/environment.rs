//! Environment variables, read by name. `infra/core.yaml` sets them.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// The source of variables: this process, or the closure of a test.
pub struct Environment<'a>(&'a dyn Fn(&str) -> Option<String>);

/// A variable is missing or invalid.
#[derive(Debug, thiserror::Error)]
#[error("environment variable `{name}` {problem}")]
pub struct ConfigError {
    name: &'static str,
    problem: VariableProblem,
}

#[derive(Debug, thiserror::Error)]
enum VariableProblem {
    #[error("is not set")]
    Missing,
    #[error("is `{value}`: {error}")]
    Invalid { value: String, error: Box<dyn Error + Send + Sync> },
}

impl Environment<'static> {
    /// The variables of this process.
    #[must_use]
    pub fn process() -> Self {
        Self(&process_variable)
    }
}

#[expect(clippy::disallowed_methods, reason = "the only reader of the environment")]
fn process_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl<'a> Environment<'a> {
    /// Variables from any source, for tests.
    #[must_use]
    pub fn from_lookup(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    /// The value of a variable. A variable that is empty counts as absent, because
    /// CloudFormation cannot leave one out.
    #[must_use]
    pub fn optional(&self, name: &'static str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// The value of a variable that must be set.
    ///
    /// # Errors
    /// When it is absent or empty.
    pub fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or(ConfigError { name, problem: VariableProblem::Missing })
    }

    /// The parsed value of a variable that must be set.
    ///
    /// # Errors
    /// When it is absent, empty or invalid.
    pub fn required_parsed<T>(&self, name: &'static str) -> Result<T, ConfigError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        parse(name, self.required(name)?)
    }

    /// The parsed value of a variable, or of `default` if it is absent or empty.
    ///
    /// # Errors
    /// When the value is invalid.
    pub fn parsed<T>(&self, name: &'static str, default: &str) -> Result<T, ConfigError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        parse(name, self.optional(name).unwrap_or_else(|| default.to_owned()))
    }
}

fn parse<T>(name: &'static str, value: String) -> Result<T, ConfigError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    match value.parse() {
        Ok(parsed) => Ok(parsed),
        Err(error) => {
            let problem = VariableProblem::Invalid { value, error: Box::new(error) };
            Err(ConfigError { name, problem })
        }
    }
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Environment(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(value: &'static str) -> impl Fn(&str) -> Option<String> {
        move |name: &str| (name == "DAYS").then(|| value.to_owned())
    }

    #[test]
    fn empty_variable_counts_as_absent() {
        let lookup = environment("");
        let environment = Environment::from_lookup(&lookup);
        assert_eq!(environment.optional("DAYS"), None);
        assert_eq!(
            environment.required("DAYS").unwrap_err().to_string(),
            "environment variable `DAYS` is not set"
        );
        assert_eq!(environment.parsed::<u16>("DAYS", "90").unwrap(), 90);
    }

    #[test]
    fn error_names_the_variable_and_its_value() {
        let lookup = environment("soon");
        let error = Environment::from_lookup(&lookup).parsed::<u16>("DAYS", "90").unwrap_err().to_string();
        assert!(error.contains("`DAYS` is `soon`"), "{error}");
    }
}
