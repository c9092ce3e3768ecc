//! `make bench` measures the system and writes `docs/performance.md`.
//!
//! No measurement lets a test fail, because times depend on the machine. All comparisons are
//! within one run, which measures all functions in turns, round by round.

mod endpoints;
mod fixture;
mod highest_costs;
mod lambda;
mod load;
mod plot;
mod report;
mod seed;
mod share;
mod statistics;
mod subjects;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use patgate_harness::TlsFront;

use crate::fixture::Fixture;
use crate::report::Report;
use crate::share::CpuShare;
use crate::subjects::{CALLS_IN_A_TURN, COLD_STARTS, Kind, MEMORY_MB, Programs, Round, Subject};

/// Measures the authorizer and the system around it.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Options {
    /// Rounds, each of which measures every function once
    #[arg(long, default_value_t = 10)]
    rounds: usize,

    /// Turns of 50 warm calls for each function in each round
    #[arg(long, default_value_t = 20)]
    turns: usize,

    /// Duration of the load on the whole system
    #[arg(long, default_value_t = 60)]
    load_seconds: u64,

    /// Folder with the functions as they are deployed
    #[arg(long, default_value = "target/release")]
    release: PathBuf,

    /// Python with boto3
    #[arg(long, default_value = ".tools/bench/bin/python")]
    python: PathBuf,

    /// Folder to write `performance.md` and `cold-start.svg` to
    #[arg(long, default_value = "docs")]
    output: PathBuf,

    /// Compare only the functions, and write no files
    #[arg(long)]
    only_functions: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();

    let this_folder = std::env::current_exe()?.parent().context("a folder")?.to_owned();
    let scratch = this_folder.join("bench-scratch");
    std::fs::create_dir_all(&scratch)?;
    let programs = Programs {
        release: options.release.canonicalize().context("the functions are not built")?,
        // The canonical path would be that of the Python without the packages.
        python: std::path::absolute(&options.python)?,
        scratch,
    };

    let (subjects, no_shares) = measure_functions(&options, &programs)?;
    let mut report = Report {
        rounds: options.rounds,
        python: programs.python.clone(),
        calls: options.turns * CALLS_IN_A_TURN,
        subjects: &subjects,
        no_shares,
        endpoints: &[],
        highest_costs: &[],
        load: None,
    };
    if options.only_functions {
        println!("{}", report.markdown());
        return Ok(());
    }

    let mut endpoints = Vec::new();
    for tokens in endpoints::SIZES {
        eprintln!("The management endpoints with {tokens} tokens");
        endpoints.push(endpoints::measure(tokens)?);
    }
    report.endpoints = &endpoints;
    let highest_costs = highest_costs::measure()?;
    report.highest_costs = &highest_costs;

    eprintln!("The whole system under load for {} s", options.load_seconds);
    let load = load::measure(deployed_functions(&programs, &this_folder)?, options.load_seconds)?;
    report.load = load.as_ref();

    let markdown = report.markdown();
    println!("{markdown}");

    plot::draw(&subjects, &options.output.join("cold-start.svg"))?;
    let path = options.output.join("performance.md");
    std::fs::write(&path, markdown).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("Written to {}", path.display());
    Ok(())
}

/// Measures all functions in turns. Returns the reason if shares of a processor cannot be
/// measured.
fn measure_functions(options: &Options, programs: &Programs) -> Result<(Vec<Subject>, Option<String>)> {
    let fixture = Fixture::create()?;
    let tls = TlsFront::start(&fixture.system.local().dynamodb);

    let mut subjects = Kind::ALL
        .into_iter()
        .map(|kind| Subject::new(kind, programs, &fixture, &tls))
        .collect::<Result<Vec<_>>>()?;
    for subject in &mut subjects {
        fixture.set_never_used();
        subject.check(&fixture)?;
        subject.count_costs(&fixture)?;
    }

    let (shares, no_shares) = match MEMORY_MB.into_iter().map(CpuShare::of_memory).collect::<Result<Vec<_>>>()
    {
        Ok(shares) => (shares, None),
        Err(error) => (Vec::new(), Some(format!("{error:#}"))),
    };

    if let Some(reason) = &no_shares {
        eprintln!("skipped: shares of a processor: {reason}");
    }

    for round in 0..options.rounds {
        eprintln!("Round {} of {}", round + 1, options.rounds);
        let first = round % subjects.len();
        measure_round(&mut subjects, first, &fixture, options.turns, &shares)?;
    }

    Ok((subjects, no_shares))
}

/// Measures one round, which starts with the function at `first`. The functions take short
/// turns, so that slow and fast moments of the machine affect all of them.
fn measure_round(
    subjects: &mut [Subject],
    first: usize,
    fixture: &Fixture,
    turns: usize,
    shares: &[CpuShare],
) -> Result<()> {
    subjects.rotate_left(first);

    let mut rounds: Vec<Round> = subjects.iter().map(|_| Round::default()).collect();
    for _ in 0..COLD_STARTS {
        for (subject, round) in subjects.iter().zip(&mut rounds) {
            subject.start(round, fixture)?;
        }
    }

    for (subject, round) in subjects.iter().zip(&mut rounds) {
        subject.warm_up(round, fixture)?;
    }

    fixture.set_just_used();
    for _ in 0..turns {
        for (subject, round) in subjects.iter().zip(&mut rounds) {
            subject.take_turn(round, fixture)?;
        }
    }

    for (subject, round) in subjects.iter_mut().zip(rounds) {
        subject.add_round(round)?;
    }

    for subject in &mut *subjects {
        subject.start_within(fixture, shares)?;
    }

    subjects.rotate_right(first);
    Ok(())
}

/// Creates a folder of function binaries. The authorizer is the one that is deployed. The
/// others, which are not measured, are those beside this program.
fn deployed_functions(programs: &Programs, this_folder: &std::path::Path) -> Result<PathBuf> {
    let folder = programs.scratch.join("functions");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;

    for entry in std::fs::read_dir(this_folder)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file() && path.extension().is_none()) {
            let source = if name == "authorizer" { programs.release.join(name) } else { path.clone() };
            std::os::unix::fs::symlink(source, folder.join(name))?;
        }
    }

    Ok(folder)
}
