//! Load on the whole system on this machine: gateway, authorizer and package API.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use patgate_harness::{Settings, System};

use crate::lambda::resident_mb;

pub(crate) const CONNECTIONS: u32 = 32;

/// The result of a load test.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) seconds: u64,
    pub(crate) requests_per_second: f64,
    pub(crate) p99_ms: f64,
    pub(crate) errors: u64,
    /// The memory of the system and its functions, when all instances run and at the end.
    pub(crate) rss_mb: (f64, f64),
}

/// Puts load on a system for this many seconds. Returns None if `wrk` is not installed.
pub(crate) fn measure(functions: PathBuf, seconds: u64) -> Result<Option<Load>> {
    if Command::new("wrk").arg("--version").output().is_err() {
        return Ok(None);
    }

    let settings = Settings { functions: Some(functions), ..Settings::default() };
    let system = System::start_local(settings).context("BASE_URL is set")?;

    let token = system.sign_in("alice").create_token("load").secret;

    // A first run starts all instances, whose memory would otherwise count as growth.
    run(&system, &token, 5)?;
    let before = memory(&system)?;
    let started = Instant::now();
    let report = run(&system, &token, seconds)?;
    ensure!(started.elapsed() >= Duration::from_secs(seconds), "wrk stopped early:\n{report}");
    let field = |name: &str| report.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let unsuccessful = field("Non-2xx or 3xx responses:").map_or(Ok(0), str::parse::<u64>)?;
    let broken = field("Socket errors:").map_or(0, |line| {
        line.split(|part: char| !part.is_ascii_digit()).filter_map(|number| number.parse::<u64>().ok()).sum()
    });
    Ok(Some(Load {
        seconds,
        requests_per_second: field("Requests/sec:").context("no rate")?.parse()?,
        p99_ms: milliseconds(field("99%").context("no percentile")?)?,
        errors: unsuccessful + broken,
        rss_mb: (before, memory(&system)?),
    }))
}

fn run(system: &System, token: &str, seconds: u64) -> Result<String> {
    let output = Command::new("wrk")
        .args(["--latency", "--threads", "1", "--connections", &CONNECTIONS.to_string()])
        .args(["--duration", &format!("{seconds}s"), "--header", &format!("Authorization: Bearer {token}")])
        .arg(format!("{}/api/Package", system.packages))
        .output()?;

    let report = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "wrk failed:\n{report}");
    Ok(report)
}

/// The milliseconds of a text such as `1.23ms`, `456.00us` or `1.02s`.
fn milliseconds(text: &str) -> Result<f64> {
    let (number, factor) = match text {
        text if text.ends_with("us") => (text.trim_end_matches("us"), 1e-3),
        text if text.ends_with("ms") => (text.trim_end_matches("ms"), 1.0),
        text => (text.trim_end_matches('s'), 1e3),
    };
    Ok(number.parse::<f64>()? * factor)
}

/// The resident memory of the system and of its functions, in MB.
fn memory(system: &System) -> Result<f64> {
    let pid = system.local().pid();

    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = match children {
        Ok(children) => children,
        Err(error) => return Err(error).context("this kernel does not list child processes"),
    };
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"))?;
    let mut pids: Vec<String> = children.split_whitespace().map(str::to_owned).collect();
    for thread in threads {
        let children = std::fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
        pids.extend(children.split_whitespace().map(str::to_owned));
    }

    pids.push(pid.to_string());
    pids.sort();
    pids.dedup();
    Ok(pids.iter().filter_map(|pid| resident_mb(format!("/proc/{pid}/status"), "VmRSS:").ok()).sum())
}
