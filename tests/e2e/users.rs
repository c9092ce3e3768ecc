//! How administrators see and change users.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use patgate_harness::{Response, Settings, SignedInUser, System, scan, set_user, user_path};
use serde_json::{Value, json};

pub(crate) fn show_user(admin: &SignedInUser<'_>, id: &str) -> Value {
    let response = admin.call("GET", &user_path(id));
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

/// All users, read in pages of `limit`.
fn list_users(admin: &SignedInUser<'_>, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.call("GET", &format!("/api/users?limit={limit}{cursor}")).json();
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= limit);
        all.extend(items.iter().cloned());
        assert!(all.len() < 100, "the list does not end");
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

pub(crate) fn change_user(admin: &SignedInUser<'_>, id: &str, body: &Value) -> Response {
    admin.request("PATCH", &user_path(id)).json(body).send()
}

/// A system where roles are managed in the table `Users`, with `admin` as its administrator.
pub(crate) fn start_with_roles_in_the_table() -> Option<System> {
    let system = System::start_local(Settings { parameters: vec!["RolesClaim="], ..Settings::default() })?;
    system.sign_in("admin").roles();
    let roles = json!({ "L": [{ "S": "administrator" }] });
    set_user(&system.local().dynamodb, "admin", "roles", &roles);
    Some(system)
}

#[test]
fn administrator_can_list_all_users_who_have_signed_in() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let admin = system.sign_in("admin");

    let before = Utc::now();
    for name in ["alice", "bob", "carol", "dave", "erin", "frank"] {
        system.sign_in(name).roles();
    }

    for limit in [1, 2, 3, 7, 100] {
        let users = list_users(&admin, limit);
        let mut ids: Vec<_> = users.iter().map(|user| user["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["admin", "alice", "bob", "carol", "dave", "erin", "frank"], "in pages of {limit}");
    }

    let mut alice = show_user(&admin, "alice");
    let last_sign_in = alice["lastSignInAt"].take();
    let last_sign_in = chrono::DateTime::parse_from_rfc3339(last_sign_in.as_str().unwrap()).unwrap();
    assert!(
        last_sign_in >= before - TimeDelta::seconds(1) && last_sign_in <= Utc::now() + TimeDelta::seconds(10)
    );

    let expected = json!({
        "id": "alice", "pathId": "u_YWxpY2U", "name": "Alice Archer", "email": "alice@example.org",
        "roles": ["publisher"], "disabled": false, "lastSignInAt": null, "tokensRevokedAt": null, "tokensRevokedBy": null,
    });
    assert_eq!(alice, expected);
    admin.call("GET", &user_path("unknown")).assert_problem(404);
}

#[test]
fn only_administrators_can_view_and_change_users() {
    let system = System::start();
    let admin = system.sign_in("admin");
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));

    let alices_token = alice.create_token("alice's").secret;
    let bobs_id = bob.id();
    for (method, path) in [
        ("GET", "/api/users".to_owned()),
        ("GET", user_path(&bobs_id)),
        ("GET", user_path(&alice.id())),
        ("GET", user_path("unknown")),
        ("PATCH", user_path(&bobs_id)),
        ("PATCH", user_path("unknown")),
    ] {
        for credential in [&alice.session, &alices_token] {
            let request = system.request(method, &path).bearer(credential);
            request.json(&json!({ "disabled": true })).send().assert_problem(403);
        }
        let anonymous = system.request(method, &path).json(&json!({ "disabled": true })).send();
        anonymous.assert_gateway_error(401, "Unauthorized");
    }
    assert_eq!(show_user(&admin, &bobs_id)["disabled"], false);
}

#[test]
fn disabled_users_tokens_and_sessions_are_refused_at_the_next_request_until_the_user_is_enabled() {
    let system = System::start();
    let (admin, bob) = (system.sign_in("admin"), system.sign_in("bob"));

    let id = bob.id();
    let token = bob.create_token("bob's");
    assert_eq!(system.status_of(&token.secret), 200);

    let disabled = change_user(&admin, &id, &json!({ "disabled": true }));
    assert_eq!((disabled.status, &disabled.json()["disabled"]), (200, &json!(true)), "{disabled:?}");
    for credential in [&token.secret, &bob.session, &system.sign_in("bob").session] {
        system.call("GET", "/api/me", credential).assert_gateway_error(401, "Unauthorized");
    }

    let shown = admin.show_token(&token.id);
    assert_eq!((&shown["status"], &shown["owner"]["disabled"]), (&json!("active"), &json!(true)));
    assert_eq!(change_user(&admin, &id, &json!({ "disabled": false })).json()["disabled"], false);

    for credential in [&token.secret, &bob.session] {
        assert_eq!(system.status_of(credential), 200);
    }
}

#[test]
fn token_created_while_its_owner_is_being_disabled_is_unusable() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let admin = system.sign_in("admin");

    for round in 0..5 {
        let user = system.sign_in(&format!("leaver-{round}"));
        let id = user.id();
        let (has_created, is_disabled) = (AtomicBool::new(false), AtomicBool::new(false));

        // The tokens, and whether each was requested after the response that the user is disabled.
        let mut created = Vec::new();
        std::thread::scope(|scope| {
            let creating = scope.spawn(|| {
                let mut created = Vec::new();
                let mut refused = 0;
                while refused < 3 {
                    let is_late = is_disabled.load(Ordering::SeqCst);
                    let response = user.request_token(&json!({ "name": "late" }));
                    match response.status {
                        201 => {
                            created.push((response.json()["token"].as_str().unwrap().to_owned(), is_late));
                            has_created.store(true, Ordering::SeqCst);
                        }
                        401 | 403 => refused += u8::from(is_late),
                        _ => panic!("{response:?}"),
                    }
                }
                created
            });
            while !has_created.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            assert_eq!(change_user(&admin, &id, &json!({ "disabled": true })).status, 200);
            is_disabled.store(true, Ordering::SeqCst);
            created = creating.join().unwrap();
        });
        for (secret, is_late) in &created {
            assert!(!is_late, "created for a disabled user");
            assert_eq!(system.status_of(secret), 401);
        }
    }
}

#[test]
fn damaged_record_of_a_user_is_a_fault_and_lists_still_show_all_other_users() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let admin = system.sign_in("admin");

    for name in ["alice", "bob"] {
        system.sign_in(name).create_token("token");
    }

    set_user(&system.local().dynamodb, "bob", "roles", &json!({ "S": "viewer" }));
    let ids: Vec<_> = list_users(&admin, 1).into_iter().map(|user| user["id"].clone()).collect();
    assert!(ids.len() == 2 && !ids.contains(&json!("bob")), "{ids:?}");
    admin.call("GET", &user_path("bob")).assert_problem(500);
    assert_eq!(admin.list_tokens("allUsers=true").len(), 2);
}

#[test]
fn invalid_change_names_the_fields_and_changes_nothing() {
    let Some(system) = start_with_roles_in_the_table() else { return };
    let admin = system.sign_in("admin");

    // Both sessions are recorded now, so that later requests do not change the table.
    assert_eq!((admin.roles(), system.sign_in("bob").roles()), (json!(["administrator"]), json!([])));

    let before = scan(&system.local().dynamodb, "Users");

    for (body, fields) in [
        (
            json!({ "disabled": "yes", "roles": ["site administrator"], "user_id": "x" }),
            vec!["user_id", "disabled", "roles"],
        ),
        (json!({ "disabled": true, "tokensRevokedAt": null }), vec!["tokensRevokedAt"]),
        (json!([]), vec![]),
    ] {
        assert_eq!(change_user(&admin, "bob", &body).assert_problem(400), fields, "{body}");
    }
    for query in ["limit=0", "limit=101", "limit=x", "cursor=", "name=bob"] {
        admin.call("GET", &format!("/api/users?{query}")).assert_problem(400);
    }
    change_user(&admin, "unknown", &json!({ "disabled": true })).assert_problem(404);
    assert_eq!(change_user(&admin, "\0", &json!({ "disabled": true })).assert_problem(400), ["pathId"]);
    assert_eq!(scan(&system.local().dynamodb, "Users"), before, "no user was created or changed");
}

#[test]
fn user_id_with_special_characters_works_in_a_path() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let admin = system.sign_in("admin");
    system.sign_in_as("odd", &[("claims", r#"{"sub": "auth0|ö d+d%"}"#)]).roles();
    let id = "auth0|ö d+d%";
    assert_eq!(show_user(&admin, id)["id"], id);
    assert_eq!(change_user(&admin, id, &json!({ "disabled": true })).json()["disabled"], true);
}

#[test]
fn tokens_of_a_user_without_a_recent_sign_in_stop_working_until_the_next_one() {
    let settings = Settings { parameters: vec!["SessionMaxAgeDays=30"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("left behind");
    let set_last_sign_in = |days| {
        let at = (Utc::now() - TimeDelta::days(days)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        set_user(&system.local().dynamodb, "alice", "last_sign_in_at", &json!({ "S": at }));
    };
    set_last_sign_in(29);
    assert_eq!(system.status_of(&token.secret), 200);

    set_last_sign_in(31);
    system.call("GET", "/api/me", &token.secret).assert_gateway_error(401, "Unauthorized");

    let deadline = Instant::now() + Duration::from_secs(5);
    while system.sign_in("alice").roles() != json!(["publisher"]) {
        assert!(Instant::now() < deadline);
    }

    assert_eq!(system.status_of(&token.secret), 200);
}
