//! Lists find tokens and users by what they are.

use chrono::{SecondsFormat, TimeDelta, Utc};
use patgate_harness::{Settings, SignedInUser, System, set_token, sha256};
use serde_json::{Value, json};

use super::users::change_user;

/// The names of all tokens that match, in their order.
fn names(user: &SignedInUser<'_>, query: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let response = user.call_until_admitted("GET", &format!("/api/tokens?{query}{cursor}"));
        assert_eq!(response.status, 200, "{response:?}");
        let page = response.json();
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        match page.get("nextCursor") {
            Some(next) => cursor = format!("&cursor={}", next.as_str().unwrap()),
            None => return names,
        }
    }
}

#[test]
fn tokens_are_found_by_text_state_and_age() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));
    let set = |secret: &str, attribute: &str, time: &str| {
        set_token(&system.local().dynamodb, &sha256(secret), attribute, &json!({ "S": time }));
    };
    let day = |days: i64| (Utc::now() + TimeDelta::days(days)).to_rfc3339_opts(SecondsFormat::Millis, true);

    let old = alice.create_token("Déploiement");
    set(&old.secret, "created_at", &day(-90));
    set(&old.secret, "last_used_at", &day(-60));
    let nightly = alice.request_token(&json!({ "name": "nightly", "description": "DEPLOYS the site" }));
    assert_eq!(nightly.status, 201);
    let soon = alice.create_expiring_token("expires soon", &day(5));
    alice.create_expiring_token("expires later", &day(50));
    let revoked = alice.create_token("revoked");
    assert_eq!(alice.revoke_token(&revoked.id), 204);
    alice.find_listed_token("", &revoked.id);

    assert_eq!(names(&alice, "q=deplo"), ["nightly", "Déploiement"]);
    assert_eq!(names(&alice, "q=D%C3%89PLOI"), ["Déploiement"]);
    assert_eq!(names(&alice, &format!("q={}", &soon.secret[..9])), ["expires soon"]);
    assert_eq!(names(&alice, &format!("q={}", old.id)), ["Déploiement"]);
    assert_eq!(names(&alice, "q=nothing"), [""; 0]);
    assert_eq!(names(&alice, &format!("expiresBefore={}", day(30))), ["expires soon"]);
    assert_eq!(names(&alice, &format!("unusedSince={}", day(-30))), ["Déploiement"]);
    assert_eq!(names(&alice, "usable=false"), ["revoked"]);
    assert_eq!(names(&alice, "usable=true&q=expires&limit=1"), ["expires later", "expires soon"]);
    assert_eq!(names(&admin, "allUsers=true&q=deplo&status=active"), ["nightly", "Déploiement"]);

    assert_eq!(change_user(&admin, &alice.id(), &json!({ "disabled": true })).status, 200);
    let admins_view = |query: &str| names(&admin, &format!("userId=alice&{query}"));
    assert_eq!(admins_view("usable=true"), [""; 0]);
    assert_eq!(admins_view("usable=false&status=active").len(), 4);
}

#[test]
fn users_are_found_by_text_and_state() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let (alice, bob, admin) = (system.sign_in("alice"), system.sign_in("bob"), system.sign_in("admin"));
    for user in [&alice, &bob, &admin] {
        assert_eq!(user.call("GET", "/api/me").status, 200);
    }
    assert_eq!(change_user(&admin, "bob", &json!({ "disabled": true })).status, 200);

    let ids = |query: &str| {
        let page = admin.call_until_admitted("GET", &format!("/api/users?{query}")).json();
        assert_eq!(page.get("nextCursor"), None, "{page}");
        let items = page["items"].as_array().unwrap();
        let mut ids: Vec<_> = items.iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids("q=ARCHER"), ["alice"]);
    assert_eq!(ids("q=bob"), ["bob"]);
    assert_eq!(ids("disabled=true"), ["bob"]);
    assert_eq!(ids("disabled=false"), ["admin", "alice"]);
    assert_eq!(ids("disabled=false&q=bob"), [""; 0]);
}

#[test]
fn invalid_condition_is_named() {
    let system = System::start();
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));
    let mistake = |user: &SignedInUser<'_>, path: &str| {
        let response = user.call_until_admitted("GET", path);
        let fields = response.assert_problem(400);
        let code = response.json()["errors"][0]["code"].clone();
        (fields, code)
    };

    for (query, code) in [
        ("q=", "invalid_format"),
        ("usable=yes", "invalid_format"),
        ("expiresBefore=2027", "invalid_format"),
        ("expiresBefore=9999-12-31T23:59:59-01:00", "too_far_ahead"),
        ("unusedSince=yesterday", "invalid_format"),
        ("disabled=true", "unknown"),
        ("q=a&q=b", "repeated"),
        ("q=fdp_0123456789ABCDEFGHIJKLMNOPQRSTUVabcdef", "secret"),
    ] {
        let name = query.split('=').next().unwrap().to_owned();
        assert_eq!(
            mistake(&alice, &format!("/api/tokens?{query}")),
            (vec![name], Value::from(code)),
            "{query}"
        );
    }
    for (query, code) in
        [("q=", "invalid_format"), ("disabled=1", "invalid_format"), ("usable=true", "unknown")]
    {
        let name = query.split('=').next().unwrap().to_owned();
        assert_eq!(
            mistake(&admin, &format!("/api/users?{query}")),
            (vec![name], Value::from(code)),
            "{query}"
        );
    }
}
