//! Roles belong to the user, never to the token.

use patgate_harness::{Settings, SignedInUser, System, user_path};
use serde_json::json;

fn start_local() -> Option<System> {
    System::start_local(Settings::default())
}

#[test]
fn role_removed_at_sign_in_is_gone_from_the_users_tokens_at_the_next_request() {
    let Some(system) = start_local() else { return };
    let token = system.sign_in("alice").create_token("publishes");
    assert_eq!(system.call("GET", "/api/me", &token.secret).json()["roles"], json!(["publisher"]));
    assert_eq!(system.sign_in_as("alice", &[("roles", "viewer")]).roles(), json!(["viewer"]));
    assert_eq!(system.call("GET", "/api/me", &token.secret).json()["roles"], json!(["viewer"]));
    let upload = super::packages::upload(&system, &token.secret, "a.zip", true, b"zip");
    upload.assert_problem(403);
}

#[test]
fn role_added_at_sign_in_applies_to_the_users_existing_tokens() {
    let Some(system) = start_local() else { return };
    let token = system.sign_in("bob").create_token("views");
    super::packages::upload(&system, &token.secret, "b.zip", true, b"zip").assert_problem(403);
    system.sign_in_as("bob", &[("roles", "viewer,publisher")]).roles();
    assert_eq!(super::packages::upload(&system, &token.secret, "b.zip", true, b"zip").status, 201);
}

#[test]
fn older_session_used_later_does_not_restore_a_role() {
    let Some(system) = start_local() else { return };

    let with_role = |role| system.sign_in_as("alice", &[("roles", role)]);
    let (first, second, third) = (with_role("viewer"), with_role("publisher"), with_role("viewer"));
    let token = {
        assert_eq!(first.roles(), json!(["viewer"]));
        first.create_token("waits")
    };
    assert_eq!(third.roles(), json!(["viewer"]));
    assert_eq!(second.roles(), json!(["viewer"]), "the older session has the newer roles");
    assert_eq!(system.call("GET", "/api/me", &token.secret).json()["roles"], json!(["viewer"]));
}

#[test]
fn sign_in_without_roles_removes_the_last_role() {
    let Some(system) = start_local() else { return };
    let token = system.sign_in("alice").create_token("loses all roles");
    assert_eq!(system.sign_in_as("alice", &[("claims", r#"{"roles": null}"#)]).roles(), json!([]));
    assert_eq!(system.call("GET", "/api/me", &token.secret).json()["roles"], json!([]));
    system.sign_in("alice").roles();
    assert_eq!(system.sign_in_as("alice", &[("roles", "")]).roles(), json!([]));
}

#[test]
fn role_with_a_space_in_its_name_makes_no_one_an_administrator() {
    let Some(system) = start_local() else { return };
    for claims in [r#"{"roles": ["viewer administrator"]}"#, r#"{"roles": "viewer administrator"}"#] {
        let mallory = system.sign_in_as("mallory", &[("claims", claims)]);
        let me = mallory.call("GET", "/api/me").json();
        assert_eq!((&me["roles"], &me["administrator"]), (&json!([]), &json!(false)), "{claims}");
        mallory.call("GET", "/api/tokens?allUsers=true").assert_problem(403);
    }
}

#[test]
fn users_with_the_same_name_are_separate_users() {
    let Some(system) = start_local() else { return };
    let same_name = [("claims", r#"{"name": "Alice Archer"}"#)];
    let namesake = system.sign_in_as("alice-2", &same_name);
    let token = system.sign_in("alice").create_token("mine");
    assert_eq!(namesake.call("GET", &format!("/api/tokens/{}", token.id)).status, 404);
}

#[test]
fn only_the_configured_role_makes_an_administrator() {
    let settings = Settings { parameters: vec!["AdminRole=token-keeper"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };

    let keeper = system.sign_in_as("bob", &[("roles", "token-keeper")]);
    let carol = system.sign_in_as("carol", &[("roles", "administrator")]);
    for (user, is_administrator) in [(&keeper, true), (&carol, false)] {
        assert_eq!(user.call("GET", "/api/me").json()["administrator"], is_administrator);
        let status = if is_administrator { 200 } else { 403 };
        for path in ["/api/users", "/api/tokens?allUsers=true"] {
            assert_eq!(user.call("GET", path).status, status, "{path}");
        }
    }

    let alice = system.sign_in("alice");

    let (first, second) = (alice.create_token("first"), alice.create_token("second"));
    let disable = |user: &SignedInUser<'_>| {
        user.request("PATCH", &user_path("alice")).json(&json!({ "disabled": true })).send().status
    };
    let revoke_all = |user: &SignedInUser<'_>| {
        user.call("POST", &format!("{}/revoke-all-tokens", user_path("alice"))).status
    };
    assert_eq!((carol.revoke_token(&first.id), revoke_all(&carol), disable(&carol)), (404, 403, 403));
    assert_eq!((system.status_of(&first.secret), system.status_of(&second.secret)), (200, 200));
    assert_eq!(keeper.revoke_token(&first.id), 204);
    assert_eq!((system.status_of(&first.secret), system.status_of(&second.secret)), (401, 200));
    assert_eq!(revoke_all(&keeper), 204);
    assert_eq!((system.status_of(&second.secret), system.status_of(&alice.session)), (401, 200));
    assert_eq!(disable(&keeper), 200);
    assert_eq!(system.status_of(&alice.session), 401);
}
