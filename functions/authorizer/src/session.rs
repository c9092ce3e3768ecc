//! Signed-in sessions: OpenID Connect access tokens (JWTs) of the configured issuer.

mod claims;
mod crypto;
mod issuer;
mod keys;

use jsonwebtoken::{TokenData, Validation};
use patgate::clock::Timestamp;
use patgate::config::AuthorizerConfig;
use serde_json::{Map, Value};

use self::issuer::Issuer;
use self::keys::{KeyCache, SigningKey};

/// How far the issuer's clock and ours may be apart, in seconds.
const LEEWAY_SECONDS: u32 = 30;

/// What a valid session says of its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user_id: String,
    pub name: String,
    pub email: Option<String>,
    pub issued_at: Timestamp,
    /// From the configured claim; empty without one.
    pub roles: Vec<String>,
}

/// Why a JWT is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub enum SessionError {
    /// It is no good, for this reason.
    Refused(&'static str),
    /// Its key is not known and cannot be fetched: nobody's fault but ours.
    Issuer(String),
}

/// Verifies sessions; keeps the issuer's keys.
#[derive(Debug)]
pub struct SessionVerifier {
    issuer: String,
    audience: String,
    roles_claim: Option<String>,
    keys: KeyCache<Issuer>,
}

impl SessionVerifier {
    #[must_use]
    pub fn new(config: &AuthorizerConfig) -> Self {
        crypto::install();
        Self {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            roles_claim: config.roles_claim.clone(),
            keys: KeyCache::new(Issuer::new(config.issuer.clone())),
        }
    }

    /// Takes a JWT for a session if everything about it is right.
    ///
    /// # Errors
    /// What is wrong with it, or that its key cannot be had.
    pub async fn verify(&self, jwt: &str, now: Timestamp) -> Result<Session, SessionError> {
        let header = jsonwebtoken::decode_header(jwt).map_err(|_| SessionError::Refused("not a session"))?;
        if header.crit.is_some() {
            // RFC 7515, section 4.1.11: extensions we do not know must not be ignored.
            return Err(SessionError::Refused("session has critical header parameters"));
        }
        // RFC 9068 types access tokens; what is typed as something else is not ours, such
        // as a logout token, which the issuer signs with the same key.
        let types = ["jwt", "at+jwt", "application/at+jwt"];
        if header.typ.is_some_and(|typ| !types.contains(&typ.to_ascii_lowercase().as_str())) {
            return Err(SessionError::Refused("session is a token of another type"));
        }
        let kid = header.kid.ok_or(SessionError::Refused("session names no key"))?;
        let key = self.keys.get(&kid, now).await.map_err(SessionError::Issuer)?;
        let key = key.ok_or(SessionError::Refused("session is signed by an unknown key"))?;
        let claims = self.verified_claims(jwt, &key)?;
        claims::check_issuer(&claims, &self.issuer)?;
        claims::check_purpose(&claims, &self.audience)?;
        claims::read(&claims, self.roles_claim.as_deref(), now)
    }

    fn verified_claims(&self, jwt: &str, key: &SigningKey) -> Result<Map<String, Value>, SessionError> {
        // The algorithm comes from the key and not from the header, where the sender
        // of a forgery would choose it (RFC 8725, section 3.1).
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY_SECONDS.into();
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Where the audience stands depends on the issuer: `claims::check_purpose`.
        validation.validate_aud = false;
        let decoded = jsonwebtoken::decode(jwt, &key.key, &validation);
        decoded.map(|data: TokenData<_>| data.claims).map_err(|error| {
            use jsonwebtoken::errors::ErrorKind;
            SessionError::Refused(match error.kind() {
                ErrorKind::ExpiredSignature => "session has expired",
                ErrorKind::ImmatureSignature => "session is not valid yet",
                ErrorKind::InvalidIssuer => "session is of another issuer",
                ErrorKind::InvalidAlgorithm => "session is signed by another algorithm than its key's",
                ErrorKind::InvalidSignature => "session has a wrong signature",
                ErrorKind::MissingRequiredClaim(_) => "session lacks a required claim",
                _ => "session is malformed",
            })
        })
    }
}
