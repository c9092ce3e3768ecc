//! A minimal Lambda for measurements: a process with the harness's Runtime API, and a clock.
//!
//! Instances are never frozen here. A measurement covers the time between an event and its
//! response; `local` emulates the rest.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use patgate_harness::{Invocation, RuntimeApi};

use crate::share::CpuShare;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// How to start a function.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) command: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
}

/// A running function.
pub(crate) struct FunctionProcess {
    child: Child,
    runtime_api: RuntimeApi,
}

impl FunctionProcess {
    /// Starts a program whose first event is waiting, and returns it with the time from its
    /// `exec` to its response.
    pub(crate) fn start(
        program: &Program,
        event: &str,
        share: Option<&CpuShare>,
    ) -> Result<(Self, Duration, Invocation)> {
        let runtime_api = RuntimeApi::start()?;

        // The shell waits for a line before it becomes the program. The process can enter its
        // share of the processor first, and the start of the shell itself does not count.
        let mut child = Command::new("sh")
            .args(["-c", "read -r _ && exec \"$@\"", "sh"])
            .args(&program.command)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", &runtime_api.address)
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {:?}", program.command))?;
        if let Some(share) = share {
            share.add_process(child.id())?;
        }
        runtime_api.send(event);

        let mut gate = child.stdin.take().context("the input of the shell")?;
        let started = Instant::now();
        gate.write_all(b"\n")?;
        drop(gate);

        let mut process = Self { child, runtime_api };
        let (received, invocation) = process.wait_for_invocation()?;
        Ok((process, received.duration_since(started), invocation))
    }

    /// Sends an event, and returns the time until its response.
    pub(crate) fn call(&mut self, event: &str) -> Result<(Duration, Invocation)> {
        let sent = Instant::now();
        self.runtime_api.send(event);
        let (received, invocation) = self.wait_for_invocation()?;
        Ok((received.duration_since(sent), invocation))
    }

    fn wait_for_invocation(&mut self) -> Result<(Instant, Invocation)> {
        match self.runtime_api.receive(RESPONSE_TIMEOUT) {
            Some(invocation) => Ok(invocation),
            None => bail!("no response within {RESPONSE_TIMEOUT:?}; {:?}", self.child.try_wait()),
        }
    }

    /// The processor time that all threads of the process have used.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(self.proc("task"))? {
            // `on-cpu waiting slices`; a thread that has just ended has no such file.
            let Ok(line) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            nanoseconds += line.split(' ').next().context("schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The largest resident memory so far, in MB.
    pub(crate) fn peak_rss_mb(&self) -> Result<f64> {
        resident_mb(self.proc("status"), "VmHWM:")
    }

    fn proc(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.child.id())
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A figure from the `status` file of a process, in MB.
pub(crate) fn resident_mb(status: impl AsRef<Path>, figure: &str) -> Result<f64> {
    let text = std::fs::read_to_string(status)?;
    let line = text.lines().find_map(|line| line.strip_prefix(figure)).context("no such figure")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
