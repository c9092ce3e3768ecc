//! A creation whose response was lost can be repeated with its `Idempotency-Key`.

use std::thread;

use patgate_harness::{Response, SignedInUser, System};
use serde_json::{Value, json};

fn create(user: &SignedInUser<'_>, key: &str, body: &Value) -> Response {
    let request = user.request("POST", "/api/tokens").header("Idempotency-Key", key);
    request.json(body).until_admitted().send()
}

/// A key that no other test of the same system uses.
fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[test]
fn repeated_creation_leads_to_the_token_and_never_shows_its_secret_again() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let key = new_key();

    let created = create(&alice, &key, &json!({ "name": "once", "description": "for the job" }));
    assert_eq!(created.status, 201, "{created:?}");
    let token = created.json();
    let location = created.header("location").unwrap();
    assert_eq!(location, format!("/api/tokens/{}", token["id"].as_str().unwrap()));

    // The order of the fields and white space do not make another request.
    let same = r#"{ "description": "for the job",   "name": "once" }"#;
    let request = alice.request("POST", "/api/tokens").header("Idempotency-Key", &key);
    let again = request.body("application/json", same).until_admitted().send();
    again.assert_problem(409);
    assert_eq!(again.json()["code"], "already_created");
    assert_eq!(again.json()["tokenId"], token["id"]);
    assert_eq!(again.header("location"), Some(location));
    assert!(!again.text.contains(token["token"].as_str().unwrap()));

    let shown = alice.call("GET", location).json();
    assert_eq!((&shown["name"], &shown["description"]), (&json!("once"), &json!("for the job")));
}

#[test]
fn key_of_another_request_or_user_creates_no_token_and_reveals_none() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let key = new_key();
    assert_eq!(create(&alice, &key, &json!({ "name": "first" })).status, 201);

    let other = create(&alice, &key, &json!({ "name": "second" }));
    other.assert_problem(422);
    assert_eq!(other.json()["code"], "key_reused");
    assert_eq!((other.header("location"), other.json().get("tokenId")), (None, None));
    assert_eq!(create(&bob, &key, &json!({ "name": "first" })).status, 201);
    assert_eq!(create(&alice, &new_key(), &json!({ "name": "first" })).status, 201);
}

/// A retry must also work if the token has expired or been revoked in the meantime.
#[test]
fn repeated_creation_leads_to_the_token_whatever_became_of_it() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let key = new_key();
    let body = json!({ "name": "gone soon" });
    let created = create(&alice, &key, &body).json();
    assert_eq!(alice.revoke_token(created["id"].as_str().unwrap()), 204);

    let again = create(&alice, &key, &body);
    again.assert_problem(409);
    assert_eq!(again.json()["tokenId"], created["id"]);
}

#[test]
fn of_creations_with_one_key_at_the_same_time_one_succeeds_and_the_others_lead_to_it() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let key = new_key();

    let responses: Vec<_> = thread::scope(|scope| {
        let send = || create(&alice, &key, &json!({ "name": "raced" }));
        let running: Vec<_> = (0..6).map(|_| scope.spawn(send)).collect();
        running.into_iter().map(|running| running.join().unwrap()).collect()
    });

    let (created, refused): (Vec<_>, Vec<_>) = responses.iter().partition(|response| response.status == 201);
    assert_eq!(created.len(), 1, "{responses:?}");
    for response in refused {
        response.assert_problem(409);
        assert_eq!(response.json()["tokenId"], created[0].json()["id"]);
    }
}

#[test]
fn invalid_key_is_named_and_nothing_is_created() {
    let system = System::start();
    let alice = system.sign_in("alice");
    for key in ["", "two words", "é", &"k".repeat(256)] {
        let response = create(&alice, key, &json!({ "name": "never" }));
        assert_eq!(response.assert_problem(400), ["Idempotency-Key"], "{key:?}");
        assert_eq!(response.json()["errors"][0]["code"], "invalid_format");
    }
    let with_this_name = || alice.list_tokens("q=never&limit=100");
    assert!(with_this_name().is_empty());
    // The mistake is found before the key is used up.
    let key = new_key();
    assert_eq!(create(&alice, &key, &json!({ "name": "" })).assert_problem(400), ["name"]);
    assert_eq!(create(&alice, &key, &json!({ "name": "valid" })).status, 201);
}
