//! Nobody sees or ends what is somebody else's, except administrators.

use patgate_tests::System;
use uuid::Uuid;

#[test]
fn another_users_token_can_neither_be_seen_nor_revoked() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let token = bob.create_token("bob's own");
    let path = format!("/api/tokens/{}", token.id);
    let of_alice = alice.create_token("alice's");
    for credential in [&alice.session, &of_alice.secret] {
        system.call("GET", &path, credential).problem(404);
        system.call("DELETE", &path, credential).problem(404);
        let listed = system.call("GET", "/api/tokens?limit=100", credential);
        assert!(!listed.text.contains(&token.id), "{listed:?}");
    }
    assert_eq!(system.status_of(&token.secret), 200, "bob's token still works");
    assert_eq!(bob.show(&token.id)["status"], "active");
}

#[test]
fn another_users_token_looks_just_like_a_missing_one() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let existing = bob.create_token("bob's own").id;
    let missing = Uuid::now_v7().to_string();
    for method in ["GET", "DELETE"] {
        let answers = [&existing, &missing].map(|id| alice.call(method, &format!("/api/tokens/{id}")));
        assert_eq!(answers[0].text, answers[1].text);
        assert_eq!(answers[0].status, answers[1].status);
    }
}

#[test]
fn administrator_sees_and_revokes_anybodys_token_and_stands_on_record() {
    let system = System::start();
    let (bob, admin) = (system.sign_in("bob"), system.sign_in("admin"));
    let token = bob.create_token("bob's own");
    assert_eq!(admin.show(&token.id)["owner"]["id"], bob.id().as_str());
    assert_eq!(admin.revoke(&token.id), 204);
    assert_eq!(system.status_of(&token.secret), 401);
    let record = bob.show(&token.id);
    assert_eq!((&record["status"], &record["revokedBy"]), (&"revoked".into(), &admin.id().into()));
}

#[test]
fn an_administrators_token_administers_as_its_owner_would() {
    let system = System::start();
    let bob = system.sign_in("bob");
    let token = bob.create_token("bob's own");
    let admins = system.sign_in("admin").create_token("admin's");
    assert_eq!(system.call("DELETE", &format!("/api/tokens/{}", token.id), &admins.secret).status, 204);
    assert_eq!(system.status_of(&token.secret), 401);
}

#[test]
fn cursor_of_somebody_elses_list_shows_only_ones_own_tokens() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let of_alice = alice.create_token("alice's");
    for _ in 0..3 {
        let token = bob.create_token("bob's own");
        bob.find_listed("limit=100", &token.id);
    }
    let page = bob.call("GET", "/api/tokens?limit=1").json();
    let cursor = page["nextCursor"].as_str().unwrap();
    let seen = alice.list(&format!("limit=100&cursor={cursor}"));
    let alices_id = alice.id();
    assert!(seen.iter().all(|item| item["owner"]["id"] == alices_id.as_str()), "{seen:?}");
    assert!(seen.iter().any(|item| item["id"] == of_alice.id.as_str()), "{seen:?}");
}
