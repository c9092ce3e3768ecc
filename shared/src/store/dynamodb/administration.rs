//! For administrators: users listed, changed, and cut off from all their tokens.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use chrono::TimeDelta;

use super::items::{self, USER_ID};
use super::lists::readable;
use super::{
    CONDITION_FAILED, CONFLICT, Store, cancellation_reasons, codes, despite_conflicts, incomplete,
    unavailable,
};
use crate::clock::Timestamp;
use crate::store::{StoreError, UserChange, UserChangeOutcome, UserPage};

const CHANGE: &str = "change a user";
const REVOKE_ALL: &str = "revoke a user's tokens";

/// How far the clocks of two functions may be apart; Lambda's are by milliseconds.
const CLOCK_DIFFERENCE: TimeDelta = TimeDelta::seconds(1);
const REVOKE_ALL_ATTEMPTS: u32 = 3;

/// An administrator who is not disabled. `contains` looks into lists and sets alike.
const IS_ADMINISTRATOR: &str = "contains(#roles, :admin_role) \
    AND (attribute_not_exists(disabled) OR disabled = :no)";

impl Store {
    /// Up to `limit` users after the one called `after`, in no order that people know:
    /// they come as the table holds them. Consistent, so that a change just made shows.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn list_users(&self, after: Option<&str>, limit: usize) -> Result<UserPage, StoreError> {
        let mut scan = self
            .client
            .scan()
            .table_name(&self.tables.users)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        if let Some(after) = after {
            scan = scan.exclusive_start_key(USER_ID, items::text(after));
        }
        let answer = scan.send().await.map_err(unavailable("list users"))?;
        let next = answer.last_evaluated_key.map(|mut key| items::required(&mut key, USER_ID)).transpose()?;
        let mut users = Vec::new();
        for item in answer.items.unwrap_or_default() {
            let user_id = items::user_id(&item)?;
            users.extend(readable(items::read_user(item).map(Some), &user_id));
        }
        Ok(UserPage { users, next })
    }

    /// Changes a user, if whoever asks is an administrator still.
    ///
    /// INVARIANT: the administrator is checked by the write itself. Of two who disable
    /// each other in the same moment, one remains.
    ///
    /// # Errors
    /// When storage does not answer. The user may have been changed nevertheless.
    pub async fn change_user(
        &self,
        change: &UserChange<'_>,
        now: Timestamp,
    ) -> Result<UserChangeOutcome, StoreError> {
        despite_conflicts(CHANGE, || self.try_change_user(change, now)).await
    }

    async fn try_change_user(
        &self,
        change: &UserChange<'_>,
        now: Timestamp,
    ) -> Result<Option<UserChangeOutcome>, StoreError> {
        let is_own = change.user_id == change.by;
        // One transaction cannot hold two acts on one item.
        let answer = match is_own {
            true => self.client.transact_write_items(),
            false => self.client.transact_write_items().transact_items(self.still_administrator(change)?),
        };
        let answer = answer.transact_items(self.user_update(change, is_own, now)?).send().await;
        let Err(error) = answer else { return Ok(Some(UserChangeOutcome::Changed)) };
        match codes(cancellation_reasons(&error))[..] {
            // The check, or one's own update with the check in it, comes first.
            [CONDITION_FAILED, ..] => Ok(Some(UserChangeOutcome::NotAdministrator)),
            [_, CONDITION_FAILED] => Ok(Some(UserChangeOutcome::NoSuchUser)),
            ref codes if codes.contains(&CONFLICT) => Ok(None),
            _ => Err(unavailable(CHANGE)(error)),
        }
    }

    fn still_administrator(&self, change: &UserChange<'_>) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(change.by))
            .condition_expression(IS_ADMINISTRATOR)
            .expression_attribute_names("#roles", "roles")
            .expression_attribute_values(":admin_role", items::text(change.admin_role))
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .build()
            .map_err(incomplete(CHANGE))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn user_update(
        &self,
        change: &UserChange<'_>,
        is_own: bool,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut set = vec!["updated_at = :now"];
        let mut condition = "attribute_exists(user_id)".to_owned();
        let mut update = Update::builder()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(change.user_id))
            .expression_attribute_values(":now", items::time(now));
        if let Some(disabled) = change.disabled {
            set.push("disabled = :disabled");
            update = update.expression_attribute_values(":disabled", AttributeValue::Bool(disabled));
        }
        if let Some(roles) = change.roles {
            // Should a claim rule the roles one day, older sessions must not undo this.
            set.extend(["#roles = :roles", "roles_as_of = :now"]);
            update = update.expression_attribute_values(":roles", items::texts(roles));
        }
        if is_own {
            condition = format!("{condition} AND {IS_ADMINISTRATOR}");
            update = update
                .expression_attribute_values(":admin_role", items::text(change.admin_role))
                .expression_attribute_values(":no", AttributeValue::Bool(false));
        }
        if is_own || change.roles.is_some() {
            update = update.expression_attribute_names("#roles", "roles");
        }
        let update = update
            .update_expression(format!("SET {}", set.join(", ")))
            .condition_expression(condition)
            .build()
            .map_err(incomplete(CHANGE))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Revokes all tokens that a user has by now, with one write, however many they
    /// are. Returns whether there is such a user.
    ///
    /// # Errors
    /// When storage does not answer. The tokens may have been revoked nevertheless.
    pub async fn revoke_all_tokens(
        &self,
        user_id: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // A token may have been created by a function whose clock is ahead of this one's.
        let mut valid_after = now + CLOCK_DIFFERENCE;
        for _ in 0..REVOKE_ALL_ATTEMPTS {
            let attempt = || self.try_revoke_all_tokens(user_id, by, now, valid_after);
            match despite_conflicts(REVOKE_ALL, attempt).await? {
                RevokedAll::Done => return Ok(true),
                RevokedAll::NoSuchUser => return Ok(false),
                // Never backwards, which would bring tokens back to life; and never left as
                // it is, for there may be tokens younger than that.
                RevokedAll::Behind(stored) => valid_after = stored + TimeDelta::milliseconds(1),
            }
        }
        Err(StoreError::Unavailable { operation: REVOKE_ALL, reason: "others do the same".to_owned() })
    }

    async fn try_revoke_all_tokens(
        &self,
        user_id: &str,
        by: &str,
        now: Timestamp,
        valid_after: Timestamp,
    ) -> Result<Option<RevokedAll>, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(user_id))
            .update_expression(
                "SET tokens_valid_after = :valid_after, tokens_revoked_at = :now, tokens_revoked_by = :by, \
                 updated_at = :now",
            )
            .condition_expression(
                "attribute_exists(user_id) \
                 AND (attribute_not_exists(tokens_valid_after) OR tokens_valid_after < :valid_after)",
            )
            .expression_attribute_values(":valid_after", items::time(valid_after))
            .expression_attribute_values(":now", items::time(now))
            .expression_attribute_values(":by", items::text(by))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = answer else { return Ok(Some(RevokedAll::Done)) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                let Some(item) = failed.item.clone() else { return Ok(Some(RevokedAll::NoSuchUser)) };
                let stored = items::read_user(item)?.tokens_valid_after;
                let stored = stored.ok_or(StoreError::Corrupt { attribute: "tokens_valid_after" })?;
                Ok(Some(RevokedAll::Behind(stored)))
            }
            Some(UpdateItemError::TransactionConflictException(_)) => Ok(None),
            _ => Err(unavailable(REVOKE_ALL)(error)),
        }
    }
}

/// What came of revoking all of a user's tokens.
enum RevokedAll {
    Done,
    NoSuchUser,
    /// Everything up to this later time is revoked already.
    Behind(Timestamp),
}
