//! The authorizer on sessions of an issuer with a key for each supported algorithm.

use patgate_authorizer::session::{SessionError, SessionVerifier};
use patgate_authorizer::{Authorizer, Rejection};
use patgate_harness::set_user;
use patgate_rules::clock;
use serde_json::{Value, json};

use super::send;
use crate::gateway_events::HTTP_2;
use crate::identity_provider::{ALGORITHMS, IdentityProvider, verifier_for};
use crate::setup::{UNREACHABLE_URL, authorizer_config, start_system, store_at, user_with_token};

async fn authorize(authorizer: &Authorizer, credential: &str) -> Result<Value, Rejection> {
    let mut event: Value = serde_json::from_str(HTTP_2).unwrap();
    event["headers"]["authorization"] = format!("Bearer {credential}").into();
    send(authorizer, &event.to_string()).await.response
}

#[tokio::test]
async fn session_signed_with_each_supported_algorithm_is_accepted() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier_for(&provider);

    let headers = [json!({}), json!({ "typ": "JWT" }), json!({ "typ": "at+jwt" })];
    for (kid, header) in ALGORITHMS.iter().zip(headers) {
        let jwt = provider.sign(kid, header, &provider.claims(json!({})));
        let session = verifier.verify(&jwt, clock::now()).await.unwrap();
        assert_eq!(
            (session.user_id.as_str(), session.roles.as_slice()),
            ("alice", &["viewer".to_owned()][..])
        );
    }
}

#[tokio::test]
async fn cognito_access_token_is_accepted_by_its_client_id() {
    let provider = IdentityProvider::start().await;
    let variables = [("OIDC_ISSUER", provider.url.as_str()), ("ROLES_CLAIM", "cognito:groups")];
    let verifier = SessionVerifier::new(&authorizer_config(&variables));

    let cognito = json!({
        "aud": null, "token_use": "access", "client_id": "patgate", "username": "alice@corp",
        "cognito:groups": ["administrator"], "scope": "openid",
    });
    let mut claims = provider.claims(cognito);
    claims.as_object_mut().unwrap().remove("aud");
    let session = verifier.verify(&provider.sign("RS256", json!({}), &claims), clock::now()).await.unwrap();
    assert_eq!(
        (session.name.as_str(), session.roles.as_slice()),
        ("alice@corp", &["administrator".to_owned()][..])
    );

    claims.as_object_mut().unwrap().remove("cognito:groups");
    let session = verifier.verify(&provider.sign("RS256", json!({}), &claims), clock::now()).await.unwrap();
    assert!(session.roles.is_empty(), "a user without groups");
}

#[tokio::test]
async fn session_of_another_client_or_without_the_scope_is_denied() {
    let provider = IdentityProvider::start().await;
    let variables = [
        ("OIDC_ISSUER", provider.url.as_str()),
        ("ALLOWED_CLIENTS", "page,cli"),
        ("REQUIRED_SCOPE", "tokens"),
    ];
    let verifier = SessionVerifier::new(&authorizer_config(&variables));

    let verify = async |changes: Value| {
        let jwt = provider.sign("EdDSA", json!({}), &provider.claims(changes));
        verifier.verify(&jwt, clock::now()).await.map(|session| session.user_id)
    };
    let allowed = json!({ "azp": "cli", "scope": "openid tokens" });
    assert_eq!(verify(allowed).await.as_deref(), Ok("alice"));
    for changes in [
        json!({}),
        json!({ "azp": "cli" }),
        json!({ "scope": "openid tokens" }),
        json!({ "azp": "other", "scope": "openid tokens" }),
        json!({ "azp": "cli", "scope": "openid" }),
    ] {
        let denied = verify(changes.clone()).await;
        assert!(matches!(denied, Err(SessionError::Denied(_))), "{changes}: {denied:?}");
    }
}

#[tokio::test]
async fn session_whose_header_contradicts_its_key_is_never_accepted() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier_for(&provider);
    let claims = provider.claims(json!({}));

    for kid in ALGORITHMS {
        for header in [
            json!({ "alg": "none" }),
            json!({ "alg": "None" }),
            json!({ "alg": "NONE" }),
            json!({ "alg": "" }),
            json!({ "alg": null }),
            json!({ "alg": ["ES256", "none"] }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "HS512" }),
            json!({ "alg": "RS512" }),
            json!({ "alg": "PS256" }),
            json!({ "alg": "ES384" }),
            json!({ "alg": "ES256K" }),
            json!({ "alg": if kid == "RS256" { "ES256" } else { "RS256" } }),
            json!({ "kid": ALGORITHMS[usize::from(kid == "RS256")] }),
            json!({ "kid": "../../keys" }),
            json!({ "kid": "unusable" }),
            json!({ "kid": null }),
            json!({ "crit": ["exp"] }),
            json!({ "typ": "logout+jwt" }),
        ] {
            let result = verifier.verify(&provider.sign(kid, header.clone(), &claims), clock::now()).await;
            assert!(
                matches!(result, Err(SessionError::Denied(_) | SessionError::Issuer(_))),
                "{kid} {header}"
            );
        }
    }

    for kid in ALGORITHMS {
        let result = verifier.verify(&provider.sign_hs256(kid, &claims), clock::now()).await;
        assert!(matches!(result, Err(SessionError::Denied(_))), "HS256 with the public key of {kid}");
    }
    assert!(verifier.verify(&provider.sign("ES256", json!({}), &claims), clock::now()).await.is_ok());
}

#[tokio::test]
async fn unreachable_issuer_is_a_fault_and_never_a_denial() {
    let provider = IdentityProvider::start().await;
    let jwt = provider.sign("ES256", json!({}), &provider.claims(json!({})));
    let verifier = SessionVerifier::new(&authorizer_config(&[("OIDC_ISSUER", UNREACHABLE_URL)]));

    let result = verifier.verify(&jwt, clock::now()).await;
    assert!(matches!(result, Err(SessionError::Issuer(_))), "{result:?}");
}

#[tokio::test]
async fn keys_of_an_issuer_that_reports_another_name_are_not_fetched() {
    let provider = IdentityProvider::start().await;
    let jwt = provider.sign("ES256", json!({}), &provider.claims(json!({})));
    provider.impersonate("https://issuer.example");

    let result = verifier_for(&provider).verify(&jwt, clock::now()).await;
    let Err(SessionError::Issuer(reason)) = result else { panic!("{result:?}") };
    assert!(reason.to_string().contains("another issuer"), "{reason}");
    assert_eq!(provider.take_paths(), ["/.well-known/openid-configuration"]);
}

#[tokio::test]
async fn oversized_key_set_is_a_fault() {
    let provider = IdentityProvider::start().await;
    let jwt = provider.sign("ES256", json!({}), &provider.claims(json!({})));
    let usable = provider.public_key("ES256", "ES256");
    let padding = |size| json!({ "kty": "of the future", "padding": "x".repeat(size) });

    provider.publish(vec![usable.clone(), padding(200 * 1024)]);
    assert!(verifier_for(&provider).verify(&jwt, clock::now()).await.is_ok());

    provider.publish(vec![usable, padding(256 * 1024)]);
    let result = verifier_for(&provider).verify(&jwt, clock::now()).await;
    assert!(matches!(result, Err(SessionError::Issuer(_))), "{result:?}");
}

#[tokio::test]
async fn issuer_outage_affects_neither_tokens_nor_sessions_signed_with_cached_keys() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let provider = IdentityProvider::start().await;
    let config = authorizer_config(&[("OIDC_ISSUER", &provider.url)]);
    let (secret, _) = user_with_token(&store, "alice").await;
    let session = |kid| provider.sign(kid, json!({}), &provider.claims(json!({})));
    let warm = Authorizer::new(config.clone(), store.clone());

    assert!(authorize(&warm, &session("ES256")).await.is_ok());
    provider.go_down();
    provider.take_paths();

    // The instance has cached the whole key set, including keys that no session has used yet.
    for kid in ["ES256", "RS256", "EdDSA"] {
        assert!(authorize(&warm, &session(kid)).await.is_ok(), "{kid}");
    }
    assert!(authorize(&warm, secret.expose()).await.is_ok());

    // An instance that starts during the outage has no keys, but needs none for a token.
    let cold = Authorizer::new(config, store);
    assert!(authorize(&cold, secret.expose()).await.is_ok());
    assert!(provider.take_paths().is_empty(), "the issuer receives no request");
    assert!(matches!(authorize(&cold, &session("ES256")).await, Err(Rejection::Fault(_))));
    assert_eq!(provider.take_paths().len(), 1);
}

#[tokio::test]
async fn session_of_a_disabled_user_is_denied() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let provider = IdentityProvider::start().await;
    let config = authorizer_config(&[("OIDC_ISSUER", &provider.url)]);
    let authorizer = Authorizer::new(config, store_at(dynamodb));
    let jwt = provider.sign("ES256", json!({}), &provider.claims(json!({})));

    assert_eq!(authorize(&authorizer, &jwt).await.unwrap()["context"]["authMethod"], "session");
    set_user(dynamodb, "alice", "disabled", &json!({ "BOOL": true }));
    assert!(matches!(authorize(&authorizer, &jwt).await, Err(Rejection::Denied(_))));
    set_user(dynamodb, "alice", "disabled", &json!({ "BOOL": false }));
    assert!(authorize(&authorizer, &jwt).await.is_ok());
}
