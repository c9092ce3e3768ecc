//! When and from where a token was last used.

use std::time::{Duration, Instant};

use patgate_tests::{DynamoDbProxy, Person, Settings, System};
use serde_json::Value;

/// The record of a use follows the response; this waits for it.
fn used(owner: &Person<'_>, id: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let token = owner.show(id);
        if !token["lastUsedAt"].is_null() {
            return token;
        }
        assert!(Instant::now() < deadline, "the use was not recorded");
    }
}

#[test]
fn last_use_shows_when_and_from_which_address() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let token = alice.create_token("used");
    assert!(alice.show(&token.id)["lastUsedAt"].is_null());
    assert_eq!(system.status_of(&token.secret), 200);
    let record = used(&alice, &token.id);
    let ip: std::net::IpAddr = record["lastUsedIp"].as_str().unwrap().parse().unwrap();
    assert!(ip.is_loopback() || !system.api.contains("127.0.0.1"), "{ip}");
    assert!(record["lastUsedAt"].as_str().unwrap() > record["createdAt"].as_str().unwrap());
}

#[test]
fn last_use_is_written_once_a_minute_at_most() {
    let proxy = DynamoDbProxy::start();
    let settings = Settings { functions_dynamodb_url: Some(proxy.url.clone()), ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    proxy.forward_to(&system.behind().dynamodb);
    let alice = system.sign_in("alice");
    let token = alice.create_token("busy");
    proxy.take();
    for _ in 0..100 {
        assert_eq!(system.status_of(&token.secret), 200);
    }
    let first = used(&alice, &token.id);
    let writes = proxy.take().into_iter().filter(|request| {
        request.function == "Authorizer"
            && request.operation == "UpdateItem"
            && request.body["TableName"] == "Tokens"
    });
    assert_eq!(writes.count(), 1);
    assert_eq!(alice.show(&token.id)["lastUsedAt"], first["lastUsedAt"]);
}

#[test]
fn last_use_moves_on_when_its_resolution_has_passed() {
    let settings = Settings { parameters: vec!["LastUsedResolutionSeconds=1"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let alice = system.sign_in("alice");
    let token = alice.create_token("busy");
    assert_eq!(system.status_of(&token.secret), 200);
    let first = used(&alice, &token.id)["lastUsedAt"].as_str().unwrap().to_owned();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        assert_eq!(system.status_of(&token.secret), 200);
        let now = alice.show(&token.id)["lastUsedAt"].as_str().unwrap().to_owned();
        if now > first {
            break;
        }
        assert!(Instant::now() < deadline, "it stays at {first}");
    }
}

#[test]
fn repeated_token_costs_one_request_and_the_first_use_two() {
    let proxy = DynamoDbProxy::start();
    let settings = Settings { functions_dynamodb_url: Some(proxy.url.clone()), ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    proxy.forward_to(&system.behind().dynamodb);
    let alice = system.sign_in("alice");
    let token = alice.create_token("repeated");
    proxy.take();
    assert_eq!(system.status_of(&token.secret), 200);
    used(&alice, &token.id);
    let of_authorizer = |operations: &mut Vec<String>| {
        let recorded = proxy.take();
        // Requests of the session that asks for the record are none of this token's.
        let of_token = recorded.into_iter().filter(|request| {
            request.function == "Authorizer" && request.body.to_string().contains("token_hash")
        });
        operations.extend(of_token.map(|request| request.operation));
    };
    let mut first = Vec::new();
    of_authorizer(&mut first);
    assert_eq!(first, ["GetItem", "UpdateItem"], "the owner's record is read by user id");
    for _ in 0..5 {
        assert_eq!(system.status_of(&token.secret), 200);
    }
    let mut repeated = Vec::new();
    of_authorizer(&mut repeated);
    assert_eq!(repeated, ["BatchGetItem"; 5]);
}
