//! Single tokens: create, locate by ID or hash, get, revoke.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, Select, TransactWriteItem,
};
use patgate_rules::clock::Timestamp;
use patgate_rules::token::TokenHash;
use patgate_rules::token_record::{Revocation, TokenRecord};
use patgate_rules::user::User;
use uuid::Uuid;

use crate::conflicts::{CONDITION_FAILED, CONFLICT, Retries, cancellation_reasons, codes, retry_conflicts};
use crate::error::{StoreError, incomplete, unavailable};
use crate::items::{self, Item, TOKEN_HASH, USER_ID, USER_INDEX};
use crate::store::Store;

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
    /// The first characters of the token.
    pub prefix: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// When the record of the expired token may be deleted. `None` if it does not expire.
    pub purge_at: Option<Timestamp>,
}

/// The outcome of a creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreationOutcome {
    /// The token, and its owner as they were checked.
    Created(Box<OwnedToken>),
    /// The owner is unknown or disabled. Nothing was stored.
    OwnerNotAllowed,
}

/// Where a token is stored, and who owns it.
#[derive(Debug)]
pub struct TokenLocation {
    pub token_id: Uuid,
    pub owner_id: String,
    pub(crate) hash: TokenHash,
}

/// A token and its owner, both as last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedToken {
    pub token: TokenRecord,
    /// `None` if the user's record is missing.
    pub owner: Option<User>,
}

/// The outcome of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationOutcome {
    Revoked,
    /// It had been revoked before. The record keeps the first revocation.
    AlreadyRevoked,
    /// The record has been deleted since the token was located.
    Purged,
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

        let response = self
            .client
            .transact_write_items()
            .transact_items(self.owner_check(&record)?)
            .transact_items(self.put(items::token_item(new, &record))?)
            .transact_items(self.put(items::lookup_item(new))?)
            .send()
            .await;
        let Err(error) = response else {
            let created = OwnedToken { token: record, owner: Some(owner) };
            return Ok(Some(CreationOutcome::Created(Box::new(created))));
        };

        match codes(cancellation_reasons(&error))[..] {
            // The next attempt reads the owner again, and finds out what changed.
            [CONDITION_FAILED, "None", "None"] => Ok(None),
            ref codes if codes.contains(&CONFLICT) => Ok(None),
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

    /// Locates a token by its ID.
    ///
    /// # Errors
    /// When the store is unavailable, or the lookup item is damaged.
    pub async fn locate_token(&self, token_id: Uuid) -> Result<Option<TokenLocation>, StoreError> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::lookup_key(token_id))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("locate a token"))?;

        let Some(item) = response.item else { return Ok(None) };
        let (hash, owner_id) = items::read_lookup_item(item)?;

        Ok(Some(TokenLocation { token_id, hash, owner_id }))
    }

    /// Locates those of these tokens that exist and are not revoked.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn locate_unrevoked_tokens(
        &self,
        hashes: &BTreeSet<TokenHash>,
    ) -> Result<Vec<TokenLocation>, StoreError> {
        let keys: Vec<_> = hashes.iter().collect();
        let mut found = self.batch_get(&keys, &[]).await?;

        let mut located = Vec::new();
        for hash in hashes {
            let Some(mut item) = found.take_token_item(hash) else { continue };
            if item.contains_key("revoked_at") {
                continue;
            }

            // Only these two attributes are needed, so damage to others does not matter.
            let owner_id = items::required(&mut item, USER_ID);
            match owner_id.and_then(|owner_id| Ok((owner_id, items::required_token_id(&mut item)?))) {
                Ok((owner_id, token_id)) => {
                    located.push(TokenLocation { token_id, owner_id, hash: hash.clone() });
                }
                // The authorizer denies this token, and it must not keep the others alive.
                Err(error) => tracing::error!(%error, "skipped a token with a damaged record"),
            }
        }

        Ok(located)
    }

    /// Reads a located token and its owner, both as last written. Returns `None` if the
    /// token has been purged.
    ///
    /// # Errors
    /// When the store is unavailable, or a record is damaged.
    pub async fn get_token(&self, location: &TokenLocation) -> Result<Option<OwnedToken>, StoreError> {
        let mut found = self.batch_get(&[&location.hash], &[&location.owner_id]).await?;
        let owner = found.take_user(&location.owner_id)?;
        Ok(found.take_token(&location.hash)?.map(|token| OwnedToken { token, owner }))
    }

    /// Revokes a located token permanently. The record keeps the first revocation.
    ///
    /// `purge_at` is when the record may be deleted. [`Store::expire_lookup_item`] sets the
    /// same time on the lookup item, and may be called later.
    ///
    /// # Errors
    /// When the store is unavailable. The token may have been revoked nevertheless.
    pub async fn revoke_token(
        &self,
        location: &TokenLocation,
        revocation: &Revocation,
        purge_at: Timestamp,
    ) -> Result<RevocationOutcome, StoreError> {
        let mut set = vec!["revoked_at = :at", "revocation_reason = :reason", "purge_at = :purge_at"];
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::text(location.hash.as_str()))
            // Without this condition, the update would create the item again after TTL deleted it.
            .condition_expression("attribute_exists(token_hash) AND attribute_not_exists(revoked_at)")
            .expression_attribute_values(":at", items::time(revocation.at))
            .expression_attribute_values(":reason", items::text(revocation.reason.as_str()))
            .expression_attribute_values(":purge_at", items::seconds(purge_at))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(by) = &revocation.by {
            set.push("revoked_by = :by");
            update = update.expression_attribute_values(":by", items::text(by));
        }

        match update.update_expression(format!("SET {}", set.join(", "))).send().await {
            Ok(_) => Ok(RevocationOutcome::Revoked),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let Some(item) = failed.item.clone() else { return Ok(RevocationOutcome::Purged) };
                    // It may be this revocation, written by an attempt whose response was lost.
                    Ok(match items::read_token(item)?.revoked.as_ref() == Some(revocation) {
                        true => RevocationOutcome::Revoked,
                        false => RevocationOutcome::AlreadyRevoked,
                    })
                }
                _ => Err(unavailable("revoke a token")(error)),
            },
        }
    }

    /// Sets when the lookup item of a revoked token may be deleted. A failure does not affect
    /// the revocation: it leaves 200 bytes in the table.
    pub async fn expire_lookup_item(&self, location: &TokenLocation, purge_at: Timestamp) {
        let token_id = location.token_id;
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::lookup_key(token_id))
            .update_expression("SET purge_at = :purge_at")
            .condition_expression("attribute_exists(token_hash)")
            .expression_attribute_values(":purge_at", items::seconds(purge_at));

        if let Err(error) = update.send().await {
            let error = unavailable("expire a lookup item")(error);
            tracing::warn!(%token_id, %error, "the lookup item of a revoked token stays in the table");
        }
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
            prefix: self.prefix.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked: None,
            last_used: None,
            seen_from: Vec::new(),
        }
    }
}
