//! Every token of a person, ended in one act.

use chrono::{DateTime, Utc};
use patgate_tests::{Person, System};
use serde_json::{Value, json};

fn revoke_all(person: &Person<'_>, user_id: &str) -> patgate_tests::Response {
    person.call("POST", &format!("/api/users/{user_id}/revoke-all-tokens"))
}

fn at(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a time").parse().expect("a time")
}

#[test]
fn everybody_revokes_all_their_tokens_and_a_token_created_afterwards_works() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let of_bob = bob.create_token("bob's");
    let tokens: Vec<_> = (0..5).map(|n| alice.create_token(&format!("token {n}"))).collect();
    assert!(tokens.iter().all(|token| system.status_of(&token.secret) == 200));
    let before = Utc::now();
    let answer = revoke_all(&alice, &alice.id());
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    let after = Utc::now();
    let new = alice.create_token("afterwards");
    for token in &tokens {
        system.call("GET", "/api/me", &token.secret).gateway(401, "Unauthorized");
        let shown = alice.show(&token.id);
        assert_eq!(shown["status"], "revoked");
        assert_eq!(
            (&shown["revokedBy"], &shown["revocationReason"]),
            (&json!(alice.id()), &json!("revoke-all"))
        );
        let revoked_at = at(&shown["revokedAt"]);
        let millisecond = chrono::TimeDelta::milliseconds(1);
        assert!(before - millisecond <= revoked_at && revoked_at <= after, "{shown}");
        assert_eq!(alice.find_listed("status=revoked&limit=100", &token.id), shown);
    }
    assert_eq!(system.status_of(&new.secret), 200);
    assert_eq!(alice.show(&new.id)["status"], "active");
    assert_eq!(system.status_of(&of_bob.secret), 200, "nobody else's token is touched");
}

#[test]
fn administrator_revokes_all_tokens_of_somebody_and_stands_on_record() {
    let system = System::start();
    let (admin, bob) = (system.sign_in("admin"), system.sign_in("bob"));
    let token = bob.create_token("bob's");
    assert_eq!(revoke_all(&admin, &bob.id()).status, 204);
    assert_eq!(system.status_of(&token.secret), 401);
    let shown = bob.show(&token.id);
    assert_eq!((&shown["revokedBy"], &shown["revocationReason"]), (&json!(admin.id()), &json!("revoke-all")));
    let user = admin.call("GET", &format!("/api/users/{}", bob.id())).json();
    assert_eq!(
        (&user["tokensRevokedAt"], &user["tokensRevokedBy"]),
        (&shown["revokedAt"], &shown["revokedBy"])
    );
    assert_eq!(system.status_of(&bob.session), 200, "sessions go on");
    revoke_all(&admin, "nobody").problem(404);
}

#[test]
fn nobody_but_an_administrator_revokes_the_tokens_of_others() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let token = bob.create_token("bob's");
    let answers = [revoke_all(&alice, &bob.id()), revoke_all(&alice, "nobody")];
    for answer in &answers {
        answer.problem(403);
    }
    assert_eq!(answers[0].text, answers[1].text, "who exists is nobody's business");
    system
        .request("POST", &format!("/api/users/{}/revoke-all-tokens", bob.id()))
        .send()
        .gateway(401, "Unauthorized");
    assert_eq!(system.status_of(&token.secret), 200);
}

#[test]
fn revoking_all_is_one_write_whatever_the_number_of_tokens() {
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
    assert_eq!(operations, ["UpdateItem"]);
}

#[test]
fn token_revoked_before_keeps_its_own_record_and_one_that_had_expired_stays_expired() {
    let system = System::start();
    let (admin, alice) = (system.sign_in("admin"), system.sign_in("alice"));
    let expired = super::lifecycle::create_and_outlive(&system, &alice);
    let (revoked, superseded) = (alice.create_token("revoked"), alice.create_token("superseded"));
    assert_eq!(alice.revoke(&revoked.id), 204);
    let record = alice.show(&revoked.id);
    assert_eq!(revoke_all(&admin, &alice.id()).status, 204);
    assert_eq!(alice.show(&revoked.id), record);
    let shown = alice.show(&expired.id);
    assert_eq!((&shown["status"], &shown["revokedAt"]), (&json!("expired"), &Value::Null));
    // And what all of them were revoked by is not overwritten by a late revocation of one.
    let record = alice.show(&superseded.id);
    assert_eq!(alice.revoke(&superseded.id), 204);
    assert_eq!(alice.show(&superseded.id), record);
}

#[test]
fn token_created_in_the_very_moment_works_or_was_never_given_out() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let id = alice.id();
    for _ in 0..5 {
        let created = std::thread::scope(|scope| {
            let revoking = scope.spawn(|| revoke_all(&alice, &id).status);
            let creating: Vec<_> =
                (0..4).map(|_| scope.spawn(|| alice.create_token("same moment"))).collect();
            assert_eq!(revoking.join().unwrap(), 204);
            creating.into_iter().map(|token| token.join().unwrap()).collect::<Vec<_>>()
        });
        for token in created {
            // Before or after: what it shows and what it does are the same.
            let status = if system.status_of(&token.secret) == 200 { "active" } else { "revoked" };
            assert_eq!(alice.show(&token.id)["status"], status);
        }
        assert_eq!(system.status_of(&alice.create_token("afterwards").secret), 200);
    }
}
