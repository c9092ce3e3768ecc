//! The core guarantees with `RefusalStatus` 403: the authorizer returns a denial as a response,
//! and only a fault is an error.

use patgate_harness::{DynamoDbFault, Settings, System, user_path};
use serde_json::{Value, json};

use crate::lifecycle::create_expired_token;

fn settings() -> Settings {
    Settings { parameters: vec!["RefusalStatus=403"], ..Settings::default() }
}

/// Asserts that API Gateway denies this credential on our endpoints and on an attached API.
#[track_caller]
fn assert_denied(system: &System, credential: &str) {
    for path in ["/api/me", "/api/Package"] {
        system.call("GET", path, credential).assert_gateway_error(403, "Forbidden");
    }
}

#[test]
fn revoked_expired_disabled_and_invalid_credentials_are_403() {
    let Some(system) = System::start_local(settings()) else { return };
    let (alice, bob, admin) = (system.sign_in("alice"), system.sign_in("bob"), system.sign_in("admin"));

    let token = alice.create_token("revoked");
    assert_eq!(system.status_of(&token.secret), 200);
    assert_eq!(alice.revoke_token(&token.id), 204);
    assert_denied(&system, &token.secret);

    let token = create_expired_token(&system, &alice);
    assert_denied(&system, &token.secret);

    let token = bob.create_token("of a disabled user");
    let path = user_path(&bob.id());
    assert_eq!(admin.request("PATCH", &path).json(&json!({ "disabled": true })).send().status, 200);
    assert_denied(&system, &token.secret);
    assert_denied(&system, &bob.session);

    for invalid in ["junk", "fdp_junk", "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw", "e30.e30.e30"] {
        assert_denied(&system, invalid);
    }
    assert_eq!(alice.roles(), json!(["publisher"]), "other users are not affected");
}

/// The gateway does not ask the authorizer about such a request.
#[test]
fn request_without_a_credential_is_401_even_if_a_denial_is_403() {
    let Some(system) = System::start_local(settings()) else { return };
    system.request("GET", "/api/me").send().assert_gateway_error(401, "Unauthorized");
}

#[test]
fn fault_is_500_even_if_a_denial_is_403() {
    let Some((system, proxy)) = System::start_observed_with(settings()) else { return };
    let token = system.sign_in("alice").create_token("valid");
    assert_eq!(system.status_of(&token.secret), 200);

    proxy.inject_where(usize::MAX, DynamoDbFault::server_error(), |request| request.function == "Authorizer");
    system.call("GET", "/api/me", &token.secret).assert_gateway_error(500, "Internal Server Error");

    proxy.clear_faults();
    assert_eq!(system.status_of(&token.secret), 200);
}

/// The alarm on crashes subtracts these from the errors that Lambda counts.
#[test]
fn line_of_a_denial_or_fault_says_whether_lambda_counts_an_error() {
    for (parameter, is_error) in [("RefusalStatus=401", true), ("RefusalStatus=403", false)] {
        let settings = Settings { parameters: vec![parameter], ..Settings::default() };
        let Some((system, proxy)) = System::start_observed_with(settings) else { return };

        let token = system.sign_in("alice").create_token("valid");
        system.status_of("junk");
        proxy.inject_where(usize::MAX, DynamoDbFault::server_error(), |request| {
            request.function == "Authorizer"
        });
        assert_eq!(system.status_of(&token.secret), 500);
        proxy.clear_faults();

        let log = system.stop();
        let values = log.lines().filter_map(|line| line.strip_prefix('[')?.split_once("] "));
        let lines: Vec<Value> = values.filter_map(|(_, line)| serde_json::from_str(line).ok()).collect();
        let are_errors = |outcome: &str| -> Vec<&Value> {
            lines
                .iter()
                .filter(|line| line["outcome"] == outcome)
                .map(|line| &line["invocation_failed"])
                .collect()
        };
        assert_eq!(are_errors("denied"), [&json!(is_error)], "{parameter}");
        assert_eq!(are_errors("fault"), [&json!(true)], "{parameter}");
    }
}
