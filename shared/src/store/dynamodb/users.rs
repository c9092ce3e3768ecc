//! Users: read, and kept in step with their sessions.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::items::{self, Item, USER_ID};
use super::{Store, despite_conflicts, unavailable};
use crate::clock::Timestamp;
use crate::store::{SignIn, SignedIn, StoreError};
use crate::user::User;

const UPDATED_AT: &str = "updated_at";
const SIGN_IN: &str = "record a sign-in";

impl Store {
    /// A user as last written.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn user(&self, user_id: &str) -> Result<Option<User>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(user_id))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("read a user"))?;
        answer.item.map(items::read_user).transpose()
    }

    /// Brings a user's record up to a session and returns it as it then is.
    ///
    /// Only a session newer than the record writes, so that one issued before a role
    /// was taken away cannot bring the role back; a session already on record costs a
    /// read and no write.
    ///
    /// # Errors
    /// When storage does not answer.
    pub async fn record_sign_in(&self, sign_in: &SignIn<'_>, now: Timestamp) -> Result<SignedIn, StoreError> {
        let before = match self.user(sign_in.user_id).await? {
            Some(user) if recorded(&user, sign_in).is_some_and(|recorded| recorded >= sign_in.issued_at) => {
                return Ok(SignedIn { user, changed_roles: false });
            }
            before => before,
        };
        let (item, is_ours) = despite_conflicts(SIGN_IN, || self.write_sign_in(sign_in, now)).await?;
        let user = items::read_user(item)?;
        let set = |user: &User| user.roles.iter().cloned().collect::<BTreeSet<_>>();
        let is_change = before.is_none_or(|before| set(&before) != set(&user));
        let changed_roles = is_ours && sign_in.roles.is_some() && is_change;
        Ok(SignedIn { user, changed_roles })
    }

    /// The record as it is after the attempt, and whether the attempt wrote it; None if a
    /// creation of one of the user's tokens was checking it at that moment.
    async fn write_sign_in(
        &self,
        sign_in: &SignIn<'_>,
        now: Timestamp,
    ) -> Result<Option<(Item, bool)>, StoreError> {
        let mut set = vec!["#name = :name", "last_sign_in_at = :issued", "updated_at = :now"];
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(sign_in.user_id))
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":name", items::text(sign_in.name))
            .expression_attribute_values(":issued", items::time(sign_in.issued_at))
            .expression_attribute_values(":now", items::time(now))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(email) = sign_in.email {
            set.push("email = :email");
            update = update.expression_attribute_values(":email", items::text(email));
        }
        update = match sign_in.roles {
            Some(roles) => {
                set.extend(["#roles = :roles", "roles_as_of = :issued"]);
                update
                    .expression_attribute_names("#roles", "roles")
                    .expression_attribute_values(":roles", items::texts(roles))
                    .condition_expression("attribute_not_exists(roles_as_of) OR roles_as_of < :issued")
            }
            None => update
                .condition_expression("attribute_not_exists(last_sign_in_at) OR last_sign_in_at < :issued"),
        };
        let answer = update.update_expression(format!("SET {}", set.join(", "))).send().await;
        let corrupt = StoreError::Corrupt { attribute: USER_ID };
        match answer {
            Ok(answer) => answer.attributes.ok_or(corrupt).map(|item| Some((item, true))),
            Err(error) => match error.as_service_error() {
                // A newer session came first: its record, as it was at that moment. Or our
                // own, by an attempt whose answer was lost.
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let item = failed.item.clone().ok_or(corrupt)?;
                    let is_ours = item.get(UPDATED_AT) == Some(&items::time(now));
                    Ok(Some((item, is_ours)))
                }
                Some(UpdateItemError::TransactionConflictException(_)) => Ok(None),
                _ => Err(unavailable(SIGN_IN)(error)),
            },
        }
    }
}

/// The time of the session that the record was last brought up to.
fn recorded(user: &User, sign_in: &SignIn<'_>) -> Option<Timestamp> {
    match sign_in.roles {
        Some(_) => user.roles_as_of,
        None => user.last_sign_in_at,
    }
}
