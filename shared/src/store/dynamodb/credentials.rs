//! For the authorizer: a token with its owner, and the mark of its use.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

use super::items::{self, TOKEN_HASH};
use super::{Store, unavailable};
use crate::clock::Timestamp;
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
            return Ok((found.take_token(hash), found.take_user(owner_id)));
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

    /// Writes down a use, unless one is on record since `unless_used_since`. Returns
    /// whether it was written.
    ///
    /// The condition makes several instances write once between them, never moves
    /// the time backwards, and does not bring back a token that was purged.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn record_use(
        &self,
        hash: &TokenHash,
        last_use: &LastUse,
        unless_used_since: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::text(hash.as_str()))
            .condition_expression(
                "attribute_exists(token_hash) AND (attribute_not_exists(last_used_at) OR last_used_at <= :since)",
            )
            .expression_attribute_values(":since", items::time(unless_used_since))
            .expression_attribute_values(":at", items::time(last_use.at));
        let update = match &last_use.ip {
            Some(ip) => update
                .update_expression("SET last_used_at = :at, last_used_ip = :ip")
                .expression_attribute_values(":ip", items::text(ip)),
            // The address of an earlier use must not stand beside this one's time.
            None => update.update_expression("SET last_used_at = :at REMOVE last_used_ip"),
        };
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(unavailable("record a token's use")(error)),
        }
    }
}
