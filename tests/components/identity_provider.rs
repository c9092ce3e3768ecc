//! An OpenID Connect issuer with a key of every accepted kind, for the authorizer's
//! session code.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{StatusCode, Uri};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use patgate_harness::forge_text;
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

/// The example key of RFC 7517, appendix A.2: known to everybody, and so no secret.
const RSA_KEY: &str = include_str!("rfc7517-a2.json");

pub(crate) struct IdentityProvider {
    pub(crate) url: String,
    rsa: RsaKeyPair,
    modulus: Vec<u8>,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    random: SystemRandom,
    served: Arc<Mutex<Served>>,
}

/// What it publishes, and what it was asked for.
#[derive(Default)]
struct Served {
    keys: Vec<Value>,
    paths: Vec<String>,
    is_down: bool,
    /// Who it says it is.
    issuer: String,
}

impl IdentityProvider {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let random = SystemRandom::new();
        let jwk: Value = serde_json::from_str(RSA_KEY).unwrap();
        let part = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        let rsa = RsaKeyPair::from_components(&rsa::KeyPairComponents {
            public_key: rsa::PublicKeyComponents { n: part("n"), e: part("e") },
            d: part("d"),
            p: part("p"),
            q: part("q"),
            dP: part("dp"),
            dQ: part("dq"),
            qInv: part("qi"),
        })
        .unwrap();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random).unwrap();
        let ed =
            Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref()).unwrap();
        let point = ec.public_key().as_ref();
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let keys = vec![
            json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "RS256", "n": jwk["n"], "e": jwk["e"] }),
            json!({ "kty": "EC", "crv": "P-256", "kid": "ES256", "x": encode(&point[1..33]), "y": encode(&point[33..]) }),
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "EdDSA", "x": encode(ed.public_key().as_ref()) }),
            json!({ "kty": "EC", "crv": "P-521", "kid": "unusable", "x": "AA", "y": "AA" }),
            json!({ "kty": "of the future" }),
        ];
        let served =
            Arc::new(Mutex::new(Served { keys, paths: Vec::new(), is_down: false, issuer: url.clone() }));
        let keys_url = format!("{url}/keys");
        let answering = Arc::clone(&served);
        let router = Router::new().fallback(async move |uri: Uri| {
            let mut served = answering.lock().unwrap();
            served.paths.push(uri.to_string());
            match uri.path() {
                _ if served.is_down => Err(StatusCode::SERVICE_UNAVAILABLE),
                "/.well-known/openid-configuration" => {
                    Ok(json!({ "issuer": served.issuer, "jwks_uri": keys_url }).to_string())
                }
                "/keys" => Ok(json!({ "keys": served.keys }).to_string()),
                _ => Err(StatusCode::NOT_FOUND),
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, rsa, modulus: part("n"), ec, ed, random, served }
    }

    /// The key `kid` as it is published, under another id.
    pub(crate) fn public_key(&self, kid: &str, id: &str) -> Value {
        let served = self.served.lock().unwrap();
        let mut key = served.keys.iter().find(|key| key["kid"] == kid).expect("a key").clone();
        key["kid"] = id.into();
        key
    }

    /// Publishes these keys and no others from now on.
    pub(crate) fn publish(&self, keys: Vec<Value>) {
        self.served.lock().unwrap().keys = keys;
    }

    /// Says from now on that it is somebody else.
    pub(crate) fn poses_as(&self, issuer: &str) {
        self.served.lock().unwrap().issuer = issuer.to_owned();
    }

    /// Answers nobody from now on.
    pub(crate) fn goes_down(&self) {
        self.served.lock().unwrap().is_down = true;
    }

    /// The paths it was asked for since the last call.
    pub(crate) fn take_paths(&self) -> Vec<String> {
        std::mem::take(&mut self.served.lock().unwrap().paths)
    }

    /// The claims of a good session, with changes.
    pub(crate) fn claims(&self, changes: Value) -> Value {
        let now = chrono::Utc::now().timestamp();
        let mut claims = json!({
            "iss": self.url, "sub": "alice", "aud": "patgate", "iat": now, "exp": now + 600, "roles": ["viewer"],
        });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims
    }

    /// A session signed by the key `kid` with its own algorithm, whatever the header says.
    pub(crate) fn sign(&self, kid: &str, header: Value, claims: &Value) -> String {
        let mut full = json!({ "alg": kid, "kid": kid });
        full.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        self.sign_text(kid, &full.to_string(), &claims.to_string())
    }

    /// The same with header and claims as they are written.
    pub(crate) fn sign_text(&self, kid: &str, header: &str, claims: &str) -> String {
        forge_text(header, claims, |message| self.signature(kid, message))
    }

    /// What the key `kid` makes of a message.
    pub(crate) fn signature(&self, kid: &str, message: &[u8]) -> Vec<u8> {
        match kid {
            "RS256" => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature).unwrap();
                signature
            }
            "ES256" => self.ec.sign(&self.random, message).unwrap().as_ref().to_vec(),
            "EdDSA" => self.ed.sign(message).as_ref().to_vec(),
            other => panic!("no key {other}"),
        }
    }

    /// A session "signed" by HMAC with the bytes of a public key: everybody has those.
    pub(crate) fn sign_hs256(&self, kid: &str, claims: &Value) -> String {
        let public_key = match kid {
            "RS256" => self.modulus.clone(),
            "ES256" => self.ec.public_key().as_ref().to_vec(),
            _ => self.ed.public_key().as_ref().to_vec(),
        };
        forge_text(&json!({ "alg": "HS256", "kid": kid }).to_string(), &claims.to_string(), |message| {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public_key);
            ring::hmac::sign(&key, message).as_ref().to_vec()
        })
    }
}
