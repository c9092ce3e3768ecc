//! How many inputs are drawn, and where those are kept that failed.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseResult, TestRunner};

/// Draws inputs and tries `test` on each: `usual` of them, or `FUZZ_TIMES` as many.
/// The first that fails is made as small as it gets, and kept in `regressions`.
pub(crate) fn check<S: Strategy>(
    usual: u32,
    regressions: &'static str,
    inputs: S,
    test: impl Fn(S::Value) -> TestCaseResult,
) {
    let times = std::env::var("FUZZ_TIMES").map_or(1, |times| times.parse().expect("a number of times"));
    let config = Config {
        cases: usual * times,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        ..Config::default()
    };
    let started = std::time::Instant::now();
    let outcome = TestRunner::new(config).run(&inputs, test);
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    eprintln!("{name}: {} cases in {:.1} s", usual * times, started.elapsed().as_secs_f64());
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// The file with the inputs of a module that failed once.
macro_rules! regressions {
    ($module:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/", $module, ".txt")
    };
}
pub(crate) use regressions;
