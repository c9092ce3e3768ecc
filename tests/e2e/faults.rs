//! When DynamoDB does not do its part: nobody is refused for it, nobody gets in by it,
//! nothing is half done, and what passes quickly is not noticed.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use patgate_harness::{DynamoDbFault, RecordedRequest, Response, SignedInUser, System, scan, sha256};
use serde_json::{Value, json};

/// The authorizer's second, and what gateway and processes add to it.
const AUTHORIZER_ANSWERS_WITHIN: Duration = Duration::from_millis(1_300);

/// All that may go wrong, by name.
fn faults() -> [(&'static str, DynamoDbFault); 7] {
    [
        ("throttled", DynamoDbFault::throttled()),
        ("a fault of its own", DynamoDbFault::server_error()),
        ("slow", DynamoDbFault::Slow(Duration::from_secs(2))),
        ("hangs", DynamoDbFault::Hang),
        ("cut before", DynamoDbFault::CutBefore),
        ("cut after", DynamoDbFault::CutAfter),
        ("unprocessed", DynamoDbFault::Unprocessed),
    ]
}

/// A request that a function fails to make of the database, whatever it is.
fn of_endpoints(request: &RecordedRequest) -> bool {
    request.function != "Authorizer"
}

fn of_authorizer(request: &RecordedRequest) -> bool {
    request.function == "Authorizer" && !request.opens_connection()
}

/// Whether `Unprocessed` concerns what is asked: it happens to batches alone.
fn happens(fault: &DynamoDbFault, asks_in_batches: bool) -> bool {
    *fault != DynamoDbFault::Unprocessed || asks_in_batches
}

/// Asks until it is answered in time: this machine may be busy with other tests.
#[track_caller]
fn answered_in_time(what: &str, ask: impl Fn() -> Response) -> Response {
    let mut slowest = Vec::new();
    for _ in 0..10 {
        let asked = Instant::now();
        let response = ask();
        let elapsed = asked.elapsed();
        if elapsed < AUTHORIZER_ANSWERS_WITHIN {
            return response;
        }
        slowest.push(elapsed);
    }
    panic!("{what}: answered only after {slowest:?}");
}

#[test]
fn fault_is_500_in_time_and_neither_a_refusal_nor_a_way_in() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");
    let (known, fresh) = (alice.create_token("known"), alice.create_token("not seen yet"));
    assert_eq!(system.status_of(&known.secret), 200);
    for (name, fault) in faults() {
        proxy.inject_where(usize::MAX, fault.clone(), of_authorizer);
        for (kind, credential, in_batches) in [
            ("a known token", &known.secret, true),
            ("a new token", &fresh.secret, false),
            ("a session", &alice.session, false),
        ] {
            if !happens(&fault, in_batches) {
                continue;
            }
            let what = format!("{name}, {kind}");
            let response = answered_in_time(&what, || {
                loop {
                    proxy.take();
                    let response = system.call("GET", "/api/me", credential);
                    let asked_for_a_batch =
                        proxy.take().iter().any(|request| request.operation == "BatchGetItem");
                    // An instance that does not know the token yet reads without a batch, and knows
                    // it from then on.
                    if fault != DynamoDbFault::Unprocessed || asked_for_a_batch {
                        break response;
                    }
                    assert_eq!(response.status, 200, "{what}: {response:?}");
                }
            });
            assert_eq!(response.status, 500, "{what}: {response:?}");
            response.assert_gateway_error(500, "Internal Server Error");
        }
        proxy.heal();
        assert_eq!(system.status_of(&known.secret), 200, "after {name}");
    }
    let hash = sha256(&known.secret);
    let session = alice.session.clone();
    let log = system.stop();
    assert!(log.contains("cannot authorize") && log.contains("storage could not"), "{log}");
    for leaked in [&known.secret, &fresh.secret, &hash, &session] {
        assert!(!log.contains(leaked.as_str()), "{leaked} is in the log:\n{log}");
    }
    let refusals: Vec<_> = log.lines().filter(|line| line.contains("\"denied\"")).collect();
    assert!(refusals.is_empty(), "{refusals:?}");
}

/// One request to each endpoint that needs the database: its name, whether it asks in
/// batches alone, and how it ends when all is well.
struct Act<'a> {
    name: &'static str,
    in_batches: bool,
    success: u16,
    run: Box<dyn Fn() -> Response + Sync + 'a>,
}

/// Every endpoint, each with a token or a person of its own to work on.
fn acts<'a>(
    alice: &'a SignedInUser<'a>,
    admin: &'a SignedInUser<'a>,
    system: &'a System,
    name: &str,
) -> Vec<Act<'a>> {
    let act = |name, in_batches, success, run: Box<dyn Fn() -> Response + Sync + 'a>| Act {
        name,
        in_batches,
        success,
        run,
    };
    let (shown, revoked, leaked) =
        (alice.create_token("shown"), alice.create_token("revoked"), alice.create_token("leaked"));
    let somebody = |kind: &str| system.sign_in(&format!("{kind}-{}", name.replace(' ', "-"))).id();
    let (disabled, emptied) = (somebody("disabled"), somebody("emptied"));
    let no_credential = move || {
        let report = json!({ "tokens": [leaked.secret] });
        system.request("POST", "/api/tokens/revoke").json(&report).send()
    };
    vec![
        act("create", false, 201, Box::new(|| alice.request_token(&json!({ "name": "wanted" })))),
        act("list", true, 200, Box::new(|| alice.call("GET", "/api/tokens"))),
        act("list everybody's", true, 200, Box::new(|| admin.call("GET", "/api/tokens?allUsers=true"))),
        act("show", true, 200, Box::new(move || alice.call("GET", &format!("/api/tokens/{}", shown.id)))),
        act(
            "revoke",
            false,
            204,
            Box::new(move || alice.call("DELETE", &format!("/api/tokens/{}", revoked.id))),
        ),
        act("report", true, 202, Box::new(no_credential)),
        act("list users", false, 200, Box::new(|| admin.call("GET", "/api/users"))),
        act("show a user", false, 200, {
            let path = format!("/api/users/{disabled}");
            Box::new(move || admin.call("GET", &path))
        }),
        act("disable", false, 200, {
            let path = format!("/api/users/{disabled}");
            Box::new(move || admin.request("PATCH", &path).json(&json!({ "disabled": true })).send())
        }),
        act("revoke all", false, 204, {
            let path = format!("/api/users/{emptied}/revoke-all-tokens");
            Box::new(move || admin.call("POST", &path))
        }),
    ]
}

/// Runs all acts at the same time, and returns their responses in order.
fn run_all(acts: &[&Act<'_>]) -> Vec<Response> {
    thread::scope(|scope| {
        let running: Vec<_> = acts.iter().map(|act| scope.spawn(|| (act.run)())).collect();
        running.into_iter().map(|act| act.join().unwrap()).collect()
    })
}

#[test]
fn fault_behind_an_endpoint_is_503_with_a_problem_and_nothing_is_half_written() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));
    let acts = acts(&alice, &admin, &system, "always");
    warm_up(&alice, acts.len());
    for (name, fault) in faults() {
        proxy.inject_where(usize::MAX, fault.clone(), of_endpoints);
        let concerned: Vec<_> = acts.iter().filter(|act| happens(&fault, act.in_batches)).collect();
        for (act, response) in concerned.iter().zip(run_all(&concerned)) {
            // A list without tokens has nothing to read in batches, and this one has some.
            let what = format!("{name}, {}: {response:?}", act.name);
            assert_eq!(response.status, 503, "{what}");
            assert!(response.assert_problem(503).is_empty(), "{what}");
            assert_eq!(response.header("retry-after"), Some("1"), "{what}");
        }
        proxy.heal();
        assert_whole(&system);
    }
    for (act, response) in acts.iter().zip(run_all(&acts.iter().collect::<Vec<_>>())) {
        assert_eq!(response.status, act.success, "afterwards, {}: {response:?}", act.name);
    }
    assert_whole(&system);
}

/// Starts as many authorizers as there will be requests at the same time: a busy machine
/// starts none of them within a second.
fn warm_up(person: &SignedInUser<'_>, count: usize) {
    thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| person.call("GET", "/api/me"));
        }
    });
}

/// Each token has the item that finds it, and each such item its token.
#[track_caller]
fn assert_whole(system: &System) {
    let items = scan(&system.local().dynamodb, "Tokens");
    let text = |item: &Value, name: &str| item[name]["S"].as_str().map(str::to_owned);
    let tokens: BTreeSet<_> =
        items.iter().filter_map(|item| Some((text(item, "token_hash")?, text(item, "user_id")?))).collect();
    let found: BTreeSet<_> = items
        .iter()
        .filter_map(|item| Some((text(item, "found_hash")?, text(item, "found_owner")?)))
        .collect();
    assert_eq!(tokens, found);
}

#[test]
fn fault_that_passes_is_not_noticed_and_what_is_created_works() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));
    let token = alice.create_token("used");
    assert_eq!(system.status_of(&token.secret), 200);
    for (name, fault) in faults() {
        proxy.inject_where(1, fault.clone(), of_authorizer);
        assert_eq!(system.status_of(&token.secret), 200, "{name}, the authorizer");
        proxy.heal();
        for act in acts(&alice, &admin, &system, name) {
            proxy.inject_where(1, fault.clone(), of_endpoints);
            let response = (act.run)();
            proxy.heal();
            assert_eq!(response.status, act.success, "{name}, {}: {response:?}", act.name);
            if act.name == "create" {
                let created = response.json()["token"].as_str().unwrap().to_owned();
                assert_eq!(system.status_of(&created), 200, "{name}: a token that was created works");
            }
        }
        assert_whole(&system);
        let wanted = scan(&system.local().dynamodb, "Tokens").into_iter();
        let wanted = wanted.filter(|item| item["name"]["S"] == "wanted").count();
        assert_eq!(wanted, 1, "{name}: created once");
        forget(&system, &alice);
    }
}

/// Revokes and removes the tokens called `wanted`.
fn forget(system: &System, owner: &SignedInUser<'_>) {
    let dynamodb = &system.local().dynamodb;
    for item in scan(dynamodb, "Tokens").into_iter().filter(|item| item["name"]["S"] == "wanted") {
        let id = item["token_id"]["S"].as_str().unwrap();
        assert_eq!(owner.revoke_token(id), 204);
        for key in [item["token_hash"].clone(), json!({ "S": format!("id#{id}") })] {
            patgate_harness::delete_item(dynamodb, "Tokens", &json!({ "token_hash": key }));
        }
    }
}

/// How long the database is away: two seconds, or as long as `make outage` says.
fn outage() -> Duration {
    let seconds = std::env::var("PATGATE_OUTAGE_SECONDS");
    Duration::from_secs(seconds.map_or(2, |seconds| seconds.parse().expect("a number of seconds")))
}

/// An response to a caller: when they asked, when they had it, and its status.
struct Answered {
    asked: Instant,
    at: Instant,
    status: u16,
}

/// What the callers of one token are answered until an end.
fn call_until(system: &System, token: &str, end: Instant) -> Vec<Answered> {
    thread::scope(|scope| {
        let caller = || {
            let mut responses = Vec::new();
            while Instant::now() < end {
                let asked = Instant::now();
                let status = system.status_of(token);
                responses.push(Answered { asked, at: Instant::now(), status });
            }
            responses
        };
        let callers: Vec<_> = (0..8).map(|_| scope.spawn(caller)).collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    })
}

#[test]
fn outage_under_load_ends_for_callers_with_the_outage() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");
    let token = alice.create_token("persistent").secret;
    warm_up(&alice, 8);
    assert_eq!(system.status_of(&token), 200);
    let over = Instant::now() + outage();
    let responses = thread::scope(|scope| {
        proxy.inject(DynamoDbFault::Hang);
        let calls = scope.spawn(|| call_until(&system, &token, over + Duration::from_secs(3)));
        // Not to wait for something, but for as long as the outage is to last.
        thread::sleep(over - Instant::now());
        proxy.heal();
        calls.join().unwrap()
    });
    let statuses: BTreeSet<_> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, BTreeSet::from([200, 500]), "nobody is refused, and nobody gets 503 of the gateway");
    assert!(
        responses.iter().all(|response| response.status == 500 || response.at > over),
        "let in without the database"
    );
    let faults: Vec<_> = responses.iter().filter(|response| response.status == 500).collect();
    let last = faults.iter().map(|fault| fault.at.saturating_duration_since(over)).max().unwrap();
    let late = faults.iter().filter(|fault| fault.asked > over).count();
    println!(
        "{:?} of outage, {} responses: {} faults, the last {last:?} after its end, {late} of them asked after it",
        outage(),
        responses.len(),
        faults.len()
    );
    assert_eq!(late, 0, "whoever asked after the outage is served");
}
