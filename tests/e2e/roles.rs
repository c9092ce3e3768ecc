//! Roles follow the user, never the token.

use patgate_harness::{Settings, System};
use serde_json::json;

fn local() -> Option<System> {
    System::start_local(Settings::default())
}

#[test]
fn role_taken_at_sign_in_is_gone_from_the_users_tokens_at_the_next_request() {
    let Some(system) = local() else { return };
    let token = system.sign_in("alice").create_token("publishes");
    assert_eq!(system.call("GET", "/api/me", &token.secret).json()["roles"], json!(["publisher"]));
    assert_eq!(system.sign_in_as("alice", &[("roles", "viewer")]).roles(), json!(["viewer"]));
    assert_eq!(system.call("GET", "/api/me", &token.secret).json()["roles"], json!(["viewer"]));
    let upload = super::packages::upload(&system, &token.secret, "a.zip", true, b"zip");
    upload.assert_problem(403);
}

#[test]
fn role_given_at_sign_in_is_there_for_the_users_older_tokens() {
    let Some(system) = local() else { return };
    let token = system.sign_in("bob").create_token("views");
    super::packages::upload(&system, &token.secret, "b.zip", true, b"zip").assert_problem(403);
    system.sign_in_as("bob", &[("roles", "viewer,publisher")]).roles();
    assert_eq!(super::packages::upload(&system, &token.secret, "b.zip", true, b"zip").status, 201);
}

#[test]
fn older_session_used_later_does_not_bring_a_role_back() {
    let Some(system) = local() else { return };
    let at = |role| system.sign_in_as("alice", &[("roles", role)]);
    let (t10, t15, t20) = (at("viewer"), at("publisher"), at("viewer"));
    let token = {
        assert_eq!(t10.roles(), json!(["viewer"]));
        t10.create_token("waits")
    };
    assert_eq!(t20.roles(), json!(["viewer"]));
    assert_eq!(t15.roles(), json!(["viewer"]), "the older session has the newer roles");
    assert_eq!(system.call("GET", "/api/me", &token.secret).json()["roles"], json!(["viewer"]));
}

#[test]
fn sign_in_without_roles_takes_the_last_role_away() {
    let Some(system) = local() else { return };
    let token = system.sign_in("alice").create_token("loses all");
    assert_eq!(system.sign_in_as("alice", &[("claims", r#"{"roles": null}"#)]).roles(), json!([]));
    assert_eq!(system.call("GET", "/api/me", &token.secret).json()["roles"], json!([]));
    system.sign_in("alice").roles();
    assert_eq!(system.sign_in_as("alice", &[("roles", "")]).roles(), json!([]));
}

#[test]
fn role_with_a_space_in_its_name_makes_nobody_an_administrator() {
    let Some(system) = local() else { return };
    for claims in [r#"{"roles": ["viewer administrator"]}"#, r#"{"roles": "viewer administrator"}"#] {
        let mallory = system.sign_in_as("mallory", &[("claims", claims)]);
        let me = mallory.call("GET", "/api/me").json();
        assert_eq!((&me["roles"], &me["administrator"]), (&json!([]), &json!(false)), "{claims}");
        mallory.call("GET", "/api/tokens?allUsers=true").assert_problem(403);
    }
}

#[test]
fn two_people_with_the_same_name_are_two_people() {
    let Some(system) = local() else { return };
    let same = [("claims", r#"{"name": "Alice Archer"}"#)];
    let other = system.sign_in_as("alice-2", &same);
    let token = system.sign_in("alice").create_token("mine");
    assert_eq!(other.call("GET", &format!("/api/tokens/{}", token.id)).status, 404);
}

#[test]
fn administrators_are_those_who_hold_the_role_that_the_deployment_names() {
    let settings = Settings { parameters: vec!["AdminRole=token-keeper"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let keeper = system.sign_in_as("bob", &[("roles", "token-keeper")]);
    let other = system.sign_in_as("carol", &[("roles", "administrator")]);
    for (person, is_administrator) in [(&keeper, true), (&other, false)] {
        assert_eq!(person.call("GET", "/api/me").json()["administrator"], is_administrator);
        let status = if is_administrator { 200 } else { 403 };
        for path in ["/api/users", "/api/tokens?allUsers=true"] {
            assert_eq!(person.call("GET", path).status, status, "{path}");
        }
    }
    let alice = system.sign_in("alice");
    let (one, another) = (alice.create_token("one"), alice.create_token("another"));
    let disable = |person: &patgate_harness::SignedInUser<'_>| {
        person.request("PATCH", "/api/users/alice").json(&json!({ "disabled": true })).send().status
    };
    let revoke_all = |person: &patgate_harness::SignedInUser<'_>| {
        person.call("POST", "/api/users/alice/revoke-all-tokens").status
    };
    assert_eq!((other.revoke_token(&one.id), revoke_all(&other), disable(&other)), (404, 403, 403));
    assert_eq!((system.status_of(&one.secret), system.status_of(&another.secret)), (200, 200));
    assert_eq!(keeper.revoke_token(&one.id), 204);
    assert_eq!((system.status_of(&one.secret), system.status_of(&another.secret)), (401, 200));
    assert_eq!(revoke_all(&keeper), 204);
    assert_eq!((system.status_of(&another.secret), system.status_of(&alice.session)), (401, 200));
    assert_eq!(disable(&keeper), 200);
    assert_eq!(system.status_of(&alice.session), 401);
}
