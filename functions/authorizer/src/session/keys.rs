//! The issuer's keys, kept as long as is right: refreshed every hour, used for a day
//! if the issuer is down, and fetched anew when a session names one we do not know.

use std::collections::HashMap;

use chrono::TimeDelta;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use patgate::clock::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;

const REFRESH_AFTER: TimeDelta = TimeDelta::hours(1);
const USE_AT_MOST: TimeDelta = TimeDelta::hours(24);

/// Anybody can name an unknown key, and each would send us to the issuer: this many
/// times at once, and then once in [`FETCH_INTERVAL`].
const FETCH_BURST: u32 = 5;
const FETCH_INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// Where keys come from: the issuer, or a test.
pub(super) trait KeySource {
    /// The `keys` of a JSON Web Key Set (RFC 7517, section 5).
    async fn fetch(&self) -> Result<Vec<Value>, String>;
}

/// A key, and the only algorithm that it verifies.
#[derive(Clone)]
pub(super) struct SigningKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

#[derive(Debug)]
pub(super) struct KeyCache<S> {
    source: S,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Keys by id, and when they were fetched.
    cached: Option<(HashMap<String, SigningKey>, Timestamp)>,
    fetches_in_burst: u32,
    last_fetch: Option<Timestamp>,
}

impl<S: KeySource> KeyCache<S> {
    pub(super) fn new(source: S) -> Self {
        Self { source, state: Mutex::default() }
    }

    /// The key of this id; None if the issuer has none of it.
    ///
    /// # Errors
    /// When that cannot be told: the issuer does not answer, or was asked too often.
    pub(super) async fn get(&self, kid: &str, now: Timestamp) -> Result<Option<SigningKey>, String> {
        let mut state = self.state.lock().await;
        if let Some(key) = state.key(kid, now, REFRESH_AFTER) {
            return Ok(Some(key));
        }
        let fetched = if state.may_fetch(now) {
            self.source.fetch().await
        } else {
            Err("asked too often for keys that it does not know".to_owned())
        };
        match fetched {
            Ok(keys) => {
                state.cached = Some((keys.into_iter().filter_map(signing_key).collect(), now));
                Ok(state.key(kid, now, USE_AT_MOST))
            }
            // An older key set is still good for the keys that it has. That it lacks one
            // proves nothing, so that is an error and not "unknown".
            Err(reason) => match state.key(kid, now, USE_AT_MOST) {
                Some(key) => {
                    tracing::warn!(reason, "using the issuer's keys beyond their hour");
                    Ok(Some(key))
                }
                None => Err(reason),
            },
        }
    }
}

impl State {
    fn key(&self, kid: &str, now: Timestamp, max_age: TimeDelta) -> Option<SigningKey> {
        let (keys, fetched_at) = self.cached.as_ref()?;
        let fresh = now.signed_duration_since(*fetched_at) < max_age;
        fresh.then(|| keys.get(kid).cloned()).flatten()
    }

    fn may_fetch(&mut self, now: Timestamp) -> bool {
        // Every interval that passes gives one fetch back.
        if let Some(last) = self.last_fetch {
            let passed = now.signed_duration_since(last).num_seconds() / FETCH_INTERVAL.num_seconds();
            let given_back = u32::try_from(passed).unwrap_or(0);
            if given_back > 0 {
                self.fetches_in_burst = self.fetches_in_burst.saturating_sub(given_back);
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

/// A published key, if it has an id and is for signatures that we verify. Keys of
/// other kinds in the same set are none of our business.
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

    /// An issuer that answers what the test says, and counts.
    struct FakeIssuer {
        answer: RefCell<Result<Vec<Value>, String>>,
        fetches: Cell<u32>,
    }

    impl KeySource for &FakeIssuer {
        async fn fetch(&self) -> Result<Vec<Value>, String> {
            self.fetches.set(self.fetches.get() + 1);
            self.answer.borrow().clone()
        }
    }

    impl FakeIssuer {
        fn with(kids: &[&str]) -> Self {
            Self { answer: RefCell::new(Ok(keys(kids))), fetches: Cell::new(0) }
        }

        fn goes_down(&self) {
            *self.answer.borrow_mut() = Err("down".to_owned());
        }
    }

    fn keys(kids: &[&str]) -> Vec<Value> {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"; // RFC 8037, appendix A.2
        kids.iter().map(|kid| json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x })).collect()
    }

    fn at(seconds: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    async fn has(cache: &KeyCache<&FakeIssuer>, kid: &str, seconds: i64) -> Result<bool, String> {
        cache.get(kid, at(seconds)).await.map(|key| key.is_some())
    }

    #[tokio::test]
    async fn keys_are_fetched_when_first_needed_and_then_once_an_hour() {
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
    async fn rotated_key_is_found_at_once_and_the_withdrawn_one_is_gone() {
        let issuer = FakeIssuer::with(&["a"]);
        let cache = KeyCache::new(&issuer);
        assert_eq!(has(&cache, "a", 0).await, Ok(true));
        *issuer.answer.borrow_mut() = Ok(keys(&["b"]));
        assert_eq!(has(&cache, "b", 1).await, Ok(true));
        assert_eq!(has(&cache, "a", 2).await, Ok(false));
    }

    #[tokio::test]
    async fn keys_outlive_the_issuer_by_a_day_and_no_longer() {
        let issuer = FakeIssuer::with(&["a"]);
        let cache = KeyCache::new(&issuer);
        assert_eq!(has(&cache, "a", 0).await, Ok(true));
        issuer.goes_down();
        assert_eq!(has(&cache, "a", 24 * 3_600 - 1).await, Ok(true));
        assert_eq!(has(&cache, "a", 24 * 3_600).await, Err("down".to_owned()));
    }

    #[tokio::test]
    async fn unknown_key_is_a_fault_while_the_issuer_is_down() {
        let issuer = FakeIssuer::with(&["a"]);
        let cache = KeyCache::new(&issuer);
        assert_eq!(has(&cache, "a", 0).await, Ok(true));
        issuer.goes_down();
        assert_eq!(has(&cache, "b", 1).await, Err("down".to_owned()));
    }

    #[tokio::test]
    async fn unknown_keys_refetch_five_times_at_once_and_then_once_in_ten_seconds() {
        let issuer = FakeIssuer::with(&["a"]);
        let cache = KeyCache::new(&issuer);
        for _ in 0..5 {
            assert_eq!(has(&cache, "x", 0).await, Ok(false));
        }
        assert!(has(&cache, "x", 0).await.is_err());
        assert!(has(&cache, "x", 9).await.is_err());
        assert_eq!(has(&cache, "a", 9).await, Ok(true), "known keys go on working");
        assert_eq!(has(&cache, "x", 10).await, Ok(false));
        assert!(has(&cache, "x", 10).await.is_err());
        assert_eq!(issuer.fetches.get(), 6);
    }

    #[test]
    fn only_keys_for_signatures_that_we_verify_are_taken() {
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
        assert!(signing_key(json!("no key")).is_none());
    }
}
