//! Faults of DynamoDB. A fault never causes a denial or an allowed request, it leaves nothing
//! partially written, and retries hide a short one.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use patgate_harness::{
    DynamoDbFault, RecordedRequest, Response, SignedInUser, System, scan, sha256, user_path,
};
use serde_json::{Value, json};

/// The authorizer's deadline of one second, and a margin for the gateway and the processes.
const RESPONSE_TIME_MAX: Duration = Duration::from_millis(1_300);

/// All kinds of faults, and their names.
fn faults() -> [(&'static str, DynamoDbFault); 7] {
    [
        ("throttled", DynamoDbFault::throttled()),
        ("internal error", DynamoDbFault::server_error()),
        ("slow", DynamoDbFault::Slow(Duration::from_secs(2))),
        ("hangs", DynamoDbFault::Hang),
        ("cut before", DynamoDbFault::CutBefore),
        ("cut after", DynamoDbFault::CutAfter),
        ("unprocessed", DynamoDbFault::Unprocessed),
    ]
}

/// Whether a request comes from a function behind the gateway.
fn is_from_endpoint(request: &RecordedRequest) -> bool {
    request.function != "Authorizer"
}

/// Whether a request comes from the authorizer and is part of an authorization.
fn is_from_authorizer(request: &RecordedRequest) -> bool {
    request.function == "Authorizer" && !request.opens_connection()
}

/// Whether a fault can affect these reads. `Unprocessed` affects only batch reads.
fn affects(fault: &DynamoDbFault, reads_in_batches: bool) -> bool {
    *fault != DynamoDbFault::Unprocessed || reads_in_batches
}

/// Repeats a request until its response arrives in time, because this machine may be busy
/// with other tests.
#[track_caller]
fn response_in_time(what: &str, send: impl Fn() -> Response) -> Response {
    let mut too_slow = Vec::new();
    for _ in 0..10 {
        let started = Instant::now();
        let response = send();
        let elapsed = started.elapsed();
        if elapsed < RESPONSE_TIME_MAX {
            return response;
        }
        too_slow.push(elapsed);
    }

    panic!("{what}: no response in time, but after {too_slow:?}");
}

#[test]
fn fault_of_the_database_is_500_in_time_and_neither_denies_nor_allows_a_request() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");

    let (known, fresh) = (alice.create_token("known"), alice.create_token("not used yet"));
    assert_eq!(system.status_of(&known.secret), 200);
    for (name, fault) in faults() {
        proxy.inject_where(usize::MAX, fault.clone(), is_from_authorizer);
        for (kind, credential, in_batches) in [
            ("a known token", &known.secret, true),
            ("a new token", &fresh.secret, false),
            ("a session", &alice.session, false),
        ] {
            if !affects(&fault, in_batches) {
                continue;
            }
            let what = format!("{name}, {kind}");
            let response = response_in_time(&what, || {
                loop {
                    proxy.take();
                    let response = system.call("GET", "/api/me", credential);
                    let read_a_batch = proxy.take().iter().any(|request| request.operation == "BatchGetItem");
                    // The first use of a token on an instance reads without a batch; later uses
                    // read a batch.
                    if fault != DynamoDbFault::Unprocessed || read_a_batch {
                        break response;
                    }
                    assert_eq!(response.status, 200, "{what}: {response:?}");
                }
            });
            assert_eq!(response.status, 500, "{what}: {response:?}");
            response.assert_gateway_error(500, "Internal Server Error");
        }
        proxy.clear_faults();
        assert_eq!(system.status_of(&known.secret), 200, "after {name}");
    }

    let hash = sha256(&known.secret);
    let session = alice.session.clone();
    let log = system.stop();
    assert!(log.contains("cannot authorize") && log.contains("the store could not"), "{log}");

    for leaked in [&known.secret, &fresh.secret, &hash, &session] {
        assert!(!log.contains(leaked.as_str()), "{leaked} is in the log:\n{log}");
    }

    let denials: Vec<_> = log.lines().filter(|line| line.contains("\"denied\"")).collect();
    assert!(denials.is_empty(), "{denials:?}");
}

/// A request to one endpoint.
struct EndpointCall<'a> {
    name: &'static str,
    reads_in_batches: bool,
    /// The status of a successful response.
    success: u16,
    send: Box<dyn Fn() -> Response + Sync + 'a>,
}

/// One request to each endpoint that uses the database, each with its own token or user.
fn endpoint_calls<'a>(
    alice: &'a SignedInUser<'a>,
    admin: &'a SignedInUser<'a>,
    system: &'a System,
    name: &str,
) -> Vec<EndpointCall<'a>> {
    let call = |name, reads_in_batches, success, send: Box<dyn Fn() -> Response + Sync + 'a>| EndpointCall {
        name,
        reads_in_batches,
        success,
        send,
    };

    let (shown, revoked, leaked) =
        (alice.create_token("shown"), alice.create_token("revoked"), alice.create_token("leaked"));
    let new_user = |kind: &str| system.sign_in(&format!("{kind}-{}", name.replace(' ', "-"))).id();
    let (disabled, without_tokens) = (new_user("disabled"), new_user("without-tokens"));

    let report_leak = move || {
        let report = json!({ "tokens": [leaked.secret] });
        system.request("POST", "/api/tokens/revoke").json(&report).send()
    };

    let (renamed, checked) = (alice.create_token("renamed"), alice.create_token("checked"));
    let rename = move || {
        let change = json!({ "name": "renamed", "description": "anew" });
        alice.request("PATCH", &format!("/api/tokens/{}", renamed.id)).json(&change).until_admitted().send()
    };
    let check = move || {
        let check = json!({ "token": checked.secret });
        system.request("POST", "/api/tokens/check").json(&check).until_admitted().send()
    };
    let key = uuid::Uuid::new_v4().to_string();

    vec![
        call("create", false, 201, Box::new(|| alice.request_token(&json!({ "name": "wanted" })))),
        call("list", true, 200, Box::new(|| alice.call("GET", "/api/tokens"))),
        call(
            "list all users' tokens",
            true,
            200,
            Box::new(|| admin.call("GET", "/api/tokens?allUsers=true")),
        ),
        call("show", true, 200, Box::new(move || alice.call("GET", &format!("/api/tokens/{}", shown.id)))),
        call(
            "revoke",
            false,
            204,
            Box::new(move || alice.call("DELETE", &format!("/api/tokens/{}", revoked.id))),
        ),
        call("report", true, 202, Box::new(report_leak)),
        call("change", true, 200, Box::new(rename)),
        call("check", false, 200, Box::new(check)),
        call(
            "create with a key",
            false,
            201,
            Box::new(move || {
                let request = alice.request("POST", "/api/tokens").header("Idempotency-Key", &key);
                request.json(&json!({ "name": "wanted once" })).until_admitted().send()
            }),
        ),
        call("list packages", false, 200, Box::new(|| alice.call("GET", "/api/Package"))),
        call("list users", false, 200, Box::new(|| admin.call("GET", "/api/users"))),
        call("show a user", false, 200, {
            let path = user_path(&disabled);
            Box::new(move || admin.call("GET", &path))
        }),
        call("disable", false, 200, {
            let path = user_path(&disabled);
            Box::new(move || admin.request("PATCH", &path).json(&json!({ "disabled": true })).send())
        }),
        call("revoke all", false, 204, {
            let path = format!("{}/revoke-all-tokens", user_path(&without_tokens));
            Box::new(move || admin.call("POST", &path))
        }),
    ]
}

/// Sends all requests at the same time, and returns their responses in order.
fn send_all(calls: &[&EndpointCall<'_>]) -> Vec<Response> {
    thread::scope(|scope| {
        let sending: Vec<_> = calls.iter().map(|call| scope.spawn(|| (call.send)())).collect();
        sending.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn fault_behind_an_endpoint_is_503_with_a_problem_and_nothing_is_half_written() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));

    let calls = endpoint_calls(&alice, &admin, &system, "always");
    start_authorizers(&alice, calls.len());

    for (name, fault) in faults() {
        proxy.inject_where(usize::MAX, fault.clone(), is_from_endpoint);
        let affected: Vec<_> = calls.iter().filter(|call| affects(&fault, call.reads_in_batches)).collect();
        for (call, response) in affected.iter().zip(send_all(&affected)) {
            let what = format!("{name}, {}: {response:?}", call.name);
            assert_eq!(response.status, 503, "{what}");
            assert!(response.assert_problem(503).is_empty(), "{what}");
            assert_eq!(response.header("retry-after"), Some("1"), "{what}");
        }
        proxy.clear_faults();
        assert_nothing_is_half_written(&system);
    }

    for (call, response) in calls.iter().zip(send_all(&calls.iter().collect::<Vec<_>>())) {
        assert_eq!(response.status, call.success, "afterwards, {}: {response:?}", call.name);
    }

    assert_nothing_is_half_written(&system);
}

/// Starts one authorizer for each request that a test will send at the same time, because a
/// busy machine cannot start them within a second.
pub(crate) fn start_authorizers(user: &SignedInUser<'_>, count: usize) {
    thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| user.call("GET", "/api/me"));
        }
    });
}

/// Asserts that each token has its lookup item, and each lookup item its token.
#[track_caller]
fn assert_nothing_is_half_written(system: &System) {
    let items = scan(&system.local().dynamodb, "Tokens");

    let text = |item: &Value, name: &str| item[name]["S"].as_str().map(str::to_owned);
    let tokens: BTreeSet<_> =
        items.iter().filter_map(|item| Some((text(item, "token_hash")?, text(item, "user_id")?))).collect();
    let looked_up: BTreeSet<_> = items
        .iter()
        .filter_map(|item| Some((text(item, "found_hash")?, text(item, "found_owner")?)))
        .collect();
    assert_eq!(tokens, looked_up);
}

#[test]
fn single_fault_is_hidden_by_a_retry_and_a_created_token_works() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));

    let token = alice.create_token("used");
    assert_eq!(system.status_of(&token.secret), 200);

    for (name, fault) in faults() {
        proxy.inject_where(1, fault.clone(), is_from_authorizer);
        assert_eq!(system.status_of(&token.secret), 200, "{name}, the authorizer");
        proxy.clear_faults();
        for call in endpoint_calls(&alice, &admin, &system, name) {
            proxy.inject_where(1, fault.clone(), is_from_endpoint);
            let response = (call.send)();
            proxy.clear_faults();
            assert_eq!(response.status, call.success, "{name}, {}: {response:?}", call.name);
            if call.name == "create" {
                let created = response.json()["token"].as_str().unwrap().to_owned();
                assert_eq!(system.status_of(&created), 200, "{name}: the created token works");
            }
        }
        assert_nothing_is_half_written(&system);
        let tokens = scan(&system.local().dynamodb, "Tokens").into_iter();
        let created = tokens.filter(|item| item["name"]["S"] == "wanted").count();
        assert_eq!(created, 1, "{name}: created once");
        delete_created(&system, &alice);
    }
}

/// Revokes and deletes the tokens with the name `wanted`.
fn delete_created(system: &System, owner: &SignedInUser<'_>) {
    let dynamodb = &system.local().dynamodb;

    for item in scan(dynamodb, "Tokens").into_iter().filter(|item| item["name"]["S"] == "wanted") {
        let id = item["token_id"]["S"].as_str().unwrap();
        assert_eq!(owner.revoke_token(id), 204);
        for key in [item["token_hash"].clone(), json!({ "S": format!("id#{id}") })] {
            patgate_harness::delete_item(dynamodb, "Tokens", &json!({ "token_hash": key }));
        }
    }
}
