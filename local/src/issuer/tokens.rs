//! The JSON Web Tokens of the development issuer, signed with ES256.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Map, Value, json};

use crate::issuer::users::User;
use crate::issuer::{AUDIENCE, CLIENT_ID, Issuer, ROLES_CLAIM};

pub(super) const LIFETIME_SECONDS: i64 = 3_600;

pub(super) struct Signer {
    key: EcdsaKeyPair,
    key_id: String,
    random: SystemRandom,
    /// The time of issue of each user's last token, in milliseconds since 1970.
    last_issued_ms: Mutex<HashMap<String, i64>>,
}

impl Signer {
    /// A signer with the key in `key_file`, so that sessions survive a restart. If there is
    /// no such file, it generates a key and saves it there.
    pub(super) fn new(key_file: Option<&Path>) -> Result<Self> {
        let random = SystemRandom::new();
        let pkcs8 = match key_file {
            Some(file) if file.exists() => std::fs::read(file)?,
            Some(_) | None => generate_key(key_file, &random)?,
        };

        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random)
            .map_err(|error| anyhow!("the issuer's key is invalid: {error}"))?;
        let digest = ring::digest::digest(&ring::digest::SHA256, key.public_key().as_ref());
        let key_id = BASE64_URL_SAFE_NO_PAD.encode(digest).chars().take(16).collect();

        Ok(Self { key, key_id, random, last_issued_ms: Mutex::default() })
    }

    /// The public key as a JWK set (RFC 7517, section 5).
    pub(super) fn key_set(&self) -> Value {
        // An uncompressed point: 0x04, then x and y with 32 bytes each (SEC 1, 2.3.3).
        let point = self.key.public_key().as_ref();
        let coordinate =
            |start| point.get(start..start + 32).map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes));

        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.key_id,
            "x": coordinate(1), "y": coordinate(33),
        }] })
    }

    /// The time of issue of a user's next token, in milliseconds since 1970. It strictly
    /// increases for each user: Patgate tells by it which of two sessions is newer, and two
    /// sign-ins in the same millisecond must not have the same time.
    fn time_of_issue_ms(&self, user: &User) -> i64 {
        let now_ms = crate::clock::now().timestamp_millis();
        let mut last_issued_ms = self.last_issued_ms.lock().unwrap_or_else(PoisonError::into_inner);

        let last = last_issued_ms.entry(user.id.clone()).or_insert(0);
        *last = now_ms.max(*last + 1);
        *last
    }

    fn sign(&self, claims: &Map<String, Value>) -> Result<String> {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.key_id });
        let header = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
        let claims = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_string(claims)?);

        let message = format!("{header}.{claims}");
        let signature =
            self.key.sign(&self.random, message.as_bytes()).map_err(|_| anyhow!("cannot sign a token"))?;
        Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Generates a key in PKCS #8 form, and saves it if there is a file for it.
fn generate_key(file: Option<&Path>, random: &SystemRandom) -> Result<Vec<u8>> {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random)
        .map_err(|_| anyhow!("cannot generate the issuer's key"))?;

    if let Some(file) = file {
        save_key(file, key.as_ref()).with_context(|| format!("cannot save `{}`", file.display()))?;
    }
    Ok(key.as_ref().to_vec())
}

/// Saves the key in a file that only the current user of this machine can read.
fn save_key(file: &Path, key: &[u8]) -> Result<()> {
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }

    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    Ok(file.write_all(key)?)
}

impl Issuer {
    /// An access token. `changes` are merged into its claims, and null removes a claim, so
    /// that tests can ask for tokens that a real issuer would not issue.
    pub(super) fn access_token(&self, user: &User, changes: &Map<String, Value>) -> Result<String> {
        let mut claims = self.common_claims(user, AUDIENCE);
        claims.insert("client_id".to_owned(), CLIENT_ID.into());
        claims.insert(ROLES_CLAIM.to_owned(), user.roles.clone().into());
        claims.extend(changes.clone());
        claims.retain(|_, value| !value.is_null());

        self.signer.sign(&claims)
    }

    /// An ID token for the page (OpenID Connect Core 1.0, section 2).
    pub(super) fn id_token(&self, user: &User, nonce: Option<&str>) -> Result<String> {
        let mut claims = self.common_claims(user, CLIENT_ID);
        claims.extend(nonce.map(|nonce| ("nonce".to_owned(), nonce.into())));

        self.signer.sign(&claims)
    }

    /// The claims that access tokens and ID tokens have in common.
    fn common_claims(&self, user: &User, audience: &str) -> Map<String, Value> {
        let issued_ms = self.signer.time_of_issue_ms(user);
        [
            ("iss", self.url.clone().into()),
            ("aud", audience.into()),
            ("sub", user.id.clone().into()),
            ("iat", (issued_ms as f64 / 1_000.0).into()),
            ("exp", (issued_ms / 1_000 + LIFETIME_SECONDS).into()),
            ("jti", uuid::Uuid::now_v7().to_string().into()),
            ("name", user.name.clone().into()),
            ("preferred_username", user.id.clone().into()),
            ("email", user.email().into()),
        ]
        .map(|(name, value): (&str, Value)| (name.to_owned(), value))
        .into_iter()
        .collect()
    }
}
