//! Where a token must never turn up.

use patgate_harness::{Settings, System, scan, sha256};
use serde_json::json;

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
    // Refusals are logged; the credential must not be.
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
    assert!(log.contains("\"outcome\":\"denied\""), "the log is the one that is searched: {log}");
    for secret in [token.secret.as_str(), &token.secret[4..], &hash, &session, "alice@example.org"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[test]
fn creation_forbids_caches_to_keep_the_token() {
    let system = System::start();
    let response = system.sign_in("alice").request_token(&json!({ "name": "ci" }));
    assert_eq!(response.status, 201);
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

/// The repository's templates with one passage of the core changed, in a folder of their own.
pub(crate) fn templates_with(passage: &str, changed: &str) -> std::path::PathBuf {
    let infra = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra");
    let folder = std::env::temp_dir().join(format!("patgate-templates-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(folder.join("examples")).unwrap();
    let template = std::fs::read_to_string(infra.join("template.yaml")).unwrap();
    assert!(template.contains(passage), "the template has `{passage}`");
    std::fs::write(folder.join("template.yaml"), template.replacen(passage, changed, 1)).unwrap();
    let example = "examples/package-api.yaml";
    std::fs::copy(infra.join(example), folder.join(example)).unwrap();
    folder
}

#[test]
fn at_the_most_talkative_level_no_secret_is_logged_either() {
    let talkative = "\n  Function:\n    Environment: { Variables: { LOG_LEVEL: trace } }\n";
    let infra = templates_with("\n  Function:\n", talkative);
    let settings = Settings { infra: Some(infra.clone()), ..Settings::default() };
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
    std::fs::remove_dir_all(infra).unwrap();
    assert!(log.contains("\"outcome\":\"denied\""), "the log is the one that is searched: {log}");
    let hash = sha256(&secret);
    for leaked in [secret.as_str(), &hash, &session, session.rsplit('.').next().unwrap()] {
        let line = log.lines().find(|line| line.contains(leaked));
        assert!(line.is_none(), "{leaked} is in the log: {line:?}");
    }
}
