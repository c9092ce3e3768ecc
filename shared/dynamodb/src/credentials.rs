//! Methods for the authorizer: read a token and its owner, and record a use.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use patgate_rules::token::TokenHash;
use patgate_rules::token_record::{LastUse, TokenRecord};
use patgate_rules::user::User;

use crate::error::{StoreError, unavailable};
use crate::items::{self, TOKEN_HASH};
use crate::store::Store;

impl Store {
    /// Reads a token and its owner, both as last written.
    ///
    /// With a `known_owner` this takes one request; without, it takes two: one for the
    /// token and one for its owner. The owner of a token never changes.
    ///
    /// # Errors
    /// When the store is unavailable, or a record is damaged.
    pub async fn get_token_and_owner(
        &self,
        hash: &TokenHash,
        known_owner: Option<&str>,
    ) -> Result<(Option<TokenRecord>, Option<User>), StoreError> {
        if let Some(owner_id) = known_owner {
            let mut found = self.batch_get(&[hash], &[owner_id]).await?;
            return Ok((found.take_token(hash)?, found.take_user(owner_id)?));
        }

        let Some(token) = self.get_token_by_hash(hash).await? else { return Ok((None, None)) };
        let owner = self.get_user(&token.user_id).await?;

        Ok((Some(token), owner))
    }

    async fn get_token_by_hash(&self, hash: &TokenHash) -> Result<Option<TokenRecord>, StoreError> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::text(hash.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("read a token"))?;

        response.item.map(items::read_token).transpose()
    }

    /// Records a use of a token that was read as `token`, unless another use has been
    /// recorded since. Returns whether it was recorded.
    ///
    /// The condition ensures that only one of several instances writes, that no address is
    /// lost, that the time never moves backwards, and that a purged record is not created
    /// again.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn record_use(
        &self,
        hash: &TokenHash,
        token: &TokenRecord,
        last_use: &LastUse,
    ) -> Result<bool, StoreError> {
        match self.use_update(hash, token, last_use).send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let Some(item) = failed.item.clone() else { return Ok(false) };
                    // It may be this use, written by an attempt whose response was lost.
                    Ok(items::read_token(item)?.last_used.as_ref() == Some(last_use))
                }
                _ => Err(unavailable("record a token's use")(error)),
            },
        }
    }

    fn use_update(
        &self,
        hash: &TokenHash,
        token: &TokenRecord,
        last_use: &LastUse,
    ) -> UpdateItemFluentBuilder {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::text(hash.as_str()))
            .expression_attribute_values(":at", items::time(last_use.at))
            .expression_attribute_values(":seen_from", items::sightings(&token.seen_from_after(last_use)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);

        let update = match &token.last_used {
            Some(before) => update
                .condition_expression("attribute_exists(token_hash) AND last_used_at <= :before")
                .expression_attribute_values(":before", items::time(before.at)),
            None => update
                .condition_expression("attribute_exists(token_hash) AND attribute_not_exists(last_used_at)"),
        };

        match &last_use.ip {
            Some(ip) => update
                .update_expression("SET last_used_at = :at, last_used_ip = :ip, seen_from = :seen_from")
                .expression_attribute_values(":ip", items::text(ip)),
            // The address of an earlier use must not be shown with the time of this one.
            None => {
                update.update_expression("SET last_used_at = :at, seen_from = :seen_from REMOVE last_used_ip")
            }
        }
    }
}
