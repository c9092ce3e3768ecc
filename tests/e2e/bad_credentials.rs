//! Credentials that nobody should accept: 401, and no database read where the format
//! alone condemns them.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use patgate_harness::{System, decode_part, forge};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

#[test]
fn credential_of_wrong_form_is_refused_without_a_read() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let token = system.sign_in("alice").create_token("real").secret;
    let last = token.chars().last().unwrap();
    let wrong_checksum = format!("{}{}", &token[..41], if last == 'x' { 'y' } else { 'x' });
    assert_eq!(system.status_of(&token), 200);
    proxy.take();
    for value in [
        "Basic YWxpY2U6c2VjcmV0".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        token.clone(),
        format!("Token {token}"),
        format!("Bearer {wrong_checksum}"),
        format!("Bearer {}", &token[..41]),
        format!("Bearer {token}x"),
        format!("Bearer {token},Bearer {token}"),
        format!("Bearer {token} {token}"),
        "Bearer fdp_".to_owned(),
        "Bearer not-a-token".to_owned(),
        "Bearer a.b.c".to_owned(),
    ] {
        let refused = system.request("GET", "/api/me").header("Authorization", &value).send();
        refused.assert_gateway_error(401, "Unauthorized");
    }
    system.request("GET", "/api/me").send().assert_gateway_error(401, "Unauthorized");
    // The one write is the record of the good use above, which follows its response.
    let reads: Vec<_> =
        proxy.take().into_iter().filter(|request| request.operation != "UpdateItem").collect();
    assert!(reads.is_empty(), "{reads:?}");
}

#[test]
fn header_name_and_scheme_may_be_of_any_case() {
    let system = System::start();
    let token = system.sign_in("alice").create_token("real").secret;
    for (name, scheme) in
        [("authorization", "bearer"), ("AUTHORIZATION", "BEARER"), ("Authorization", "Bearer")]
    {
        let response = system.request("GET", "/api/me").header(name, &format!("{scheme} {token}")).send();
        assert_eq!(response.status, 200, "{name} {scheme}");
    }
}

/// What guessing costs. A token has 32 random characters of 62: 62^32, about 2^190, are
/// possible, and about 2^155 are left to whoever has seen the displayed prefix. Against a
/// deployment with a million live tokens and a thousand guesses in every second (the
/// limit of `infra/template.yaml`), one is hit once in 62^32 / 10^6 / 10^3 s, which is
/// 7 * 10^40 years. Each guess that is at least of the right form costs the guesser a
/// request, and the deployment one read unit (a read that finds nothing) and no write;
/// every other guess costs no read at all.
#[test]
fn guess_of_right_form_is_refused_for_the_price_of_one_read() {
    let Some((system, proxy)) = System::start_observed() else { return };
    // Made by the documented recipe, but never created here.
    let stranger = "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw";
    system.call("GET", "/api/me", stranger).assert_gateway_error(401, "Unauthorized");
    let reads: Vec<_> = proxy.take().into_iter().map(|request| request.operation).collect();
    assert_eq!(reads, ["GetItem"]);
}

#[test]
fn session_with_a_wrong_signature_or_algorithm_is_refused() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let alice = system.sign_in("alice");
    assert_eq!(system.status_of(&alice.session), 200);
    proxy.take();
    let (header, claims) = (decode_part(&alice.session, 0), decode_part(&alice.session, 1));
    let with = |changes: Value| {
        let mut header = header.clone();
        header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        header
    };
    let document = format!("{}/jwks.json", system.local().issuer);
    let keys: Value = ureq::get(&document).call().unwrap().body_mut().read_json().unwrap();
    // The key's bytes as a verifier holds them: an uncompressed point.
    let coordinate =
        |name: &str| BASE64_URL_SAFE_NO_PAD.decode(keys["keys"][0][name].as_str().unwrap()).unwrap();
    let public_key = [vec![4], coordinate("x"), coordinate("y")].concat();
    let hmac = |message: &[u8]| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public_key);
        ring::hmac::sign(&key, message).as_ref().to_vec()
    };
    let random = SystemRandom::new();
    let stranger = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let stranger =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, stranger.as_ref(), &random).unwrap();
    let foreign = |message: &[u8]| stranger.sign(&random, message).unwrap().as_ref().to_vec();

    let mut promoted = claims.clone();
    promoted["roles"] = json!(["administrator"]);
    let signature = alice.session.rsplit('.').next().unwrap();
    let transplanted = forge(&header, &promoted, |_| Vec::new()) + signature;
    for (attack, session) in [
        ("alg none", forge(&with(json!({ "alg": "none" })), &claims, |_| Vec::new())),
        ("HS256 by the public key", forge(&with(json!({ "alg": "HS256" })), &claims, hmac)),
        ("RS256 named for an EC key", forge(&with(json!({ "alg": "RS256" })), &claims, foreign)),
        ("signed by a stranger", forge(&header, &claims, foreign)),
        ("an unknown key", forge(&with(json!({ "kid": "nobody" })), &claims, foreign)),
        ("no key named", forge(&with(json!({ "kid": null })), &claims, foreign)),
        ("claims changed", transplanted),
        ("signature cut off", alice.session.rsplit_once('.').unwrap().0.to_owned() + "."),
    ] {
        let refused = system.call("GET", "/api/me", &session);
        assert_eq!(refused.status, 401, "{attack}: {refused:?}");
    }
    assert!(proxy.take().is_empty(), "no user is looked up for a forgery");
}

#[test]
fn session_with_wrong_claims_is_refused() {
    let Some((system, proxy)) = System::start_observed() else { return };
    let now = chrono::Utc::now().timestamp();
    for (what, claims) in [
        ("expired", json!({ "exp": now - 31 })),
        ("without expiry", json!({ "exp": null })),
        ("not yet valid", json!({ "nbf": now + 60 })),
        ("without time of issue", json!({ "iat": null })),
        ("issued in the future", json!({ "iat": now + 60 })),
        ("of another issuer", json!({ "iss": "https://issuer.example" })),
        ("without issuer", json!({ "iss": null })),
        ("of another audience", json!({ "aud": "somebody-else" })),
        ("without audience", json!({ "aud": null })),
        ("an ID token by its audience", json!({ "aud": "patgate-page" })),
        ("an ID token by its use", json!({ "token_use": "id" })),
        ("an ID token by its type", json!({ "typ": "ID" })),
        ("without subject", json!({ "sub": null })),
    ] {
        let session = system.sign_in_as("alice", &[("claims", &claims.to_string())]).session;
        let refused = system.call("GET", "/api/me", &session);
        assert_eq!(refused.status, 401, "{what}: {refused:?}");
    }
    assert!(proxy.take().is_empty(), "no user is looked up for a refused session");
    assert_eq!(system.status_of(&system.sign_in("alice").session), 200);
}
