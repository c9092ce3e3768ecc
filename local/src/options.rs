//! The command line, and the environment variables that replace some of its options.
//!
//! Every path is an option of its own and relative to the working directory. No path is
//! derived from another one.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use clap::Parser;

/// Runs Patgate on this machine
#[derive(Debug, Parser)]
#[command(name = "local")]
pub(crate) struct Options {
    /// Port of the APIs and the page (0 picks a free port)
    #[arg(long, env = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,

    /// Port of the development sign-in (0 picks a free port)
    #[arg(long, env = "ISSUER_PORT", default_value_t = 3001)]
    pub(crate) issuer_port: u16,

    /// Port of DynamoDB (0 picks a free port)
    #[arg(long, env = "DYNAMODB_PORT", default_value_t = 8000)]
    pub(crate) dynamodb_port: u16,

    /// The core template
    #[arg(long, value_name = "FILE", default_value = "infra/core.yaml")]
    pub(crate) core: PathBuf,

    /// The template of an API that uses Patgate's authorizer
    #[arg(long, value_name = "FILE", default_value = "examples/package-api/template.yaml")]
    pub(crate) api: PathBuf,

    /// The directory of the function binaries [default: the directory of this program]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) functions: Option<PathBuf>,

    /// The directory of the built page
    #[arg(long, value_name = "DIRECTORY", default_value = "web/dist")]
    pub(crate) page: PathBuf,

    /// The API's OpenAPI description
    #[arg(long, value_name = "FILE", default_value = "docs/openapi.yaml")]
    pub(crate) openapi: PathBuf,

    /// The directory that keeps all data between runs
    #[arg(long, value_name = "DIRECTORY", default_value = ".local")]
    pub(crate) data: PathBuf,

    /// Keep all data in memory and lose it when the program stops
    #[arg(long)]
    pub(crate) memory: bool,

    /// Seconds that a client may take to send a request, may be idle, or may read nothing
    #[arg(long, value_name = "SECONDS", env = "CLIENT_TIMEOUT_SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) client_timeout_seconds: u64,

    /// Set a parameter of the core template, such as `TokenPrefix=acme_` (repeatable)
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    pub(crate) parameters: Vec<Parameter>,

    /// The certificates that the functions use as the system's trusted roots
    #[arg(long, value_name = "FILE", env = "SSL_CERT_FILE")]
    pub(crate) certificates: Option<PathBuf>,

    /// Where the functions reach DynamoDB, such as a proxy [default: the embedded DynamoDB]
    #[arg(long, value_name = "URL")]
    pub(crate) functions_dynamodb_url: Option<String>,
}

impl Options {
    /// The value that was given to a parameter of the core template. The last one counts.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|given| given.name == name).map(|given| given.value.as_str())
    }
}

/// A parameter of the core template.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Parameter {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').context("expected NAME=VALUE")?;
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}
