//! Methods for administrators: list users, change a user, revoke all tokens of a user.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem, Update};
use patgate_rules::clock::Timestamp;
use patgate_rules::user::{User, UserFilter};
use patgate_rules::version::{Expected, Version};

use crate::conflicts::{CONDITION_FAILED, CONFLICT, Retries, cancellation_reasons, codes, retry_conflicts};
use crate::error::{StoreError, incomplete, unavailable};
use crate::items::{self, Item, USER_ID};
use crate::lists::skip_damaged;
use crate::store::Store;
use crate::users::random_generation;

/// How many users a page with a filter examines.
const FILTERED_USERS: usize = 100;
const CHANGE: &str = "change a user";
const REVOKE_ALL: &str = "revoke a user's tokens";

/// The condition of an administrator who is not disabled. `contains` works on lists and on
/// sets.
const IS_ADMINISTRATOR: &str = "contains(#roles, :admin_role) \
    AND (attribute_not_exists(disabled) OR disabled = :no)";

/// One page of users.
#[derive(Debug)]
pub struct UserPage {
    pub users: Vec<User>,
    /// Where the next page starts. `None` if this is the last page.
    pub next: Option<String>,
}

/// A change that an administrator makes to a user. `None` means unchanged.
#[derive(Debug, Clone, Copy)]
pub struct UserChange<'a> {
    pub user_id: &'a str,
    pub disabled: Option<bool>,
    pub roles: Option<&'a [String]>,
    /// The administrator's user ID.
    pub by: &'a str,
    /// The role that makes a user an administrator.
    pub admin_role: &'a str,
    /// The versions in which the user may be changed. `None` means any, and costs no read.
    pub expected: Option<&'a Expected>,
}

/// The outcome of a change to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserChangeOutcome {
    Changed,
    NoSuchUser,
    /// At the time of the write, the caller was disabled or not an administrator.
    NotAdministrator,
    /// The user has this version, which is not an expected one.
    VersionChanged(Version),
}

impl Store {
    /// Lists up to `limit` users after the user with the ID `after`, in the order of the
    /// table, which has no meaning. The read is consistent, so that it shows every change
    /// made before. With a filter, the page examines 100 users, and may be short.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn list_users(
        &self,
        after: Option<&str>,
        limit: usize,
        filter: &UserFilter,
    ) -> Result<UserPage, StoreError> {
        let examined = if filter.is_empty() { limit } else { FILTERED_USERS };
        let mut scan = self
            .client
            .scan()
            .table_name(&self.tables.users)
            .consistent_read(true)
            .limit(i32::try_from(examined).unwrap_or(i32::MAX));
        if let Some(after) = after {
            scan = scan.exclusive_start_key(USER_ID, items::text(after));
        }
        let response = scan.send().await.map_err(unavailable("list users"))?;

        let next =
            response.last_evaluated_key.map(|mut key| items::required(&mut key, USER_ID)).transpose()?;
        let mut users = Vec::new();
        for item in response.items.unwrap_or_default() {
            let user_id = items::user_id(&item)?;
            let user = skip_damaged(items::read_user(item).map(Some), &user_id);
            users.extend(user.filter(|user| filter.matches(user)));
        }
        // A page that is full before its end continues after its last user.
        if users.len() > limit {
            users.truncate(limit);
            let next = users.last().map(|user: &User| user.user_id.clone());
            return Ok(UserPage { users, next });
        }

        Ok(UserPage { users, next })
    }

    /// Changes a user if the caller is still an administrator.
    ///
    /// INVARIANT: the write itself checks the administrator. If two administrators disable
    /// each other at the same time, one of them remains.
    ///
    /// # Errors
    /// When the store is unavailable. The user may have been changed nevertheless.
    pub async fn change_user(
        &self,
        change: &UserChange<'_>,
        now: Timestamp,
    ) -> Result<UserChangeOutcome, StoreError> {
        let ends_access = change.disabled == Some(true);
        let retries = if ends_access { Retries::EndingAccess } else { Retries::Usual };
        retry_conflicts(CHANGE, retries, || self.try_change_user(change, now)).await
    }

    async fn try_change_user(
        &self,
        change: &UserChange<'_>,
        now: Timestamp,
    ) -> Result<Option<UserChangeOutcome>, StoreError> {
        let is_own = change.user_id == change.by;
        let mut present = None;
        if let Some(expected @ Expected::OneOf(_)) = change.expected {
            let Some(item) = self.get_user_item(change.user_id).await? else {
                return Ok(Some(UserChangeOutcome::NoSuchUser));
            };
            let version = Version::of_user(&items::read_user(item.clone())?);
            if !expected.includes(&version) {
                return Ok(Some(UserChangeOutcome::VersionChanged(version)));
            }
            present = Some(item);
        }

        // A transaction cannot contain two operations on the same item.
        let transaction = match is_own {
            true => self.client.transact_write_items(),
            false => self.client.transact_write_items().transact_items(self.still_administrator(change)?),
        };
        let update = self.user_update(change, present.as_ref(), is_own, now)?;
        let response = transaction.transact_items(update).send().await;
        let Err(error) = response else { return Ok(Some(UserChangeOutcome::Changed)) };

        match codes(cancellation_reasons(&error))[..] {
            // The next attempt reads the user again, and finds out what changed.
            [_, CONDITION_FAILED] | [CONDITION_FAILED] if present.is_some() => Ok(None),
            // The first item is the check, or the administrator's own update with the check.
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

    /// `present` are the attributes that must not have changed since they were read.
    fn user_update(
        &self,
        change: &UserChange<'_>,
        present: Option<&Item>,
        is_own: bool,
        now: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut set = vec!["updated_at = :now"];
        let mut condition = "attribute_exists(user_id)".to_owned();
        let mut names_roles = is_own || change.roles.is_some();
        let mut update = Update::builder()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(change.user_id))
            .expression_attribute_values(":now", items::time(now));

        if let Some(disabled) = change.disabled {
            set.push("disabled = :disabled");
            update = update.expression_attribute_values(":disabled", AttributeValue::Bool(disabled));
        }
        if let Some(roles) = change.roles {
            // If roles are managed by a claim later, an older session must not undo this.
            set.extend(["#roles = :roles", "roles_as_of = :now"]);
            update = update.expression_attribute_values(":roles", items::texts(roles));
        }
        if is_own {
            condition = format!("{condition} AND {IS_ADMINISTRATOR}");
            update = update
                .expression_attribute_values(":admin_role", items::text(change.admin_role))
                .expression_attribute_values(":no", AttributeValue::Bool(false));
        }
        if let Some(present) = present {
            names_roles = true;
            for (name, attribute, value) in
                [("#roles", "roles", ":was"), ("disabled", "disabled", ":was_disabled")]
            {
                match present.get(attribute) {
                    None => condition.push_str(&format!(" AND attribute_not_exists({name})")),
                    Some(was) => {
                        condition.push_str(&format!(" AND {name} = {value}"));
                        update = update.expression_attribute_values(value, was.clone());
                    }
                }
            }
        }
        if names_roles {
            update = update.expression_attribute_names("#roles", "roles");
        }

        let update = update
            .update_expression(format!("SET {}", set.join(", ")))
            .condition_expression(condition)
            .build()
            .map_err(incomplete(CHANGE))?;

        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Revokes all of a user's existing tokens with one write, however many there are.
    /// Returns whether the user exists.
    ///
    /// INVARIANT: the write increments the generation that was read, and no other. If the
    /// generation has changed since, all tokens that existed at the read are revoked already.
    /// A write that arrives late or twice therefore revokes no later token. It is not a
    /// transaction, because two transactions on one item conflict, and a user who revokes
    /// their own tokens all the time could prevent others from disabling them.
    ///
    /// # Errors
    /// When the store is unavailable, or the user's record is damaged. The tokens may have
    /// been revoked nevertheless.
    pub async fn revoke_all_tokens(
        &self,
        user_id: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(user) = self.get_user(user_id).await? else { return Ok(false) };
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(user_id))
            .update_expression(
                "SET token_generation = :next, tokens_revoked_at = :now, tokens_revoked_by = :by, \
                 updated_at = :now",
            )
            .expression_attribute_values(":now", items::time(now))
            .expression_attribute_values(":by", items::text(by));
        let update = match user.token_generation {
            Some(generation) => update
                .condition_expression("token_generation = :generation")
                .expression_attribute_values(":generation", items::count(generation))
                .expression_attribute_values(":next", items::count(generation.wrapping_add(1))),
            None => update
                .condition_expression("attribute_exists(user_id) AND attribute_not_exists(token_generation)")
                .expression_attribute_values(":next", items::count(random_generation(REVOKE_ALL)?)),
        };

        retry_conflicts(REVOKE_ALL, Retries::EndingAccess, || write_generation(update.clone())).await?;
        Ok(true)
    }
}

/// Makes one attempt. Returns `None` if a transaction with the same user was in progress.
async fn write_generation(update: UpdateItemFluentBuilder) -> Result<Option<()>, StoreError> {
    let Err(error) = update.send().await else { return Ok(Some(())) };

    match error.as_service_error() {
        // The generation has changed since it was read, perhaps by an attempt whose response
        // was lost.
        Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Some(())),
        Some(UpdateItemError::TransactionConflictException(_)) => Ok(None),
        _ => Err(unavailable(REVOKE_ALL)(error)),
    }
}
