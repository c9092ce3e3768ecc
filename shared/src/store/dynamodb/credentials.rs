//! For the authorizer: a token with its owner, and the mark of its use.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::items::{self, TOKEN_HASH};
use super::{Store, unavailable};
use crate::record::{LastUse, TokenRecord};
use crate::store::StoreError;
use crate::token::TokenHash;
use crate::user::User;

impl Store {
    /// A token and its owner, both as last written.
    ///
    /// With a `known_owner` (a token's owner never changes) both come in one request;
    /// otherwise the token comes first, and its owner with a second one.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn token_and_owner(
        &self,
        hash: &TokenHash,
        known_owner: Option<&str>,
    ) -> Result<(Option<TokenRecord>, Option<User>), StoreError> {
        if let Some(owner_id) = known_owner {
            let mut found = self.batch_get(&[hash], &[owner_id]).await?;
            return Ok((found.take_token(hash)?, found.take_user(owner_id)?));
        }
        let Some(token) = self.token(hash).await? else { return Ok((None, None)) };
        let owner = self.user(&token.user_id).await?;
        Ok((Some(token), owner))
    }

    async fn token(&self, hash: &TokenHash) -> Result<Option<TokenRecord>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::text(hash.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("read a token"))?;
        answer.item.map(items::read_token).transpose()
    }

    /// Writes down a use of a token that was read as `token`, unless another one has
    /// been written down since. Returns whether it was written.
    ///
    /// The condition makes several instances write once between them, loses no address,
    /// never moves the time backwards, and does not bring back a token that was purged.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn record_use(
        &self,
        hash: &TokenHash,
        token: &TokenRecord,
        last_use: &LastUse,
    ) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::text(hash.as_str()))
            .expression_attribute_values(":at", items::time(last_use.at))
            .expression_attribute_values(":seen_from", items::sightings(&token.seen_from_after(last_use)));
        let update = match &token.last_used {
            Some(before) => update
                .condition_expression("attribute_exists(token_hash) AND last_used_at <= :before")
                .expression_attribute_values(":before", items::time(before.at)),
            None => update
                .condition_expression("attribute_exists(token_hash) AND attribute_not_exists(last_used_at)"),
        };
        let update = match &last_use.ip {
            Some(ip) => update
                .update_expression("SET last_used_at = :at, last_used_ip = :ip, seen_from = :seen_from")
                .expression_attribute_values(":ip", items::text(ip)),
            // The address of an earlier use must not stand beside this one's time.
            None => {
                update.update_expression("SET last_used_at = :at, seen_from = :seen_from REMOVE last_used_ip")
            }
        };
        let update =
            update.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let Some(item) = failed.item.clone() else { return Ok(false) };
                    // Our own, by an attempt whose answer was lost.
                    Ok(items::read_token(item)?.last_used.as_ref() == Some(last_use))
                }
                _ => Err(unavailable("record a token's use")(error)),
            },
        }
    }
}
