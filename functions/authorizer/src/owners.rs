//! Whose token a hash belongs to, remembered by a warm instance.
//!
//! A token's owner never changes, so this cannot go stale; it lets a repeated token
//! and its owner be read in one request. Nothing else is remembered: what may change
//! (revocation, expiry, roles) is read every time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use patgate::token::TokenHash;

/// About 0.5 MB when full.
const MOST_ENTRIES: usize = 2_048;

#[derive(Default)]
pub(crate) struct OwnerMemory(Mutex<HashMap<TokenHash, String>>);

impl OwnerMemory {
    pub(crate) fn get(&self, hash: &TokenHash) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    pub(crate) fn remember(&self, hash: &TokenHash, owner_id: &str) {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if owners.contains_key(hash) {
            return;
        }
        // Starting over costs each token one more read, once; an instance that sees
        // this many tokens is too rare to keep an order of use for.
        if owners.len() >= MOST_ENTRIES {
            owners.clear();
        }
        owners.insert(hash.clone(), owner_id.to_owned());
    }
}

impl std::fmt::Debug for OwnerMemory {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("OwnerMemory(…)")
    }
}
