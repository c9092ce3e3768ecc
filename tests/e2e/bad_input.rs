//! Invalid input is refused with the names of the invalid fields, and nothing is stored. The
//! unit tests of each function test every field of its body.

use std::collections::BTreeSet;

use patgate_harness::{Settings, System, delete_item, scan, sha256, user_path};
use serde_json::{Value, json};

#[test]
fn invalid_creation_names_the_fields_and_stores_nothing() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    for (body, fields) in [
        (json!({}), vec!["name"]),
        (json!({ "name": "", "expiresAt": "", "userId": "bob" }), vec!["userId", "name", "expiresAt"]),
        (json!([]), vec![]),
        (json!("ci"), vec![]),
        (Value::Null, vec![]),
    ] {
        assert_eq!(alice.request_token(&body).assert_problem(400), fields, "{body}");
    }

    let oversized = format!("{{\"name\": \"ci\"}}{}", " ".repeat(16 * 1024));
    let refused = alice.request("POST", "/api/tokens").body("application/json", oversized).send();
    refused.assert_problem(413);
    assert!(refused.text.contains("larger than 16384 bytes"), "{refused:?}");
    for text in ["", "{", "name=ci", "{\"name\": \"ci\"} trailing", "\u{feff}{}"] {
        alice.request("POST", "/api/tokens").body("application/json", text).send().assert_problem(400);
    }

    let binary = alice.request("POST", "/api/tokens").body("application/octet-stream", vec![0xff, 0xfe]);
    binary.send().assert_problem(400);
    assert!(scan(&system.local().dynamodb, "Tokens").is_empty());
}

/// Neither the attributes of stored tokens and users nor the fields of their resources can be
/// set. Otherwise a caller could create a token of another user, or one that never expires.
#[test]
fn only_documented_fields_can_be_set() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));

    let (kept, revoked) = (alice.create_token("kept"), alice.create_token("revoked"));
    assert_eq!(alice.revoke_token(&revoked.id), 204);
    assert_eq!((admin.id().as_str(), system.sign_in("bob").id().as_str()), ("admin", "bob"));

    let dynamodb = &system.local().dynamodb;

    let tables = || ["Tokens", "Users"].map(|table| scan(dynamodb, table));
    let before = tables();
    let users = admin.call("GET", "/api/users").json()["items"].as_array().unwrap().clone();
    let known_fields = before.iter().flatten().chain(&users).chain([&kept.resource]);
    let known_fields = known_fields.flat_map(|item| item.as_object().unwrap().keys().cloned());
    let guesses = "userId ownerId user hash scope scopes role admin isAdmin permissions sub Name NAME tokenGeneration \
        token_generation generation tokens_revoked_at expires_at last_used_at last_used_ip seen_from ExpiresAt __proto__ $set";
    let guesses = guesses.split_whitespace().chain(["", "name ", " name"]).map(str::to_owned);
    let fields: BTreeSet<_> = known_fields.chain(guesses).collect();
    assert!(
        ["token_hash", "purge_at", "roles_as_of", "owner", "lastSignInAt"]
            .iter()
            .all(|name| fields.contains(*name))
    );
    for field in &fields {
        for value in [json!("bob"), json!("2020-01-01T00:00:00.000Z"), json!(["administrator"]), json!(null)]
        {
            if !["name", "description", "expiresAt"].contains(&field.as_str()) {
                let response = alice.request_token(&json!({ "name": "ci", field: value }));
                assert_eq!(response.assert_problem(400), [field.as_str()], "{field}: {value}");
            }
            if field != "disabled" {
                let change = json!({ "disabled": false, field: value });
                let response = admin.request("PATCH", &user_path("bob")).json(&change).send();
                assert_eq!(response.assert_problem(400), [field.as_str()], "{field}: {value}");
            }
        }
    }
    assert_eq!(tables(), before, "nothing was stored or changed");

    // An endpoint without a body ignores one, and no endpoint reads fields from the query.
    let body = json!({ "userId": "bob", "tokensValidAfter": "2020-01-01T00:00:00Z", "by": "bob" });
    let path = format!("{}/revoke-all-tokens?userId=bob&id=bob", user_path("alice"));
    assert_eq!(alice.request("POST", &path).json(&body).send().status, 204);

    let shown = alice.show_token(&kept.id);
    assert_eq!((&shown["status"], &shown["revokedBy"]), (&json!("revoked"), &json!("alice")));

    let response =
        alice.request("POST", "/api/tokens?userId=bob&owner=bob").json(&json!({ "name": "own" })).send();
    assert_eq!((response.status, &response.json()["owner"]["id"]), (201, &json!("alice")), "{response:?}");
}

#[test]
fn invalid_list_parameters_are_named() {
    let system = System::start();
    let alice = system.sign_in("alice");

    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("status=deleted", "status"),
        ("cursor=forged", "cursor"),
        ("cursor=eyJ1c2VyX2lkIjoiYm9iIn0", "cursor"),
        ("cursor=00000000-0000-0000-0000-000000000000", "cursor"),
        ("allUsers=maybe", "allUsers"),
        ("page=2", "page"),
        ("limit=1&limit=2", "limit"),
    ] {
        assert_eq!(
            alice.call("GET", &format!("/api/tokens?{query}")).assert_problem(400),
            [field],
            "{query}"
        );
    }
}

#[test]
fn token_id_that_is_not_a_uuid_is_refused() {
    let system = System::start();
    let alice = system.sign_in("alice");

    for id in [
        "1",
        "id%23x",
        "..",
        "01a209fdf35677e98e704ac34baf1061",
        "%7B01a209fd-f356-77e9-8e70-4ac34baf1061%7D",
    ] {
        for method in ["GET", "PATCH", "DELETE"] {
            assert_eq!(
                alice.call(method, &format!("/api/tokens/{id}")).assert_problem(400),
                ["id"],
                "{method} {id}"
            );
        }
    }
}

#[test]
fn names_are_stored_as_given_up_to_100_characters_of_any_script() {
    let system = System::start();
    let alice = system.sign_in("alice");

    for name in ["é".repeat(100), "构建 🚀 <b>&\"'".to_owned(), "x".repeat(100)] {
        let token = alice.create_token(&name);
        assert_eq!(alice.show_token(&token.id)["name"], name.as_str());
        let me = system.call("GET", "/api/me", &token.secret).json();
        assert_eq!(me["token"]["name"], name.as_str());
    }
}

#[test]
fn expiry_rules_of_the_deployment_are_published_and_enforced() {
    let at = |days| (chrono::Utc::now() + chrono::TimeDelta::days(days)).to_rfc3339();
    for (parameter, rules, refused, allowed) in [
        (
            "ExpiryRequired=true",
            json!({ "expiryRequired": true, "maxLifetimeDays": null }),
            Value::Null,
            at(9_000),
        ),
        (
            "MaxLifetimeDays=30",
            json!({ "expiryRequired": true, "maxLifetimeDays": 30 }),
            json!(at(31)),
            at(30),
        ),
    ] {
        let settings = Settings { parameters: vec![parameter], ..Settings::default() };
        let Some(system) = System::start_local(settings) else { return };
        let alice = system.sign_in("alice");
        assert_eq!(alice.call("GET", "/api/me").json()["newTokens"], rules);
        for expires_at in [Value::Null, refused] {
            let response = alice.request_token(&json!({ "name": "ci", "expiresAt": expires_at }));
            assert_eq!(response.assert_problem(400), ["expiresAt"], "{parameter}: {response:?}");
        }
        assert!(scan(&system.local().dynamodb, "Tokens").is_empty());
        alice.create_expiring_token("ci", &allowed);
    }
}

#[test]
fn user_has_at_most_max_tokens_on_record_and_revoked_ones_count() {
    let settings = Settings { parameters: vec!["MaxTokensPerUser=3"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));

    let tokens = ["first", "second", "third"].map(|name| alice.create_token(name));
    assert_eq!(alice.revoke_token(&tokens[0].id), 204);
    let stored = scan(&system.local().dynamodb, "Tokens");

    let refused = alice.request_token(&json!({ "name": "fourth" }));
    refused.assert_problem(409);
    assert_eq!(
        refused.json()["detail"],
        "You have 3 tokens, the most that a user of this deployment can have. Nothing was created. A revoked or expired \
         token counts until its record is deleted, 90 days later; tokens that were revoked all at once are kept longer. \
         Use an existing token, or ask an operator to delete records or to raise `MaxTokensPerUser`."
    );
    assert_eq!(scan(&system.local().dynamodb, "Tokens"), stored);
    assert_eq!(system.status_of(&tokens[1].secret), 200);
    bob.create_token("other users have their own limit");

    // DynamoDB's TTL deletes a revoked token in the end.
    for key in [sha256(&tokens[0].secret), format!("id#{}", tokens[0].id)] {
        delete_item(&system.local().dynamodb, "Tokens", &json!({ "token_hash": { "S": key } }));
    }
    alice.create_token("fourth");
}
