//! Log lines: JSON on standard output, one object a line, as Lambda expects them.
//!
//! A line never holds a token, a hash, an `Authorization` header, a body or an
//! e-mail address. A refused caller is `info`; `error` means that someone must act.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::audit;
use crate::config::Environment;

/// Starts logging for this process, at `LOG_LEVEL` (default `info`). Release builds have no
/// line below `info`, whosever it is: `Cargo.toml` leaves them out.
pub fn init(environment: &Environment<'_>) {
    let level = environment
        .optional("LOG_LEVEL")
        .and_then(|level| level.parse::<Level>().ok())
        .unwrap_or(Level::INFO);
    let targets = Targets::new()
        .with_default(level)
        .with_target(audit::TARGET, Level::INFO)
        // The runtime logs every handler error at ERROR. `Unauthorized` is one, and an
        // ordinary day for an authorizer; what matters is logged by us.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        // They log whole events at trace, and with them credentials and bodies.
        .with_target("lambda_http", level.min(Level::DEBUG))
        .with_target("lambda_runtime", level.min(Level::DEBUG))
        // Libraries below us log requests and addresses at these levels.
        .with_target("aws", level.min(Level::WARN))
        .with_target("hyper", level.min(Level::WARN));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    // A second call finds the first one's logger in place, which serves as well.
    let _ = tracing_subscriber::registry().with(targets).with(lines).try_init();
}
