//! When the program stops: on a signal, or when its parent process exits.

use std::os::unix::process::parent_id;
use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};

const PARENT_CHECK_INTERVAL: Duration = Duration::from_millis(250);

pub(crate) struct Shutdown {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    parent: u32,
}

/// Why the program stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    Interrupted,
    Terminated,
    TerminalClosed,
    ParentExited,
}

impl Shutdown {
    /// Starts to watch. It misses no signal from here on.
    pub(crate) fn watch() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            parent: parent_id(),
        })
    }

    /// Returns when the program has to stop.
    pub(crate) async fn requested(mut self) -> StopReason {
        tokio::select! {
            _ = self.interrupt.recv() => StopReason::Interrupted,
            _ = self.terminate.recv() => StopReason::Terminated,
            _ = self.hangup.recv() => StopReason::TerminalClosed,
            () = parent_exited(self.parent) => StopReason::ParentExited,
        }
    }
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Interrupted => "interrupted",
            Self::Terminated => "asked to terminate",
            Self::TerminalClosed => "terminal closed",
            Self::ParentExited => "parent process exited",
        })
    }
}

/// Without this check, a killed test run or `make` would leave servers behind. The system
/// gives a process another parent when its parent exits.
async fn parent_exited(parent: u32) {
    while parent_id() == parent {
        tokio::time::sleep(PARENT_CHECK_INTERVAL).await;
    }
}
