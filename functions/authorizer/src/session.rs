//! Sessions: OpenID Connect access tokens (JWTs) of the configured issuer.

mod claims;
mod crypto;
mod error;
mod issuer;
mod keys;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{TokenData, Validation};
use patgate_rules::clock::Timestamp;
use serde_json::{Map, Value};

use crate::config::Config;
pub use claims::Session;
pub use error::{IssuerError, SessionDenial, SessionError};
use issuer::Issuer;
use keys::{KeyCache, SigningKey};

/// The values of `typ` that are accepted, in lowercase. RFC 9068, section 2.1 defines the two
/// with `at+jwt`. Most issuers send `JWT` (RFC 7519, section 5.1) or no type.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// Verifies sessions, and caches the issuer's keys.
#[derive(Debug)]
pub struct SessionVerifier {
    issuer: String,
    audience: String,
    required_scope: Option<String>,
    allowed_clients: Vec<String>,
    roles_claim: Option<String>,
    keys: KeyCache<Issuer>,
}

impl SessionVerifier {
    #[must_use]
    pub fn new(config: &Config) -> Self {
        crypto::install();
        let issuer = config.issuer.as_str().to_owned();
        Self {
            keys: KeyCache::new(Issuer::new(issuer.clone())),
            issuer,
            audience: config.audience.clone(),
            required_scope: config.required_scope.clone(),
            allowed_clients: config.allowed_clients.clone(),
            roles_claim: config.roles_claim.clone(),
        }
    }

    /// Verifies a JWT and reads the session from it.
    ///
    /// # Errors
    /// When it is not a valid session of this issuer, or its key cannot be fetched.
    pub async fn verify(&self, jwt: &str, now: Timestamp) -> Result<Session, SessionError> {
        let header = jsonwebtoken::decode_header(jwt).map_err(|_| SessionDenial::NotAJwt)?;
        // RFC 7515, section 4.1.11: unknown extensions must not be ignored.
        if header.crit.is_some() {
            return Err(SessionDenial::CriticalHeader.into());
        }
        // The issuer signs other tokens with the same key, such as logout tokens.
        if header.typ.is_some_and(|typ| !TYPES.contains(&typ.to_ascii_lowercase().as_str())) {
            return Err(SessionDenial::OtherType.into());
        }

        let key_id = header.kid.ok_or(SessionDenial::NoKeyId)?;
        let key = self.keys.get(&key_id, now).await?.ok_or(SessionDenial::UnknownKey)?;

        let claims = self.verified_claims(jwt, &key)?;
        claims::check_validity(&claims, now)?;
        claims::check_issuer(&claims, &self.issuer)?;
        claims::check_purpose(&claims, &self.audience)?;
        claims::check_client(&claims, &self.allowed_clients)?;
        claims::check_scope(&claims, self.required_scope.as_deref())?;
        Ok(claims::read(&claims, self.roles_claim.as_deref(), now)?)
    }

    fn verified_claims(&self, jwt: &str, key: &SigningKey) -> Result<Map<String, Value>, SessionDenial> {
        // The algorithm comes from the key and not from the header, where an attacker could
        // choose it (RFC 8725, section 3.1).
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Issuers put the audience into different claims, so `claims::check_purpose` checks it.
        validation.validate_aud = false;
        // `claims::check_validity` checks the times by the clock that the rest of a decision
        // uses. The library reads a clock of its own, cut to seconds.
        validation.validate_exp = false;
        validation.validate_nbf = false;

        let decoded = jsonwebtoken::decode(jwt, &key.key, &validation);
        decoded.map(|data: TokenData<_>| data.claims).map_err(|error| match error.kind() {
            ErrorKind::InvalidIssuer => SessionDenial::OtherIssuer,
            ErrorKind::InvalidAlgorithm => SessionDenial::OtherAlgorithm,
            ErrorKind::InvalidSignature => SessionDenial::WrongSignature,
            ErrorKind::MissingRequiredClaim(_) => SessionDenial::MissingClaim,
            _ => SessionDenial::Malformed,
        })
    }
}
