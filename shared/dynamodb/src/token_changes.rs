//! Changes of a token's name, description and expiry.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem, Update};
use chrono::TimeDelta;
use patgate_rules::token_record::TokenRecord;
use patgate_rules::user::User;

use crate::conflicts::{CONDITION_FAILED, CONFLICT, Retries, cancellation_reasons, codes, retry_conflicts};
use crate::error::{StoreError, incomplete, unavailable};
use crate::items::{self, Item, TOKEN_HASH, USER_ID};
use crate::store::Store;
use crate::tokens::{OwnedToken, TokenLocation};

const CHANGE: &str = "change a token";
/// The attributes that a change can change. `name` is a reserved word.
const CHANGEABLE: [&str; 3] = ["name", "description", "expires_at"];

/// A token before and after a change, with its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedToken {
    pub before: TokenRecord,
    pub after: OwnedToken,
}

impl Store {
    /// Changes a token's name, description and expiry to those that `change` returns for the
    /// present token. If the token changes meanwhile, `change` is called again. Its error is
    /// returned in the inner result. `None` if the token has been purged.
    ///
    /// `retention` is how long the record is kept after the expiry.
    ///
    /// INVARIANT: the write checks that the token is as it was read and not revoked, and that
    /// its owner still has the generation that was read, so that a token which was revoked with
    /// all others is not changed either.
    ///
    /// # Errors
    /// When the store is unavailable, or a record is damaged. The token may have been changed
    /// nevertheless.
    pub async fn change_token<E>(
        &self,
        location: &TokenLocation,
        retention: TimeDelta,
        change: impl Fn(&OwnedToken) -> Result<TokenRecord, E>,
    ) -> Result<Result<Option<ChangedToken>, E>, StoreError> {
        retry_conflicts(CHANGE, Retries::Usual, || self.try_change_token(location, retention, &change)).await
    }

    /// Makes one attempt. Returns `None` if the token or its owner changed during the attempt.
    async fn try_change_token<E>(
        &self,
        location: &TokenLocation,
        retention: TimeDelta,
        change: &impl Fn(&OwnedToken) -> Result<TokenRecord, E>,
    ) -> Result<Option<Result<Option<ChangedToken>, E>>, StoreError> {
        let mut found = self.batch_get(&[&location.hash], &[&location.owner_id]).await?;
        let owner = found.take_user(&location.owner_id)?;
        let Some(item) = found.take_token_item(&location.hash) else { return Ok(Some(Ok(None))) };
        let before = items::read_token(item.clone())?;
        let owned = OwnedToken { token: before.clone(), owner };
        let after = match change(&owned) {
            Ok(after) => after,
            Err(error) => return Ok(Some(Err(error))),
        };

        if values(&after) != values(&before) {
            let mut transaction = self
                .client
                .transact_write_items()
                .transact_items(self.token_update(location, &item, &before, &after, retention)?)
                .transact_items(self.same_generation(location, owned.owner.as_ref())?);
            if after.expires_at != before.expires_at {
                transaction = transaction.transact_items(self.lookup_update(location, &after, retention)?);
            }
            if let Err(error) = transaction.send().await {
                let codes = codes(cancellation_reasons(&error));
                let has_changed = codes.contains(&CONDITION_FAILED) || codes.contains(&CONFLICT);
                return if has_changed { Ok(None) } else { Err(unavailable(CHANGE)(error)) };
            }
        }

        let after = OwnedToken { token: after, ..owned };
        Ok(Some(Ok(Some(ChangedToken { before, after }))))
    }

    fn token_update(
        &self,
        location: &TokenLocation,
        item: &Item,
        before: &TokenRecord,
        after: &TokenRecord,
        retention: TimeDelta,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::text(location.hash.as_str()));
        let mut assigned: Vec<_> = CHANGEABLE.into_iter().zip(values(after)).collect();
        if after.expires_at != before.expires_at {
            assigned.push(("purge_at", purge_at(after, retention)));
        }

        let update = only_if_unchanged(assign(update, assigned), item).build().map_err(incomplete(CHANGE))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The lookup item is deleted together with the token.
    fn lookup_update(
        &self,
        location: &TokenLocation,
        after: &TokenRecord,
        retention: TimeDelta,
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::lookup_key(location.token_id))
            .condition_expression("attribute_exists(token_hash)");
        let update = assign(update, [("purge_at", purge_at(after, retention))]);

        let update = update.build().map_err(incomplete(CHANGE))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The check that no revocation of all tokens has come in between.
    fn same_generation(
        &self,
        location: &TokenLocation,
        owner: Option<&User>,
    ) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.users)
            .key(USER_ID, items::text(&location.owner_id));
        let check = match owner.and_then(|owner| owner.token_generation) {
            Some(generation) => check
                .condition_expression("token_generation = :generation")
                .expression_attribute_values(":generation", items::count(generation)),
            None => check.condition_expression("attribute_not_exists(token_generation)"),
        };

        let check = check.build().map_err(incomplete(CHANGE))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}

/// The values of the changeable attributes, in their order. `None` means absent.
fn values(token: &TokenRecord) -> [Option<AttributeValue>; 3] {
    [
        Some(items::text(&token.name)),
        token.description.as_ref().map(items::text),
        token.expires_at.map(items::time),
    ]
}

fn purge_at(token: &TokenRecord, retention: TimeDelta) -> Option<AttributeValue> {
    token.expires_at.and_then(|at| at.checked_add_signed(retention)).map(items::seconds)
}

/// Sets attributes, and removes those without a value.
fn assign(
    mut update: UpdateBuilder,
    attributes: impl IntoIterator<Item = (&'static str, Option<AttributeValue>)>,
) -> UpdateBuilder {
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for (attribute, value) in attributes {
        update = update.expression_attribute_names(format!("#{attribute}"), attribute);
        match value {
            None => remove.push(format!("#{attribute}")),
            Some(value) => {
                set.push(format!("#{attribute} = :{attribute}"));
                update = update.expression_attribute_values(format!(":{attribute}"), value);
            }
        }
    }

    let clause = |keyword: &str, parts: &[String]| match parts {
        [] => String::new(),
        parts => format!("{keyword} {} ", parts.join(", ")),
    };
    update.update_expression(clause("SET", &set) + &clause("REMOVE", &remove))
}

/// Compares the attributes as they are stored: a time that was written by hand has other forms.
/// The condition also ensures that a purged token is not created again, because every token has
/// a name.
fn only_if_unchanged(mut update: UpdateBuilder, item: &Item) -> UpdateBuilder {
    let mut conditions = vec!["attribute_not_exists(revoked_at)".to_owned()];
    for attribute in CHANGEABLE {
        match item.get(attribute) {
            None => conditions.push(format!("attribute_not_exists(#{attribute})")),
            Some(before) => {
                conditions.push(format!("#{attribute} = :{attribute}_before"));
                update = update.expression_attribute_values(format!(":{attribute}_before"), before.clone());
            }
        }
    }

    update.condition_expression(conditions.join(" AND "))
}
