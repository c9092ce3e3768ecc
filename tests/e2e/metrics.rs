//! The metrics that the authorizer reports to CloudWatch.

use patgate_harness::{Settings, System};
use serde_json::Value;

/// The lines of a log that are in the embedded metric format.
fn metric_lines(log: &str) -> Vec<Value> {
    let of_authorizer = log.lines().filter_map(|line| line.strip_prefix("[Authorizer] "));
    let values = of_authorizer.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    values.filter(|line| line["_aws"].is_object()).collect()
}

#[test]
fn authorizer_logs_its_metrics_once_a_minute_and_nothing_for_an_allowed_request() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("counted");
    for _ in 0..50 {
        assert_eq!(system.status_of(&token.secret), 200);
    }

    assert_eq!(alice.revoke_token(&token.id), 204);
    assert_eq!(system.status_of(&token.secret), 401);

    let log = system.stop();
    let metrics = metric_lines(&log);
    let starts: u64 = metrics.iter().map(|line| line["ColdStarts"].as_u64().unwrap()).sum();

    // One request at a time needs few instances, and each has logged only its first metrics.
    assert_eq!(starts, u64::try_from(metrics.len()).unwrap(), "{metrics:?}");
    assert!((1..=3).contains(&metrics.len()), "{metrics:?}");

    for line in &metrics {
        assert_eq!(line["Stack"], "patgate");
        let declared = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        assert!(declared.iter().any(|metric| metric["Name"] == "Allowed" && metric["Unit"] == "Count"));
    }

    let of_authorizer = || log.lines().filter(|line| line.starts_with("[Authorizer] "));
    let events = of_authorizer().filter(|line| line.contains("\"audit\":")).count();
    assert_eq!(events, 3, "alice's roles, the first use from an address, and the denial:\n{log}");

    let others = of_authorizer().count() - metrics.len() - events;
    assert_eq!(others, 1, "the denial has a line, and the allowed requests have none:\n{log}");
}
