//! Patgate on one machine, without Docker and without an AWS account.
//!
//! What runs here is described by the very templates that are deployed: the tables,
//! routes, authorizer and environment come from `infra/`. Each part is real: an
//! embedded DynamoDB, the function binaries as Lambda instances, the HTTP API's
//! semantics, and an OpenID Connect issuer for development.

mod banner;
mod dynamodb;
mod gateway;
mod issuer;
mod lambda;
mod options;
mod output;
mod page;
mod shutdown;
mod template;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use tokio::net::TcpListener;

use crate::dynamodb::DynamoDb;
use crate::gateway::Gateway;
use crate::issuer::Issuer;
use crate::lambda::Lambda;
use crate::options::Options;
use crate::template::Templates;

fn main() -> ExitCode {
    // Started by ourselves to become a Lambda instance.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() == Some(lambda::INSTANCE_COMMAND.as_ref()) {
        return lambda::become_instance(arguments);
    }
    let options = Options::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<()> {
    // First of all, so that no signal is missed and no port is held for nothing.
    let shutdown = shutdown::Shutdown::watch()?;
    let api = bind(options.port, "PORT").await?;
    let issuer_listener = bind(options.issuer_port, "ISSUER_PORT").await?;
    let issuer_url = url(&issuer_listener)?;
    let templates = Templates::load(&options, &issuer_url)?;

    let dynamodb_listener = bind(options.dynamodb_port, "DYNAMODB_PORT").await?;
    let dynamodb_url = url(&dynamodb_listener)?;
    let mut dynamodb = DynamoDb::start(&options, dynamodb_listener, &templates)?;
    let issuer = Issuer::new(&options, issuer_url.clone())?;
    let endpoint = options.functions_dynamodb_url.clone().unwrap_or_else(|| dynamodb_url.clone());
    let lambda = Arc::new(Lambda::new(&options, &templates, &endpoint)?);
    let gateway = Gateway::new(&templates, Arc::clone(&lambda))?;

    let api_url = url(&api)?;
    banner::print(&api_url, &issuer_url, &dynamodb_url, &options);
    let issuer_server = axum::serve(issuer_listener, issuer::router(issuer));
    let page = page::router(&options, &issuer_url, &api_url)?;
    let service = gateway::router(gateway).merge(page).into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        served = axum::serve(api, service).into_future() => served.context("the API's server failed")?,
        served = issuer_server.into_future() => served.context("the issuer's server failed")?,
        reason = shutdown.requested() => output::line(format_args!("Stopping: {reason}.")),
        () = dynamodb.ended() => anyhow::bail!("DynamoDB has stopped"),
    }
    lambda.stop().await;
    dynamodb.stop();
    Ok(())
}

/// Listens on loopback only: nothing here is meant for anybody else.
async fn bind(port: u16, variable: &str) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
        format!("cannot listen on port {port}; set {variable} to another (0 picks a free one)")
    })
}

fn url(listener: &TcpListener) -> Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}
