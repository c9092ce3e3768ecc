//! The cache of the issuer's keys. They are refreshed every hour, used for up to a day if the
//! issuer is down, and fetched again when a session names an unknown key.

use std::collections::HashMap;

use chrono::TimeDelta;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use patgate_rules::clock::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::session::error::IssuerError;

const REFRESH_AFTER: TimeDelta = TimeDelta::hours(1);
const MAX_AGE: TimeDelta = TimeDelta::hours(24);

/// Any client can name an unknown key, and each one causes a request to the issuer. This is
/// allowed this many times in a row, and then once every [`FETCH_INTERVAL`].
const FETCH_BURST: u32 = 5;
const FETCH_INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// The source of keys: the issuer, or a test.
pub(crate) trait KeySource {
    /// The `keys` of a JSON Web Key Set (RFC 7517, section 5).
    async fn fetch(&self) -> Result<Vec<Value>, IssuerError>;
}

/// A key, and the only algorithm that it may verify.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

#[derive(Debug)]
pub(crate) struct KeyCache<S> {
    source: S,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The keys by their ID, and when they were fetched.
    cached: Option<(HashMap<String, SigningKey>, Timestamp)>,
    fetches_in_burst: u32,
    last_fetch: Option<Timestamp>,
}

impl<S: KeySource> KeyCache<S> {
    pub(crate) fn new(source: S) -> Self {
        Self { source, state: Mutex::default() }
    }

    /// The key with this ID. `None` if the issuer has no such key.
    ///
    /// # Errors
    /// When it is not known whether the issuer has this key: the issuer does not respond, or
    /// its keys were fetched too often.
    pub(crate) async fn get(&self, key_id: &str, now: Timestamp) -> Result<Option<SigningKey>, IssuerError> {
        let mut state = self.state.lock().await;
        if let Some(key) = state.key(key_id, now, REFRESH_AFTER) {
            return Ok(Some(key));
        }

        let fetched =
            if state.may_fetch(now) { self.source.fetch().await } else { Err(IssuerError::TooManyRequests) };
        match fetched {
            Ok(keys) => {
                state.cached = Some((keys.into_iter().filter_map(signing_key).collect(), now));
                Ok(state.key(key_id, now, MAX_AGE))
            }
            // An older key set is still valid for the keys that it contains. If it does not
            // contain a key, this proves nothing, so the result is an error and not `None`.
            Err(error) => match state.key(key_id, now, MAX_AGE) {
                Some(key) => {
                    tracing::warn!(%error, "using the issuer's keys for longer than an hour");
                    Ok(Some(key))
                }
                None => Err(error),
            },
        }
    }
}

impl State {
    fn key(&self, key_id: &str, now: Timestamp, max_age: TimeDelta) -> Option<SigningKey> {
        let (keys, fetched_at) = self.cached.as_ref()?;
        let fresh = now.signed_duration_since(*fetched_at) < max_age;
        fresh.then(|| keys.get(key_id).cloned()).flatten()
    }

    fn may_fetch(&mut self, now: Timestamp) -> bool {
        // Each interval that has passed allows one more fetch.
        if let Some(last) = self.last_fetch {
            let passed = now.signed_duration_since(last).num_seconds() / FETCH_INTERVAL.num_seconds();
            let regained = u32::try_from(passed).unwrap_or(0);
            if regained > 0 {
                self.fetches_in_burst = self.fetches_in_burst.saturating_sub(regained);
                self.last_fetch = Some(now);
            }
        }

        if self.fetches_in_burst >= FETCH_BURST {
            return false;
        }

        self.fetches_in_burst += 1;
        self.last_fetch = Some(now);
        true
    }
}

/// Parses a published key. `None` if it has no ID or is not for signatures with an accepted
/// algorithm; a key set may contain keys for other purposes.
fn signing_key(published: Value) -> Option<(String, SigningKey)> {
    let jwk: Jwk = serde_json::from_value(published).ok()?;
    if jwk.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return None;
    }

    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|declared| declared != name) {
        return None;
    }

    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some((jwk.common.key_id?, SigningKey { algorithm, key }))
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("State").field("last_fetch", &self.last_fetch).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::cell::{Cell, RefCell};

    /// An issuer with the response that the test sets. It counts the requests.
    struct FakeIssuer {
        response: RefCell<Result<Vec<Value>, IssuerError>>,
        fetches: Cell<u32>,
    }

    impl KeySource for &FakeIssuer {
        async fn fetch(&self) -> Result<Vec<Value>, IssuerError> {
            self.fetches.set(self.fetches.get() + 1);
            self.response.borrow().clone()
        }
    }

    impl FakeIssuer {
        fn with(kids: &[&str]) -> Self {
            Self { response: RefCell::new(Ok(keys(kids))), fetches: Cell::new(0) }
        }

        fn goes_down(&self) {
            *self.response.borrow_mut() = Err(IssuerError::Timeout);
        }
    }

    fn keys(kids: &[&str]) -> Vec<Value> {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"; // RFC 8037, appendix A.2
        kids.iter().map(|kid| json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x })).collect()
    }

    fn at(seconds: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    async fn has(cache: &KeyCache<&FakeIssuer>, key_id: &str, seconds: i64) -> Result<bool, IssuerError> {
        cache.get(key_id, at(seconds)).await.map(|key| key.is_some())
    }

    #[tokio::test]
    async fn keys_are_fetched_on_first_use_and_then_once_an_hour() {
        let issuer = FakeIssuer::with(&["a"]);
        let cache = KeyCache::new(&issuer);
        assert_eq!(issuer.fetches.get(), 0);
        for seconds in [0, 1, 3_599] {
            assert_eq!(has(&cache, "a", seconds).await, Ok(true));
        }
        assert_eq!(issuer.fetches.get(), 1);
        assert_eq!(has(&cache, "a", 3_600).await, Ok(true));
        assert_eq!(issuer.fetches.get(), 2);
    }

    #[tokio::test]
    async fn new_key_is_found_at_once_and_a_removed_one_is_unknown() {
        let issuer = FakeIssuer::with(&["a"]);
        let cache = KeyCache::new(&issuer);
        assert_eq!(has(&cache, "a", 0).await, Ok(true));
        *issuer.response.borrow_mut() = Ok(keys(&["b"]));
        assert_eq!(has(&cache, "b", 1).await, Ok(true));
        assert_eq!(has(&cache, "a", 2).await, Ok(false));
    }

    #[tokio::test]
    async fn keys_work_for_a_day_while_the_issuer_is_down_and_no_longer() {
        let issuer = FakeIssuer::with(&["a"]);
        let cache = KeyCache::new(&issuer);
        assert_eq!(has(&cache, "a", 0).await, Ok(true));
        issuer.goes_down();
        assert_eq!(has(&cache, "a", 24 * 3_600 - 1).await, Ok(true));
        assert_eq!(has(&cache, "a", 24 * 3_600).await, Err(IssuerError::Timeout));
    }

    #[tokio::test]
    async fn unknown_key_is_a_fault_while_the_issuer_is_down() {
        let issuer = FakeIssuer::with(&["a"]);
        let cache = KeyCache::new(&issuer);
        assert_eq!(has(&cache, "a", 0).await, Ok(true));
        issuer.goes_down();
        assert_eq!(has(&cache, "b", 1).await, Err(IssuerError::Timeout));
    }

    #[tokio::test]
    async fn unknown_keys_cause_five_fetches_in_a_row_and_then_one_every_ten_seconds() {
        let issuer = FakeIssuer::with(&["a"]);
        let cache = KeyCache::new(&issuer);
        for _ in 0..5 {
            assert_eq!(has(&cache, "x", 0).await, Ok(false));
        }
        assert!(has(&cache, "x", 0).await.is_err());
        assert!(has(&cache, "x", 9).await.is_err());
        assert_eq!(has(&cache, "a", 9).await, Ok(true), "known keys continue to work");
        assert_eq!(has(&cache, "x", 10).await, Ok(false));
        assert!(has(&cache, "x", 10).await.is_err());
        assert_eq!(issuer.fetches.get(), 6);
    }

    #[test]
    fn only_keys_for_accepted_signatures_are_used() {
        let key = |changes: Value| {
            let mut key = keys(&["a"]).remove(0);
            for (name, value) in changes.as_object().unwrap() {
                key[name] = value.clone();
            }
            signing_key(key).is_some()
        };
        assert!(key(json!({})));
        assert!(key(json!({ "use": "sig", "alg": "EdDSA" })));
        assert!(!key(json!({ "use": "enc" })));
        assert!(!key(json!({ "alg": "HS256" })));
        assert!(!key(json!({ "alg": "RSA-OAEP" })));
        assert!(!key(json!({ "kid": null })));
        assert!(!key(json!({ "kty": "oct", "k": "c2VjcmV0" })));
        assert!(!key(json!({ "kty": "future" })));
        assert!(signing_key(json!("not a key")).is_none());
    }
}
