//! Users can neither see nor revoke the tokens of others; administrators can.

use patgate_harness::{Response, System};
use uuid::Uuid;

#[test]
fn token_of_another_user_can_neither_be_seen_nor_revoked() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));

    let token = bob.create_token("bob's own");
    let path = format!("/api/tokens/{}", token.id);
    let alices_token = alice.create_token("alice's");
    for credential in [&alice.session, &alices_token.secret] {
        system.call("GET", &path, credential).assert_problem(404);
        system.call("DELETE", &path, credential).assert_problem(404);
        let listed = system.call("GET", "/api/tokens?limit=100", credential);
        assert!(!listed.text.contains(&token.id), "{listed:?}");
    }
    assert_eq!(system.status_of(&token.secret), 200, "bob's token still works");
    assert_eq!(bob.show_token(&token.id)["status"], "active");
}

#[test]
fn token_of_another_user_looks_like_a_missing_one() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));

    let existing = bob.create_token("bob's own").id;
    let revoked = bob.create_token("bob's revoked one").id;
    assert_eq!(bob.revoke_token(&revoked), 204);

    let missing = Uuid::now_v7().to_string();
    for method in ["GET", "DELETE"] {
        let responses =
            [&missing, &existing, &revoked].map(|id| alice.call(method, &format!("/api/tokens/{id}")));
        responses[0].assert_problem(404);
        for response in &responses {
            let names = |response: &Response| response.headers.keys().cloned().collect::<Vec<_>>();
            assert_eq!((response.status, response.problem()), (404, responses[0].problem()));
            assert_eq!(names(response), names(&responses[0]));
        }
    }
}

/// If the endpoint read a token before it checked the owner, an existing token would take
/// longer than a missing one.
#[test]
fn token_of_another_user_costs_the_same_reads_as_a_missing_one() {
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
fn administrator_can_see_and_revoke_any_token_and_is_recorded_as_revoker() {
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
fn token_of_an_administrator_can_revoke_tokens_of_others() {
    let system = System::start();
    let bob = system.sign_in("bob");
    let token = bob.create_token("bob's own");
    let admins = system.sign_in("admin").create_token("admin's");
    assert_eq!(system.call("DELETE", &format!("/api/tokens/{}", token.id), &admins.secret).status, 204);
    assert_eq!(system.status_of(&token.secret), 401);
}

#[test]
fn foreign_or_forged_cursor_shows_only_the_callers_own_tokens() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));

    let alices_token = alice.create_token("alice's");
    alice.find_listed_token("limit=100", &alices_token.id);
    let mut bobs_tokens = Vec::new();
    for _ in 0..3 {
        let token = bob.create_token("bob's own");
        bob.find_listed_token("limit=100", &token.id);
        bobs_tokens.push(token.id);
    }

    let page = bob.call("GET", "/api/tokens?limit=1").json();
    let cursor = page["nextCursor"].as_str().unwrap();
    let alices_id = alice.id();
    let newest = "ffffffff-ffff-7fff-bfff-ffffffffffff";
    for (cursor, shows_own) in [
        (cursor, true),
        (bobs_tokens[0].as_str(), true),
        (&bobs_tokens[2].to_uppercase(), true),
        (newest, true),
        (&alices_token.id, false),
        ("00000000-0000-7000-8000-000000000000", false),
    ] {
        for status in ["", "&status=active"] {
            let seen = alice.list_tokens(&format!("limit=100&cursor={cursor}{status}"));
            assert!(seen.iter().all(|item| item["owner"]["id"] == alices_id.as_str()), "{seen:?}");
            let has_own = seen.iter().any(|item| item["id"] == alices_token.id.as_str());
            assert_eq!(has_own, shows_own, "{cursor}: {seen:?}");
        }
        // A cursor does not allow a list of other users' tokens either.
        for parameter in ["allUsers=true".to_owned(), format!("userId={}", bob.id())] {
            alice.call("GET", &format!("/api/tokens?{parameter}&cursor={cursor}")).assert_problem(403);
        }
        alice.call("GET", &format!("/api/users?cursor={cursor}")).assert_problem(403);
    }
}
