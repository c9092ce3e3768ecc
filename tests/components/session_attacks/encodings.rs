//! Signatures and JWTs in encodings other than the one that the authorizer accepts.

use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD, Engine};
use patgate_authorizer::session::{SessionDenial, SessionError};
use patgate_harness::forge_text;
use patgate_rules::clock;
use serde_json::json;

use crate::identity_provider::{ALGORITHMS, IdentityProvider, verifier_for};

#[tokio::test]
async fn signature_is_accepted_only_in_its_canonical_encoding() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier_for(&provider);
    let claims = provider.claims(json!({}));

    for (kid, length) in ALGORITHMS.into_iter().zip([256, 64, 64]) {
        let jwt = provider.sign(kid, json!({}), &claims);
        assert!(verifier.verify(&jwt, clock::now()).await.is_ok(), "{kid}");

        let (message, signature) = jwt.rsplit_once('.').unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert_eq!(bytes.len(), length, "{kid}");

        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let (first_half, second_half) = bytes.split_at(length / 2);
        // Only two of the six bits of the last character count. This is another character with
        // the same two bits.
        let stray_bits = match signature.split_at(signature.len() - 1) {
            (all, "A") => format!("{all}B"),
            (all, "Q") => format!("{all}R"),
            (all, "g") => format!("{all}h"),
            (all, "w") => format!("{all}x"),
            (_, last) => panic!("{last}"),
        };
        // ASN.1 DER, in which ECDSA signatures are common elsewhere: a sequence of two integers.
        let der = [&[0x30, 70, 2, 33, 0], first_half, &[2, 33, 0], second_half].concat();

        for (change, other) in [
            ("empty", String::new()),
            ("all zeros, as in CVE-2022-21449", encode(&vec![0; length])),
            ("all ones", encode(&vec![0xff; length])),
            ("without its first byte", encode(&bytes[1..])),
            ("without its last byte", encode(&bytes[..length - 1])),
            ("followed by a zero", encode(&[&bytes[..], &[0]].concat())),
            ("preceded by a zero", encode(&[&[0], &bytes[..]].concat())),
            ("with swapped halves", encode(&[second_half, first_half].concat())),
            ("in ASN.1 DER", encode(&der)),
            ("repeated", format!("{signature}{signature}")),
            ("padded", BASE64_URL_SAFE.encode(&bytes)),
            ("with stray bits in its last character", stray_bits),
            ("with white space", format!("{signature}\n")),
            ("with a fourth part", format!("{signature}.{signature}")),
        ] {
            let result = verifier.verify(&format!("{message}.{other}"), clock::now()).await;
            assert!(matches!(result, Err(SessionError::Denied(_))), "{kid} {change}: {result:?}");
        }

        for signer in ALGORITHMS {
            let jwt = provider.sign(signer, json!({ "kid": kid, "alg": kid }), &claims);
            let accepted = verifier.verify(&jwt, clock::now()).await.is_ok();
            assert_eq!(accepted, signer == kid, "{kid}, signed with the key {signer}");
        }
    }
}

#[tokio::test]
async fn other_jose_serializations_are_denied() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier_for(&provider);
    let jwt = provider.sign("ES256", json!({}), &provider.claims(json!({})));
    let [header, claims, signature] = jwt.split('.').collect::<Vec<_>>().try_into().unwrap();

    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let flat = json!({ "protected": header, "payload": claims, "signature": signature });
    let general =
        json!({ "payload": claims, "signatures": [{ "protected": header, "signature": signature }] });
    let encrypted = encode(r#"{"alg":"dir","enc":"A128GCM","kid":"ES256"}"#);
    let nested = provider.sign_text("ES256", r#"{"alg":"ES256","kid":"ES256","cty":"JWT"}"#, &jwt);

    for other in [
        flat.to_string(),
        general.to_string(),
        format!("{encrypted}..AAAA.AAAA.AAAA"),
        format!("{header}.{claims}.{signature}.AAAA.AAAA"),
        format!("{header}.{claims}"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}.{claims}.{signature}."),
        format!(" {jwt}"),
        nested,
        "..".to_owned(),
        ".".repeat(1_000_000),
    ] {
        let result = verifier.verify(&other, clock::now()).await;
        assert!(matches!(result, Err(SessionError::Denied(_))), "{other:.60}: {result:?}");
    }
}

/// API Gateway forwards no header of more than 10 KB. The authorizer does not rely on that
/// limit.
#[tokio::test]
async fn huge_forged_session_is_denied_like_a_small_one() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier_for(&provider);

    let valid = provider.sign("ES256", json!({}), &provider.claims(json!({})));
    assert!(verifier.verify(&valid, clock::now()).await.is_ok());

    let huge = "x".repeat(1_000_000);
    let header = json!({ "alg": "ES256", "kid": "ES256" });
    let huge_header = json!({ "alg": "ES256", "kid": "ES256", "padding": huge });
    let claims = provider.claims(json!({}));
    let huge_claims = provider.claims(json!({ "roles": vec!["administrator"; 50_000], "name": huge }));
    for (header, claims, signature_length) in
        [(&huge_header, &claims, 64), (&header, &huge_claims, 64), (&header, &claims, 1_000_000)]
    {
        let jwt = forge_text(&header.to_string(), &claims.to_string(), |_| vec![7; signature_length]);
        let result = verifier.verify(&jwt, clock::now()).await;
        assert_eq!(result, Err(SessionError::Denied(SessionDenial::WrongSignature)));
    }

    for jwt in
        [huge.clone(), format!("{huge}.{huge}.{huge}"), format!("{}.{}.{}", "_".repeat(1_000_000), "A", "A")]
    {
        let result = verifier.verify(&jwt, clock::now()).await;
        assert_eq!(result, Err(SessionError::Denied(SessionDenial::NotAJwt)));
    }
}
