//! The tokens of the development issuer: signed with ES256 by a key of its own.

use std::collections::HashMap;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use chrono::Utc;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Map, Value, json};

use super::users::Person;
use super::{AUDIENCE, CLIENT_ID, Issuer, ROLES_CLAIM};

pub(super) const LIFETIME_SECONDS: i64 = 3_600;

pub(super) struct Signer {
    key: EcdsaKeyPair,
    kid: String,
    random: SystemRandom,
    /// When each person's last token was issued, in milliseconds.
    last_issued: Mutex<HashMap<String, i64>>,
}

impl Signer {
    /// With the key in `file`, so that sessions outlive a restart; or a new one.
    pub(super) fn new(file: Option<&Path>) -> Result<Self> {
        let random = SystemRandom::new();
        let pkcs8 = match file {
            Some(file) if file.exists() => std::fs::read(file)?,
            _ => {
                let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                    .map_err(|_| anyhow!("cannot make the issuer's key"))?;
                if let Some(file) = file {
                    save(file, made.as_ref())?;
                }
                made.as_ref().to_vec()
            }
        };
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random)
            .map_err(|error| anyhow!("the issuer's key is of no use: {error}"))?;
        let thumbprint = ring::digest::digest(&ring::digest::SHA256, key.public_key().as_ref());
        let kid = BASE64_URL_SAFE_NO_PAD.encode(thumbprint).chars().take(16).collect();
        Ok(Self { key, kid, random, last_issued: Mutex::default() })
    }

    /// RFC 7517, section 5.
    pub(super) fn key_set(&self) -> Value {
        // An uncompressed point: 0x04, then x and y of 32 bytes each (SEC 1, 2.3.3).
        let point = self.key.public_key().as_ref();
        let coordinate = |from| point.get(from..from + 32).map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes));
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
            "x": coordinate(1), "y": coordinate(33),
        }] })
    }

    /// Milliseconds since 1970, strictly increasing for each person. A session decides
    /// over an older one by its time of issue, and two sign-ins in one second must not
    /// be a draw.
    fn time_of_issue(&self, person: &Person) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the emulator is at the edge, where time comes from")]
        let now = Utc::now().timestamp_millis();
        let mut last_issued = self.last_issued.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last_issued.entry(person.id.clone()).or_insert(0);
        *last = now.max(*last + 1);
        *last
    }

    fn sign(&self, claims: &Map<String, Value>) -> Result<String> {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.kid });
        let header = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
        let claims = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_string(claims)?);
        let message = format!("{header}.{claims}");
        let signature =
            self.key.sign(&self.random, message.as_bytes()).map_err(|_| anyhow!("cannot sign"))?;
        Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn save(file: &Path, key: &[u8]) -> Result<()> {
    use std::io::Write;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file =
        options.write(true).create_new(true).mode(0o600).open(file).context("cannot save the key")?;
    Ok(file.write_all(key)?)
}

impl Issuer {
    /// An access token. `changes` are laid over its claims (null takes one away), so
    /// that tests can ask for tokens that a real issuer would not make.
    pub(super) fn access_token(&self, person: &Person, changes: &Map<String, Value>) -> Result<String> {
        let mut claims = self.claims(person, AUDIENCE);
        claims.insert("client_id".to_owned(), CLIENT_ID.into());
        claims.insert(ROLES_CLAIM.to_owned(), person.roles.clone().into());
        claims.extend(changes.clone());
        claims.retain(|_, value| !value.is_null());
        self.signer.sign(&claims)
    }

    /// An ID token for the page (OpenID Connect Core 1.0, section 2).
    pub(super) fn id_token(&self, person: &Person, nonce: Option<&str>) -> Result<String> {
        let mut claims = self.claims(person, CLIENT_ID);
        claims.extend(nonce.map(|nonce| ("nonce".to_owned(), nonce.into())));
        self.signer.sign(&claims)
    }

    /// The claims that both have.
    fn claims(&self, person: &Person, audience: &str) -> Map<String, Value> {
        let issued_ms = self.signer.time_of_issue(person);
        [
            ("iss", self.url.clone().into()),
            ("aud", audience.into()),
            ("sub", person.id.clone().into()),
            ("iat", (issued_ms as f64 / 1_000.0).into()),
            ("exp", (issued_ms / 1_000 + LIFETIME_SECONDS).into()),
            ("jti", uuid::Uuid::now_v7().to_string().into()),
            ("name", person.name.clone().into()),
            ("preferred_username", person.id.clone().into()),
            ("email", person.email().into()),
        ]
        .map(|(name, value): (&str, Value)| (name.to_owned(), value))
        .into_iter()
        .collect()
    }
}
