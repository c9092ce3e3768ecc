//! Many tokens and users in as few consistent reads as DynamoDB allows.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use super::items::{self, Item, TOKEN_HASH, USER_ID};
use super::{Store, incomplete, unavailable};
use crate::record::TokenRecord;
use crate::store::StoreError;
use crate::token::TokenHash;
use crate::user::User;

/// The most keys one BatchGetItem takes.
const MOST_KEYS: usize = 100;
/// How often keys that DynamoDB left unprocessed are asked for again.
const ROUNDS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// What was found; absent keys are absent here. Each item is read when it is taken, so
/// that a damaged one spoils no other.
#[derive(Default)]
pub(super) struct Found {
    tokens: HashMap<String, Item>,
    users: HashMap<String, Item>,
}

impl Found {
    pub(super) fn take_token_item(&mut self, hash: &TokenHash) -> Option<Item> {
        self.tokens.remove(hash.as_str())
    }

    pub(super) fn take_token(&mut self, hash: &TokenHash) -> Result<Option<TokenRecord>, StoreError> {
        self.take_token_item(hash).map(items::read_token).transpose()
    }

    pub(super) fn take_user(&mut self, user_id: &str) -> Result<Option<User>, StoreError> {
        self.users.remove(user_id).map(items::read_user).transpose()
    }
}

impl Store {
    /// Reads tokens by hash and users by id, consistently. Keys must be distinct.
    pub(super) async fn batch_get(
        &self,
        hashes: &[&TokenHash],
        user_ids: &[&str],
    ) -> Result<Found, StoreError> {
        let token_keys = hashes.iter().map(|hash| (&self.tables.tokens, key(TOKEN_HASH, hash.as_str())));
        let user_keys = user_ids.iter().map(|id| (&self.tables.users, key(USER_ID, id)));
        let keys: Vec<_> = token_keys.chain(user_keys).collect();
        let mut found = Found::default();
        for chunk in keys.chunks(MOST_KEYS) {
            self.batch_get_chunk(chunk, &mut found).await?;
        }
        Ok(found)
    }

    async fn batch_get_chunk(&self, keys: &[(&String, Item)], found: &mut Found) -> Result<(), StoreError> {
        const OPERATION: &str = "read tokens and users";
        let mut wanted: HashMap<&String, Vec<Item>> = HashMap::new();
        for (table, key) in keys {
            wanted.entry(table).or_default().push(key.clone());
        }
        let mut requests = HashMap::new();
        for (table, keys) in wanted {
            let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
            requests.insert(table.clone(), request.build().map_err(incomplete(OPERATION))?);
        }

        let mut pause = FIRST_PAUSE;
        for _ in 0..ROUNDS {
            let answer = self
                .client
                .batch_get_item()
                .set_request_items(Some(requests))
                .send()
                .await
                .map_err(unavailable(OPERATION))?;
            self.collect(answer.responses.unwrap_or_default(), found)?;
            // INVARIANT: an unprocessed key is asked for again. Taken for "not found",
            // a moment of throttling would refuse a good token.
            requests = answer.unprocessed_keys.unwrap_or_default();
            if requests.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(StoreError::Unavailable { operation: OPERATION, reason: "keys stay unprocessed".to_owned() })
    }

    fn collect(&self, responses: HashMap<String, Vec<Item>>, found: &mut Found) -> Result<(), StoreError> {
        for (table, items) in responses {
            for mut item in items {
                if table == self.tables.tokens {
                    found.tokens.insert(items::required(&mut item, TOKEN_HASH)?, item);
                } else {
                    found.users.insert(items::user_id(&item)?, item);
                }
            }
        }
        Ok(())
    }
}

fn key(name: &str, value: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([(name.to_owned(), items::text(value))])
}
