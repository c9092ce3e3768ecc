//! Writes `docs/performance.md`, which is never edited by hand.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::endpoints::{Costs, SIZES};
use crate::highest_costs::HighestCost;
use crate::load::Load;
use crate::statistics::{Samples, figure};
use crate::subjects::{Cost, Kind, MEMORY_MB, Subject};

const NODE_SDK: &str =
    "require('./bench/subjects/node/package.json').dependencies['@aws-sdk/client-dynamodb']";

/// All measurements, and how they were made.
pub(crate) struct Report<'a> {
    pub(crate) rounds: usize,
    pub(crate) python: PathBuf,
    pub(crate) calls: usize,
    pub(crate) subjects: &'a [Subject],
    /// The reason, if shares of a processor could not be measured.
    pub(crate) no_shares: Option<String>,
    pub(crate) endpoints: &'a [Costs],
    pub(crate) highest_costs: &'a [HighestCost],
    pub(crate) load: Option<&'a Load>,
}

impl Report<'_> {
    pub(crate) fn markdown(&self) -> String {
        let sections = [
            self.introduction(),
            self.table(),
            self.shares(),
            self.costs(),
            self.goals(),
            self.endpoints(),
            self.highest_costs(),
            self.load(),
        ];
        sections.join("\n")
    }

    fn subject(&self, kind: Kind) -> &Subject {
        self.subjects.iter().find(|subject| subject.kind == kind).expect("each kind is measured")
    }

    fn introduction(&self) -> String {
        format!(
            "# Performance\n\n\
             `make bench` measured these figures on {date} and wrote this document. Do not edit it. Compare figures of one run \
             only: machines differ, and one machine differs from day to day.\n\n\
             | | |\n| --- | --- |\n{machine}\n\n\
             This is one run of {rounds} rounds. Each round measures every function once, and starts with a different function. \
             Figures are medians, with the range over the rounds in parentheses. DynamoDB is the embedded emulator behind a TLS \
             proxy (HTTP/1.1, keep-alive), because TLS is most of a cold start and plain HTTP would hide it. *Cold start* is the \
             time from `exec` to the first response, as the median of {cold} starts in each round. Warm times and processor time \
             are of {calls} calls in each round, after {warm_up} calls that do not count. The functions take turns after each \
             cold start and after every {turn} calls, so that a slow or fast moment of the machine affects all of them. The \
             processor time is the function's own. Node runs one bundled file with the AWS SDK v3, and Python runs boto3. Both use \
             a smaller loop than Lambda's own ([bench/subjects](../bench/subjects)). All three pass the same test before they are \
             timed. The first response to a session includes the time to fetch the issuer's keys, here over plain HTTP. The \
             functions are built for this machine with the profile that is deployed. They trust Amazon's roots and the test CA of \
             the TLS proxy (`TrustedRoots=system`).\n",
            date = chrono::Utc::now().format("%Y-%m-%d %H:%M UTC"),
            machine = machine(&self.python.to_string_lossy()),
            rounds = self.rounds,
            calls = self.calls,
            cold = crate::subjects::COLD_STARTS,
            turn = crate::subjects::CALLS_IN_A_TURN,
            warm_up = crate::subjects::WARM_UP_CALLS,
        )
    }

    fn table(&self) -> String {
        let mut text = "## The authorizer and other implementations\n\n\
            | | binary, KB | zip, KB | cold start, ms | warm p50, ms | warm p99, ms | CPU per call, µs | peak memory, MB |\n\
            | --- | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
        for subject in self.subjects {
            let kilobytes = |bytes: u64| figure(bytes as f64 / 1e3);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                subject.kind.name(),
                kilobytes(subject.binary_bytes),
                kilobytes(subject.zip_bytes),
                subject.cold_ms,
                subject.p50_ms,
                subject.p99_ms,
                subject.cpu_us,
                subject.rss_mb,
            );
        }
        text + "\nThe sizes of Node and Python are those of their code alone. Lambda provides their runtimes and boto3.\n"
    }

    fn shares(&self) -> String {
        let heading = "## Cold start within Lambda's share of a processor\n\n";
        if let Some(reason) = &self.no_shares {
            return format!("{heading}Not measured: {reason}.\n");
        }
        let mut text = format!(
            "{heading}Lambda gives a function a whole processor for 1,769 MB of memory, and proportionally less for less memory. \
             This measurement limits the whole start to that share, in periods of 20 ms. Lambda itself lets a function initialise \
             faster. A start that needs less than its share of one period is not slowed down at all.\n\n\
             ![Cold start by memory size](cold-start.svg)\n\n| ms |"
        );
        for size in MEMORY_MB {
            let _ = write!(text, " {size} MB |");
        }
        text.push_str("\n| --- | --- | --- | --- | --- |\n");
        for subject in self.subjects {
            let _ = write!(text, "| {} |", subject.kind.name());
            for samples in &subject.cold_ms_at {
                let _ = write!(text, " {samples} |");
            }
            text.push('\n');
        }
        text
    }

    fn costs(&self) -> String {
        let mut text = "## DynamoDB requests of a call\n\n\
            The requests, and the units that they consume.\n\n\
            | | cold start | first call of an instance | repeated call | additionally, to record a use | malformed token |\n\
            | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
        for subject in self.subjects {
            let Some(costs) = &subject.costs else { continue };
            let columns = [&costs.start, &costs.first, &costs.repeated, &costs.written, &costs.malformed];
            let _ = writeln!(
                text,
                "| {} | {} |",
                subject.kind.name(),
                columns.map(ToString::to_string).join(" | ")
            );
        }
        text + "\nThe authorizer records at most one use a minute for each token, after the response. It does not record the use of a session.\n"
    }

    fn goals(&self) -> String {
        let ours = self.subject(Kind::Token);
        let [floor, get_item, node, python] =
            [Kind::Floor, Kind::GetItem, Kind::Node, Kind::Python].map(|kind| self.subject(kind));
        let zip = ours.zip_bytes as f64 / 1e6;
        let requests = ours.costs.as_ref().map_or(f64::NAN, |costs| costs.repeated.requests.len() as f64);
        type Measure = fn(&Subject) -> &Samples;
        let cold: Measure = |subject| &subject.cold_ms;
        let p99: Measure = |subject| &subject.p99_ms;
        let cpu: Measure = |subject| &subject.cpu_us;
        let rss: Measure = |subject| &subject.rss_mb;
        let times = |measure: Measure, other: &Subject| measure(other).ratio_to(measure(ours));
        let of = |measure: Measure, other: &Subject| measure(ours).ratio_to(measure(other));
        let goals = [
            ("cold start: how many times faster than Node", times(cold, node), Goal::AtLeast(20.0)),
            ("cold start: how many times faster than Python", times(cold, python), Goal::AtLeast(30.0)),
            ("cold start: multiple of the floor", of(cold, floor), Goal::AtMost(3.0)),
            ("CPU per warm call: how many times less than Node", times(cpu, node), Goal::AtLeast(5.0)),
            ("CPU per warm call: how many times less than Python", times(cpu, python), Goal::AtLeast(5.0)),
            ("CPU per warm call: multiple of a bare GetItem", of(cpu, get_item), Goal::AtMost(1.15)),
            ("warm p99: how many times lower than Node", times(p99, node), Goal::AtLeast(5.0)),
            ("peak memory: how many times less than Node", times(rss, node), Goal::AtLeast(12.0)),
            ("peak memory: how many times less than Python", times(rss, python), Goal::AtLeast(6.0)),
            ("zip, MB", zip, Goal::AtMost(3.0)),
            ("DynamoDB requests for a repeated token", requests, Goal::AtMost(1.0)),
        ];
        let mut text = "## Goals\n\nA ratio is the median of the ratios of all rounds, because a slow or fast round affects both functions.\n\n\
            | | goal | measured | |\n| --- | --- | --- | --- |\n".to_owned();
        for (name, measured, goal) in goals {
            let _ = writeln!(text, "| {name} | {goal} | {} | {} |", figure(measured), goal.verdict(measured));
        }
        text
    }

    fn endpoints(&self) -> String {
        let mut text = "## The management endpoints with few and many tokens\n\n\
            The DynamoDB units of one act, without those of the authorizer. One user owns 250 of the tokens.\n\n| |"
            .to_owned();
        for size in SIZES {
            let _ = write!(text, " {} tokens |", thousands(size));
        }
        text.push_str(" |\n| --- | --- | --- | --- | --- |\n");
        let acts = self.endpoints.first().into_iter().flat_map(Costs::keys);
        for act in acts {
            let costs: Vec<f64> = self.endpoints.iter().filter_map(|costs| costs.get(act)).copied().collect();
            let lowest = costs.iter().copied().fold(f64::MAX, f64::min);
            let highest = costs.iter().copied().fold(0.0, f64::max);
            let same = if highest <= lowest * 1.1 { "within 10 %" } else { "**differs**" };
            let cells: Vec<_> = costs.iter().map(ToString::to_string).collect();
            let _ = writeln!(text, "| {act} | {} | {same} |", cells.join(" | "));
        }
        text + "\n[scaling.md](scaling.md) calculates what follows for a hundred million tokens.\n"
    }

    fn highest_costs(&self) -> String {
        let mut text = "## The most that one request can cost\n\n\
            The DynamoDB units of the most expensive request to each endpoint, without those of the authorizer. Every user \
            has 50 roles of 128 characters.\n\n\
            | operation | request | read units | write units |\n| --- | --- | --- | --- |\n"
            .to_owned();
        for HighestCost { operation_id, request, read_units, write_units } in self.highest_costs {
            let _ = writeln!(text, "| `{operation_id}` | {request} | {read_units} | {write_units} |");
        }
        text
    }

    fn load(&self) -> String {
        let heading = "## Load on one machine\n\n";
        let Some(load) = self.load else {
            return format!("{heading}Not measured: `wrk` is not installed.\n");
        };
        format!(
            "{heading}`local` under load for {} s with {} connections (`wrk`). Each request passes through gateway, authorizer and \
             package API, on the same processors as `wrk` and DynamoDB. The authorizer is built as it is deployed, and the rest \
             with less optimisation:\n\n\
             | | |\n| --- | --- |\n| requests per second | {} |\n| p99 | {} ms |\n| errors | {} |\n\
             | memory of all processes, at the start and at the end | {} MB, {} MB |\n",
            load.seconds,
            crate::load::CONNECTIONS,
            figure(load.requests_per_second),
            figure(load.p99_ms),
            load.errors,
            figure(load.rss_mb.0),
            figure(load.rss_mb.1),
        )
    }
}

enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn verdict(&self, measured: f64) -> &'static str {
        let reached = match self {
            Self::AtLeast(least) => measured >= *least,
            Self::AtMost(most) => measured <= *most,
        };
        if reached { "reached" } else { "**missed**" }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(least) => write!(formatter, "at least {least}"),
            Self::AtMost(most) => write!(formatter, "at most {most}"),
        }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.requests[..] {
            [] => formatter.write_str("nothing"),
            requests => write!(formatter, "{}: {}", requests.join(", "), self.units),
        }
    }
}

fn thousands(number: usize) -> String {
    format!("{},{:03}", number / 1_000, number % 1_000)
}

/// Processor, kernel and versions, as rows of a table.
fn machine(python: &str) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    [
        ("processor", format!("{} × {}", cores, model.trim_start_matches([' ', '\t', ':']))),
        ("kernel", said("uname", &["-sr"])),
        ("Rust", said("rustc", &["--version"])),
        ("Node", said("node", &["--version"])),
        ("AWS SDK for JavaScript", said("node", &["-p", NODE_SDK])),
        ("Python", said(python, &["--version"])),
        ("boto3", said(python, &["-c", "import boto3; print(boto3.__version__)"])),
        ("wrk", said("sh", &["-c", "wrk --version | head -1 | cut -d' ' -f2"])),
    ]
    .map(|(name, value)| format!("| {name} | {value} |"))
    .join("\n")
}
