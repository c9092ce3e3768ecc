//! A system started for one test.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::proxy::DynamoDbProxy;
use crate::{dynamodb, records};
use rustix::process::{Pid, Signal, kill_process};

/// How a system differs from the usual one.
#[derive(Debug, Default)]
pub struct Settings {
    /// Template parameters, such as `LastUsedResolutionSeconds=1`.
    pub parameters: Vec<&'static str>,
    /// Keep data in this folder; by default it is in memory.
    pub data: Option<PathBuf>,
    /// Another folder of templates than the repository's.
    pub infra: Option<PathBuf>,
    /// Where the functions find DynamoDB.
    pub functions_dynamodb_url: Option<String>,
    /// Variables of its environment.
    pub environment: Vec<(&'static str, String)>,
    /// Another folder of function binaries than the one `local` lies in.
    pub functions: Option<PathBuf>,
}

/// A running `local`, and where its parts are.
#[derive(Debug)]
pub struct Local {
    pub api: String,
    pub issuer: String,
    pub dynamodb: String,
    child: Child,
    output: Arc<Mutex<String>>,
    ended: Mutex<Receiver<()>>,
}

const START_TIMEOUT: Duration = Duration::from_secs(20);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

impl Local {
    pub(crate) fn start(settings: Settings) -> Self {
        let mut command = Self::command();
        match settings.data {
            Some(data) => command.arg("--data").arg(data),
            None => command.arg("--memory"),
        };
        command.envs(settings.environment);
        for parameter in settings.parameters {
            command.args(["--parameter", parameter]);
        }
        if let Some(infra) = settings.infra {
            command.arg("--infra").arg(infra);
        }
        if let Some(functions) = settings.functions {
            command.arg("--functions").arg(functions);
        }
        // Somebody may want to know what the functions do.
        let recorder = (settings.functions_dynamodb_url.is_none() && records::folder().is_some())
            .then(DynamoDbProxy::start);
        let recorder_url = recorder.as_ref().map(|recorder| recorder.url.clone());
        let other = dynamodb::other();
        if let Some(url) = settings.functions_dynamodb_url.or(recorder_url).or(other.clone()) {
            command.args(["--functions-dynamodb-url", &url]);
        }
        let mut child =
            command.stdout(Stdio::piped()).spawn().expect("`local` starts; `make test` builds it");
        let stdout = child.stdout.take().expect("its output");
        let (output, ended, addresses) = collect(stdout);
        let [api, issuer, mut dynamodb] = addresses.recv_timeout(START_TIMEOUT).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!("`local` does not get ready:\n{}", output.lock().unwrap())
        });
        if let Some(other) = other {
            dynamodb::copy_tables(&dynamodb, &other);
            dynamodb = other;
        }
        if let Some(recorder) = recorder {
            recorder.forward_to(&dynamodb);
        }
        Self { api, issuer, dynamodb, child, output, ended: Mutex::new(ended) }
    }

    /// `local` on free ports, from the repository's root.
    pub fn command() -> Command {
        let mut command = Command::new(binary("local"));
        command
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .args(["--port", "0", "--issuer-port", "0", "--dynamodb-port", "0"])
            .stdin(Stdio::null());
        command
    }

    /// All that was printed up to now, by the system and its functions.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, waits until it has, and returns all that was printed.
    pub fn stop(self) -> String {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits until it has stopped in order, and returns all that was printed.
    pub fn wait(mut self) -> String {
        assert!(self.has_ended(), "it does not stop when asked to");
        let status = self.child.wait().expect("its exit status");
        assert!(status.success(), "{status}");
        self.output()
    }

    /// Waits for the end of its output.
    fn has_ended(&self) -> bool {
        self.ended.lock().unwrap().recv_timeout(STOP_TIMEOUT).is_ok()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process id");
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
        records::keep_output(&self.output.lock().unwrap());
        if std::thread::panicking() {
            eprintln!("--- what the system printed ---\n{}", self.output.lock().unwrap());
        }
    }
}

type Collected = (Arc<Mutex<String>>, Receiver<()>, Receiver<[String; 3]>);

/// Collects the output in the background, and the addresses that the banner prints.
fn collect(stdout: ChildStdout) -> Collected {
    let output = Arc::new(Mutex::new(String::new()));
    let (end, ended) = channel();
    let (found, addresses) = channel();
    let collected = Arc::clone(&output);
    std::thread::spawn(move || {
        let mut urls: Vec<String> = Vec::new();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let mut words = line.split_whitespace();
            if let (Some("API" | "Sign-in" | "DynamoDB"), Some(url)) = (words.next(), words.next())
                && url.starts_with("http://")
            {
                urls.push(url.to_owned());
                if let Ok(urls) = <[String; 3]>::try_from(urls.clone()) {
                    let _ = found.send(urls);
                }
            }
            let mut collected = collected.lock().unwrap();
            collected.push_str(&line);
            collected.push('\n');
        }
        let _ = end.send(());
    });
    (output, ended, addresses)
}

/// A binary of this workspace. Tests lie in a folder below it, other programs beside it.
fn binary(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("this program's own path");
    let folders = this.ancestors().skip(1).map(|folder| folder.join(name));
    folders.take(2).find(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(name))
}
