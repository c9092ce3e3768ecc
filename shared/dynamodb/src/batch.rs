//! Consistent reads of many tokens and users in as few requests as DynamoDB allows.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use patgate_rules::token::TokenHash;
use patgate_rules::token_record::TokenRecord;
use patgate_rules::user::User;

use crate::error::{StoreError, incomplete, unavailable};
use crate::items::{self, Item, TOKEN_HASH, USER_ID};
use crate::store::Store;

/// The maximum number of keys in one BatchGetItem request.
pub(crate) const MAX_BATCH: usize = 100;
/// The maximum number of requests for one set of keys: the first one, and one for each time
/// that DynamoDB leaves keys unprocessed.
const ROUNDS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The items that were found, by key. Each item is parsed when it is taken, so that a
/// damaged one does not affect the others.
#[derive(Default)]
pub(crate) struct Found {
    tokens: HashMap<String, Item>,
    users: HashMap<String, Item>,
}

impl Found {
    pub(crate) fn take_token_item(&mut self, hash: &TokenHash) -> Option<Item> {
        self.tokens.remove(hash.as_str())
    }

    pub(crate) fn take_token(&mut self, hash: &TokenHash) -> Result<Option<TokenRecord>, StoreError> {
        self.take_token_item(hash).map(items::read_token).transpose()
    }

    pub(crate) fn take_user(&mut self, user_id: &str) -> Result<Option<User>, StoreError> {
        self.users.remove(user_id).map(items::read_user).transpose()
    }
}

impl Store {
    /// Reads tokens by hash and users by ID, consistently. The keys must be distinct.
    pub(crate) async fn batch_get(
        &self,
        hashes: &[&TokenHash],
        user_ids: &[&str],
    ) -> Result<Found, StoreError> {
        let token_keys = hashes.iter().map(|hash| (&self.tables.tokens, key(TOKEN_HASH, hash.as_str())));
        let user_keys = user_ids.iter().map(|id| (&self.tables.users, key(USER_ID, id)));
        let keys: Vec<_> = token_keys.chain(user_keys).collect();

        let mut found = Found::default();
        for chunk in keys.chunks(MAX_BATCH) {
            self.batch_get_chunk(chunk, &mut found).await?;
        }
        Ok(found)
    }

    async fn batch_get_chunk(&self, keys: &[(&String, Item)], found: &mut Found) -> Result<(), StoreError> {
        const OPERATION: &str = "read tokens and users";

        let mut keys_by_table: HashMap<&String, Vec<Item>> = HashMap::new();
        for (table, key) in keys {
            keys_by_table.entry(table).or_default().push(key.clone());
        }
        let mut requests = HashMap::new();
        for (table, keys) in keys_by_table {
            let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
            requests.insert(table.clone(), request.build().map_err(incomplete(OPERATION))?);
        }

        let mut pause = FIRST_PAUSE;
        for _ in 0..ROUNDS {
            let response = self
                .client
                .batch_get_item()
                .set_request_items(Some(requests))
                .send()
                .await
                .map_err(unavailable(OPERATION))?;
            self.collect(response.responses.unwrap_or_default(), found)?;

            // INVARIANT: an unprocessed key is requested again. If it counted as "not found", a
            // valid token would be denied whenever DynamoDB throttles.
            requests = response.unprocessed_keys.unwrap_or_default();
            if requests.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(StoreError::Unavailable { operation: OPERATION, reason: "keys remain unprocessed".to_owned() })
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
