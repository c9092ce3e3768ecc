//! A route's limit of requests: a bucket of tokens, as API Gateway describes its own.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::template;

/// Full, it lets a burst through; it is filled at the rate.
pub(super) struct Throttle {
    limits: template::Throttle,
    level: Mutex<(f64, Instant)>,
}

impl Throttle {
    pub(super) fn new(limits: template::Throttle) -> Self {
        Self { limits, level: Mutex::new((limits.burst as f64, Instant::now())) }
    }

    /// Whether one more request may pass now.
    pub(super) fn admits(&self) -> bool {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = *level;
        let now = Instant::now();
        let refilled = left + now.duration_since(since).as_secs_f64() * self.limits.rate as f64;
        let left = refilled.min(self.limits.burst as f64);
        let admits = left >= 1.0;
        *level = (if admits { left - 1.0 } else { left }, now);
        admits
    }
}
