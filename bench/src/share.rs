//! Lambda's share of a processor for a size of memory, by a control group.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Memory that goes with a whole processor.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const MB_PER_CPU: u32 = 1_769;
/// The shorter the period, the less a short burst escapes the limit.
const PERIOD_US: u32 = 20_000;

/// A control group with a share of the processor; it is removed when dropped.
#[derive(Debug)]
pub(crate) struct CpuShare {
    folder: PathBuf,
}

impl CpuShare {
    /// The share of a function with this much memory.
    ///
    /// # Errors
    /// When control groups cannot be made here.
    pub(crate) fn of_memory(megabytes: u32) -> Result<Self> {
        let quota = PERIOD_US * megabytes / MB_PER_CPU;
        let name = format!("patgate-bench-{}-{megabytes}", std::process::id());
        if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
            let share = Self::new(PathBuf::from("/sys/fs/cgroup").join(name))?;
            share.set("cpu.max", &format!("{quota} {PERIOD_US}"))?;
            return Ok(share);
        }
        // Version 1 of control groups has the same limit as two files.
        let share = Self::new(PathBuf::from("/sys/fs/cgroup/cpu").join(name))?;
        share.set("cpu.cfs_period_us", &PERIOD_US.to_string())?;
        share.set("cpu.cfs_quota_us", &quota.to_string())?;
        Ok(share)
    }

    fn new(folder: PathBuf) -> Result<Self> {
        fs::create_dir(&folder)
            .with_context(|| format!("cannot make the control group {}", folder.display()))?;
        Ok(Self { folder })
    }

    /// Limits a process, and all that it becomes or starts.
    pub(crate) fn take_in(&self, pid: u32) -> Result<()> {
        self.set("cgroup.procs", &pid.to_string())
    }

    fn set(&self, file: &str, value: &str) -> Result<()> {
        let path = self.folder.join(file);
        fs::write(&path, value).with_context(|| format!("cannot write {value} to {}", path.display()))
    }
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // Fails while a process is in it, and what is left then is an empty folder.
        let _ = fs::remove_dir(&self.folder);
    }
}
