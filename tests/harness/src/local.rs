//! A `local` process that runs a system for one test.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::artifacts;
use crate::dynamodb;
use crate::proxy::DynamoDbProxy;
use crate::repository::repository_root;

const START_TIMEOUT: Duration = Duration::from_secs(20);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How a system differs from the default.
#[derive(Debug, Default)]
pub struct Settings {
    /// Parameters of the core template, such as `LastUsedResolutionSeconds=1`.
    pub parameters: Vec<&'static str>,
    /// The folder to keep data in; by default data is in memory.
    pub data: Option<PathBuf>,
    /// A core template other than `infra/core.yaml`.
    pub core_template: Option<PathBuf>,
    /// The URL at which the functions reach DynamoDB.
    pub functions_dynamodb_url: Option<String>,
    /// Environment variables of `local`.
    pub environment: Vec<(&'static str, String)>,
    /// The folder with the function binaries; by default the folder of `local` itself.
    pub functions: Option<PathBuf>,
}

/// A running `local`, and the URLs of its parts.
#[derive(Debug)]
pub struct Local {
    pub api: String,
    pub issuer: String,
    pub dynamodb: String,
    child: Child,
    output: Arc<Mutex<String>>,
    ended: Mutex<Receiver<()>>,
}

impl Local {
    pub(crate) fn start(settings: Settings) -> Self {
        let mut command = Self::command();
        match settings.data {
            Some(data) => command.arg("--data").arg(data),
            None => command.arg("--memory"),
        };
        for parameter in settings.parameters {
            command.args(["--parameter", parameter]);
        }
        if let Some(template) = settings.core_template {
            command.arg("--core").arg(template);
        }
        if let Some(functions) = settings.functions {
            command.arg("--functions").arg(functions);
        }
        command.envs(settings.environment);

        // A run that writes artifacts observes every system, even if its test uses no proxy.
        let recorder = (settings.functions_dynamodb_url.is_none() && artifacts::folder().is_some())
            .then(DynamoDbProxy::start);
        let recorder_url = recorder.as_ref().map(|recorder| recorder.url.clone());
        let other_dynamodb = dynamodb::other_dynamodb_url();
        if let Some(url) = settings.functions_dynamodb_url.or(recorder_url).or(other_dynamodb.clone()) {
            command.args(["--functions-dynamodb-url", &url]);
        }

        let mut child =
            command.stdout(Stdio::piped()).spawn().expect("start `local`, which `make test` builds");
        let stdout = child.stdout.take().expect("the output of `local`");
        let Collected { output, ended, urls } = collect(stdout);
        let [api, issuer, mut dynamodb] = urls.recv_timeout(START_TIMEOUT).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!("`local` is not ready after {START_TIMEOUT:?}:\n{}", output.lock().unwrap())
        });

        if let Some(other) = other_dynamodb {
            dynamodb::copy_tables(&dynamodb, &other);
            dynamodb = other;
        }
        if let Some(recorder) = recorder {
            recorder.forward_to(&dynamodb);
        }
        Self { api, issuer, dynamodb, child, output, ended: Mutex::new(ended) }
    }

    /// The command that runs `local` on free ports, in the repository's root.
    pub fn command() -> Command {
        let mut command = Command::new(binary("local"));
        command
            .current_dir(repository_root())
            .args(["--port", "0", "--issuer-port", "0", "--dynamodb-port", "0"])
            .stdin(Stdio::null());
        command
    }

    /// The output of the system and its functions so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// The process ID of `local`.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks `local` to stop, waits for its exit and returns its output.
    pub fn stop(self) -> String {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits until `local` has exited without an error, and returns its output.
    pub fn wait(mut self) -> String {
        assert!(self.has_ended(), "`local` has not stopped after {STOP_TIMEOUT:?}");
        let status = self.child.wait().expect("the exit status of `local`");
        assert!(status.success(), "{status}");

        self.output()
    }

    /// Waits for the end of the output.
    fn has_ended(&self) -> bool {
        self.ended.lock().unwrap().recv_timeout(STOP_TIMEOUT).is_ok()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process ID");
        let _ = kill_process(pid, signal);
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::TERM);
            if !self.has_ended() {
                let _ = self.child.kill();
            }
            let _ = self.child.wait();
        }

        artifacts::write_output(&self.output.lock().unwrap());
        if std::thread::panicking() {
            eprintln!("--- output of the system ---\n{}", self.output.lock().unwrap());
        }
    }
}

/// What the thread that reads the output of `local` reports.
struct Collected {
    output: Arc<Mutex<String>>,
    ended: Receiver<()>,
    /// The URLs of the API, the issuer and DynamoDB, once all are printed.
    urls: Receiver<[String; 3]>,
}

/// Collects the output in the background, and the URLs from its banner.
fn collect(stdout: ChildStdout) -> Collected {
    let output = Arc::new(Mutex::new(String::new()));
    let (report_end, ended) = channel();
    let (report_urls, urls) = channel();

    let collected = Arc::clone(&output);
    std::thread::spawn(move || {
        let mut found: Vec<String> = Vec::new();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(url) = banner_url(&line) {
                found.push(url.to_owned());
                if let Ok(urls) = <[String; 3]>::try_from(found.clone()) {
                    let _ = report_urls.send(urls);
                }
            }

            let mut collected = collected.lock().unwrap();
            collected.push_str(&line);
            collected.push('\n');
        }
        let _ = report_end.send(());
    });

    Collected { output, ended, urls }
}

/// The URL in a line of the banner that shows one of the three parts.
fn banner_url(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let (name, url) = (words.next()?, words.next()?);
    (matches!(name, "API" | "Sign-in" | "DynamoDB") && url.starts_with("http://")).then_some(url)
}

/// A binary of this workspace. Cargo puts tests one folder below it and other programs
/// beside it.
pub(crate) fn binary(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("the path of this program");
    let candidates = this.ancestors().skip(1).map(|folder| folder.join(name));
    candidates.take(2).find(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(name))
}
