//! Users: reading their records, and updating them from their sessions.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use patgate_rules::clock::Timestamp;
use patgate_rules::user::User;
use rand::TryRng;
use rand::rngs::{SysError, SysRng};

use crate::conflicts::{Retries, retry_conflicts};
use crate::error::{StoreError, unavailable};
use crate::items::{self, Item, USER_ID};
use crate::store::Store;

const UPDATED_AT: &str = "updated_at";
const SIGN_IN: &str = "record a sign-in";
const FIRST_GENERATION: &str = "token_generation = if_not_exists(token_generation, :first_generation)";

/// What a session says about its user.
#[derive(Debug)]
pub struct SignIn<'a> {
    pub user_id: &'a str,
    pub name: &'a str,
    pub email: Option<&'a str>,
    pub issued_at: Timestamp,
    /// `None` if the table `Users` is the only source of roles.
    pub roles: Option<&'a [String]>,
}

/// The record of a user after a sign-in was recorded.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub user: User,
    /// Whether this session changed the recorded roles.
    pub changed_roles: bool,
}

impl Store {
    /// Reads a user as last written.
    ///
    /// # Errors
    /// When the store is unavailable, or the record is damaged.
    pub async fn get_user(&self, user_id: &str) -> Result<Option<User>, StoreError> {
        self.get_user_item(user_id).await?.map(items::read_user).transpose()
    }

    pub(crate) async fn get_user_item(&self, user_id: &str) -> Result<Option<Item>, StoreError> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(user_id))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("read a user"))?;

        Ok(response.item)
    }

    /// Updates a user's record from a session, and returns the record as it is afterwards.
    ///
    /// Only a session newer than the record writes, so that a session issued before a role
    /// was removed cannot bring the role back. A session that is already recorded costs a
    /// read and no write.
    ///
    /// # Errors
    /// When the store is unavailable, or the record is damaged.
    pub async fn record_sign_in(&self, sign_in: &SignIn<'_>, now: Timestamp) -> Result<SignedIn, StoreError> {
        let before = match self.get_user(sign_in.user_id).await? {
            Some(user) if recorded_at(&user, sign_in).is_some_and(|at| at >= sign_in.issued_at) => {
                let user = self.with_generation(user).await?;
                return Ok(SignedIn { user, changed_roles: false });
            }
            before => before,
        };

        let first_generation = random_generation(SIGN_IN)?;
        let write = || self.write_sign_in(sign_in, first_generation, now);
        let (item, is_ours) = retry_conflicts(SIGN_IN, Retries::Usual, write).await?;
        let user = items::read_user(item)?;

        let set = |user: &User| user.roles.iter().cloned().collect::<BTreeSet<_>>();
        let is_change = before.is_none_or(|before| set(&before) != set(&user));
        let changed_roles = is_ours && sign_in.roles.is_some() && is_change;
        Ok(SignedIn { user, changed_roles })
    }

    /// Gives a generation to a user who has none, although the session is not newer than the
    /// record: an operator has added the record by hand.
    async fn with_generation(&self, user: User) -> Result<User, StoreError> {
        if user.token_generation.is_some() {
            return Ok(user);
        }

        let response = self
            .client
            .update_item()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(user.user_id))
            .update_expression(format!("SET {FIRST_GENERATION}"))
            .condition_expression("attribute_exists(user_id)")
            .expression_attribute_values(":first_generation", items::count(random_generation(SIGN_IN)?))
            .return_values(ReturnValue::AllNew)
            .send()
            .await
            .map_err(unavailable(SIGN_IN))?;
        items::read_user(response.attributes.unwrap_or_default())
    }

    /// Makes one attempt. Returns the record as it is afterwards and whether this attempt
    /// wrote it, or `None` if a creation of one of the user's tokens was checking the record
    /// at the same time.
    async fn write_sign_in(
        &self,
        sign_in: &SignIn<'_>,
        first_generation: u64,
        now: Timestamp,
    ) -> Result<Option<(Item, bool)>, StoreError> {
        let response = self.sign_in_update(sign_in, first_generation, now).send().await;
        let corrupt = StoreError::Corrupt { attribute: USER_ID };
        match response {
            Ok(response) => response.attributes.ok_or(corrupt).map(|item| Some((item, true))),
            Err(error) => match error.as_service_error() {
                // A newer session was faster, and this is its record. Or this attempt repeats
                // one whose response was lost, and this is our own record.
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

    /// The update of the user's record, under the condition that the session is newer.
    fn sign_in_update(
        &self,
        sign_in: &SignIn<'_>,
        first_generation: u64,
        now: Timestamp,
    ) -> UpdateItemFluentBuilder {
        let mut set =
            vec!["#name = :name", "last_sign_in_at = :issued", "updated_at = :now", FIRST_GENERATION];
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(sign_in.user_id))
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":name", items::text(sign_in.name))
            .expression_attribute_values(":issued", items::time(sign_in.issued_at))
            .expression_attribute_values(":now", items::time(now))
            .expression_attribute_values(":first_generation", items::count(first_generation))
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

        update.update_expression(format!("SET {}", set.join(", ")))
    }
}

/// Where the generations of a user start. The start is random, so that tokens do not work
/// again if an operator has deleted the user's record and another one replaces it.
pub(crate) fn random_generation(operation: &'static str) -> Result<u64, StoreError> {
    let unavailable = |error: SysError| StoreError::Unavailable {
        operation,
        reason: format!("the operating system's random number generator failed: {error}"),
    };
    SysRng.try_next_u32().map(u64::from).map_err(unavailable)
}

/// When the session that the record was last updated from was issued.
fn recorded_at(user: &User, sign_in: &SignIn<'_>) -> Option<Timestamp> {
    match sign_in.roles {
        Some(_) => user.roles_as_of,
        None => user.last_sign_in_at,
    }
}
