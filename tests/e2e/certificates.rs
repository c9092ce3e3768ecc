//! Which certificates the functions accept from DynamoDB, tested with real handshakes.

use patgate_harness::{DynamoDbProxy, Settings, System, TlsFront};

/// The status of a request with a session, and the log. DynamoDB presents a certificate of a
/// CA that is among the system's roots and not among Amazon's.
fn with_trusted_roots(roots: &'static str) -> Option<(u16, String)> {
    let proxy = DynamoDbProxy::start();
    let front = TlsFront::start(&proxy.url);
    let bundle = std::env::temp_dir().join(format!("patgate-ca-{}.pem", uuid::Uuid::now_v7()));
    front.write_bundle(&bundle, "");
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
fn with_amazon_roots_a_certificate_that_only_the_system_trusts_is_refused() {
    let Some((status, log)) = with_trusted_roots("TrustedRoots=amazon") else { return };
    assert_eq!(status, 500);
    assert!(log.contains("invalid peer certificate: UnknownIssuer"), "{log}");
}

#[test]
fn with_system_roots_a_certificate_that_the_system_trusts_is_accepted() {
    let Some((status, log)) = with_trusted_roots("TrustedRoots=system") else { return };
    assert_eq!(status, 200, "{log}");
}
