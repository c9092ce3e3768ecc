//! The functions that the benchmark compares, and how it measures them.

mod costs;
mod program;

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use patgate_harness::{Invocation, TlsFront};
use serde_json::json;

use crate::fixture::Fixture;
use crate::lambda::{FunctionProcess, Program};
use crate::share::CpuShare;
use crate::statistics::{Samples, percentile};

pub(crate) use self::costs::{CallCosts, Cost};
pub(crate) use self::program::Programs;

/// The memory sizes whose share of a processor is measured, in MB.
pub(crate) const MEMORY_MB: [u32; 4] = [128, 256, 512, 1_024];
/// The cold starts in each round. Their median counts, because single starts vary widely.
pub(crate) const COLD_STARTS: usize = 5;
/// The warm calls in one turn.
pub(crate) const CALLS_IN_A_TURN: usize = 50;
/// The calls before the measured ones, which a just-in-time compiler needs.
pub(crate) const WARM_UP_CALLS: usize = 200;

/// A function that the benchmark measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Floor,
    GetItem,
    /// Patgate's authorizer with a token.
    Token,
    /// Patgate's authorizer with a session.
    Session,
    Node,
    Python,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Floor, Self::GetItem, Self::Token, Self::Session, Self::Node, Self::Python];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "the floor: runtime and constant response",
            Self::GetItem => "one bare GetItem with the same client",
            Self::Token => "**Patgate's authorizer, token**",
            Self::Session => "Patgate's authorizer, session",
            Self::Node => "the same task for a token in Node",
            Self::Python => "the same task for a token in Python",
        }
    }

    /// The name in the plot.
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

    /// Whether this function authorizes tokens.
    fn authorizes_tokens(self) -> bool {
        matches!(self, Self::Token | Self::Node | Self::Python)
    }

    /// Whether the DynamoDB requests of this function depend on its event.
    fn has_varying_costs(self) -> bool {
        self.authorizes_tokens() || self == Self::Session
    }

    fn event(self, fixture: &Fixture) -> &str {
        match self {
            Self::Session => &fixture.session,
            Self::Floor | Self::GetItem | Self::Token | Self::Node | Self::Python => &fixture.valid,
        }
    }
}

/// One function and its measurements.
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
    pub(crate) costs: Option<CallCosts>,
}

impl Subject {
    pub(crate) fn new(kind: Kind, programs: &Programs, fixture: &Fixture, tls: &TlsFront) -> Result<Self> {
        let (command, files) = programs.command(kind)?;
        let program = programs.program(kind, command, fixture, tls)?;
        let binary_bytes = files.iter().map(|file| Ok(file.metadata()?.len())).sum::<Result<_>>()?;
        let zip_bytes = programs.zip_bytes(&files)?;

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

    /// Checks that the function works before it is measured.
    pub(crate) fn check(&self, fixture: &Fixture) -> Result<()> {
        let event = self.kind.event(fixture);
        let (mut process, _, invocation) = FunctionProcess::start(&self.program, event, None)?;
        self.check_allowed(fixture, &invocation)?;
        if !self.kind.authorizes_tokens() {
            return Ok(());
        }

        for (state, event) in &fixture.refused {
            let (_, invocation) = process.call(event)?;
            let is_refused = invocation == Err("Unauthorized".to_owned());
            ensure!(is_refused, "{:?}: {state} token: {invocation:?}", self.kind);
        }

        let (_, invocation) = process.call(&fixture.valid)?;
        self.check_allowed(fixture, &invocation)
    }

    fn check_allowed(&self, fixture: &Fixture, invocation: &Invocation) -> Result<()> {
        let response = invocation.as_ref().map_err(|error| anyhow!("{:?}: {error}", self.kind))?;
        ensure!(response["isAuthorized"] == true, "{:?}: {response}", self.kind);

        if self.kind.authorizes_tokens() {
            let expected = json!({ "isAuthorized": true, "context": fixture.context });
            ensure!(*response == expected, "{:?}: {response} instead of {expected}", self.kind);
        }
        Ok(())
    }

    /// Counts the DynamoDB requests of each kind of call, if they depend on the event.
    pub(crate) fn count_costs(&mut self, fixture: &Fixture) -> Result<()> {
        if self.kind.has_varying_costs() {
            self.costs = Some(CallCosts::count(&self.program, self.kind.event(fixture), fixture)?);
        }
        Ok(())
    }

    /// Measures a cold start. The new instance replaces that of the round.
    pub(crate) fn start(&self, round: &mut Round, fixture: &Fixture) -> Result<()> {
        fixture.set_just_used();
        round.process = None;

        let event = self.kind.event(fixture);
        let (process, cold_start, invocation) = FunctionProcess::start(&self.program, event, None)?;
        self.check_allowed(fixture, &invocation)?;

        round.cold_ms.push(milliseconds(cold_start));
        round.process = Some(process);
        Ok(())
    }

    /// Makes calls that are not measured.
    pub(crate) fn warm_up(&self, round: &mut Round, fixture: &Fixture) -> Result<()> {
        let process = round.process.as_mut().context("the function runs")?;
        for _ in 0..WARM_UP_CALLS {
            self.call(process, fixture)?;
        }
        Ok(())
    }

    /// Measures the warm calls of one turn.
    pub(crate) fn take_turn(&self, round: &mut Round, fixture: &Fixture) -> Result<()> {
        let process = round.process.as_mut().context("the function runs")?;
        let before = process.cpu_time()?;
        for _ in 0..CALLS_IN_A_TURN {
            round.warm_ms.push(milliseconds(self.call(process, fixture)?));
        }

        round.cpu_time += process.cpu_time()?.saturating_sub(before);
        Ok(())
    }

    fn call(&self, process: &mut FunctionProcess, fixture: &Fixture) -> Result<Duration> {
        let (time, invocation) = process.call(self.kind.event(fixture))?;
        ensure!(invocation.is_ok(), "{:?}: {invocation:?}", self.kind);
        Ok(time)
    }

    /// Adds the measurements of a round, and ends its instance.
    pub(crate) fn add_round(&mut self, round: Round) -> Result<()> {
        let process = round.process.context("the function runs")?;
        self.cold_ms.push(percentile(&round.cold_ms, 0.5));
        self.p50_ms.push(percentile(&round.warm_ms, 0.5));
        self.p99_ms.push(percentile(&round.warm_ms, 0.99));
        self.cpu_us.push(round.cpu_time.as_secs_f64() * 1e6 / round.warm_ms.len() as f64);
        self.rss_mb.push(process.peak_rss_mb()?);
        Ok(())
    }

    /// Measures one cold start within each share of a processor, in the order of
    /// [`MEMORY_MB`].
    pub(crate) fn start_within(&mut self, fixture: &Fixture, shares: &[CpuShare]) -> Result<()> {
        let event = self.kind.event(fixture);
        for (share, samples) in shares.iter().zip(&mut self.cold_ms_at) {
            fixture.set_just_used();
            let (_process, cold_start, invocation) =
                FunctionProcess::start(&self.program, event, Some(share))?;
            ensure!(invocation.is_ok(), "{:?} within {share:?}: {invocation:?}", self.kind);
            samples.push(milliseconds(cold_start));
        }
        Ok(())
    }
}

/// The measurements of one function in one round.
#[derive(Default)]
pub(crate) struct Round {
    process: Option<FunctionProcess>,
    cold_ms: Vec<f64>,
    warm_ms: Vec<f64>,
    cpu_time: Duration,
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
