//! Where a token must never appear.

use patgate_harness::{Settings, System, scan, sha256};
use serde_json::json;

use crate::templates::core_template_with;

#[test]
fn neither_token_nor_hash_nor_session_appears_in_logs_responses_or_tables() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("secret");
    let hash = sha256(&token.secret);
    let mut responses = vec![
        system.call("GET", "/api/me", &token.secret),
        system.call("GET", "/api/tokens/current", &token.secret),
        super::packages::upload(&system, &token.secret, "a.zip", true, b"zip"),
        alice.call("GET", "/api/tokens"),
        alice.call("DELETE", &format!("/api/tokens/{}", token.id)),
    ];

    // Denials are logged, but without the credential.
    responses.push(system.call("GET", "/api/me", &token.secret));
    responses.push(system.call("GET", "/api/me", &format!("{}x", token.secret)));
    responses.push(system.call("GET", "/api/me", &format!("{}x", alice.session)));

    for response in &responses {
        for secret in [&token.secret, &hash, &alice.session] {
            assert!(!response.text.contains(secret.as_str()), "{response:?}");
            assert!(!format!("{:?}", response.headers).contains(secret.as_str()), "{response:?}");
        }
        if response.status != 401 {
            assert_eq!(response.header("cache-control"), Some("no-store"), "{response:?}");
        }
    }

    let dynamodb = system.local().dynamodb.clone();

    let stored = ["Tokens", "Users", "Packages"].map(|table| json!(scan(&dynamodb, table)).to_string());
    for text in &stored {
        assert!(!text.contains(&token.secret) && !text.contains(&alice.session));
    }

    let session = alice.session.clone();
    let log = system.stop();
    assert!(log.contains("\"outcome\":\"denied\""), "the log contains the denial: {log}");

    for secret in [token.secret.as_str(), &token.secret[4..], &hash, &session, "alice@example.org"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[test]
fn response_with_a_created_token_forbids_caching() {
    let system = System::start();
    let response = system.sign_in("alice").request_token(&json!({ "name": "ci" }));
    assert_eq!(response.status, 201);
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[test]
fn no_secret_is_logged_at_trace_level_either() {
    let variables = "      Variables:\n        TOKENS_TABLE";
    let traced = "      Variables:\n        LOG_LEVEL: trace\n        TOKENS_TABLE";
    let template = core_template_with(&[(variables, traced)]);
    let settings = Settings { core_template: Some(template.clone()), ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let alice = system.sign_in("alice");

    let token = alice.create_token("secret");
    assert_eq!(system.status_of(&token.secret), 200);
    assert_eq!(super::packages::upload(&system, &token.secret, "a.zip", true, b"zip").status, 201);

    alice.list_tokens("limit=100");
    let report =
        system.request("POST", "/api/tokens/revoke").json(&json!({ "tokens": [token.secret] })).send();
    assert_eq!((report.status, system.status_of(&token.secret)), (202, 401));

    let (secret, session) = (token.secret, alice.session.clone());
    let log = system.stop();
    std::fs::remove_file(template).unwrap();
    assert!(log.contains("\"outcome\":\"denied\""), "the log contains the denial: {log}");

    let hash = sha256(&secret);
    for leaked in [secret.as_str(), &hash, &session, session.rsplit('.').next().unwrap()] {
        let line = log.lines().find(|line| line.contains(leaked));
        assert!(line.is_none(), "{leaked} is in the log: {line:?}");
    }
}
