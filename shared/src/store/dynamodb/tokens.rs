//! Single tokens: created, found by id, revoked.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use uuid::Uuid;

use super::items::{self, Item, TOKEN_HASH, USER_ID};
use super::{Store, despite_conflicts, incomplete, unavailable};
use crate::clock::Timestamp;
use crate::record::Revocation;
use crate::store::{Creation, Location, NewToken, OwnedToken, RevocationOutcome, StoreError};

const CREATE: &str = "create a token";

// Codes of cancellation reasons.
// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
const CONDITION_FAILED: &str = "ConditionalCheckFailed";
const CONFLICT: &str = "TransactionConflict";

impl Store {
    /// Stores a token and the item that finds it, if its owner exists and is not
    /// disabled: all of it or nothing.
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
                "attribute_exists(user_id) AND (attribute_not_exists(disabled) OR disabled = :no)",
            )
            .expression_attribute_values(":no", AttributeValue::Bool(false))
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
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(unavailable(CREATE)(error));
        };
        let mut codes =
            cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default());
        let (owner, token, id) = (codes.next(), codes.next(), codes.next());
        // The hash is of 190 random bits of our own: if it is there already, an earlier
        // attempt of this very call put it there, and its answer was lost.
        if token == Some(CONDITION_FAILED) || id == Some(CONDITION_FAILED) {
            Ok(Some(Creation::Created))
        } else if owner == Some(CONDITION_FAILED) {
            Ok(Some(Creation::OwnerRefused))
        } else if [owner, token, id].contains(&Some(CONFLICT)) {
            Ok(None)
        } else {
            Err(unavailable(CREATE)(error))
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

    /// A located token with its owner, as last written; None if it has been purged.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn show(&self, location: &Location) -> Result<Option<OwnedToken>, StoreError> {
        let mut found = self.batch_get(&[&location.hash], &[&location.owner_id]).await?;
        let owner = found.take_user(&location.owner_id);
        Ok(found.take_token(&location.hash).map(|token| OwnedToken { token, owner }))
    }

    /// Revokes a located token for good; the first revocation stays on record.
    /// `purge_at` is when the record may be forgotten.
    ///
    /// # Errors
    /// When storage does not answer. The token may have been revoked nevertheless.
    pub async fn revoke(
        &self,
        location: &Location,
        revocation: &Revocation,
        purge_at: Timestamp,
    ) -> Result<RevocationOutcome, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::text(location.hash.as_str()))
            .update_expression("SET revoked_at = :at, revoked_by = :by, purge_at = :purge_at")
            // A bare update would create the item again after TTL removed it.
            .condition_expression("attribute_exists(token_hash) AND attribute_not_exists(revoked_at)")
            .expression_attribute_values(":at", items::time(revocation.at))
            .expression_attribute_values(":by", items::text(&revocation.by))
            .expression_attribute_values(":purge_at", items::seconds(purge_at))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(_) => {
                self.purge_id_item_at(location.token_id, purge_at).await;
                Ok(RevocationOutcome::Revoked)
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let Some(item) = failed.item.clone() else { return Ok(RevocationOutcome::Gone) };
                    // Our own, by an attempt whose answer was lost: its second half is due.
                    if items::read_token(item)?.revoked.as_ref() == Some(revocation) {
                        self.purge_id_item_at(location.token_id, purge_at).await;
                    }
                    Ok(RevocationOutcome::AlreadyRevoked)
                }
                _ => Err(unavailable("revoke a token")(error)),
            },
        }
    }

    /// Lets the `id#` item be forgotten along with its token. The token is revoked by
    /// now, so a failure is no failure of the call: it leaves 200 bytes behind.
    async fn purge_id_item_at(&self, token_id: Uuid, purge_at: Timestamp) {
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
