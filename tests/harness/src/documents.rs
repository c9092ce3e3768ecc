//! What the documents print, to be run as it stands there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::System;

/// A document of the repository.
#[derive(Debug)]
pub struct Document {
    name: &'static str,
    text: String,
}

impl Document {
    /// By its path from the repository's root.
    pub fn read(name: &'static str) -> Self {
        let text =
            std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name, text }
    }

    /// The one indented block that begins with this, without its indentation.
    #[track_caller]
    pub fn block(&self, beginning: &str) -> String {
        let lines: Vec<_> = self.text.lines().collect();
        let is_first = |line: &&str| line.starts_with("    ") && line.trim_start().starts_with(beginning);
        let starts: Vec<_> = (0..lines.len()).filter(|n| is_first(&lines[*n])).collect();
        assert_eq!(starts.len(), 1, "{} has one block that begins with `{beginning}`", self.name);
        let indentation = lines[starts[0]].len() - lines[starts[0]].trim_start().len();
        let indented = |line: &&&str| line.len() - line.trim_start().len() >= indentation;
        let block: Vec<_> =
            lines[starts[0]..].iter().take_while(indented).map(|line| &line[indentation..]).collect();
        block.join("\n")
    }

    /// The command lines that call this program, whole: those that go on after a backslash,
    /// and those within the text (`` `curl …` ``).
    pub fn commands(&self, program: &str) -> Vec<String> {
        let joined = self.text.replace("\\\n", " ");
        let is_command = |text: &&str| text.starts_with(&format!("{program} "));
        let mut commands = Vec::new();
        for line in joined.lines() {
            if is_command(&line.trim()) {
                commands.push(line.trim());
            } else {
                // What stands between two backticks.
                commands.extend(line.split('`').skip(1).step_by(2).filter(is_command));
            }
        }
        commands.into_iter().map(str::to_owned).collect()
    }
}

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a script of a document in the repository's root, with these variables.
pub fn run_script(script: &str, variables: &[(&str, &str)]) -> Output {
    let path = std::env::var("PATH").expect("a search path");
    Command::new("bash")
        .current_dir(root())
        .args(["-euo", "pipefail", "-c", script])
        // As by hand, also when a make runs the tests.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .env("PATH", format!("{}:{path}", root().join(".venv/bin").display()))
        .envs(variables.iter().copied())
        .output()
        .expect("bash is installed")
}

/// Whether the tools of `requirements.txt` are here, such as the AWS CLI. Continuous
/// integration has them.
pub fn tools() -> bool {
    let are_here = root().join(".venv/installed").exists() || std::env::var("CI").is_ok();
    if !are_here {
        eprintln!("skipped: the AWS CLI is not here; `make test` installs it");
    }
    are_here
}

impl System {
    /// Runs a script that uses the AWS CLI against the system's own DynamoDB.
    pub fn run_with_aws(&self, script: &str) -> Output {
        let variables = [
            ("AWS_ENDPOINT_URL_DYNAMODB", self.behind().dynamodb.as_str()),
            ("AWS_ACCESS_KEY_ID", "TESTS"),
            ("AWS_SECRET_ACCESS_KEY", "tests"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ];
        run_script(script, &variables)
    }
}
