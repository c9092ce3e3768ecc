//! Nobody sees or ends what is somebody else's, except administrators.

use patgate_harness::{Response, System};
use uuid::Uuid;

#[test]
fn another_users_token_can_neither_be_seen_nor_revoked() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let token = bob.create_token("bob's own");
    let path = format!("/api/tokens/{}", token.id);
    let of_alice = alice.create_token("alice's");
    for credential in [&alice.session, &of_alice.secret] {
        system.call("GET", &path, credential).assert_problem(404);
        system.call("DELETE", &path, credential).assert_problem(404);
        let listed = system.call("GET", "/api/tokens?limit=100", credential);
        assert!(!listed.text.contains(&token.id), "{listed:?}");
    }
    assert_eq!(system.status_of(&token.secret), 200, "bob's token still works");
    assert_eq!(bob.show_token(&token.id)["status"], "active");
}

#[test]
fn another_users_token_looks_just_like_a_missing_one() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let existing = bob.create_token("bob's own").id;
    let revoked = bob.create_token("bob's old one").id;
    assert_eq!(bob.revoke_token(&revoked), 204);
    let missing = Uuid::now_v7().to_string();
    for method in ["GET", "DELETE"] {
        let responses =
            [&missing, &existing, &revoked].map(|id| alice.call(method, &format!("/api/tokens/{id}")));
        responses[0].assert_problem(404);
        for response in &responses {
            let names = |response: &Response| response.headers.keys().cloned().collect::<Vec<_>>();
            assert_eq!((response.status, &response.text), (404, &responses[0].text));
            assert_eq!(names(response), names(&responses[0]));
        }
    }
}

/// To read a token before its owner is known would take longer for one that exists.
#[test]
fn another_users_token_costs_just_as_much_as_a_missing_one() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let existing = bob.create_token("bob's own").id;
    assert_eq!(alice.id(), "alice");
    for id in [existing, Uuid::now_v7().to_string()] {
        for method in ["GET", "DELETE"] {
            proxy.take();
            alice.call(method, &format!("/api/tokens/{id}")).assert_problem(404);
            let of_endpoint = proxy.take().into_iter().filter(|request| request.function != "Authorizer");
            let operations: Vec<_> = of_endpoint.map(|request| request.operation).collect();
            assert_eq!(operations, ["GetItem"], "{method} {id}");
        }
    }
}

#[test]
fn administrator_sees_and_revokes_anybodys_token_and_stands_on_record() {
    let system = System::start();
    let (bob, admin) = (system.sign_in("bob"), system.sign_in("admin"));
    let token = bob.create_token("bob's own");
    assert_eq!(admin.show_token(&token.id)["owner"]["id"], bob.id().as_str());
    assert_eq!(admin.revoke_token(&token.id), 204);
    assert_eq!(system.status_of(&token.secret), 401);
    let record = bob.show_token(&token.id);
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
fn cursor_of_somebody_elses_list_or_of_ones_own_making_shows_only_ones_own_tokens() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let of_alice = alice.create_token("alice's");
    alice.find_listed_token("limit=100", &of_alice.id);
    let mut of_bob = Vec::new();
    for _ in 0..3 {
        let token = bob.create_token("bob's own");
        bob.find_listed_token("limit=100", &token.id);
        of_bob.push(token.id);
    }
    let page = bob.call("GET", "/api/tokens?limit=1").json();
    let cursor = page["nextCursor"].as_str().unwrap();
    let alices_id = alice.id();
    let newest = "ffffffff-ffff-7fff-bfff-ffffffffffff";
    for (cursor, shows_hers) in [
        (cursor, true),
        (of_bob[0].as_str(), true),
        (&of_bob[2].to_uppercase(), true),
        (newest, true),
        (&of_alice.id, false),
        ("00000000-0000-7000-8000-000000000000", false),
    ] {
        for status in ["", "&status=active"] {
            let seen = alice.list_tokens(&format!("limit=100&cursor={cursor}{status}"));
            assert!(seen.iter().all(|item| item["owner"]["id"] == alices_id.as_str()), "{seen:?}");
            let has_hers = seen.iter().any(|item| item["id"] == of_alice.id.as_str());
            assert_eq!(has_hers, shows_hers, "{cursor}: {seen:?}");
        }
        // Nor does it widen whose tokens one may ask for.
        for whose in ["allUsers=true".to_owned(), format!("userId={}", bob.id())] {
            alice.call("GET", &format!("/api/tokens?{whose}&cursor={cursor}")).assert_problem(403);
        }
        alice.call("GET", &format!("/api/users?cursor={cursor}")).assert_problem(403);
    }
}
