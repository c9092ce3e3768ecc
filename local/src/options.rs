//! The command line, and the environment variables that do the same.

use std::path::PathBuf;

use clap::Parser;

/// Runs Patgate on this machine.
#[derive(Debug, Parser)]
#[command(name = "local")]
pub(crate) struct Options {
    /// Port of the APIs and of the page (0 picks a free one)
    #[arg(long, env = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,

    /// Port of the development sign-in (0 picks a free one)
    #[arg(long, env = "ISSUER_PORT", default_value_t = 3001)]
    pub(crate) issuer_port: u16,

    /// Port of DynamoDB (0 picks a free one)
    #[arg(long, env = "DYNAMODB_PORT", default_value_t = 8000)]
    pub(crate) dynamodb_port: u16,

    /// Keep all data in memory and forget it at the end
    #[arg(long)]
    pub(crate) memory: bool,

    /// Where data is kept between runs
    #[arg(long, default_value = ".local")]
    pub(crate) data: PathBuf,

    /// The folder with the templates
    #[arg(long, default_value = "infra")]
    pub(crate) infra: PathBuf,

    /// The folder with the built page
    #[arg(long, default_value = "web/dist")]
    pub(crate) web: PathBuf,

    /// The folder with the function binaries [default: where this program lies]
    #[arg(long)]
    pub(crate) functions: Option<PathBuf>,

    /// Sets a parameter of the core template, such as `TokenPrefix=acme_`
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) parameters: Vec<(String, String)>,

    /// The certificates that the functions take for the system's
    #[arg(long, env = "SSL_CERT_FILE")]
    pub(crate) certificates: Option<PathBuf>,

    /// Where the functions look for DynamoDB instead, such as a proxy in front of it
    #[arg(long, value_name = "URL")]
    pub(crate) functions_dynamodb_url: Option<String>,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
