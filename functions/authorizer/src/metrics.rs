//! What this instance does, as metrics of CloudWatch in the embedded metric format: one
//! log line a minute at most, which CloudWatch reads and counts.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use patgate::clock::Timestamp;
use serde_json::{Map, Value, json};

use crate::{Denial, Rejection};

const NAMESPACE: &str = "Patgate";
const STACK: &str = "Stack";
/// How often an instance writes at most. What it counted since is lost with it.
const INTERVAL: TimeDelta = TimeDelta::seconds(60);
/// How many values a metric may have in one line.
const MOST_VALUES: usize = 100;

/// What an instance has counted since it last wrote.
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
    /// Refusals by their reason.
    denied: BTreeMap<&'static str, u64>,
    read_milliseconds: Vec<f64>,
}

impl Metrics {
    /// Of the stack by this name, which the metrics carry as their dimension.
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
            Rejection::Unauthorized(denial) => *counts.denied.entry(reason(denial)).or_default() += 1,
            Rejection::Fault(_) => counts.faults += 1,
        }
    }

    /// Counts what a token and its owner took to read.
    pub(crate) fn count_read(&self, duration: Duration) {
        let mut counts = self.counts();
        if counts.read_milliseconds.len() < MOST_VALUES {
            counts.read_milliseconds.push(duration.as_secs_f64() * 1_000.0);
        }
    }

    pub(crate) fn count_last_used_write(&self) {
        self.counts().last_used_writes += 1;
    }

    /// The line that is due, if one is; the counts begin anew with it.
    pub fn take_due(&self, now: Timestamp) -> Option<String> {
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
        let mut add = |name: String, unit: &str, value: Value| {
            units.push(json!({ "Name": name, "Unit": unit }));
            values.insert(name, value);
        };
        add("Allowed".to_owned(), "Count", self.allowed.into());
        add("Denied".to_owned(), "Count", self.denied.values().sum::<u64>().into());
        add("Faults".to_owned(), "Count", self.faults.into());
        add("LastUsedWrites".to_owned(), "Count", self.last_used_writes.into());
        // The first line of an instance follows its first event.
        add("ColdStarts".to_owned(), "Count", u64::from(is_first).into());
        for (reason, count) in self.denied {
            add(format!("Denied{reason}"), "Count", count.into());
        }
        if !self.read_milliseconds.is_empty() {
            add("ReadLatency".to_owned(), "Milliseconds", self.read_milliseconds.into());
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

/// The reason of a refusal, as part of a metric's name.
fn reason(denial: &Denial) -> &'static str {
    use patgate::verify::Verdict;
    match denial {
        Denial::Credential(_) => "Missing",
        Denial::Malformed(_) => "Malformed",
        Denial::Session(_) => "Session",
        Denial::UserDisabled { .. } => "UserDisabled",
        Denial::Token { verdict, .. } => match verdict {
            Verdict::Unknown => "Unknown",
            Verdict::Revoked | Verdict::Superseded => "Revoked",
            Verdict::Expired => "Expired",
            Verdict::OwnerDisabled => "UserDisabled",
            Verdict::OwnerAbsent => "UserAbsent",
            Verdict::OwnerMissing => "UserMissing",
            // Never a reason to refuse.
            Verdict::Allowed => "Other",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;
    use patgate::clock::from_text;
    use patgate::verify::Verdict;

    fn at(second: u32) -> Timestamp {
        from_text(&format!("2026-11-23T10:{:02}:{:02}.000Z", second / 60, second % 60)).unwrap()
    }

    fn line(metrics: &Metrics, second: u32) -> Option<Value> {
        metrics.take_due(at(second)).map(|line| serde_json::from_str(&line).unwrap())
    }

    #[test]
    fn first_event_is_written_at_once_and_the_others_once_a_minute_together() {
        let metrics = Metrics::new("patgate".into());
        let denied = |verdict| Rejection::from(Denial::Token { verdict, token: None });
        metrics.count_allowed();
        let first = line(&metrics, 0).unwrap();
        assert_eq!((&first["Allowed"], &first["ColdStarts"]), (&json!(1), &json!(1)));
        metrics.count_rejection(&denied(Verdict::Revoked));
        metrics.count_rejection(&denied(Verdict::Superseded));
        metrics.count_rejection(&denied(Verdict::Unknown));
        metrics.count_rejection(&Fault::Deadline.into());
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
        assert_eq!((&third["Denied"], &third["DeniedRevoked"]), (&json!(0), &Value::Null), "counted anew");
    }

    #[test]
    fn line_is_of_the_embedded_metric_format() {
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
        assert_eq!(line["ReadLatency"].as_array().unwrap().len(), MOST_VALUES);
    }
}
