//! Changes of tokens and users that do not overwrite the changes of others.

use std::thread;

use chrono::{SecondsFormat, TimeDelta, Utc};
use patgate_harness::{Response, Settings, SignedInUser, System, user_path};
use serde_json::{Value, json};

fn change(user: &SignedInUser<'_>, path: &str, if_match: Option<&str>, body: &Value) -> Response {
    let mut request = user.request("PATCH", path);
    if let Some(tag) = if_match {
        request = request.header("If-Match", tag);
    }
    request.json(body).until_admitted().send()
}

fn in_days(days: i64) -> String {
    (Utc::now() + TimeDelta::days(days)).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads a resource, and returns its entity tag with it.
fn read(user: &SignedInUser<'_>, path: &str) -> (Value, String) {
    let response = user.call("GET", path);
    assert_eq!(response.status, 200, "{response:?}");
    (response.json(), response.header("etag").unwrap().to_owned())
}

#[test]
fn owner_and_administrator_can_change_name_description_and_expiry() {
    let system = System::start();
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));
    let token = alice.create_token("old name");
    let path = format!("/api/tokens/{}", token.id);

    let expires_at = in_days(30);
    let new = json!({ "name": "new name", "description": "deploys", "expiresAt": expires_at });
    let changed = change(&alice, &path, None, &new);
    assert_eq!(changed.status, 200, "{changed:?}");
    for resource in [changed.json(), alice.call("GET", &path).json()] {
        for field in ["name", "description", "expiresAt"] {
            assert_eq!(resource[field], new[field], "{field}");
        }
        assert_eq!(resource["createdAt"], token.resource["createdAt"]);
        assert_eq!(resource["prefix"], token.resource["prefix"]);
    }
    assert_eq!(system.status_of(&token.secret), 200);

    let without = change(&admin, &path, None, &json!({ "description": null }));
    assert_eq!((without.status, &without.json()["description"]), (200, &Value::Null));
    assert_eq!(without.json()["name"], "new name");
}

#[test]
fn expiry_can_be_brought_forward_and_never_put_off() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let token = alice.create_expiring_token("limited", &in_days(30));
    let path = format!("/api/tokens/{}", token.id);

    for later in [json!(in_days(31)), Value::Null] {
        let response = change(&alice, &path, None, &json!({ "name": "changed", "expiresAt": later }));
        assert_eq!(response.assert_problem(400), ["expiresAt"]);
        assert_eq!(response.json()["errors"][0]["code"], "later_than_before");
    }
    assert_eq!(read(&alice, &path).0["name"], "limited", "an error changes nothing");

    let sooner = in_days(1);
    assert_eq!(change(&alice, &path, None, &json!({ "expiresAt": sooner })).json()["expiresAt"], sooner);
    let past = change(&alice, &path, None, &json!({ "expiresAt": in_days(-1) }));
    assert_eq!(past.assert_problem(400), ["expiresAt"]);
}

#[test]
fn token_whose_expiry_was_brought_forward_stops_working_then() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let token = alice.create_token("ends soon");
    let soon = (Utc::now() + TimeDelta::seconds(2)).to_rfc3339_opts(SecondsFormat::Millis, true);
    let path = format!("/api/tokens/{}", token.id);
    assert_eq!(change(&alice, &path, None, &json!({ "expiresAt": soon })).status, 200);

    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while system.status_of(&token.secret) != 401 {
        assert!(std::time::Instant::now() < deadline);
        thread::yield_now();
    }
    assert!(Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true) >= soon);
}

#[test]
fn token_cannot_be_changed_by_a_token_or_by_another_user_or_after_its_revocation() {
    let system = System::start();
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let token = alice.create_token("keeps its name");
    let path = format!("/api/tokens/{}", token.id);
    let renamed = json!({ "name": "renamed" });

    for path in [&path, "/api/tokens/current"] {
        let by_token =
            system.request("PATCH", path).bearer(&token.secret).json(&renamed).until_admitted().send();
        by_token.assert_problem(403);
        assert_eq!(by_token.json()["code"], "session_required");
    }
    let missing = change(&bob, "/api/tokens/01900000-0000-7000-8000-000000000000", None, &renamed);
    let foreign = change(&bob, &path, None, &renamed);
    foreign.assert_problem(404);
    assert_eq!(foreign.problem(), missing.problem());
    assert_eq!(read(&alice, &path).0["name"], "keeps its name");

    assert_eq!(alice.revoke_token(&token.id), 204);
    let revoked = change(&alice, &path, None, &renamed);
    revoked.assert_problem(409);
    assert_eq!(revoked.json()["code"], "token_revoked");
    assert_eq!(read(&alice, &path).0["name"], "keeps its name");
}

#[test]
fn change_of_a_token_with_an_old_etag_is_refused_with_the_present_one() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let token = alice.create_token("one");
    let path = format!("/api/tokens/{}", token.id);
    let (_, first) = read(&alice, &path);

    let changed = change(&alice, &path, Some(&first), &json!({ "name": "two" }));
    assert_eq!(changed.status, 200, "{changed:?}");
    let second = changed.header("etag").unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(read(&alice, &path).1, second);

    let refused = change(&alice, &path, Some(&first), &json!({ "name": "three" }));
    refused.assert_problem(412);
    assert_eq!(refused.json()["code"], "version_changed");
    assert_eq!(refused.header("etag"), Some(second.as_str()));
    assert_eq!(read(&alice, &path).0["name"], "two");

    // Uses are not changes: a client that shows a token can change it afterwards.
    assert_eq!(system.status_of(&token.secret), 200);
    alice.wait_for_listed_state(&token.id, |item| !item["lastUsedAt"].is_null());
    assert_eq!(read(&alice, &path).1, second);
    for tag in [&format!("\"other\", {second}"), "*"] {
        assert_eq!(change(&alice, &path, Some(tag), &json!({ "description": tag })).status, 200, "{tag}");
    }
}

#[test]
fn of_changes_with_one_etag_at_the_same_time_exactly_one_succeeds() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let token = alice.create_token("raced");
    let path = format!("/api/tokens/{}", token.id);
    let (_, tag) = read(&alice, &path);

    let statuses: Vec<_> = thread::scope(|scope| {
        let send =
            |number: usize| change(&alice, &path, Some(&tag), &json!({ "name": format!("by {number}") }));
        let running: Vec<_> = (0..6).map(|number| scope.spawn(move || send(number))).collect();
        running.into_iter().map(|running| running.join().unwrap().status).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 412].contains(status)), "{statuses:?}");
}

#[test]
fn change_of_a_user_with_an_old_etag_is_refused_with_the_present_one() {
    let Some(system) =
        System::start_local(Settings { parameters: vec!["RolesClaim="], ..Settings::default() })
    else {
        return;
    };
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));
    assert_eq!(alice.call("GET", "/api/me").status, 200);
    patgate_harness::set_user(
        &system.local().dynamodb,
        "admin",
        "roles",
        // A set, as an operator may write it by hand.
        &json!({ "SS": ["administrator", "site administrator"] }),
    );
    let path = user_path("alice");
    let (_, first) = read(&admin, &path);

    let changed = change(&admin, &path, Some(&first), &json!({ "roles": ["viewer"] }));
    assert_eq!(changed.status, 200, "{changed:?}");
    let second = changed.header("etag").unwrap().to_owned();
    assert_eq!(read(&admin, &path).1, second);

    let refused = change(&admin, &path, Some(&first), &json!({ "roles": ["publisher"] }));
    refused.assert_problem(412);
    assert_eq!(refused.header("etag"), Some(second.as_str()));
    assert_eq!(read(&admin, &path).0["roles"], json!(["viewer"]));
    assert_eq!(change(&admin, &path, None, &json!({ "disabled": true })).status, 200);

    // An administrator's own record, whose roles were written by hand.
    let own = user_path("admin");
    let (_, tag) = read(&admin, &own);
    let kept = json!({ "roles": ["administrator", "viewer"] });
    assert_eq!(change(&admin, &own, Some("\"old\""), &kept).status, 412);
    assert_eq!(change(&admin, &own, Some(&tag), &kept).status, 200);
    change(&admin, &user_path("unknown"), Some(&tag), &kept).assert_problem(404);
}

#[test]
fn of_changes_of_a_user_with_one_etag_exactly_one_succeeds() {
    let Some(system) =
        System::start_local(Settings { parameters: vec!["RolesClaim="], ..Settings::default() })
    else {
        return;
    };
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));
    for user in [&alice, &admin] {
        assert_eq!(user.call("GET", "/api/me").status, 200);
    }
    let administrator = json!({ "L": [{ "S": "administrator" }] });
    patgate_harness::set_user(&system.local().dynamodb, "admin", "roles", &administrator);
    let path = user_path("alice");
    let (_, tag) = read(&admin, &path);

    let change_roles = |number: usize| {
        let roles = json!({ "roles": [format!("role-{number}")] });
        change(&admin, &path, Some(&tag), &roles)
    };
    let statuses: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..6).map(|number| scope.spawn(move || change_roles(number))).collect();
        running.into_iter().map(|running| running.join().unwrap().status).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 412].contains(status)), "{statuses:?}");
}

#[test]
fn token_can_revoke_itself_without_knowing_its_id() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let (token, other) = (alice.create_token("ends itself"), alice.create_token("stays"));

    assert_eq!(system.request("DELETE", "/api/tokens/current").bearer(&token.secret).send().status, 204);
    assert_eq!((system.status_of(&token.secret), system.status_of(&other.secret)), (401, 200));
    let shown = read(&alice, &format!("/api/tokens/{}", token.id)).0;
    assert_eq!((&shown["revokedBy"], &shown["revocationReason"]), (&json!(alice.id()), &json!("owner")));

    let by_session = alice.call("DELETE", "/api/tokens/current");
    by_session.assert_problem(404);
    assert_eq!(by_session.json()["code"], "no_current_token");
}
