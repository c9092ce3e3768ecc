//! How many inputs are generated, and where the ones that failed are kept.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseResult, TestRunner};

/// Checks a property on `cases` generated inputs, or on `FUZZ_TIMES` as many. The first one
/// that fails is reduced as far as possible and written to the file `regressions`.
pub(crate) fn check_property<S: Strategy>(
    cases: u32,
    regressions: &'static str,
    inputs: S,
    property: impl Fn(S::Value) -> TestCaseResult,
) {
    let times = std::env::var("FUZZ_TIMES").map_or(1, |times| times.parse().expect("a number of times"));
    let config = Config {
        cases: cases * times,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        ..Config::default()
    };

    let started = std::time::Instant::now();
    let result = TestRunner::new(config).run(&inputs, property);
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    eprintln!("{name}: {} cases in {:.1} s", cases * times, started.elapsed().as_secs_f64());

    if let Err(failure) = result {
        panic!("{failure}");
    }
}

/// The file with the inputs on which a property of this module once failed.
macro_rules! regressions {
    ($module:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/", $module, ".txt")
    };
}
pub(crate) use regressions;
