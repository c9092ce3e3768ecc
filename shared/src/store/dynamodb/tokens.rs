//! Single tokens: created, found by id, revoked.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use uuid::Uuid;

use super::items::{self, Item, TOKEN_HASH, USER_ID};
use super::{
    CONDITION_FAILED, CONFLICT, Store, cancellation_reasons, codes, despite_conflicts, incomplete,
    unavailable,
};
use crate::clock::Timestamp;
use crate::record::Revocation;
use crate::store::{Creation, Location, NewToken, OwnedToken, RevocationOutcome, StoreError};
use crate::token::TokenHash;

const CREATE: &str = "create a token";

impl Store {
    /// Stores a token and the item that finds it, if its owner exists, is not disabled
    /// and has not revoked it in advance: all of it or nothing.
    ///
    /// INVARIANT: whoever is told that a token was created holds one that works. The
    /// clocks of two functions differ, so a token could be created after its owner's
    /// were revoked and yet seem older than that.
    ///
    /// # Errors
    /// When storage does not answer. The token may have been stored nevertheless;
    /// nobody knows it then, and its owner sees it in the list as never used.
    pub async fn create(&self, new: &NewToken) -> Result<Creation, StoreError> {
        despite_conflicts(CREATE, || self.try_create(new)).await
    }

    /// One attempt; None if another write to the same user or token was under way.
    async fn try_create(&self, new: &NewToken) -> Result<Option<Creation>, StoreError> {
        let owner_may = ConditionCheck::builder()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(&new.record.user_id))
            .condition_expression(
                "attribute_exists(user_id) AND (attribute_not_exists(disabled) OR disabled = :no) \
                 AND (attribute_not_exists(tokens_valid_after) OR tokens_valid_after < :created_at)",
            )
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":created_at", items::time(new.record.created_at))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(incomplete(CREATE))?;
        let answer = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().condition_check(owner_may).build())
            .transact_items(self.put(items::token_item(new))?)
            .transact_items(self.put(items::id_item(new))?)
            .send()
            .await;
        let Err(error) = answer else { return Ok(Some(Creation::Created)) };
        let reasons = cancellation_reasons(&error);
        match codes(reasons)[..] {
            // The hash is of 190 random bits of our own: if both are there already, an earlier
            // attempt of this very call put them there, and its answer was lost.
            [_, CONDITION_FAILED, CONDITION_FAILED] => Ok(Some(Creation::Created)),
            [CONDITION_FAILED, "None", "None"] => {
                let owner = reasons.first().and_then(|reason| reason.item().cloned());
                refusal(owner, new.record.created_at).map(Some)
            }
            ref codes if codes.contains(&CONFLICT) => Ok(None),
            _ => Err(unavailable(CREATE)(error)),
        }
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

    /// Finds where a token lies and whose it is, by its id.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn locate(&self, token_id: Uuid) -> Result<Option<Location>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::id_key(token_id))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("find a token"))?;
        let Some(item) = answer.item else { return Ok(None) };
        let (hash, owner_id) = items::read_id_item(item)?;
        Ok(Some(Location { token_id, hash, owner_id }))
    }

    /// Finds which of these tokens there are and are not revoked yet.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn locate_unrevoked(&self, hashes: &BTreeSet<TokenHash>) -> Result<Vec<Location>, StoreError> {
        let keys: Vec<_> = hashes.iter().collect();
        let mut found = self.batch_get(&keys, &[]).await?;
        let mut located = Vec::new();
        for hash in hashes {
            let Some(mut item) = found.take_token_item(hash) else { continue };
            if item.contains_key("revoked_at") {
                continue;
            }
            // Nothing else of the record matters here, and nothing else is to be in the way.
            let owner_id = items::required(&mut item, USER_ID);
            match owner_id.and_then(|owner_id| Ok((owner_id, items::required_id(&mut item)?))) {
                Ok((owner_id, token_id)) => located.push(Location { token_id, hash: hash.clone(), owner_id }),
                // It lets nobody in either, and must not keep the others alive.
                Err(error) => tracing::error!(%error, "a token's record is damaged; it is left out"),
            }
        }
        Ok(located)
    }

    /// A located token with its owner, as last written; None if it has been purged.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn show(&self, location: &Location) -> Result<Option<OwnedToken>, StoreError> {
        let mut found = self.batch_get(&[&location.hash], &[&location.owner_id]).await?;
        let owner = found.take_user(&location.owner_id)?;
        Ok(found.take_token(&location.hash)?.map(|token| OwnedToken { token, owner }))
    }

    /// Revokes a located token for good; the first revocation stays on record.
    /// `purge_at` is when the record may be forgotten; the item that finds it is left to
    /// [`Store::purge_finding_item_at`], since it may take its time.
    ///
    /// # Errors
    /// When storage does not answer. The token may have been revoked nevertheless.
    pub async fn revoke(
        &self,
        location: &Location,
        revocation: &Revocation,
        purge_at: Timestamp,
    ) -> Result<RevocationOutcome, StoreError> {
        let mut set = vec!["revoked_at = :at", "revocation_reason = :reason", "purge_at = :purge_at"];
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::text(location.hash.as_str()))
            // A bare update would create the item again after TTL removed it.
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
                    let Some(item) = failed.item.clone() else { return Ok(RevocationOutcome::Gone) };
                    // Our own may be there, by an attempt whose answer was lost.
                    Ok(match items::read_token(item)?.revoked.as_ref() == Some(revocation) {
                        true => RevocationOutcome::Revoked,
                        false => RevocationOutcome::AlreadyRevoked,
                    })
                }
                _ => Err(unavailable("revoke a token")(error)),
            },
        }
    }

    /// Lets the item that finds a token be forgotten along with the token, once that is
    /// revoked. A failure is no failure of the revocation: it leaves 200 bytes behind.
    pub async fn purge_finding_item_at(&self, location: &Location, purge_at: Timestamp) {
        let token_id = location.token_id;
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::id_key(token_id))
            .update_expression("SET purge_at = :purge_at")
            .condition_expression("attribute_exists(token_hash)")
            .expression_attribute_values(":purge_at", items::seconds(purge_at));
        if let Err(error) = update.send().await {
            let error = unavailable("schedule an id item's purge")(error);
            tracing::warn!(%token_id, %error, "a revoked token's id item stays behind");
        }
    }
}

/// Why an owner, as they were at that moment, may not have a token.
fn refusal(owner: Option<Item>, created_at: Timestamp) -> Result<Creation, StoreError> {
    let owner = owner.filter(|item| !item.is_empty()).map(items::read_user).transpose()?;
    let Some(owner) = owner.filter(|owner| !owner.disabled) else { return Ok(Creation::OwnerRefused) };
    match owner.tokens_valid_after {
        Some(tokens_valid_after) if tokens_valid_after >= created_at => {
            Ok(Creation::Superseded { tokens_valid_after })
        }
        // Written by hand, in a form that does not compare as text.
        _ => Err(StoreError::Corrupt { attribute: "tokens_valid_after" }),
    }
}
