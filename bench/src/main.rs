//! `make bench`: measures, and writes `docs/performance.md`.
//!
//! Nothing here decides whether a test passes: times depend on the machine. What is
//! compared is compared within one run, function beside function, round by round.

mod endpoints;
mod fixture;
mod lambda;
mod load;
mod plot;
mod report;
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
    /// Rounds in which every function is measured once
    #[arg(long, default_value_t = 10)]
    rounds: usize,

    /// Turns of 50 warm calls that each function has in each round
    #[arg(long, default_value_t = 20)]
    turns: usize,

    /// How long load is put on the whole system
    #[arg(long, default_value_t = 60)]
    load_seconds: u64,

    /// The folder with the functions as they are deployed
    #[arg(long, default_value = "target/release")]
    release: PathBuf,

    /// The Python with boto3
    #[arg(long, default_value = ".venv-bench/bin/python")]
    python: PathBuf,

    /// The folder to write `performance.md` and `cold-start.svg` to
    #[arg(long, default_value = "docs")]
    output: PathBuf,

    /// Only the functions beside each other, and nothing written
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
        // Not its canonical path: that would be the Python without the packages.
        python: std::path::absolute(&options.python)?,
        scratch,
    };
    let (subjects, no_shares) = functions(&options, &programs)?;
    let mut report = Report {
        rounds: options.rounds,
        python: programs.python.clone(),
        calls: options.turns * CALLS_IN_A_TURN,
        subjects: &subjects,
        no_shares,
        endpoints: &[],
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

/// Measures all functions, alternating; and says why shares of a processor were not.
fn functions(options: &Options, programs: &Programs) -> Result<(Vec<Subject>, Option<String>)> {
    let fixture = Fixture::make()?;
    let tls = TlsFront::start(&fixture.system.local().dynamodb);
    let mut subjects = Kind::ALL
        .into_iter()
        .map(|kind| Subject::new(kind, programs, &fixture, &tls))
        .collect::<Result<Vec<_>>>()?;
    for subject in &mut subjects {
        fixture.never_used();
        subject.check(&fixture)?;
        subject.count_costs(&fixture)?;
    }
    let (shares, no_shares) = match MEMORY_MB.into_iter().map(CpuShare::of_memory).collect::<Result<Vec<_>>>()
    {
        Ok(shares) => (shares, None),
        Err(error) => (Vec::new(), Some(format!("{error:#}"))),
    };
    if let Some(reason) = &no_shares {
        eprintln!("SKIPPED: shares of a processor: {reason}");
    }
    for round in 0..options.rounds {
        eprintln!("Round {} of {}", round + 1, options.rounds);
        let first = round % subjects.len();
        measure(&mut subjects, first, &fixture, options.turns, &shares)?;
    }
    Ok((subjects, no_shares))
}

/// One round, which one of the functions begins. They take turns, and short ones: the machine
/// is fast at one moment and slow at the next, and whoever is compared needs the same moments.
fn measure(
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
    fixture.just_used();
    for _ in 0..turns {
        for (subject, round) in subjects.iter().zip(&mut rounds) {
            subject.take_turn(round, fixture)?;
        }
    }
    for (subject, round) in subjects.iter_mut().zip(rounds) {
        subject.keep(round)?;
    }
    for subject in &mut *subjects {
        subject.start_within(fixture, shares)?;
    }
    subjects.rotate_right(first);
    Ok(())
}

/// A folder of function binaries, of which the authorizer is the one that is deployed and
/// the others, which nothing here times, are those beside this program.
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
