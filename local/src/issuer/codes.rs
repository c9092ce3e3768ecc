//! Authorization codes, each of which can be exchanged once, with PKCE (RFC 7636).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};

use crate::issuer::users::User;

const LIFETIME: Duration = Duration::from_secs(60);

/// The codes that the client has not exchanged yet.
#[derive(Default)]
pub(super) struct AuthorizationCodes {
    pending: Mutex<HashMap<String, PendingCode>>,
}

/// What a code was issued for. Its exchange must match it.
pub(super) struct Grant {
    pub(super) user: User,
    pub(super) redirect_uri: String,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: String,
}

struct PendingCode {
    grant: Grant,
    created_at: Instant,
}

impl AuthorizationCodes {
    /// Issues a code. It also removes the codes that have expired.
    pub(super) fn issue(&self, grant: Grant) -> String {
        let code = uuid::Uuid::new_v4().simple().to_string();

        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|_, code| !code.is_expired());
        pending.insert(code.clone(), PendingCode { grant, created_at: Instant::now() });
        code
    }

    /// Uses a code up, and returns its grant if the exchange is valid. A failed exchange
    /// uses the code up as well.
    pub(super) fn take(&self, code: &str, redirect_uri: &str, code_verifier: &str) -> Option<Grant> {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(code)?;

        let challenge = ring::digest::digest(&ring::digest::SHA256, code_verifier.as_bytes());
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(challenge);
        let is_valid = !pending.is_expired()
            && pending.grant.redirect_uri == redirect_uri
            && pending.grant.code_challenge == challenge;
        is_valid.then_some(pending.grant)
    }
}

impl PendingCode {
    fn is_expired(&self) -> bool {
        self.created_at.elapsed() >= LIFETIME
    }
}
