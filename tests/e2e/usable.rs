//! What the API says of a token agrees with what the authorizer does.

use patgate_harness::{Settings, System, delete_item, set_token, set_user, sha256};
use serde_json::{Value, json};

use super::users::change_user;

#[test]
fn token_is_shown_as_usable_exactly_if_it_works_and_else_with_the_reason() {
    let settings = Settings { parameters: vec!["SessionMaxAgeDays=30"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let (alice, admin) = (system.sign_in("alice"), system.sign_in("admin"));
    let dynamodb = &system.local().dynamodb;
    assert_eq!(admin.call("GET", "/api/me").status, 200);

    let created = alice.request_token(&json!({ "name": "shows its own state" })).json();
    assert_eq!((&created["usable"], &created["unusableBecause"]), (&json!(true), &Value::Null));

    let token = alice.create_token("changes its state");
    let expect = |token: &str, id: &str, reason: Value, status: &str| {
        let shown = admin.call("GET", &format!("/api/tokens/{id}")).json();
        let listed = admin.call("GET", "/api/tokens?allUsers=true").json();
        let listed =
            listed["items"].as_array().unwrap().iter().find(|item| item["id"] == id).unwrap().clone();
        for resource in [shown, listed] {
            assert_eq!(resource["unusableBecause"], reason, "{resource}");
            assert_eq!(resource["usable"], reason.is_null(), "{resource}");
            assert_eq!(resource["status"], status, "{resource}");
        }
        assert_eq!(system.status_of(token), if reason.is_null() { 200 } else { 401 }, "{reason}");
    };
    expect(&token.secret, &token.id, Value::Null, "active");

    assert_eq!(change_user(&admin, "alice", &json!({ "disabled": true })).status, 200);
    expect(&token.secret, &token.id, json!("owner_disabled"), "active");
    assert_eq!(change_user(&admin, "alice", &json!({ "disabled": false })).status, 200);

    set_user(dynamodb, "alice", "last_sign_in_at", &json!({ "S": "2020-01-01T00:00:00.000Z" }));
    expect(&token.secret, &token.id, json!("owner_absent"), "active");

    let expired = alice.create_token("has expired");
    let past = json!({ "S": "2020-01-01T00:00:00.000Z" });
    set_token(dynamodb, &sha256(&expired.secret), "expires_at", &past);
    expect(&expired.secret, &expired.id, json!("expired"), "expired");

    assert_eq!(admin.call("POST", "/api/users/u_YWxpY2U/revoke-all-tokens").status, 204);
    expect(&token.secret, &token.id, json!("superseded"), "revoked");
    assert_eq!(admin.revoke_token(&token.id), 204);
    expect(&token.secret, &token.id, json!("revoked"), "revoked");

    let bob = system.sign_in("bob");
    let token = bob.create_token("loses its owner");
    delete_item(dynamodb, "Users", &json!({ "user_id": { "S": "bob" } }));
    expect(&token.secret, &token.id, json!("owner_missing"), "active");
}
