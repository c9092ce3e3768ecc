//! The functions that are measured beside each other, and the measurement.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use patgate_harness::{DynamoDbProxy, RecordedRequest, TlsFront};
use serde_json::json;

use crate::fixture::Fixture;
use crate::lambda::{Answer, Instance, Program};
use crate::share::CpuShare;
use crate::statistics::{Samples, percentile};

/// Sizes of memory whose share of a processor is measured, in MB.
pub(crate) const MEMORY_MB: [u32; 4] = [128, 256, 512, 1_024];
/// In each round, of which the median counts: a single one is at the mercy of the machine.
pub(crate) const COLD_STARTS: usize = 5;
/// Warm calls at a time.
pub(crate) const CALLS_IN_A_TURN: usize = 50;
/// Before the warm calls are counted: a just-in-time compiler needs some.
pub(crate) const WARM_UP_CALLS: usize = 200;

/// What does the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Floor,
    GetItem,
    /// Ours, on a token.
    Token,
    /// Ours, on a session.
    Session,
    Node,
    Python,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Floor, Self::GetItem, Self::Token, Self::Session, Self::Node, Self::Python];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "the floor: runtime, constant answer",
            Self::GetItem => "one bare GetItem, same client",
            Self::Token => "**Patgate's authorizer, a token**",
            Self::Session => "Patgate's authorizer, a session",
            Self::Node => "the same job for a token, Node",
            Self::Python => "the same job for a token, Python",
        }
    }

    /// For the plot: those that differ.
    pub(crate) fn short_name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::GetItem => "bare GetItem",
            Self::Token => "Patgate",
            Self::Session => "Patgate, session",
            Self::Node => "Node",
            Self::Python => "Python",
        }
    }

    /// Whether it decides as the authorizer does on a token.
    fn decides(self) -> bool {
        matches!(self, Self::Token | Self::Node | Self::Python)
    }

    fn event(self, fixture: &Fixture) -> &str {
        match self {
            Self::Session => &fixture.session,
            _ => &fixture.valid,
        }
    }
}

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) release: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) scratch: PathBuf,
}

/// One function and all that was measured of it.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    program: Program,
    pub(crate) binary_bytes: u64,
    pub(crate) zip_bytes: u64,
    pub(crate) cold_ms: Samples,
    /// In the order of [`MEMORY_MB`].
    pub(crate) cold_ms_at: [Samples; MEMORY_MB.len()],
    pub(crate) p50_ms: Samples,
    pub(crate) p99_ms: Samples,
    pub(crate) cpu_us: Samples,
    pub(crate) rss_mb: Samples,
    pub(crate) costs: Option<Costs>,
}

/// What it asks of DynamoDB.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Costs {
    /// Before the first event.
    pub(crate) start: Cost,
    pub(crate) first: Cost,
    pub(crate) repeated: Cost,
    /// A call whose use is due to be written, beyond what a repeated one asks.
    pub(crate) written: Cost,
    /// With a credential that is no token by its form alone.
    pub(crate) malformed: Cost,
}

/// What a call costs at DynamoDB.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cost {
    pub(crate) requests: Vec<String>,
    pub(crate) units: f64,
}

impl Subject {
    pub(crate) fn new(kind: Kind, programs: &Programs, fixture: &Fixture, tls: &TlsFront) -> Result<Self> {
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (command, files) = match kind {
            Kind::Floor => rust(programs, "floor"),
            Kind::GetItem => rust(programs, "get-item"),
            Kind::Token | Kind::Session => rust(programs, "authorizer"),
            Kind::Node => {
                let bundle = bench.join("subjects/node/dist/index.js");
                (vec![node()?, text(&bundle)], vec![bundle])
            }
            Kind::Python => {
                let files =
                    ["runtime.py", "authorizer.py"].map(|name| bench.join("subjects/python").join(name));
                (vec![text(&programs.python), text(&files[0])], files.into())
            }
        };
        let program = Program { command, environment: environment(kind, programs, fixture, tls)? };
        let binary_bytes = files.iter().map(|file| Ok(file.metadata()?.len())).sum::<Result<_>>()?;
        let zip_bytes = zip(programs, &files)?;
        Ok(Self {
            kind,
            program,
            binary_bytes,
            zip_bytes,
            cold_ms: Samples::default(),
            cold_ms_at: Default::default(),
            p50_ms: Samples::default(),
            p99_ms: Samples::default(),
            cpu_us: Samples::default(),
            rss_mb: Samples::default(),
            costs: None,
        })
    }

    /// Makes sure that it does the job before it is timed.
    pub(crate) fn check(&self, fixture: &Fixture) -> Result<()> {
        let (mut instance, _, answer) = Instance::start(&self.program, self.kind.event(fixture), None)?;
        self.check_allowed(fixture, &answer)?;
        if !self.kind.decides() {
            return Ok(());
        }
        for (state, event) in &fixture.refused {
            let (_, answer) = instance.call(event)?;
            ensure!(answer == Err("Unauthorized".to_owned()), "{:?}: a token {state}: {answer:?}", self.kind);
        }
        let (_, answer) = instance.call(&fixture.valid)?;
        self.check_allowed(fixture, &answer)
    }

    fn check_allowed(&self, fixture: &Fixture, answer: &Answer) -> Result<()> {
        let answer = answer.as_ref().map_err(|error| anyhow::anyhow!("{:?}: {error}", self.kind))?;
        ensure!(answer["isAuthorized"] == true, "{:?}: {answer}", self.kind);
        if self.kind.decides() {
            let wanted = json!({ "isAuthorized": true, "context": fixture.context });
            ensure!(*answer == wanted, "{:?}: {answer} and not {wanted}", self.kind);
        }
        Ok(())
    }

    /// Counts what it asks of DynamoDB, if that depends on what it is asked.
    pub(crate) fn count_costs(&mut self, fixture: &Fixture) -> Result<()> {
        if !self.kind.decides() && self.kind != Kind::Session {
            return Ok(());
        }
        let proxy = DynamoDbProxy::start();
        proxy.forward_to(&fixture.system.local().dynamodb);
        proxy.ask_for_units();
        let mut program = self.program.clone();
        for (name, value) in &mut program.environment {
            if name == "AWS_ENDPOINT_URL_DYNAMODB" {
                value.clone_from(&proxy.url);
            }
        }
        fixture.just_used();
        let event = self.kind.event(fixture);
        let (mut instance, _, _) = Instance::start(&program, event, None)?;
        let (start, first) = proxy.take_all().into_iter().partition(RecordedRequest::opens_connection);
        let mut cost_of = |event: &str| -> Result<Cost> {
            let (_, _answer) = instance.call(event)?;
            // Once the next event is answered, whatever came after this one's response is done.
            let asked = proxy.take_all();
            let (_, _answer) = instance.call(&fixture.malformed)?;
            Ok(cost(asked.into_iter().chain(proxy.take_all()).collect()))
        };
        let repeated = cost_of(event)?;
        let malformed = cost_of(&fixture.malformed)?;
        fixture.never_used();
        let mut written = cost_of(event)?;
        written.requests.retain(|request| !repeated.requests.contains(request));
        written.units -= repeated.units;
        self.costs = Some(Costs { start: cost(start), first: cost(first), repeated, written, malformed });
        Ok(())
    }

    /// A cold start, in the place of the instance that there was before.
    pub(crate) fn start(&self, round: &mut Round, fixture: &Fixture) -> Result<()> {
        fixture.just_used();
        round.instance = None;
        let (instance, cold, answer) = Instance::start(&self.program, self.kind.event(fixture), None)?;
        self.check_allowed(fixture, &answer)?;
        round.cold_ms.push(milliseconds(cold));
        round.instance = Some(instance);
        Ok(())
    }

    /// Calls that do not count.
    pub(crate) fn warm_up(&self, round: &mut Round, fixture: &Fixture) -> Result<()> {
        let instance = round.instance.as_mut().context("it was started")?;
        for _ in 0..WARM_UP_CALLS {
            self.call(instance, fixture)?;
        }
        Ok(())
    }

    /// A turn of warm calls.
    pub(crate) fn take_turn(&self, round: &mut Round, fixture: &Fixture) -> Result<()> {
        let instance = round.instance.as_mut().context("it was started")?;
        let before = instance.cpu()?;
        for _ in 0..CALLS_IN_A_TURN {
            round.warm_ms.push(milliseconds(self.call(instance, fixture)?));
        }
        round.cpu += instance.cpu()?.saturating_sub(before);
        Ok(())
    }

    fn call(&self, instance: &mut Instance, fixture: &Fixture) -> Result<Duration> {
        let (time, answer) = instance.call(self.kind.event(fixture))?;
        ensure!(answer.is_ok(), "{:?}: {answer:?}", self.kind);
        Ok(time)
    }

    /// Keeps what a round showed, and ends its instance.
    pub(crate) fn keep(&mut self, round: Round) -> Result<()> {
        let instance = round.instance.context("it was started")?;
        self.cold_ms.push(percentile(&round.cold_ms, 0.5));
        self.p50_ms.push(percentile(&round.warm_ms, 0.5));
        self.p99_ms.push(percentile(&round.warm_ms, 0.99));
        self.cpu_us.push(round.cpu.as_secs_f64() * 1e6 / round.warm_ms.len() as f64);
        self.rss_mb.push(instance.peak_rss_mb()?);
        Ok(())
    }

    /// One cold start within each share of a processor, in the order of [`MEMORY_MB`].
    pub(crate) fn start_within(&mut self, fixture: &Fixture, shares: &[CpuShare]) -> Result<()> {
        let event = self.kind.event(fixture);
        for (share, samples) in shares.iter().zip(&mut self.cold_ms_at) {
            fixture.just_used();
            let (_instance, cold, answer) = Instance::start(&self.program, event, Some(share))?;
            ensure!(answer.is_ok(), "{:?} within {share:?}: {answer:?}", self.kind);
            samples.push(milliseconds(cold));
        }
        Ok(())
    }
}

/// What one function shows in one round.
#[derive(Default)]
pub(crate) struct Round {
    instance: Option<Instance>,
    cold_ms: Vec<f64>,
    warm_ms: Vec<f64>,
    cpu: Duration,
}

fn cost(requests: Vec<RecordedRequest>) -> Cost {
    Cost {
        units: requests.iter().map(|request| request.units).fold(0.0, |sum, units| sum + units),
        requests: requests.into_iter().map(|request| request.operation).collect(),
    }
}

fn rust(programs: &Programs, name: &str) -> (Vec<String>, Vec<PathBuf>) {
    let binary = programs.release.join(name);
    (vec![text(&binary)], vec![binary])
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Node itself, so that no wrapper of a version manager is timed.
fn node() -> Result<String> {
    let found = Command::new("node").args(["-p", "process.execPath"]).output().context("Node is not here")?;
    Ok(String::from_utf8(found.stdout)?.trim().to_owned())
}

/// The variables of Lambda and of the template, and trust in the test CA: each language
/// beside the roots that it trusts anyway.
fn environment(
    kind: Kind,
    programs: &Programs,
    fixture: &Fixture,
    tls: &TlsFront,
) -> Result<Vec<(String, String)>> {
    let amazon = include_str!("../../shared/dynamodb/src/amazon-roots.pem");
    let (trust, others) = match kind {
        Kind::Node => ("NODE_EXTRA_CA_CERTS", String::new()),
        Kind::Python => {
            let roots = Command::new(&programs.python)
                .args(["-c", "import botocore.httpsession as b; print(open(b.DEFAULT_CA_BUNDLE).read())"])
                .output()?;
            ("AWS_CA_BUNDLE", String::from_utf8(roots.stdout)?)
        }
        _ => ("SSL_CERT_FILE", amazon.to_owned()),
    };
    let bundle = programs.scratch.join(format!("{trust}.pem"));
    tls.bundle(&bundle, &others);
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
        (trust, &text(&bundle)),
    ];
    Ok(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

/// The size of a package with these files. Python's own tool makes it.
fn zip(programs: &Programs, files: &[PathBuf]) -> Result<u64> {
    let package = programs.scratch.join("package.zip");
    let made =
        Command::new(&programs.python).args(["-m", "zipfile", "-c"]).arg(&package).args(files).status()?;
    ensure!(made.success(), "cannot zip {files:?}");
    Ok(package.metadata()?.len())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
