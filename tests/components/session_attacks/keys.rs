//! The known attacks on JWTs, as far as `authorizer_sessions` and the end-to-end suite do
//! not have them: each against an issuer with a key of every accepted kind.

use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD, Engine};
use chrono::TimeDelta;
use patgate_authorizer::session::{Session, SessionDenial, SessionError, SessionVerifier};
use patgate_harness::forge_text;
use patgate_rules::clock;
use serde_json::{Value, json};

use crate::identity_provider::IdentityProvider;
use crate::setup::config;

const KEYS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

fn verifier(provider: &IdentityProvider) -> SessionVerifier {
    SessionVerifier::new(&config(&[("OIDC_ISSUER", &provider.url)]))
}

/// What becomes of a session on an instance that has seen none yet.
async fn verify(provider: &IdentityProvider, jwt: &str) -> Result<Session, SessionError> {
    verifier(provider).verify(jwt, clock::now()).await
}

#[tokio::test]
async fn key_that_the_sender_brings_along_is_neither_used_nor_fetched() {
    let (provider, stranger) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let verifier = verifier(&provider);
    let claims = provider.claims(json!({ "roles": ["administrator"] }));
    let good = provider.sign("ES256", json!({}), &claims);
    assert!(verifier.verify(&good, clock::now()).await.is_ok());
    provider.take_paths();
    let (jwk, keys) = (stranger.public_key("ES256", "ES256"), format!("{}/keys", stranger.url));
    for header in [
        json!({ "jwk": jwk }),
        json!({ "jku": keys }),
        json!({ "x5u": keys }),
        json!({ "x5c": ["MIIB", "MIIB"] }),
        json!({ "x5t": "AAAA", "x5t#S256": "AAAA" }),
        json!({ "jwk": jwk, "jku": keys, "x5u": keys, "x5c": ["MIIB"] }),
    ] {
        let refused = verifier.verify(&stranger.sign("ES256", header.clone(), &claims), clock::now()).await;
        assert_eq!(refused, Err(SessionError::Denied(SessionDenial::WrongSignature)), "{header}");
        let mut nameless = header.clone();
        nameless["kid"] = Value::Null;
        let refused = verifier.verify(&stranger.sign("ES256", nameless, &claims), clock::now()).await;
        assert_eq!(refused, Err(SessionError::Denied(SessionDenial::NoKeyId)), "{header}");
    }
    assert_eq!((stranger.take_paths(), provider.take_paths()), (Vec::new(), Vec::new()), "nobody was asked");
}

#[tokio::test]
async fn key_id_is_looked_up_and_leads_nowhere() {
    let (provider, stranger) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let claims = provider.claims(json!({}));
    for kid in [
        "",
        " ",
        "../../../../../../dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "file:///etc/passwd",
        &format!("{}/keys", stranger.url),
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
        let jwt = stranger.sign("ES256", json!({ "kid": kid }), &claims);
        let refused = verify(&provider, &jwt).await;
        let expected = Err(SessionError::Denied(SessionDenial::UnknownKey));
        assert_eq!(refused, expected, "{}", kid.chars().take(60).collect::<String>());
        assert_eq!(provider.take_paths(), ["/.well-known/openid-configuration", "/keys"], "{kid:.60}");
    }
    for kid in [json!(1), json!(["ES256"]), json!({ "kid": "ES256" }), json!(true)] {
        let jwt = stranger.sign("ES256", json!({ "kid": kid }), &claims);
        assert!(matches!(verify(&provider, &jwt).await, Err(SessionError::Denied(_))), "{kid}");
    }
    assert_eq!(stranger.take_paths(), Vec::<String>::new());
}

#[tokio::test]
async fn while_keys_are_rotated_both_are_good_each_under_its_own_id_and_then_only_the_new_one() {
    let (provider, next) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let verifier = verifier(&provider);
    let (old_key, new_key) = (provider.public_key("ES256", "old"), next.public_key("ES256", "new"));
    let claims = provider.claims(json!({}));
    let by_old = provider.sign("ES256", json!({ "kid": "old" }), &claims);
    let by_new = next.sign("ES256", json!({ "kid": "new" }), &claims);
    let crossed = [
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
    assert!(accepts(&by_old, 0).await && !accepts(&by_new, 0).await);
    provider.publish(vec![old_key, new_key.clone()]);
    assert!(accepts(&by_new, 1).await && accepts(&by_old, 1).await);
    for jwt in &crossed {
        assert!(!accepts(jwt, 1).await, "a key is good under its own id");
    }
    // Withdrawn, a key is good for what is left of the hour that keys are kept.
    provider.publish(vec![new_key]);
    assert!(accepts(&by_old, 60).await);
    assert!(accepts(&by_new, 61).await && !accepts(&by_old, 61).await);
}

#[tokio::test]
async fn key_of_another_kind_under_the_same_id_does_not_verify_what_the_old_one_signed() {
    let provider = IdentityProvider::start().await;
    let claims = provider.claims(json!({}));
    let key = |kind| provider.public_key(kind, "same");
    let (rsa, ed) = (key("RS256"), key("EdDSA"));
    let jwt = provider.sign("RS256", json!({ "kid": "same" }), &claims);
    provider.publish(vec![rsa]);
    assert!(verify(&provider, &jwt).await.is_ok());
    provider.publish(vec![ed]);
    let refused = Err(SessionError::Denied(SessionDenial::OtherAlgorithm));
    assert_eq!(verify(&provider, &jwt).await, refused);
}

/// RFC 7519, section 4: of two claims of one name the last counts, or the JWT is refused.
/// That the first never counts leaves no room for somebody who reads the other one.
#[tokio::test]
async fn of_a_claim_given_twice_the_first_never_counts() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier(&provider);
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
        let mut without = claims.clone();
        let usual = without.as_object_mut().unwrap().remove(name);
        let inner = without.to_string();
        let inner = inner.trim_matches(['{', '}']);
        let session = async |first: &Value, last: &Value| {
            let twice = format!("{{\"{name}\":{first},{inner},\"{name}\":{last}}}");
            verifier.verify(&provider.sign_text("ES256", &header, &twice), clock::now()).await
        };
        let alone = async |value: &Value| {
            let once = format!("{{{inner},\"{name}\":{value}}}");
            verifier.verify(&provider.sign_text("ES256", &header, &once), clock::now()).await
        };
        let usual = usual.unwrap_or(Value::Null);
        for (first, last) in [(&usual, &other), (&other, &usual)] {
            match session(first, last).await {
                Err(SessionError::Denied(_)) => {}
                read => assert_eq!(read, alone(last).await, "{name}"),
            }
        }
    }
    let claims = claims.to_string();
    for header in [
        r#"{"alg":"ES256","kid":"ES256","alg":"none"}"#,
        r#"{"alg":"none","kid":"ES256","alg":"ES256"}"#,
        r#"{"alg":"ES256","kid":"EdDSA","kid":"ES256"}"#,
    ] {
        let refused = verifier.verify(&provider.sign_text("ES256", header, &claims), clock::now()).await;
        assert_eq!(refused, Err(SessionError::Denied(SessionDenial::NotAJwt)), "{header}");
    }
}

#[tokio::test]
async fn claims_of_odd_types_and_sizes_are_refused() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier(&provider);
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
        let refused = verifier.verify(&jwt, clock::now()).await;
        assert!(matches!(refused, Err(SessionError::Denied(_))), "{changes}: {refused:?}");
    }
    // And claims that are no object, or none that can be read.
    let header = json!({ "alg": "ES256", "kid": "ES256" }).to_string();
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let good = provider.claims(json!({})).to_string();
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
        &format!("{good}x"),
        &format!("[{good}]"),
    ] {
        let refused = verifier.verify(&provider.sign_text("ES256", &header, claims), clock::now()).await;
        assert!(matches!(refused, Err(SessionError::Denied(_))), "{claims:.60}: {refused:?}");
    }
    // What means something to some languages means nothing here.
    let odd = json!({ "__proto__": { "roles": ["administrator"] }, "constructor": {}, "admin": true,
        "realm_access": { "roles": ["administrator"] }, "cognito:groups": ["administrator"] });
    let session =
        verifier.verify(&provider.sign("ES256", json!({}), &provider.claims(odd)), clock::now()).await;
    assert_eq!(session.unwrap().roles, ["viewer"]);
}

#[tokio::test]
async fn signature_is_taken_in_its_one_form_only() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier(&provider);
    let claims = provider.claims(json!({}));
    for (kid, length) in KEYS.into_iter().zip([256, 64, 64]) {
        let jwt = provider.sign(kid, json!({}), &claims);
        assert!(verifier.verify(&jwt, clock::now()).await.is_ok(), "{kid}");
        let (message, signature) = jwt.rsplit_once('.').unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert_eq!(bytes.len(), length, "{kid}");
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let (first, second) = bytes.split_at(length / 2);
        // The last character stands for two bits; the same ones with something behind them.
        let stray = match signature.split_at(signature.len() - 1) {
            (all, "A") => format!("{all}B"),
            (all, "Q") => format!("{all}R"),
            (all, "g") => format!("{all}h"),
            (all, "w") => format!("{all}x"),
            (_, last) => panic!("{last}"),
        };
        // ASN.1, as ECDSA has it elsewhere: a sequence of two integers.
        let der = [&[0x30, 70, 2, 33, 0], first, &[2, 33, 0], second].concat();
        for (what, other) in [
            ("none", String::new()),
            ("of zeros, as CVE-2022-21449 had it", encode(&vec![0; length])),
            ("of ones", encode(&vec![0xff; length])),
            ("a byte short", encode(&bytes[1..])),
            ("cut off", encode(&bytes[..length - 1])),
            ("a zero longer", encode(&[&bytes[..], &[0]].concat())),
            ("led by a zero", encode(&[&[0], &bytes[..]].concat())),
            ("its halves exchanged", encode(&[second, first].concat())),
            ("in ASN.1", encode(&der)),
            ("twice", format!("{signature}{signature}")),
            ("padded", BASE64_URL_SAFE.encode(&bytes)),
            ("with stray bits in its last character", stray),
            ("with white space", format!("{signature}\n")),
            ("of a fourth part", format!("{signature}.{signature}")),
        ] {
            let refused = verifier.verify(&format!("{message}.{other}"), clock::now()).await;
            assert!(matches!(refused, Err(SessionError::Denied(_))), "{kid} {what}: {refused:?}");
        }
        for signer in KEYS {
            let jwt = provider.sign(signer, json!({ "kid": kid, "alg": kid }), &claims);
            let accepted = verifier.verify(&jwt, clock::now()).await.is_ok();
            assert_eq!(accepted, signer == kid, "{kid} signed by the key {signer}");
        }
    }
}

#[tokio::test]
async fn other_forms_of_jose_are_no_sessions() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier(&provider);
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
        let refused = verifier.verify(&other, clock::now()).await;
        assert!(matches!(refused, Err(SessionError::Denied(_))), "{other:.60}: {refused:?}");
    }
}

/// API Gateway passes on no header of more than 10 KB. Should anything else ever ask, size
/// alone makes nobody stumble.
#[tokio::test]
async fn huge_forgery_is_refused_like_a_small_one() {
    let provider = IdentityProvider::start().await;
    let verifier = verifier(&provider);
    let good = provider.sign("ES256", json!({}), &provider.claims(json!({})));
    assert!(verifier.verify(&good, clock::now()).await.is_ok());
    let huge = "x".repeat(1_000_000);
    let header = json!({ "alg": "ES256", "kid": "ES256" });
    let padded = json!({ "alg": "ES256", "kid": "ES256", "padding": huge });
    let claims = provider.claims(json!({}));
    let swollen = provider.claims(json!({ "roles": vec!["administrator"; 50_000], "name": huge }));
    for (header, claims, signature) in
        [(&padded, &claims, 64), (&header, &swollen, 64), (&header, &claims, 1_000_000)]
    {
        let jwt = forge_text(&header.to_string(), &claims.to_string(), |_| vec![7; signature]);
        let refused = verifier.verify(&jwt, clock::now()).await;
        assert_eq!(refused, Err(SessionError::Denied(SessionDenial::WrongSignature)));
    }
    for jwt in
        [huge.clone(), format!("{huge}.{huge}.{huge}"), format!("{}.{}.{}", "_".repeat(1_000_000), "A", "A")]
    {
        assert_eq!(
            verifier.verify(&jwt, clock::now()).await,
            Err(SessionError::Denied(SessionDenial::NotAJwt))
        );
    }
}
