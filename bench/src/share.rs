//! Limits a process to the share of a processor that Lambda gives for a memory size, with a
//! control group.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The memory size with a whole processor.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const MB_PER_CPU: u32 = 1_769;
/// A short period limits short bursts as well.
const PERIOD_US: u32 = 20_000;

/// A control group with a share of a processor. Dropping it removes the group.
#[derive(Debug)]
pub(crate) struct CpuShare {
    folder: PathBuf,
}

impl CpuShare {
    /// The share of a function with this memory size.
    ///
    /// # Errors
    /// When this machine does not let us create control groups.
    pub(crate) fn of_memory(megabytes: u32) -> Result<Self> {
        let quota = PERIOD_US * megabytes / MB_PER_CPU;
        let name = format!("patgate-bench-{}-{megabytes}", std::process::id());
        if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
            let share = Self::new(PathBuf::from("/sys/fs/cgroup").join(name))?;
            share.set("cpu.max", &format!("{quota} {PERIOD_US}"))?;
            return Ok(share);
        }

        // Version 1 of control groups has two files for the same limit.
        let share = Self::new(PathBuf::from("/sys/fs/cgroup/cpu").join(name))?;
        share.set("cpu.cfs_period_us", &PERIOD_US.to_string())?;
        share.set("cpu.cfs_quota_us", &quota.to_string())?;
        Ok(share)
    }

    fn new(folder: PathBuf) -> Result<Self> {
        fs::create_dir(&folder)
            .with_context(|| format!("cannot create the control group {}", folder.display()))?;
        Ok(Self { folder })
    }

    /// Limits a process, and all processes that it starts.
    pub(crate) fn add_process(&self, pid: u32) -> Result<()> {
        self.set("cgroup.procs", &pid.to_string())
    }

    fn set(&self, file: &str, value: &str) -> Result<()> {
        let path = self.folder.join(file);
        fs::write(&path, value).with_context(|| format!("cannot write {value} to {}", path.display()))
    }
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // If a process is still in the group, this fails and leaves an empty group behind.
        let _ = fs::remove_dir(&self.folder);
    }
}
