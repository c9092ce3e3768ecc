//! Single tokens: locate by ID or hash, get, revoke.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use patgate_rules::clock::Timestamp;
use patgate_rules::token::TokenHash;
use patgate_rules::token_record::{Revocation, TokenRecord};
use patgate_rules::user::User;
use uuid::Uuid;

use crate::error::{StoreError, unavailable};
use crate::items::{self, TOKEN_HASH, USER_ID};
use crate::store::Store;

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
