//! The metrics of this instance, in CloudWatch's embedded metric format: at most one log
//! line a minute, which CloudWatch turns into metrics.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use patgate_rules::clock::Timestamp;
use patgate_rules::verdict::Verdict;
use serde_json::{Map, Value, json};

use crate::rejection::{Denial, Rejection};

const NAMESPACE: &str = "Patgate";
const STACK: &str = "Stack";

const ALLOWED: &str = "Allowed";
const DENIED: &str = "Denied";
const FAULTS: &str = "Faults";
const LAST_USED_WRITES: &str = "LastUsedWrites";
const COLD_STARTS: &str = "ColdStarts";
const READ_LATENCY: &str = "ReadLatency";

/// The minimum interval between two lines. An instance that ends loses up to a minute of
/// counts.
const INTERVAL: TimeDelta = TimeDelta::seconds(60);
/// The maximum number of values of a metric in one line, set by the format.
const MAX_VALUES: usize = 100;

/// The counts of an instance since its last line.
#[derive(Debug)]
pub struct Metrics {
    stack: String,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    written_at: Option<Timestamp>,
    allowed: u64,
    faults: u64,
    last_used_writes: u64,
    denied: BTreeMap<DenialReason, u64>,
    read_milliseconds: Vec<f64>,
}

impl Metrics {
    /// Metrics with the name of a stack as their dimension.
    #[must_use]
    pub fn new(stack: String) -> Self {
        Self { stack, counts: Mutex::default() }
    }

    pub(crate) fn count_allowed(&self) {
        self.counts().allowed += 1;
    }

    pub(crate) fn count_rejection(&self, rejection: &Rejection) {
        let mut counts = self.counts();
        match rejection {
            Rejection::Denied(denial) => *counts.denied.entry(denial.into()).or_default() += 1,
            Rejection::Fault(_) => counts.faults += 1,
        }
    }

    /// Counts how long it took to read a token and its owner.
    pub(crate) fn count_read(&self, duration: Duration) {
        let mut counts = self.counts();
        if counts.read_milliseconds.len() < MAX_VALUES {
            counts.read_milliseconds.push(duration.as_secs_f64() * 1_000.0);
        }
    }

    pub(crate) fn count_last_used_write(&self) {
        self.counts().last_used_writes += 1;
    }

    /// The next line, if a minute has passed since the last one. The counts start again.
    pub fn take_line(&self, now: Timestamp) -> Option<String> {
        let mut counts = self.counts();
        let is_first = counts.written_at.is_none();
        if counts.written_at.is_some_and(|at| now.signed_duration_since(at) < INTERVAL) {
            return None;
        }

        let taken = std::mem::replace(&mut *counts, Counts { written_at: Some(now), ..Counts::default() });
        Some(taken.line(&self.stack, is_first, now))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn line(self, stack: &str, is_first: bool, now: Timestamp) -> String {
        let mut values = Map::new();
        let mut units = Vec::new();
        let mut add = |name: &str, unit: &str, value: Value| {
            units.push(json!({ "Name": name, "Unit": unit }));
            values.insert(name.to_owned(), value);
        };

        add(ALLOWED, "Count", self.allowed.into());
        add(DENIED, "Count", self.denied.values().sum::<u64>().into());
        add(FAULTS, "Count", self.faults.into());
        add(LAST_USED_WRITES, "Count", self.last_used_writes.into());
        // The first line of an instance follows its first event.
        add(COLD_STARTS, "Count", u64::from(is_first).into());
        for (reason, count) in self.denied {
            add(reason.metric(), "Count", count.into());
        }
        if !self.read_milliseconds.is_empty() {
            add(READ_LATENCY, "Milliseconds", self.read_milliseconds.into());
        }

        let metrics = json!([{ "Namespace": NAMESPACE, "Dimensions": [[STACK]], "Metrics": units }]);
        values.insert(
            "_aws".to_owned(),
            json!({ "Timestamp": now.timestamp_millis(), "CloudWatchMetrics": metrics }),
        );
        values.insert(STACK.to_owned(), stack.into());

        Value::Object(values).to_string()
    }
}

/// Why a credential was denied, as the metrics group the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum DenialReason {
    Missing,
    Malformed,
    Session,
    UserDisabled,
    Unknown,
    Revoked,
    Expired,
    UserAbsent,
    UserMissing,
}

impl DenialReason {
    const ALL: [Self; 9] = [
        Self::Missing,
        Self::Malformed,
        Self::Session,
        Self::UserDisabled,
        Self::Unknown,
        Self::Revoked,
        Self::Expired,
        Self::UserAbsent,
        Self::UserMissing,
    ];

    fn metric(self) -> &'static str {
        match self {
            Self::Missing => "DeniedMissing",
            Self::Malformed => "DeniedMalformed",
            Self::Session => "DeniedSession",
            Self::UserDisabled => "DeniedUserDisabled",
            Self::Unknown => "DeniedUnknown",
            Self::Revoked => "DeniedRevoked",
            Self::Expired => "DeniedExpired",
            Self::UserAbsent => "DeniedUserAbsent",
            Self::UserMissing => "DeniedUserMissing",
        }
    }
}

impl From<&Denial> for DenialReason {
    fn from(denial: &Denial) -> Self {
        match denial {
            Denial::Credential(_) => Self::Missing,
            Denial::Malformed(_) => Self::Malformed,
            Denial::Session(_) => Self::Session,
            Denial::UserDisabled { .. } => Self::UserDisabled,
            Denial::Token { verdict, .. } => match verdict {
                // `Allowed` is never denied.
                Verdict::Unknown | Verdict::Allowed => Self::Unknown,
                Verdict::Revoked | Verdict::Superseded => Self::Revoked,
                Verdict::Expired => Self::Expired,
                Verdict::OwnerDisabled => Self::UserDisabled,
                Verdict::OwnerAbsent => Self::UserAbsent,
                Verdict::OwnerMissing => Self::UserMissing,
            },
        }
    }
}

/// The names of all metrics that a line may contain.
pub fn names() -> impl Iterator<Item = &'static str> {
    [ALLOWED, DENIED, FAULTS, LAST_USED_WRITES, COLD_STARTS, READ_LATENCY]
        .into_iter()
        .chain(DenialReason::ALL.into_iter().map(DenialReason::metric))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::Fault;
    use patgate_rules::clock::from_text;

    fn at(second: u32) -> Timestamp {
        from_text(&format!("2026-11-23T10:{:02}:{:02}.000Z", second / 60, second % 60)).unwrap()
    }

    fn line(metrics: &Metrics, second: u32) -> Option<Value> {
        metrics.take_line(at(second)).map(|line| serde_json::from_str(&line).unwrap())
    }

    #[test]
    fn first_event_is_logged_at_once_and_later_ones_once_a_minute() {
        let metrics = Metrics::new("patgate".into());
        let denied = |verdict| Rejection::from(Denial::Token { verdict, token: None });
        metrics.count_allowed();
        let first = line(&metrics, 0).unwrap();
        assert_eq!((&first["Allowed"], &first["ColdStarts"]), (&json!(1), &json!(1)));
        metrics.count_rejection(&denied(Verdict::Revoked));
        metrics.count_rejection(&denied(Verdict::Superseded));
        metrics.count_rejection(&denied(Verdict::Unknown));
        metrics.count_rejection(&Fault::Deadline(Duration::from_secs(1)).into());
        metrics.count_read(Duration::from_micros(1_500));
        metrics.count_last_used_write();
        assert_eq!(line(&metrics, 59), None);
        let second = line(&metrics, 60).unwrap();
        for (name, value) in [
            ("Allowed", json!(0)),
            ("Denied", json!(3)),
            ("DeniedRevoked", json!(2)),
            ("DeniedUnknown", json!(1)),
            ("Faults", json!(1)),
            ("LastUsedWrites", json!(1)),
            ("ColdStarts", json!(0)),
            ("ReadLatency", json!([1.5])),
            ("Stack", json!("patgate")),
        ] {
            assert_eq!(second[name], value, "{name}");
        }
        let third = line(&metrics, 120).unwrap();
        assert_eq!(
            (&third["Denied"], &third["DeniedRevoked"]),
            (&json!(0), &Value::Null),
            "the counts start again"
        );
    }

    #[test]
    fn line_has_the_embedded_metric_format() {
        let metrics = Metrics::new("patgate".into());
        for _ in 0..150 {
            metrics.count_read(Duration::from_millis(2));
        }
        let line = line(&metrics, 0).unwrap();
        assert_eq!(line["_aws"]["Timestamp"], at(0).timestamp_millis());
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Patgate");
        assert_eq!(directive["Dimensions"], json!([["Stack"]]));
        let declared = directive["Metrics"].as_array().unwrap();
        assert!(declared.iter().all(|metric| !line[metric["Name"].as_str().unwrap()].is_null()), "{line}");
        assert_eq!(declared.len() + 2, line.as_object().unwrap().len(), "each value is declared: {line}");
        assert_eq!(line["ReadLatency"].as_array().unwrap().len(), MAX_VALUES);
    }
}
