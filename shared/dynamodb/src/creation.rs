//! Creation of tokens, and the count that limits it.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, Select, TransactWriteItem};
use patgate_rules::clock::Timestamp;
use patgate_rules::idempotency::{EarlierCreation, Idempotency, IdempotencyKey};
use patgate_rules::token::TokenHash;
use patgate_rules::token_record::TokenRecord;
use uuid::Uuid;

use crate::conflicts::{CONDITION_FAILED, CONFLICT, Retries, cancellation_reasons, codes, retry_conflicts};
use crate::error::{StoreError, incomplete, unavailable};
use crate::items::{self, Item, TOKEN_HASH, USER_ID, USER_INDEX};
use crate::store::Store;
use crate::tokens::OwnedToken;

const CREATE: &str = "create a token";

/// A token to be stored.
#[derive(Debug)]
pub struct NewToken {
    pub hash: TokenHash,
    /// A UUIDv7 of `created_at`.
    pub token_id: Uuid,
    /// The owner.
    pub user_id: String,
    pub name: String,
    pub description: Option<String>,
    /// The first characters of the token.
    pub prefix: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// When the record of the expired token may be deleted. `None` if it does not expire.
    pub purge_at: Option<Timestamp>,
    /// With a key, the creation succeeds once within [`MAX_AGE`](patgate_rules::idempotency::MAX_AGE).
    pub idempotency: Option<Idempotency>,
}

/// The outcome of a creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreationOutcome {
    /// The token, and its owner as they were checked.
    Created(Box<OwnedToken>),
    /// The owner is unknown or disabled. Nothing was stored.
    OwnerNotAllowed,
    /// Another creation with this key succeeded. Nothing was stored.
    KeyUsed(EarlierCreation),
}

impl Store {
    /// Stores a token and its lookup item in one transaction, if the owner exists and is not
    /// disabled. The token gets the owner's generation.
    ///
    /// INVARIANT: the transaction checks that the generation is still the owner's. A token
    /// that is stored before all of the owner's tokens are revoked is therefore revoked with
    /// them, and one that is stored afterwards works, whatever the clocks say.
    ///
    /// # Errors
    /// When the store is unavailable, or the owner's record is damaged. The token may have
    /// been stored nevertheless. In that case its secret is lost, and its owner sees it in
    /// the list as never used.
    pub async fn create_token(&self, new: &NewToken) -> Result<CreationOutcome, StoreError> {
        retry_conflicts(CREATE, Retries::Usual, || self.try_create_token(new)).await
    }

    /// Makes one attempt. Returns `None` if another write to the same user or token was in
    /// progress, or if all of the owner's tokens were revoked during the attempt.
    async fn try_create_token(&self, new: &NewToken) -> Result<Option<CreationOutcome>, StoreError> {
        let owner = self.get_user(&new.user_id).await?.filter(|owner| !owner.disabled);
        // Every sign-in gives the user's record a generation.
        let Some((generation, owner)) = owner.and_then(|owner| Some((owner.token_generation?, owner))) else {
            return Ok(Some(CreationOutcome::OwnerNotAllowed));
        };
        let record = new.record(generation);

        let mut transaction = self
            .client
            .transact_write_items()
            .transact_items(self.owner_check(&record)?)
            .transact_items(self.put(items::token_item(new, &record))?)
            .transact_items(self.put(items::lookup_item(new))?);
        if let Some(idempotency) = &new.idempotency {
            transaction = transaction.transact_items(self.put_idempotency(idempotency, new)?);
        }
        let Err(error) = transaction.send().await else {
            let created = OwnedToken { token: record, owner: Some(owner) };
            return Ok(Some(CreationOutcome::Created(Box::new(created))));
        };

        match codes(cancellation_reasons(&error))[..] {
            // The next attempt reads the owner again, and finds out what changed.
            [CONDITION_FAILED, "None", "None", ..] => Ok(None),
            ref codes if codes.contains(&CONFLICT) => Ok(None),
            // If it has become too old since, the next attempt replaces it.
            [_, _, _, CONDITION_FAILED] => self.creation_with_the_key_of(new).await,
            _ => Err(unavailable(CREATE)(error)),
        }
    }

    /// The check that the owner exists, is enabled, and still has the token's generation.
    fn owner_check(&self, record: &TokenRecord) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(&record.user_id))
            .condition_expression(
                "token_generation = :generation AND (attribute_not_exists(disabled) OR disabled = :no)",
            )
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":generation", items::count(record.generation))
            .build()
            .map_err(incomplete(CREATE))?;

        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// What a creation with this key created. `None` if there was none, or it is too old.
    ///
    /// # Errors
    /// When the store is unavailable, or the item is damaged.
    pub async fn get_creation(
        &self,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<EarlierCreation>, StoreError> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::idempotency_key(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("look for an earlier creation"))?;

        let Some(item) = response.item else { return Ok(None) };
        items::read_idempotency_item(item, now)
    }

    async fn creation_with_the_key_of(&self, new: &NewToken) -> Result<Option<CreationOutcome>, StoreError> {
        let Some(idempotency) = &new.idempotency else { return Ok(None) };
        let earlier = self.get_creation(&idempotency.key, new.created_at).await?;
        Ok(earlier.map(CreationOutcome::KeyUsed))
    }

    /// The item that makes a second creation with the same key fail.
    fn put_idempotency(
        &self,
        idempotency: &Idempotency,
        new: &NewToken,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.tokens)
            .set_item(Some(items::idempotency_item(idempotency, new.token_id, new.created_at)))
            .condition_expression("attribute_not_exists(token_hash) OR purge_at <= :now")
            .expression_attribute_values(":now", items::seconds(new.created_at))
            .build()
            .map_err(incomplete(CREATE))?;

        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn put(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.tokens)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(token_hash)")
            .build()
            .map_err(incomplete(CREATE))?;

        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Counts the tokens of a user that are on record, whatever their status, up to `at_most`.
    ///
    /// The index that it counts lags, so the number may be too low after a burst of
    /// creations.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn count_tokens(&self, user_id: &str, at_most: u16) -> Result<u16, StoreError> {
        let response = self
            .client
            .query()
            .table_name(&self.tables.tokens)
            .index_name(USER_INDEX)
            .select(Select::Count)
            .key_condition_expression("user_id = :user_id")
            .expression_attribute_values(":user_id", items::text(user_id))
            .limit(at_most.into())
            .send()
            .await
            .map_err(unavailable("count a user's tokens"))?;

        Ok(u16::try_from(response.count).unwrap_or(at_most))
    }
}

impl NewToken {
    /// The record that is stored for this token.
    pub(crate) fn record(&self, generation: u64) -> TokenRecord {
        TokenRecord {
            token_id: self.token_id,
            user_id: self.user_id.clone(),
            generation,
            name: self.name.clone(),
            description: self.description.clone(),
            prefix: self.prefix.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked: None,
            last_used: None,
            seen_from: Vec::new(),
        }
    }
}
