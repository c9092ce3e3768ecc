//! Runs the commands that the documents print.

use std::process::{Command, Output};

use crate::System;
use crate::repository::repository_root;

/// The folder with the AWS CLI that `make` installs.
const AWS_TOOLS: &str = ".tools/aws/bin";

/// A document of the repository.
#[derive(Debug)]
pub struct Document {
    name: &'static str,
    text: String,
}

impl Document {
    /// Reads a document by its path from the repository's root.
    pub fn read(name: &'static str) -> Self {
        let text = std::fs::read_to_string(repository_root().join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name, text }
    }

    /// The only indented block that begins with this text, without its indentation.
    #[track_caller]
    pub fn block(&self, beginning: &str) -> String {
        let lines: Vec<_> = self.text.lines().collect();
        let is_first = |line: &str| line.starts_with("    ") && line.trim_start().starts_with(beginning);
        let starts: Vec<_> = (0..lines.len()).filter(|n| is_first(lines[*n])).collect();
        assert_eq!(starts.len(), 1, "{} has exactly one block that begins with `{beginning}`", self.name);

        let block = &lines[starts[0]..];
        let indentation = |line: &str| line.len() - line.trim_start().len();
        let indented_by = indentation(block[0]);
        let lines: Vec<_> = block
            .iter()
            .take_while(|line| indentation(line) >= indented_by)
            .map(|line| &line[indented_by..])
            .collect();
        lines.join("\n")
    }

    /// The complete command lines that call this program. A command may continue after a
    /// backslash, and may stand between two backticks within a sentence.
    pub fn commands(&self, program: &str) -> Vec<String> {
        let joined = self.text.replace("\\\n", " ");
        let is_command = |text: &&str| text.starts_with(&format!("{program} "));
        let mut commands = Vec::new();
        for line in joined.lines() {
            if is_command(&line.trim()) {
                commands.push(line.trim());
            } else {
                commands.extend(line.split('`').skip(1).step_by(2).filter(is_command));
            }
        }

        commands.into_iter().map(str::to_owned).collect()
    }
}

/// Runs a script in the repository's root with these variables.
pub fn run_script(script: &str, variables: &[(&str, &str)]) -> Output {
    let path = std::env::var("PATH").expect("a search path");
    Command::new("bash")
        .current_dir(repository_root())
        .args(["-euo", "pipefail", "-c", script])
        // The script runs as in a user's shell, even when `make` runs the tests.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .env("PATH", format!("{}:{path}", repository_root().join(AWS_TOOLS).display()))
        .envs(variables.iter().copied())
        .output()
        .expect("bash is installed")
}

impl System {
    /// Runs a script that uses the AWS CLI with the system's own DynamoDB.
    pub fn run_with_aws(&self, script: &str) -> Output {
        let aws = repository_root().join(AWS_TOOLS).join("aws");
        assert!(aws.exists(), "the AWS CLI is missing: run `make tools-rust`");

        let variables = [
            ("AWS_ENDPOINT_URL_DYNAMODB", self.local().dynamodb.as_str()),
            ("AWS_ACCESS_KEY_ID", "TESTS"),
            ("AWS_SECRET_ACCESS_KEY", "tests"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ];
        run_script(script, &variables)
    }
}
