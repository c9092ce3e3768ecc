//! Reads from the deployment templates what can run on this machine: tables, functions,
//! and HTTP APIs with their routes and authorizer.
//!
//! A setting that would have to be emulated and is not is an error that names it. Ignoring
//! it would hide that the system behaves differently on AWS.

mod api;
mod conditions;
mod function;
mod globals;
mod intrinsics;
mod stack;
mod values;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

pub(crate) use self::api::{AuthorizerSettings, CorsSettings, HttpApi, RateLimit, Route};
pub(crate) use self::function::Function;
use self::stack::Stack;
use crate::issuer;
use crate::options::Options;

/// The names of the stacks. On AWS, the operator chooses them.
const CORE_STACK: &str = "patgate";
const API_STACK: &str = "package-api";

/// Where a frontend's development server usually is.
const FRONTEND_ORIGIN: &str = "http://localhost:5173";

const RELEASE: &str = "development";

/// What runs on this machine.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    pub(crate) tables: Vec<Table>,
    pub(crate) functions: Vec<Function>,
    pub(crate) apis: Vec<HttpApi>,
    exports: BTreeMap<String, Value>,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) properties: Value,
}

impl Templates {
    /// Reads the core and the attached API, in the order of their deployment: the API's
    /// stack imports values from the core's.
    pub(crate) fn load(options: &Options, issuer_url: &str) -> Result<Self> {
        let mut core_parameters = BTreeMap::from([
            ("OidcIssuer".to_owned(), issuer_url.to_owned()),
            ("OidcAudience".to_owned(), issuer::AUDIENCE.to_owned()),
            ("RolesClaim".to_owned(), issuer::ROLES_CLAIM.to_owned()),
            ("CorsOrigins".to_owned(), FRONTEND_ORIGIN.to_owned()),
            // These two say which version CloudFormation publishes. Nothing is published here.
            ("Release".to_owned(), RELEASE.to_owned()),
            ("ReleaseOf".to_owned(), RELEASE.to_owned()),
        ]);
        core_parameters
            .extend(options.parameters.iter().map(|given| (given.name.clone(), given.value.clone())));
        let api_parameters = BTreeMap::from([("PatgateStack".to_owned(), CORE_STACK.to_owned())]);

        let mut templates = Self::default();
        templates.add_stack(CORE_STACK, &options.core, &core_parameters)?;
        templates.add_stack(API_STACK, &options.api, &api_parameters)?;
        Ok(templates)
    }

    fn add_stack(&mut self, name: &str, file: &Path, parameters: &BTreeMap<String, String>) -> Result<()> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;

        self.add(name, &text, parameters).with_context(|| format!("in `{}`", file.display()))
    }

    fn add(&mut self, stack: &str, text: &str, parameters: &BTreeMap<String, String>) -> Result<()> {
        let mut template = yaml::parse(text)?;
        globals::apply(&mut template)?;

        let stack = Stack::new(stack, &template, parameters, &self.exports)?;
        self.tables.extend(read_tables(&stack)?);
        self.functions.extend(function::read_functions(&stack)?);
        self.apis.extend(api::read_apis(&stack)?);

        let exports = stack.exports()?;
        self.exports.extend(exports);
        Ok(())
    }
}

fn read_tables(stack: &Stack<'_>) -> Result<Vec<Table>> {
    let read_table = |(id, properties): (&String, &Value)| {
        let properties = stack.resolve_in(id, properties)?;
        let name = properties.get("TableName").and_then(Value::as_str).unwrap_or(id).to_owned();
        Ok(Table { name, properties })
    };
    stack.resources("AWS::DynamoDB::Table").map(read_table).collect()
}
