//! The authorizer on sessions of an issuer with every accepted kind of key.

use patgate_authorizer::session::{SessionError, SessionVerifier};
use patgate_authorizer::{Authorizer, Rejection};
use patgate_harness::set_user;
use patgate_rules::clock;
use serde_json::{Value, json};

use crate::identity_provider::IdentityProvider;
use crate::setup::{config, start, store, user_with_token};

const KEYS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

fn verifier(provider: &IdentityProvider) -> SessionVerifier {
    SessionVerifier::new(&config(&[("OIDC_ISSUER", &provider.url)]))
}

#[tokio::test]
async fn session_signed_by_each_accepted_kind_of_key_is_accepted() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier(&provider);
    for (kid, header) in KEYS.iter().zip([json!({}), json!({ "typ": "JWT" }), json!({ "typ": "at+jwt" })]) {
        let jwt = provider.sign(kid, header, &provider.claims(json!({})));
        let session = verifier.verify(&jwt, clock::now()).await.unwrap();
        assert_eq!(
            (session.user_id.as_str(), session.roles.as_slice()),
            ("alice", &["viewer".to_owned()][..])
        );
    }
}

#[tokio::test]
async fn cognitos_access_token_is_accepted_by_its_client_id() {
    let provider = IdentityProvider::start().await;
    let settings = [("OIDC_ISSUER", provider.url.as_str()), ("ROLES_CLAIM", "cognito:groups")];
    let verifier = SessionVerifier::new(&config(&settings));
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
    assert!(session.roles.is_empty(), "somebody in no group");
}

#[tokio::test]
async fn header_that_contradicts_the_key_is_refused() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier(&provider);
    let claims = provider.claims(json!({}));
    for kid in KEYS {
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
            json!({ "kid": KEYS[usize::from(kid == "RS256")] }),
            json!({ "kid": "../../keys" }),
            json!({ "kid": "unusable" }),
            json!({ "kid": null }),
            json!({ "crit": ["exp"] }),
            json!({ "typ": "logout+jwt" }),
        ] {
            let refused = verifier.verify(&provider.sign(kid, header.clone(), &claims), clock::now()).await;
            assert!(
                matches!(refused, Err(SessionError::Denied(_) | SessionError::Issuer(_))),
                "{kid} {header}"
            );
        }
    }
    for kid in KEYS {
        let refused = verifier.verify(&provider.sign_hs256(kid, &claims), clock::now()).await;
        assert!(matches!(refused, Err(SessionError::Denied(_))), "HS256 by the public key of {kid}");
    }
    assert!(verifier.verify(&provider.sign("ES256", json!({}), &claims), clock::now()).await.is_ok());
}

#[tokio::test]
async fn issuer_that_is_down_is_a_fault_and_not_a_refusal() {
    let provider = IdentityProvider::start().await;
    let jwt = provider.sign("ES256", json!({}), &provider.claims(json!({})));
    let elsewhere = SessionVerifier::new(&config(&[("OIDC_ISSUER", "http://127.0.0.1:9")]));
    let refused = elsewhere.verify(&jwt, clock::now()).await;
    assert!(matches!(refused, Err(SessionError::Issuer(_))), "{refused:?}");
}

#[tokio::test]
async fn issuer_that_says_it_is_another_gives_no_keys() {
    let provider = IdentityProvider::start().await;
    let jwt = provider.sign("ES256", json!({}), &provider.claims(json!({})));
    provider.poses_as("https://issuer.example");
    let refused = verifier(&provider).verify(&jwt, clock::now()).await;
    let Err(SessionError::Issuer(reason)) = refused else { panic!("{refused:?}") };
    assert!(reason.to_string().contains("another issuer"), "{reason}");
    assert_eq!(provider.take_paths(), ["/.well-known/openid-configuration"]);
}

#[tokio::test]
async fn key_set_without_end_is_not_read_to_its_end() {
    let provider = IdentityProvider::start().await;
    let jwt = provider.sign("ES256", json!({}), &provider.claims(json!({})));
    let usable = provider.public_key("ES256", "ES256");
    let padding = |size| json!({ "kty": "of the future", "padding": "x".repeat(size) });
    provider.publish(vec![usable.clone(), padding(200 * 1024)]);
    assert!(verifier(&provider).verify(&jwt, clock::now()).await.is_ok());
    provider.publish(vec![usable, padding(256 * 1024)]);
    let refused = verifier(&provider).verify(&jwt, clock::now()).await;
    assert!(matches!(refused, Err(SessionError::Issuer(_))), "{refused:?}");
}

#[tokio::test]
async fn issuer_that_goes_down_is_noticed_by_neither_known_sessions_nor_tokens() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let provider = IdentityProvider::start().await;
    let settings = config(&[("OIDC_ISSUER", &provider.url)]);
    let (token, _) = user_with_token(&store, "alice").await;
    let session = |kid| provider.sign(kid, json!({}), &provider.claims(json!({})));
    let known = Authorizer::new(settings.clone(), store.clone());
    let ask = async |authorizer: &Authorizer, credential: &str| {
        let mut event: Value = serde_json::from_str(include_str!("../events/http-api-2.0.json")).unwrap();
        event["headers"]["authorization"] = format!("Bearer {credential}").into();
        authorizer.handle(&event.to_string(), clock::now()).await.response
    };
    assert!(ask(&known, &session("ES256")).await.is_ok());
    provider.goes_down();
    provider.take_paths();

    // Every key of the set is known, also those of which no session came yet.
    for kid in ["ES256", "RS256", "EdDSA"] {
        assert!(ask(&known, &session(kid)).await.is_ok(), "{kid}");
    }
    assert!(ask(&known, token.expose()).await.is_ok());
    // An instance that is started meanwhile has no keys, and needs none for a token.
    let fresh = Authorizer::new(settings, store);
    assert!(ask(&fresh, token.expose()).await.is_ok());
    assert!(provider.take_paths().is_empty(), "nobody has asked the issuer");
    assert!(matches!(ask(&fresh, &session("ES256")).await, Err(Rejection::Fault(_))));
    assert_eq!(provider.take_paths().len(), 1);
}

#[tokio::test]
async fn disabled_users_session_is_refused() {
    let system = start();
    let dynamodb = &system.local().dynamodb;
    let provider = IdentityProvider::start().await;
    let authorizer = Authorizer::new(config(&[("OIDC_ISSUER", &provider.url)]), store(dynamodb));
    let jwt = provider.sign("ES256", json!({}), &provider.claims(json!({})));
    let mut event: Value = serde_json::from_str(include_str!("../events/http-api-2.0.json")).unwrap();
    event["headers"]["authorization"] = format!("Bearer {jwt}").into();
    let ask = async || authorizer.handle(&event.to_string(), clock::now()).await.response;
    assert_eq!(ask().await.unwrap()["context"]["authMethod"], "session");
    set_user(dynamodb, "alice", "disabled", &json!({ "BOOL": true }));
    assert!(matches!(ask().await, Err(Rejection::Denied(_))));
    set_user(dynamodb, "alice", "disabled", &json!({ "BOOL": false }));
    assert!(ask().await.is_ok());
}
