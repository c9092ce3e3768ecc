//! The wall clock. No other module of this program reads it.

use chrono::{DateTime, Utc};

#[expect(clippy::disallowed_methods, reason = "this program emulates the services that set these times")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
