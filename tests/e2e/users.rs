//! Users, as administrators see and change them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use patgate_harness::{Settings, SignedInUser, System, has_aws_cli, scan, set_user};
use serde_json::{Value, json};

fn user(admin: &SignedInUser<'_>, id: &str) -> Value {
    let response = admin.call("GET", &format!("/api/users/{id}"));
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

/// All users, page by page.
fn users(admin: &SignedInUser<'_>, limit: usize) -> Vec<Value> {
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

fn change(admin: &SignedInUser<'_>, id: &str, body: &Value) -> patgate_harness::Response {
    admin.request("PATCH", &format!("/api/users/{id}")).json(body).send()
}

/// A system where the table `Users` is the only source of roles, and its administrator.
fn roles_in_the_table() -> Option<System> {
    let system = System::start_local(Settings { parameters: vec!["RolesClaim="], ..Settings::default() })?;
    system.sign_in("admin").roles();
    let roles = json!({ "L": [{ "S": "administrator" }] });
    set_user(&system.local().dynamodb, "admin", "roles", &roles);
    Some(system)
}

#[test]
fn administrator_sees_everybody_who_has_signed_in() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let admin = system.sign_in("admin");
    let before = Utc::now();
    for name in ["alice", "bob", "carol", "dave", "erin", "frank"] {
        system.sign_in(name).roles();
    }
    for limit in [1, 2, 3, 7, 100] {
        let users = users(&admin, limit);
        let mut ids: Vec<_> = users.iter().map(|user| user["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["admin", "alice", "bob", "carol", "dave", "erin", "frank"], "in pages of {limit}");
    }
    let mut alice = user(&admin, "alice");
    let last_sign_in = alice["lastSignInAt"].take();
    let last_sign_in = chrono::DateTime::parse_from_rfc3339(last_sign_in.as_str().unwrap()).unwrap();
    assert!(
        last_sign_in >= before - TimeDelta::seconds(1) && last_sign_in <= Utc::now() + TimeDelta::seconds(10)
    );
    let expected = json!({
        "id": "alice", "name": "Alice Archer", "email": "alice@example.org", "roles": ["publisher"],
        "disabled": false, "lastSignInAt": null, "tokensRevokedAt": null, "tokensRevokedBy": null,
    });
    assert_eq!(alice, expected);
    admin.call("GET", "/api/users/nobody").assert_problem(404);
}

#[test]
fn only_administrators_see_and_change_users() {
    let system = System::start();
    let admin = system.sign_in("admin");
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));
    let of_alice = alice.create_token("alice's").secret;
    let bobs_id = bob.id();
    for (method, path) in [
        ("GET", "/api/users".to_owned()),
        ("GET", format!("/api/users/{bobs_id}")),
        ("GET", format!("/api/users/{}", alice.id())),
        ("GET", "/api/users/nobody".to_owned()),
        ("PATCH", format!("/api/users/{bobs_id}")),
        ("PATCH", "/api/users/nobody".to_owned()),
    ] {
        for credential in [&alice.session, &of_alice] {
            let request = system.request(method, &path).bearer(credential);
            request.json(&json!({ "disabled": true })).send().assert_problem(403);
        }
        let anonymous = system.request(method, &path).json(&json!({ "disabled": true })).send();
        anonymous.assert_gateway_error(401, "Unauthorized");
    }
    assert_eq!(user(&admin, &bobs_id)["disabled"], false);
}

#[test]
fn disabling_a_user_ends_tokens_and_sessions_at_the_next_request_and_enabling_brings_them_back() {
    let system = System::start();
    let (admin, bob) = (system.sign_in("admin"), system.sign_in("bob"));
    let id = bob.id();
    let token = bob.create_token("bob's");
    assert_eq!(system.status_of(&token.secret), 200);
    let disabled = change(&admin, &id, &json!({ "disabled": true }));
    assert_eq!((disabled.status, &disabled.json()["disabled"]), (200, &json!(true)), "{disabled:?}");
    for credential in [&token.secret, &bob.session, &system.sign_in("bob").session] {
        system.call("GET", "/api/me", credential).assert_gateway_error(401, "Unauthorized");
    }
    let shown = admin.show_token(&token.id);
    assert_eq!((&shown["status"], &shown["owner"]["disabled"]), (&json!("active"), &json!(true)));
    assert_eq!(change(&admin, &id, &json!({ "disabled": false })).json()["disabled"], false);
    for credential in [&token.secret, &bob.session] {
        assert_eq!(system.status_of(credential), 200);
    }
}

#[test]
fn token_created_in_the_moment_its_owner_is_disabled_does_not_work() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let admin = system.sign_in("admin");
    for round in 0..5 {
        let person = system.sign_in(&format!("leaver-{round}"));
        let id = person.id();
        let (is_under_way, is_disabled) = (AtomicBool::new(false), AtomicBool::new(false));
        // The tokens, and whether each was asked for after the disabling was answered.
        let mut created = Vec::new();
        std::thread::scope(|scope| {
            let creating = scope.spawn(|| {
                let mut created = Vec::new();
                let mut refused = 0;
                while refused < 3 {
                    let is_late = is_disabled.load(Ordering::SeqCst);
                    let response = person.request_token(&json!({ "name": "last moment" }));
                    match response.status {
                        201 => {
                            created.push((response.json()["token"].as_str().unwrap().to_owned(), is_late));
                            is_under_way.store(true, Ordering::SeqCst);
                        }
                        401 | 403 => refused += u8::from(is_late),
                        _ => panic!("{response:?}"),
                    }
                }
                created
            });
            while !is_under_way.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            assert_eq!(change(&admin, &id, &json!({ "disabled": true })).status, 200);
            is_disabled.store(true, Ordering::SeqCst);
            created = creating.join().unwrap();
        });
        for (secret, is_late) in &created {
            assert!(!is_late, "created for somebody who was disabled");
            assert_eq!(system.status_of(secret), 401);
        }
    }
}

#[test]
fn nobody_disables_or_demotes_themselves() {
    let Some(system) = roles_in_the_table() else { return };
    let admin = system.sign_in("admin");
    for body in [json!({ "disabled": true }), json!({ "roles": [] }), json!({ "roles": ["viewer"] })] {
        change(&admin, "admin", &body).assert_problem(403);
    }
    assert_eq!(admin.roles(), json!(["administrator"]));
    // What keeps them an administrator is theirs to do.
    let more = change(&admin, "admin", &json!({ "roles": ["administrator", "viewer"], "disabled": false }));
    assert_eq!(more.json()["roles"], json!(["administrator", "viewer"]), "{more:?}");
}

#[test]
fn of_two_administrators_who_disable_each_other_in_the_same_moment_one_remains() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let roles = [("roles", "administrator")];
    for round in 0..10 {
        let ids = [format!("first-{round}"), format!("second-{round}")];
        let [first, second] = [0, 1].map(|n| system.sign_in_as(&ids[n], &roles));
        assert_eq!((first.roles(), second.roles()), (json!(["administrator"]), json!(["administrator"])));
        let disable =
            |admin: &SignedInUser<'_>, id: &str| change(admin, id, &json!({ "disabled": true })).status;
        let statuses = std::thread::scope(|scope| {
            let one = scope.spawn(|| disable(&first, &ids[1]));
            let two = scope.spawn(|| disable(&second, &ids[0]));
            [one.join().unwrap(), two.join().unwrap()]
        });
        let enabled = [&first, &second].map(|person| system.status_of(&person.session) == 200);
        assert_eq!(enabled.iter().filter(|enabled| **enabled).count(), 1, "{statuses:?} {enabled:?}");
        assert_eq!(statuses.map(|status| status == 200), enabled, "{statuses:?}");
    }
}

#[test]
fn roles_that_a_claim_rules_are_read_only_and_the_answer_names_the_claim() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let admin = system.sign_in("admin");
    system.sign_in("bob").roles();
    let refused = change(&admin, "bob", &json!({ "roles": ["administrator"], "disabled": true }));
    assert_eq!(refused.assert_problem(400), ["roles"]);
    assert!(refused.text.contains("the claim `roles`"), "{refused:?}");
    let bob = user(&admin, "bob");
    assert_eq!((&bob["roles"], &bob["disabled"]), (&json!(["viewer"]), &json!(false)), "nothing was changed");
}

#[test]
fn roles_in_the_table_are_given_and_taken_and_follow_the_tokens() {
    let Some(system) = roles_in_the_table() else { return };
    let (admin, bob) = (system.sign_in("admin"), system.sign_in("bob"));
    assert_eq!(bob.roles(), json!([]), "a sign-in gives no roles");
    let token = bob.create_token("bob's");
    let roles_of_token = || system.call("GET", "/api/me", &token.secret).json()["roles"].clone();
    for roles in [json!(["viewer", "publisher"]), json!(["publisher"]), json!([])] {
        assert_eq!(change(&admin, "bob", &json!({ "roles": roles })).json()["roles"], roles);
        assert_eq!(
            (roles_of_token(), bob.roles(), system.sign_in("bob").roles()),
            (roles.clone(), roles.clone(), roles)
        );
    }
}

#[test]
fn token_of_an_administrator_disables_people_and_gives_nobody_a_role() {
    let Some(system) = roles_in_the_table() else { return };
    let admin = system.sign_in("admin");
    system.sign_in("bob").roles();
    let token = admin.create_token("off-boarding").secret;
    let patch = |body: Value| system.request("PATCH", "/api/users/bob").bearer(&token).json(&body).send();
    // It would outlive its own revocation in the one it made an administrator.
    patch(json!({ "roles": ["administrator"] })).assert_problem(403);
    assert_eq!(user(&admin, "bob")["roles"], json!([]));
    assert_eq!(patch(json!({ "disabled": true })).json()["disabled"], true);
}

#[test]
fn damaged_record_of_a_user_is_a_fault_that_names_nothing_and_hides_nobody_else() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let admin = system.sign_in("admin");
    for name in ["alice", "bob"] {
        system.sign_in(name).create_token("token");
    }
    set_user(&system.local().dynamodb, "bob", "roles", &json!({ "S": "viewer" }));
    let ids: Vec<_> = users(&admin, 1).into_iter().map(|user| user["id"].clone()).collect();
    assert!(ids.len() == 2 && !ids.contains(&json!("bob")), "{ids:?}");
    admin.call("GET", "/api/users/bob").assert_problem(500);
    assert_eq!(admin.list_tokens("allUsers=true").len(), 2);
}

#[test]
fn administrator_demoted_by_another_has_lost_it_at_the_next_request() {
    let Some(system) = roles_in_the_table() else { return };
    let (admin, bob) = (system.sign_in("admin"), system.sign_in("bob"));
    bob.roles();
    assert_eq!(change(&admin, "bob", &json!({ "roles": ["administrator"] })).status, 200);
    assert_eq!(change(&bob, "admin", &json!({ "roles": [] })).status, 200);
    admin.call("GET", "/api/users").assert_problem(403);
    change(&admin, "bob", &json!({ "disabled": true })).assert_problem(403);
}

#[test]
fn bad_change_names_the_field_and_changes_nothing() {
    let Some(system) = roles_in_the_table() else { return };
    let admin = system.sign_in("admin");
    // From now on neither session is new to the record.
    assert_eq!((admin.roles(), system.sign_in("bob").roles()), (json!(["administrator"]), json!([])));
    let before = scan(&system.local().dynamodb, "Users");
    for (body, fields) in [
        (json!({}), vec!["disabled"]),
        (json!({ "disabled": "yes" }), vec!["disabled"]),
        (json!({ "disabled": null }), vec!["disabled"]),
        (json!({ "roles": "viewer" }), vec!["roles"]),
        (json!({ "roles": ["site administrator"] }), vec!["roles"]),
        (json!({ "roles": ["viewer"], "user_id": "x" }), vec!["user_id"]),
        (json!({ "disabled": true, "tokensRevokedAt": null }), vec!["tokensRevokedAt"]),
        (json!([]), vec![]),
    ] {
        assert_eq!(change(&admin, "bob", &body).assert_problem(400), fields, "{body}");
    }
    for query in ["limit=0", "limit=101", "limit=x", "cursor=", "name=bob"] {
        admin.call("GET", &format!("/api/users?{query}")).assert_problem(400);
    }
    change(&admin, "nobody", &json!({ "disabled": true })).assert_problem(404);
    assert_eq!(change(&admin, "%00", &json!({ "disabled": true })).assert_problem(400), ["id"]);
    assert_eq!(scan(&system.local().dynamodb, "Users"), before, "no user was made or changed");
}

#[test]
fn user_whose_id_has_special_characters_is_found() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let admin = system.sign_in("admin");
    system.sign_in_as("odd", &[("claims", r#"{"sub": "auth0|ö d+d%"}"#)]).roles();
    let path = "auth0%7C%C3%B6%20d%2Bd%25";
    assert_eq!(user(&admin, path)["id"], "auth0|ö d+d%");
    assert_eq!(change(&admin, path, &json!({ "disabled": true })).json()["disabled"], true);
}

#[test]
fn tokens_of_somebody_who_stays_away_stop_working_until_they_sign_in_again() {
    let settings = Settings { parameters: vec!["SessionMaxAgeDays=30"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let alice = system.sign_in("alice");
    let token = alice.create_token("left behind");
    let signed_in = |days| {
        let at = (Utc::now() - TimeDelta::days(days)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        set_user(&system.local().dynamodb, "alice", "last_sign_in_at", &json!({ "S": at }));
    };
    signed_in(29);
    assert_eq!(system.status_of(&token.secret), 200);
    signed_in(31);
    system.call("GET", "/api/me", &token.secret).assert_gateway_error(401, "Unauthorized");
    let deadline = Instant::now() + Duration::from_secs(5);
    while system.sign_in("alice").roles() != json!(["publisher"]) {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(system.status_of(&token.secret), 200);
}

/// `make first-administrator` for somebody, and what it says.
fn first_administrator(system: &System, user_id: &str) -> std::process::Output {
    std::process::Command::new("make")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["--no-print-directory", "first-administrator"])
        .env("USER_ID", user_id)
        .env("DYNAMODB_URL", &system.local().dynamodb)
        .output()
        .expect("make is installed")
}

#[test]
fn first_administrator_comes_from_the_claim_where_a_claim_rules_the_roles() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let carol = system.sign_in("carol");
    carol.call("GET", "/api/users").assert_problem(403);
    // Her administrators at the identity provider give her the role, and she signs in.
    let carol = system.sign_in_as("carol", &[("roles", "administrator")]);
    assert_eq!(carol.call("GET", "/api/users").status, 200);
    assert_eq!(carol.call("GET", "/api/me").json()["administrator"], true);
}

#[test]
fn first_administrator_comes_from_an_operators_hand_where_the_table_rules_the_roles() {
    let settings = Settings { parameters: vec!["RolesClaim="], ..Settings::default() };
    if !has_aws_cli() {
        return;
    }
    let Some(system) = System::start_local(settings) else { return };
    // Not even the person that the development sign-in calls an administrator is one.
    for name in ["admin", "carol"] {
        system.sign_in(name).call("GET", "/api/users").assert_problem(403);
    }
    let carol = system.sign_in("carol");
    let done = first_administrator(&system, "carol");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(carol.roles(), json!(["administrator"]), "at the next request, without another sign-in");
    assert_eq!(carol.call("GET", "/api/users").status, 200);
    // And from here on they need no operator any more.
    assert_eq!(change(&carol, "admin", &json!({ "roles": ["administrator"] })).status, 200);
    for user_id in ["carol", "nobody", "it's \"nobody\" $(false)"] {
        let before = scan(&system.local().dynamodb, "Users");
        let refused = first_administrator(&system, user_id);
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("Nothing was changed."), "{refused:?}");
        assert_eq!(scan(&system.local().dynamodb, "Users"), before);
    }
}
