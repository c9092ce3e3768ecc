//! Log output: JSON on standard output, one object a line, as Lambda expects it.
//!
//! INVARIANT: a line never holds a token, a hash, an `Authorization` header, a body or an
//! e-mail address. A denied request is `info`; `error` means that someone must act.

use patgate_rules::audit;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::environment::Environment;

/// Starts logging for this process at `LOG_LEVEL` (default `info`). Release builds contain
/// no line below `info`, of any crate: the feature `release_max_level_info` of `tracing` in
/// `Cargo.toml` removes them.
pub fn init(environment: &Environment<'_>) {
    let level = environment
        .optional("LOG_LEVEL")
        .and_then(|level| level.parse::<Level>().ok())
        .unwrap_or(Level::INFO);

    let targets = Targets::new()
        .with_default(level)
        .with_target(audit::TARGET, Level::INFO)
        // The runtime logs every handler error as ERROR. For an authorizer, the error
        // `Unauthorized` is normal, and our own lines report what matters.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        // These log whole events at `trace`, with credentials and bodies.
        .with_target("lambda_http", level.min(Level::DEBUG))
        // Without its span, which is `info`, the span of a line is our own.
        .with_target("lambda_runtime", level.min(Level::WARN))
        // These log requests and addresses below `warn`.
        .with_target("aws", level.min(Level::WARN))
        .with_target("hyper", level.min(Level::WARN));

    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false);

    // A second call fails because the first logger is in place, which is good enough.
    let _ = tracing_subscriber::registry().with(targets).with(lines).try_init();
}
