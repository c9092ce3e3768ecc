//! Which user owns the token of a hash, remembered by a warm instance.
//!
//! The owner of a token never changes, so this cache cannot become stale. With it, a token
//! that was seen before and its owner are read in one request. Nothing else is cached:
//! revocation, expiry and roles can change, and are read for every request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use patgate_rules::token::TokenHash;

/// About 0.5 MB when full.
const MAX_ENTRIES: usize = 2_048;

#[derive(Default)]
pub(crate) struct OwnerCache(Mutex<HashMap<TokenHash, String>>);

impl OwnerCache {
    pub(crate) fn get(&self, hash: &TokenHash) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    pub(crate) fn remember(&self, hash: &TokenHash, owner_id: &str) {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if owners.contains_key(hash) {
            return;
        }

        // Clearing costs one more read for each token. An instance that sees this many tokens
        // is too rare to justify an order of use.
        if owners.len() >= MAX_ENTRIES {
            owners.clear();
        }
        owners.insert(hash.clone(), owner_id.to_owned());
    }
}

impl std::fmt::Debug for OwnerCache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("OwnerCache(…)")
    }
}
