//! Whose certificates DynamoDB may present, with handshakes.

use patgate_harness::{DynamoDbProxy, Settings, System, TlsFront};

/// The status of a session's request, and the log, with DynamoDB behind a certificate of a
/// CA that the system trusts and Amazon does not.
fn with_trusted_roots(roots: &'static str) -> Option<(u16, String)> {
    let proxy = DynamoDbProxy::start();
    let front = TlsFront::start(&proxy.url);
    let bundle = std::env::temp_dir().join(format!("patgate-ca-{}.pem", uuid::Uuid::now_v7()));
    front.bundle(&bundle, "");
    let settings = Settings {
        parameters: vec![roots],
        functions_dynamodb_url: Some(front.url.clone()),
        environment: vec![("SSL_CERT_FILE", bundle.to_string_lossy().into_owned())],
        ..Settings::default()
    };
    let system = System::start_local(settings)?;
    proxy.forward_to(&system.local().dynamodb);
    let status = system.status_of(&system.sign_in("alice").session);
    let log = system.stop();
    std::fs::remove_file(bundle).unwrap();
    Some((status, log))
}

#[test]
fn database_with_a_certificate_that_only_the_system_trusts_is_not_talked_to() {
    let Some((status, log)) = with_trusted_roots("TrustedRoots=amazon") else { return };
    assert_eq!(status, 500);
    assert!(log.contains("invalid peer certificate: UnknownIssuer"), "{log}");
}

#[test]
fn where_the_systems_roots_are_asked_for_they_are_trusted() {
    let Some((status, log)) = with_trusted_roots("TrustedRoots=system") else { return };
    assert_eq!(status, 200, "{log}");
}
