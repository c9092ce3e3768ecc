//! When to stop: Ctrl-C, SIGTERM, or the death of whoever started us.

use std::os::unix::process::parent_id;
use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};

const PARENT_CHECK: Duration = Duration::from_millis(250);

pub(crate) struct Shutdown {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    parent: u32,
}

impl Shutdown {
    pub(crate) fn watch() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            parent: parent_id(),
        })
    }

    /// Returns, with the reason, when it is time to stop.
    pub(crate) async fn requested(mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupted",
            _ = self.terminate.recv() => "asked to terminate",
            _ = self.hangup.recv() => "the terminal was closed",
            () = orphaned(self.parent) => "whoever started it is gone",
        }
    }
}

/// A killed test run or a closed `make` must not leave servers behind. A process
/// whose parent dies gets another one.
async fn orphaned(parent: u32) {
    while parent_id() == parent {
        tokio::time::sleep(PARENT_CHECK).await;
    }
}
