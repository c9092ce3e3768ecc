//! An OpenID Connect issuer with a key for each algorithm that the authorizer supports.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{StatusCode, Uri};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use patgate_authorizer::session::SessionVerifier;
use patgate_harness::forge_text;
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

use crate::setup::authorizer_config;

/// The supported algorithms. Each is also the ID of the issuer's key for it.
pub(crate) const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

/// The example key of RFC 7517, appendix A.2. It is public, so it is not a secret.
const RSA_KEY: &str = include_str!("rfc7517-a2.json");

pub(crate) struct IdentityProvider {
    pub(crate) url: String,
    rsa: RsaKeyPair,
    modulus: Vec<u8>,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    random: SystemRandom,
    state: Arc<Mutex<ServerState>>,
}

/// What the issuer publishes, and which requests it received.
struct ServerState {
    keys: Vec<Value>,
    requested_paths: Vec<String>,
    is_down: bool,
    /// The issuer name in the discovery document.
    issuer: String,
}

/// A verifier that trusts this issuer and has not fetched its keys yet.
pub(crate) fn verifier_for(provider: &IdentityProvider) -> SessionVerifier {
    SessionVerifier::new(&authorizer_config(&[("OIDC_ISSUER", &provider.url)]))
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

        let issuer = url.clone();
        let state = ServerState { keys, requested_paths: Vec::new(), is_down: false, issuer };
        let state = Arc::new(Mutex::new(state));
        let server_state = Arc::clone(&state);
        let keys_url = format!("{url}/keys");
        let router = Router::new().fallback(async move |uri: Uri| {
            let mut state = server_state.lock().unwrap();
            state.requested_paths.push(uri.to_string());
            match uri.path() {
                _ if state.is_down => Err(StatusCode::SERVICE_UNAVAILABLE),
                "/.well-known/openid-configuration" => {
                    Ok(json!({ "issuer": state.issuer, "jwks_uri": keys_url }).to_string())
                }
                "/keys" => Ok(json!({ "keys": state.keys }).to_string()),
                _ => Err(StatusCode::NOT_FOUND),
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

        Self { url, rsa, modulus: part("n"), ec, ed, random, state }
    }

    /// The published key `kid`, with the ID `new_kid` instead of its own.
    pub(crate) fn public_key(&self, kid: &str, new_kid: &str) -> Value {
        let state = self.state.lock().unwrap();
        let mut key = state.keys.iter().find(|key| key["kid"] == kid).expect("a published key").clone();
        key["kid"] = new_kid.into();
        key
    }

    /// Replaces the published keys.
    pub(crate) fn publish(&self, keys: Vec<Value>) {
        self.state.lock().unwrap().keys = keys;
    }

    /// Reports another issuer name from now on.
    pub(crate) fn impersonate(&self, issuer: &str) {
        self.state.lock().unwrap().issuer = issuer.to_owned();
    }

    /// Responds to every request with an error from now on.
    pub(crate) fn go_down(&self) {
        self.state.lock().unwrap().is_down = true;
    }

    /// The paths that were requested since the last call.
    pub(crate) fn take_paths(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requested_paths)
    }

    /// The claims of a valid session, with changes.
    pub(crate) fn claims(&self, changes: Value) -> Value {
        let now = chrono::Utc::now().timestamp();
        let mut claims = json!({
            "iss": self.url, "sub": "alice", "aud": "patgate", "iat": now, "exp": now + 600, "roles": ["viewer"],
        });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims
    }

    /// A session signed with the key `kid` and the algorithm of that key. `changes` can make
    /// the header contradict both.
    pub(crate) fn sign(&self, kid: &str, changes: Value, claims: &Value) -> String {
        let mut header = json!({ "alg": kid, "kid": kid });
        header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.sign_text(kid, &header.to_string(), &claims.to_string())
    }

    /// Like [`Self::sign`], with the exact text of the header and the claims.
    pub(crate) fn sign_text(&self, kid: &str, header: &str, claims: &str) -> String {
        forge_text(header, claims, |message| self.signature(kid, message))
    }

    /// The signature of a message with the key `kid`.
    fn signature(&self, kid: &str, message: &[u8]) -> Vec<u8> {
        match kid {
            "RS256" => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature).unwrap();
                signature
            }
            "ES256" => self.ec.sign(&self.random, message).unwrap().as_ref().to_vec(),
            "EdDSA" => self.ed.sign(message).as_ref().to_vec(),
            other => panic!("no key `{other}`"),
        }
    }

    /// A session signed by HMAC with the bytes of a public key, which every attacker has.
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
