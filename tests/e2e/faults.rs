//! When DynamoDB does not do its part.

use patgate_tests::{System, sha256};

const THROTTLED: &str = r#"{
    "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "message": "throttled"
}"#;

#[test]
fn failing_database_is_500_or_503_and_never_a_refusal_and_nothing_secret_is_logged() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");
    let token = alice.create_token("unlucky");
    assert_eq!(system.status_of(&token.secret), 200);
    for failure in [(400, THROTTLED), (500, "{}"), (503, "")] {
        proxy.fail_with(Some(failure));
        // The authorizer cannot tell, so nobody gets in, and nobody is told off.
        system.call("GET", "/api/me", &token.secret).gateway(500, "Internal Server Error");
        system.call("GET", "/api/me", &alice.session).gateway(500, "Internal Server Error");
        proxy.fail_with(None);
        assert_eq!(system.status_of(&token.secret), 200);
    }
    let (secret, session, id) = (token.secret, alice.session.clone(), token.id);
    let log = system.stop();
    assert!(log.contains("cannot authorize") && log.contains("storage could not"), "{log}");
    let hash = sha256(&secret);
    for leaked in [&secret, &hash, &session] {
        assert!(!log.contains(leaked.as_str()), "{leaked} is in the log:\n{log}");
    }
    assert!(!log.contains(&id), "nothing was refused");
}
