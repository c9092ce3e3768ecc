//! Invalid credentials are refused with 401, and a malformed one costs no database read.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use patgate_harness::{System, decode_part, forge};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

#[test]
fn malformed_credential_is_refused_without_a_read() {
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

    // The response above is followed by one write, of the token's last use.
    let reads: Vec<_> =
        proxy.take().into_iter().filter(|request| request.operation != "UpdateItem").collect();
    assert!(reads.is_empty(), "{reads:?}");
}

#[test]
fn header_name_and_scheme_are_case_insensitive() {
    let system = System::start();

    let token = system.sign_in("alice").create_token("real").secret;
    for (name, scheme) in
        [("authorization", "bearer"), ("AUTHORIZATION", "BEARER"), ("Authorization", "Bearer")]
    {
        let response = system.request("GET", "/api/me").header(name, &format!("{scheme} {token}")).send();
        assert_eq!(response.status, 200, "{name} {scheme}");
    }
}

/// A token has 32 random characters out of 62. There are 62^32, about 2^190, possible tokens,
/// and about 2^155 with a given displayed prefix. An attacker who sends a thousand guesses a
/// second (the limit of `infra/core.yaml`) to a deployment with a million active tokens
/// guesses one every 62^32 / 10^6 / 10^3 s, which is 7 * 10^40 years. A well-formed guess
/// costs the deployment one read unit (a read that finds nothing) and no write. Any other
/// guess costs no read at all.
#[test]
fn well_formed_guess_is_refused_and_costs_one_read() {
    let Some((system, proxy)) = System::start_observed() else { return };
    // A well-formed token that was never created here.
    let unknown = "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw";
    system.call("GET", "/api/me", unknown).assert_gateway_error(401, "Unauthorized");
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

    // The public key as a verifier stores it: an uncompressed point.
    let coordinate =
        |name: &str| BASE64_URL_SAFE_NO_PAD.decode(keys["keys"][0][name].as_str().unwrap()).unwrap();
    let public_key = [vec![4], coordinate("x"), coordinate("y")].concat();
    let hmac = |message: &[u8]| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public_key);
        ring::hmac::sign(&key, message).as_ref().to_vec()
    };
    let random = SystemRandom::new();
    let other_key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let other_key =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, other_key.as_ref(), &random).unwrap();
    let other = |message: &[u8]| other_key.sign(&random, message).unwrap().as_ref().to_vec();

    let mut promoted = claims.clone();
    promoted["roles"] = json!(["administrator"]);
    let signature = alice.session.rsplit('.').next().unwrap();
    let transplanted = forge(&header, &promoted, |_| Vec::new()) + signature;
    for (attack, session) in [
        ("algorithm none", forge(&with(json!({ "alg": "none" })), &claims, |_| Vec::new())),
        ("HS256 with the public key as the secret", forge(&with(json!({ "alg": "HS256" })), &claims, hmac)),
        ("RS256 for an EC key", forge(&with(json!({ "alg": "RS256" })), &claims, other)),
        ("signed with another key", forge(&header, &claims, other)),
        ("with an unknown key ID", forge(&with(json!({ "kid": "unknown" })), &claims, other)),
        ("without a key ID", forge(&with(json!({ "kid": null })), &claims, other)),
        ("with changed claims", transplanted),
        ("without the signature", alice.session.rsplit_once('.').unwrap().0.to_owned() + "."),
    ] {
        let refused = system.call("GET", "/api/me", &session);
        assert_eq!(refused.status, 401, "{attack}: {refused:?}");
    }

    assert!(proxy.take().is_empty(), "a forgery causes no read");
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
        ("from another issuer", json!({ "iss": "https://issuer.example" })),
        ("without issuer", json!({ "iss": null })),
        ("for another audience", json!({ "aud": "another-audience" })),
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

    assert!(proxy.take().is_empty(), "a refused session causes no read");
    assert_eq!(system.status_of(&system.sign_in("alice").session), 200);
}
