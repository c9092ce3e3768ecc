//! A route's rate limit, as the token bucket that API Gateway documents.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html>

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::template::RateLimit;

pub(super) struct Throttle {
    limit: RateLimit,
    bucket: Mutex<Bucket>,
}

/// Each request takes one from the bucket. A full bucket admits a burst, and it refills at
/// the limit's rate.
struct Bucket {
    level: f64,
    filled_at: Instant,
}

impl Throttle {
    pub(super) fn new(limit: RateLimit) -> Self {
        let bucket = Bucket { level: limit.burst as f64, filled_at: Instant::now() };
        Self { limit, bucket: Mutex::new(bucket) }
    }

    /// Whether one more request may pass now. It counts the request.
    pub(super) fn admits(&self) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);

        let now = Instant::now();
        let elapsed_seconds = now.duration_since(bucket.filled_at).as_secs_f64();
        let refilled = bucket.level + elapsed_seconds * self.limit.rate_per_second as f64;
        let level = refilled.min(self.limit.burst as f64);

        let admits = level >= 1.0;
        *bucket = Bucket { level: if admits { level - 1.0 } else { level }, filled_at: now };
        admits
    }
}
