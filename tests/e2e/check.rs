//! `POST /api/tokens/check`: why a token was refused.

use patgate_harness::{Response, Settings, System, scan, set_token, sha256};
use serde_json::json;

use super::users::change_user;

fn check(system: &System, token: &str) -> Response {
    system.request("POST", "/api/tokens/check").json(&json!({ "token": token })).until_admitted().send()
}

#[test]
fn holder_of_a_token_learns_whether_it_works_and_why_not() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");
    let dynamodb = &system.local().dynamodb;
    let token = alice.create_token("in a job");

    let checked = check(&system, &token.secret);
    assert_eq!(checked.status, 200, "{checked:?}");
    let works = json!({ "usable": true, "id": token.id, "name": "in a job", "roles": ["publisher"] });
    assert_eq!(checked.json(), works);

    set_token(dynamodb, &sha256(&token.secret), "expires_at", &json!({ "S": "2026-01-02T03:04:05.678Z" }));
    let expired = json!({
        "usable": false, "because": "expired", "id": token.id, "name": "in a job",
        "expiresAt": "2026-01-02T03:04:05.678Z",
    });
    assert_eq!(check(&system, &token.secret).json(), expired);

    let admin = system.sign_in("admin");
    let other = alice.create_token("of a disabled owner");
    let set_disabled = |disabled: bool| change_user(&admin, "alice", &json!({ "disabled": disabled })).status;
    assert_eq!(admin.call("GET", "/api/me").status, 200);
    assert_eq!(set_disabled(true), 200);
    let blocked = check(&system, &other.secret).json();
    assert_eq!((&blocked["because"], blocked.get("roles")), (&json!("owner_disabled"), None));
    assert_eq!(set_disabled(false), 200);
    assert_eq!(alice.call("POST", "/api/users/u_YWxpY2U/revoke-all-tokens").status, 204);
    let superseded = check(&system, &other.secret).json();
    assert_eq!(
        (&superseded["because"], &superseded["revocationReason"]),
        (&json!("superseded"), &json!("revoke-all"))
    );

    let token = alice.create_token("revoked alone");
    assert_eq!(alice.revoke_token(&token.id), 204);
    let revoked = check(&system, &token.secret).json();
    assert_eq!((&revoked["because"], &revoked["revocationReason"]), (&json!("revoked"), &json!("owner")));
    assert_eq!(
        revoked["revokedAt"],
        alice.call("GET", &format!("/api/tokens/{}", token.id)).json()["revokedAt"]
    );
    assert_eq!(revoked.get("roles"), None);
}

#[test]
fn text_that_is_no_token_reveals_nothing() {
    let system = System::start();
    let alice = system.sign_in("alice");
    let token = alice.create_token("secret");

    let mut unknown = alice.create_token("will have other characters").secret;
    unknown.truncate(10);
    for text in ["", "junk", &unknown, &token.secret[..41], &token.id, &sha256(&token.secret)] {
        let response = check(&system, text);
        assert_eq!(response.json(), json!({ "usable": false, "because": "malformed" }), "{text}");
    }
    let well_formed = patgate_rules::token::TokenFormat::new("fdp_").unwrap();
    let never_created = well_formed.generate(&mut rand::rngs::SysRng).unwrap();
    let response = check(&system, never_created.expose());
    assert_eq!(response.json(), json!({ "usable": false, "because": "unknown" }));

    for (body, field) in
        [(json!({}), "token"), (json!({ "token": 7 }), "token"), (json!({ "tokens": [] }), "tokens")]
    {
        let response = system.request("POST", "/api/tokens/check").json(&body).until_admitted().send();
        assert!(response.assert_problem(400).contains(&field.to_owned()), "{response:?}");
    }
}

#[test]
fn check_writes_nothing_and_logs_no_token() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");
    let token = alice.create_token("checked");
    let before = scan(&system.local().dynamodb, "Tokens");

    proxy.take();
    assert_eq!(check(&system, &token.secret).status, 200);
    let sent = proxy.take();
    let operations: Vec<_> = sent
        .iter()
        .map(|sent| {
            (sent.function.as_str(), sent.operation.as_str(), sent.body["TableName"].as_str().unwrap())
        })
        .collect();
    assert_eq!(operations, [("CheckToken", "GetItem", "Tokens"), ("CheckToken", "GetItem", "Users")]);
    assert_eq!(scan(&system.local().dynamodb, "Tokens"), before, "not even a use");

    proxy.take();
    assert_eq!(check(&system, "fdp_junk").status, 200);
    assert!(proxy.take().is_empty(), "a malformed token costs no read");

    let output = system.stop();
    assert!(!output.contains(&token.secret) && !output.contains(&sha256(&token.secret)), "{output}");
}
