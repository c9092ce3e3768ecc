//! Callers during an outage of DynamoDB and after it.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use patgate_harness::{DynamoDbFault, System};

use crate::faults::start_authorizers;

const CALLERS: usize = 8;

/// The duration of the outage: two seconds, or the value that `make outage` sets.
fn outage_duration() -> Duration {
    let seconds = std::env::var("PATGATE_OUTAGE_SECONDS");
    Duration::from_secs(seconds.map_or(2, |seconds| seconds.parse().expect("a number of seconds")))
}

/// The times and the status of one request.
struct TimedRequest {
    sent: Instant,
    received: Instant,
    status: u16,
}

/// Lets several callers send requests with one token until this time.
fn call_until(system: &System, token: &str, end: Instant) -> Vec<TimedRequest> {
    thread::scope(|scope| {
        let caller = || {
            let mut requests = Vec::new();
            while Instant::now() < end {
                let sent = Instant::now();
                let status = system.status_of(token);
                requests.push(TimedRequest { sent, received: Instant::now(), status });
            }
            requests
        };
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    })
}

#[test]
fn requests_under_load_succeed_again_when_an_outage_ends() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("persistent").secret;
    start_authorizers(&alice, CALLERS);
    assert_eq!(system.status_of(&token), 200);

    let end_of_outage = Instant::now() + outage_duration();
    let requests = thread::scope(|scope| {
        proxy.inject(DynamoDbFault::Hang);
        let calls = scope.spawn(|| call_until(&system, &token, end_of_outage + Duration::from_secs(3)));
        // The sleep is the outage; it does not wait for anything.
        thread::sleep(end_of_outage - Instant::now());
        proxy.clear_faults();
        calls.join().unwrap()
    });

    let statuses: BTreeSet<_> = requests.iter().map(|request| request.status).collect();
    assert_eq!(statuses, BTreeSet::from([200, 500]), "no request gets 401, or 503 from the gateway");
    assert!(
        requests.iter().all(|request| request.status == 500 || request.received > end_of_outage),
        "accepted without the database"
    );

    let faults: Vec<_> = requests.iter().filter(|request| request.status == 500).collect();
    let last =
        faults.iter().map(|fault| fault.received.saturating_duration_since(end_of_outage)).max().unwrap();
    let late = faults.iter().filter(|fault| fault.sent > end_of_outage).count();
    println!(
        "outage of {:?}, {} responses: {} faults, the last {last:?} after its end, {late} for requests sent after it",
        outage_duration(),
        requests.len(),
        faults.len()
    );

    assert_eq!(late, 0, "every request sent after the outage succeeds");
}
