//! The process of an instance: starts, freezes, thaws and ends it.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, parent_id};
use std::process::{ExitCode, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::account::REGION;
use crate::lambda::Pool;

/// The first argument that makes this program become a function's binary.
pub(crate) const INSTANCE_COMMAND: &str = "--become-lambda-instance";

/// Turns this process into the function binary that the arguments name. It returns only if
/// that fails.
///
/// Before it executes the binary, it asks the system to kill the process when its parent
/// dies. Nothing else would end a frozen process after its parent was killed.
pub(crate) fn become_instance(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let (Some(parent), Some(binary)) = (arguments.next(), arguments.next()) else {
        return ExitCode::FAILURE;
    };

    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(Signal::KILL)) {
        eprintln!("error: cannot set the parent death signal: {error}");
        return ExitCode::FAILURE;
    }
    // The parent may have died before the request took effect.
    if parent != *parent_id().to_string() {
        return ExitCode::FAILURE;
    }

    let error = std::process::Command::new(&binary).exec();
    eprintln!("error: cannot execute `{}`: {error}", binary.display());
    ExitCode::FAILURE
}

pub(super) struct Process {
    child: Child,
    /// `None` once the process has ended.
    pid: Option<Pid>,
}

impl Process {
    /// Starts the function with the Runtime API at `runtime_api` (host and port). Its
    /// environment contains nothing but what Lambda gives to a function.
    pub(super) fn start(pool: &Pool, runtime_api: &str) -> io::Result<Self> {
        let function = &pool.function;
        let mut child = Command::new(&pool.this_program)
            .arg(INSTANCE_COMMAND)
            .arg(std::process::id().to_string())
            .arg(&pool.binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
            .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb.to_string())
            .env("AWS_REGION", REGION)
            // Identifies the function to DynamoDB, as its role does on AWS.
            .env("AWS_ACCESS_KEY_ID", format!("LOCAL-{}", function.name))
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_ENDPOINT_URL_DYNAMODB", &pool.dynamodb_url)
            .envs(pool.certificates.as_ref().map(|file| ("SSL_CERT_FILE", file)))
            .envs(&function.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C signals the whole foreground process group. In a group of its own, the
            // function ends when this program ends it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;

        forward(&function.name, child.stdout.take());
        forward(&function.name, child.stderr.take());
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self { child, pid })
    }

    pub(super) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(super) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid {
            // It fails only if the process has ended, which `ended` reports.
            let _ = kill_process(pid, signal);
        }
    }

    /// Returns when the process has ended.
    pub(super) async fn ended(&mut self) {
        let _ = self.child.wait().await;
        // From now on, another process may have this ID.
        self.pid = None;
    }

    pub(super) async fn kill(mut self) {
        let _ = self.child.kill().await;
    }
}

/// Prints a function's output with the function's name before each line.
fn forward(function: &str, output: Option<impl AsyncRead + Unpin + Send + 'static>) {
    let Some(output) = output else { return };
    let function = function.to_owned();

    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            crate::output::print_line(format_args!("[{function}] {line}"));
        }
    });
}
