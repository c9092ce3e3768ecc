//! `POST /api/tokens/check`: why a token was refused.

use patgate_harness::{Response, Settings, System, scan, set_token, sha256};
use serde_json::json;

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
    let operations: Vec<_> = proxy.take().into_iter().map(|sent| (sent.function, sent.operation)).collect();
    let read = |_: &str| ("CheckToken".to_owned(), "GetItem".to_owned());
    assert_eq!(operations, [read("token"), read("owner")]);
    assert_eq!(scan(&system.local().dynamodb, "Tokens"), before, "not even a use");

    proxy.take();
    assert_eq!(check(&system, "fdp_junk").status, 200);
    assert!(proxy.take().is_empty(), "a malformed token costs no read");

    let output = system.stop();
    assert!(!output.contains(&token.secret) && !output.contains(&sha256(&token.secret)), "{output}");
}
