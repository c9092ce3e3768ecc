//! The programs of the subjects: commands, environment and packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use patgate_harness::{TlsFront, repository_root};

use super::Kind;
use crate::fixture::Fixture;
use crate::lambda::Program;

/// The root certificates that Patgate's functions trust.
const AMAZON_ROOTS: &str = "shared/dynamodb/src/amazon-roots.pem";

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The functions as they are deployed.
    pub(crate) release: PathBuf,
    /// The Python with boto3.
    pub(crate) python: PathBuf,
    pub(crate) scratch: PathBuf,
}

impl Programs {
    /// The command that starts a subject, and the files of its package.
    pub(super) fn command(&self, kind: Kind) -> Result<(Vec<String>, Vec<PathBuf>)> {
        let subjects = repository_root().join("bench/subjects");
        Ok(match kind {
            Kind::Floor => self.binary("floor"),
            Kind::GetItem => self.binary("get-item"),
            Kind::Token | Kind::Session => self.binary("authorizer"),
            Kind::Node => {
                let bundle = subjects.join("node/dist/index.js");
                (vec![node()?, path_text(&bundle)], vec![bundle])
            }
            Kind::Python => {
                let files = ["runtime.py", "authorizer.py"].map(|name| subjects.join("python").join(name));
                (vec![path_text(&self.python), path_text(&files[0])], files.into())
            }
        })
    }

    fn binary(&self, name: &str) -> (Vec<String>, Vec<PathBuf>) {
        let binary = self.release.join(name);
        (vec![path_text(&binary)], vec![binary])
    }

    /// A program with the environment of Lambda and of the template. It trusts the test CA,
    /// in addition to the roots that its language trusts anyway.
    pub(super) fn program(
        &self,
        kind: Kind,
        command: Vec<String>,
        fixture: &Fixture,
        tls: &TlsFront,
    ) -> Result<Program> {
        let (variable, roots) = match kind {
            Kind::Node => ("NODE_EXTRA_CA_CERTS", String::new()),
            Kind::Python => ("AWS_CA_BUNDLE", self.botocore_roots()?),
            Kind::Floor | Kind::GetItem | Kind::Token | Kind::Session => {
                ("SSL_CERT_FILE", std::fs::read_to_string(repository_root().join(AMAZON_ROOTS))?)
            }
        };
        let bundle = self.scratch.join(format!("{variable}.pem"));
        tls.write_bundle(&bundle, &roots);

        let variables = [
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "LOCAL-bench"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &tls.url),
            ("TOKENS_TABLE", "Tokens"),
            ("USERS_TABLE", "Users"),
            ("TOKEN_HASH", &fixture.hash),
            ("OIDC_ISSUER", &fixture.system.local().issuer),
            ("OIDC_AUDIENCE", "patgate"),
            ("ROLES_CLAIM", "roles"),
            ("TRUSTED_ROOTS", "system"),
            (variable, &path_text(&bundle)),
        ];
        let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Ok(Program { command, environment })
    }

    fn botocore_roots(&self) -> Result<String> {
        let output = Command::new(&self.python)
            .args(["-c", "import botocore.httpsession as b; print(open(b.DEFAULT_CA_BUNDLE).read())"])
            .output()?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The size in bytes of a package with these files. Python's `zipfile` creates it.
    pub(super) fn zip_bytes(&self, files: &[PathBuf]) -> Result<u64> {
        let package = self.scratch.join("package.zip");
        let status =
            Command::new(&self.python).args(["-m", "zipfile", "-c"]).arg(&package).args(files).status()?;
        ensure!(status.success(), "cannot zip {files:?}");

        Ok(package.metadata()?.len())
    }
}

/// The path of Node itself, so that the measurement excludes wrappers of version managers.
fn node() -> Result<String> {
    let output =
        Command::new("node").args(["-p", "process.execPath"]).output().context("Node is not installed")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
