//! Runs Patgate on one machine, without Docker and without an AWS account.
//!
//! The deployment templates describe what runs here: tables, routes, authorizer and
//! environment. Each part behaves as on AWS: an embedded DynamoDB, the function binaries as
//! Lambda instances, the semantics of an HTTP API, and an OpenID Connect issuer for
//! development.

mod account;
mod banner;
mod clock;
mod data;
mod dynamodb;
mod gateway;
mod issuer;
mod lambda;
mod options;
mod output;
mod page;
mod server;
mod shutdown;
mod template;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use tokio::net::TcpListener;

use crate::data::DataDirectory;
use crate::dynamodb::DynamoDb;
use crate::gateway::Gateway;
use crate::issuer::{Issuer, Origins};
use crate::lambda::Lambda;
use crate::options::Options;
use crate::page::Page;
use crate::shutdown::Shutdown;
use crate::template::Templates;

fn main() -> ExitCode {
    // This program starts itself to become a Lambda instance.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() == Some(lambda::INSTANCE_COMMAND.as_ref()) {
        return lambda::become_instance(arguments);
    }

    data::keep_new_files_private();

    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime");
    match runtime.and_then(|runtime| runtime.block_on(run(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<()> {
    // This comes first, so that no signal is missed while the parts start.
    let shutdown = Shutdown::watch()?;

    let data = if options.memory { None } else { Some(DataDirectory::open(&options.data)?) };
    let client_timeout = Duration::from_secs(options.client_timeout_seconds);

    let api_listener = bind(options.port, "PORT").await?;
    let issuer_listener = bind(options.issuer_port, "ISSUER_PORT").await?;
    let dynamodb_listener = bind(options.dynamodb_port, "DYNAMODB_PORT").await?;
    let api_url = url_of(&api_listener)?;
    let issuer_url = url_of(&issuer_listener)?;
    let dynamodb_url = url_of(&dynamodb_listener)?;

    let templates = Templates::load(options, &issuer_url)?;
    let mut dynamodb = DynamoDb::start(data.as_ref(), dynamodb_listener, &templates, client_timeout)?;
    let origins = Origins::new(&issuer_url, &api_url, &templates);
    let issuer = Issuer::new(data.as_ref(), issuer_url.clone(), origins)?;
    let functions_dynamodb_url = options.functions_dynamodb_url.as_ref().unwrap_or(&dynamodb_url);
    let lambda = Arc::new(Lambda::new(options, &templates, functions_dynamodb_url)?);
    let gateway = Gateway::new(&templates, Arc::clone(&lambda))?;
    // The page signs in at the issuer whose sessions the authorizer accepts.
    let page = Page::new(options, options.parameter("OidcIssuer").unwrap_or(&issuer_url), &api_url)?;

    banner::print(&api_url, &issuer_url, &dynamodb_url, options);

    let api_router = gateway.into_router().merge(page.into_router());
    tokio::select! {
        never = server::serve(api_listener, api_router, client_timeout) => match never {},
        never = server::serve(issuer_listener, issuer.into_router(), client_timeout) => match never {},
        reason = shutdown.requested() => output::print_line(format_args!("Stopping: {reason}.")),
        () = dynamodb.ended() => anyhow::bail!("DynamoDB has stopped"),
    }

    lambda.stop().await;
    dynamodb.stop();
    Ok(())
}

/// Listens on the loopback interface only: no other machine may reach these servers.
async fn bind(port: u16, variable: &str) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
        format!("cannot listen on port {port}; set {variable} to another port (0 picks a free one)")
    })
}

fn url_of(listener: &TcpListener) -> Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}
