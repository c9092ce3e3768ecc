//! Claims that are duplicate, or of a wrong type or size.

use patgate_authorizer::session::{SessionDenial, SessionError};
use patgate_rules::clock;
use serde_json::{Value, json};

use crate::identity_provider::{IdentityProvider, verifier_for};

/// RFC 7519, section 4: either the last of several claims with the same name counts, or the
/// JWT is rejected. Since the first never counts, no component that follows the RFC reads
/// another value.
#[tokio::test]
async fn first_value_of_a_duplicate_claim_never_counts() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier_for(&provider);
    let now = chrono::Utc::now().timestamp();
    let header = json!({ "alg": "ES256", "kid": "ES256" }).to_string();
    let claims = provider.claims(json!({}));

    for (name, other) in [
        ("sub", json!("admin")),
        ("roles", json!(["administrator"])),
        ("iat", json!(now - 300)),
        ("exp", json!(now - 300)),
        ("nbf", json!(now + 300)),
        ("iss", json!("https://issuer.example")),
        ("aud", json!("somebody-else")),
        ("token_use", json!("id")),
        ("client_id", json!("somebody-else")),
        ("name", json!("Ada Admin")),
    ] {
        let mut remaining = claims.clone();
        let usual = remaining.as_object_mut().unwrap().remove(name).unwrap_or(Value::Null);
        let remaining = remaining.to_string();
        let remaining = remaining.trim_matches(['{', '}']);

        let verify_two = async |first: &Value, last: &Value| {
            let claims = format!("{{\"{name}\":{first},{remaining},\"{name}\":{last}}}");
            verifier.verify(&provider.sign_text("ES256", &header, &claims), clock::now()).await
        };
        let verify_one = async |value: &Value| {
            let claims = format!("{{{remaining},\"{name}\":{value}}}");
            verifier.verify(&provider.sign_text("ES256", &header, &claims), clock::now()).await
        };
        for (first, last) in [(&usual, &other), (&other, &usual)] {
            match verify_two(first, last).await {
                Err(SessionError::Denied(_)) => {}
                result => assert_eq!(result, verify_one(last).await, "{name}"),
            }
        }
    }

    let claims = claims.to_string();
    for header in [
        r#"{"alg":"ES256","kid":"ES256","alg":"none"}"#,
        r#"{"alg":"none","kid":"ES256","alg":"ES256"}"#,
        r#"{"alg":"ES256","kid":"EdDSA","kid":"ES256"}"#,
    ] {
        let result = verifier.verify(&provider.sign_text("ES256", header, &claims), clock::now()).await;
        assert_eq!(result, Err(SessionError::Denied(SessionDenial::NotAJwt)), "{header}");
    }
}

#[tokio::test]
async fn session_with_claims_of_wrong_type_or_size_is_denied() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier_for(&provider);
    let now = chrono::Utc::now().timestamp();
    let url = provider.url.clone();

    for changes in [
        json!({ "exp": (now + 600).to_string() }),
        json!({ "exp": [now + 600] }),
        json!({ "exp": true }),
        json!({ "exp": {} }),
        json!({ "exp": -1 }),
        json!({ "exp": i64::MIN }),
        json!({ "nbf": "never" }),
        json!({ "nbf": u64::MAX }),
        json!({ "nbf": 1e300 }),
        json!({ "iat": u64::MAX }),
        json!({ "iat": "yesterday" }),
        json!({ "iss": [url, "https://issuer.example"] }),
        json!({ "iss": { "0": url } }),
        json!({ "iss": format!("{url}/") }),
        json!({ "iss": format!("{url}.evil.example") }),
        json!({ "iss": url.to_uppercase() }),
        json!({ "sub": ["alice"] }),
        json!({ "sub": { "toString": "alice" } }),
        json!({ "sub": 1e300 }),
        json!({ "sub": "alice\0" }),
        json!({ "sub": "a".repeat(256) }),
        json!({ "aud": [["patgate"]] }),
        json!({ "aud": ["patgate-page", 7, null] }),
        json!({ "aud": "patgate " }),
        json!({ "aud": "Patgate" }),
        json!({ "token_use": ["access"], "client_id": "patgate" }),
        json!({ "token_use": null, "aud": null, "client_id": "patgate" }),
    ] {
        let jwt = provider.sign("ES256", json!({}), &provider.claims(changes.clone()));
        let result = verifier.verify(&jwt, clock::now()).await;
        assert!(matches!(result, Err(SessionError::Denied(_))), "{changes}: {result:?}");
    }

    // Claims that are not a JSON object, or that cannot be parsed.
    let header = json!({ "alg": "ES256", "kid": "ES256" }).to_string();
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let valid = provider.claims(json!({})).to_string();
    for claims in [
        "",
        "null",
        "[]",
        "7",
        "\"sub\"",
        "{",
        "{}",
        "{\"exp\":1e999}",
        &deep,
        &format!("{valid}x"),
        &format!("[{valid}]"),
    ] {
        let result = verifier.verify(&provider.sign_text("ES256", &header, claims), clock::now()).await;
        assert!(matches!(result, Err(SessionError::Denied(_))), "{claims:.60}: {result:?}");
    }

    // Claims with a special meaning elsewhere do not change the roles.
    let special = json!({ "__proto__": { "roles": ["administrator"] }, "constructor": {}, "admin": true,
        "realm_access": { "roles": ["administrator"] }, "cognito:groups": ["administrator"] });
    let session =
        verifier.verify(&provider.sign("ES256", json!({}), &provider.claims(special)), clock::now()).await;
    assert_eq!(session.unwrap().roles, ["viewer"]);
}
