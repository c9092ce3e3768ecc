//! Revoking all of a user's existing tokens at once.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use patgate_harness::{DynamoDbFault, RecordedRequest, SignedInUser, System, user_path};
use serde_json::{Value, json};

fn revoke_all(user: &SignedInUser<'_>, user_id: &str) -> patgate_harness::Response {
    user.call("POST", &format!("{}/revoke-all-tokens", user_path(user_id)))
}

fn at(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a time").parse().expect("a time")
}

#[test]
fn user_can_revoke_all_own_tokens_and_a_token_created_afterwards_works() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));

    let bobs_token = bob.create_token("bob's");
    let tokens: Vec<_> = (0..5).map(|n| alice.create_token(&format!("token {n}"))).collect();
    assert!(tokens.iter().all(|token| system.status_of(&token.secret) == 200));

    let before = Utc::now();
    let response = revoke_all(&alice, &alice.id());
    assert_eq!((response.status, response.text.as_str()), (204, ""));

    let after = Utc::now();
    let new = alice.create_token("afterwards");
    for token in &tokens {
        system.call("GET", "/api/me", &token.secret).assert_gateway_error(401, "Unauthorized");
        let shown = alice.show_token(&token.id);
        assert_eq!(shown["status"], "revoked");
        assert_eq!(
            (&shown["revokedBy"], &shown["revocationReason"]),
            (&json!(alice.id()), &json!("revoke-all"))
        );
        let revoked_at = at(&shown["revokedAt"]);
        let millisecond = TimeDelta::milliseconds(1);
        assert!(before - millisecond <= revoked_at && revoked_at <= after, "{shown}");
        assert_eq!(alice.find_listed_token("status=revoked&limit=100", &token.id), shown);
    }
    assert_eq!(system.status_of(&new.secret), 200);
    assert_eq!(alice.show_token(&new.id)["status"], "active");
    assert_eq!(system.status_of(&bobs_token.secret), 200, "other users' tokens are not affected");
}

#[test]
fn administrator_can_revoke_all_tokens_of_a_user_and_is_recorded_as_revoker() {
    let system = System::start();
    let (admin, bob) = (system.sign_in("admin"), system.sign_in("bob"));

    let token = bob.create_token("bob's");
    assert_eq!(revoke_all(&admin, &bob.id()).status, 204);
    assert_eq!(system.status_of(&token.secret), 401);

    let shown = bob.show_token(&token.id);
    assert_eq!((&shown["revokedBy"], &shown["revocationReason"]), (&json!(admin.id()), &json!("revoke-all")));

    let user = admin.call("GET", &user_path(&bob.id())).json();
    assert_eq!(
        (&user["tokensRevokedAt"], &user["tokensRevokedBy"]),
        (&shown["revokedAt"], &shown["revokedBy"])
    );
    assert_eq!(system.status_of(&bob.session), 200, "sessions keep working");
    revoke_all(&admin, "unknown").assert_problem(404);
}

#[test]
fn only_administrators_can_revoke_all_tokens_of_another_user() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));

    let token = bob.create_token("bob's");
    let responses = [revoke_all(&alice, &bob.id()), revoke_all(&alice, "unknown")];
    for response in &responses {
        response.assert_problem(403);
    }
    let [of_bob, of_unknown] = responses.map(|response| response.problem());
    assert_eq!(of_bob, of_unknown, "the response does not reveal whether a user exists");
    system
        .request("POST", &format!("{}/revoke-all-tokens", user_path(&bob.id())))
        .send()
        .assert_gateway_error(401, "Unauthorized");
    assert_eq!(system.status_of(&token.secret), 200);
}

#[test]
fn revoking_all_is_one_write_regardless_of_the_number_of_tokens() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");

    for n in 0..20 {
        alice.create_token(&format!("token {n}"));
    }

    proxy.take();
    assert_eq!(revoke_all(&alice, "alice").status, 204);

    let recorded = proxy.take();
    let of_endpoint = recorded.iter().filter(|request| request.function == "RevokeAllTokens");
    let operations: Vec<_> = of_endpoint.map(|request| request.operation.as_str()).collect();
    assert_eq!(operations, ["GetItem", "UpdateItem"]);
}

#[test]
fn token_revoked_earlier_keeps_its_revocation_and_all_others_show_the_common_one() {
    let system = System::start();
    let (admin, alice) = (system.sign_in("admin"), system.sign_in("alice"));

    let expired = super::lifecycle::create_expired_token(&system, &alice);
    let (revoked, superseded) = (alice.create_token("revoked"), alice.create_token("superseded"));
    assert_eq!(alice.revoke_token(&revoked.id), 204);

    let record = alice.show_token(&revoked.id);
    assert_eq!(revoke_all(&admin, &alice.id()).status, 204);
    assert_eq!(alice.show_token(&revoked.id), record);

    for token in [&expired, &superseded] {
        let shown = alice.show_token(&token.id);
        assert_eq!(
            (&shown["status"], &shown["revokedBy"]),
            (&json!("revoked"), &json!(admin.id())),
            "{shown}"
        );
    }

    // A later revocation of one token does not overwrite the revocation of all.
    let revocation = || {
        let shown = alice.show_token(&superseded.id);
        ["status", "revokedAt", "revokedBy", "revocationReason"].map(|field| shown[field].clone())
    };
    let first = revocation();
    assert_eq!(alice.revoke_token(&superseded.id), 204);
    assert_eq!(revocation(), first);
}

#[test]
fn token_created_while_the_revocation_is_being_written_is_revoked_with_the_others() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");
    alice.create_token("starts the function, so that the next creation is fast");

    // The write reaches DynamoDB more than a second after the request, which is more than the
    // clocks of two functions differ.
    let (sender, write_started) = mpsc::channel();
    let is_write = |request: &RecordedRequest| {
        request.function == "RevokeAllTokens" && request.operation == "UpdateItem"
    };
    proxy.inject_where(1, DynamoDbFault::Slow(Duration::from_millis(1_400)), move |request| {
        is_write(request) && sender.send(()).is_ok()
    });
    let (during, confirmed) = std::thread::scope(|scope| {
        let revocation = scope.spawn(|| revoke_all(&alice, "alice").status);
        write_started.recv_timeout(Duration::from_secs(10)).expect("the revocation starts to write");

        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(1_050) {
            assert_eq!(system.status_of(&alice.session), 200);
        }
        let created = (alice.create_token("during"), Instant::now());
        assert_eq!(revocation.join().unwrap(), 204);
        created
    });

    // On a slow machine, the token may be too late.
    let expected = if confirmed < proxy.forwarded_at(is_write).unwrap() { 401 } else { 200 };
    assert_eq!(system.status_of(&during.secret), expected);
    assert_eq!(system.status_of(&alice.create_token("after").secret), 200);
}

#[test]
fn every_token_created_before_the_response_is_revoked_and_every_later_one_works() {
    let system = System::start();
    let alice = system.sign_in("alice");

    let id = alice.id();
    for _ in 0..5 {
        let before: Vec<_> = (0..3).map(|_| alice.create_token("just before")).collect();
        assert_eq!(revoke_all(&alice, &id).status, 204);
        let after: Vec<_> = (0..3).map(|_| alice.create_token("just after")).collect();
        assert!(before.iter().all(|token| system.status_of(&token.secret) == 401));
        assert!(after.iter().all(|token| system.status_of(&token.secret) == 200));
    }
}
