//! Changes of a token's name, description and expiry.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use patgate_rules::clock::Timestamp;
use patgate_rules::token_record::TokenRecord;

use crate::error::{StoreError, unavailable};
use crate::items::{self, TOKEN_HASH};
use crate::store::Store;
use crate::tokens::TokenLocation;

impl Store {
    /// Writes the name, the description and the expiry of `after`, if the token still has those
    /// of `before` and is not revoked. Returns whether it has them now.
    ///
    /// `purge_at` is when the record of a token with this expiry may be deleted.
    ///
    /// # Errors
    /// When the store is unavailable. The token may have been changed nevertheless.
    pub async fn change_token(
        &self,
        location: &TokenLocation,
        before: &TokenRecord,
        after: &TokenRecord,
        purge_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.tokens)
            .key(TOKEN_HASH, items::text(location.hash.as_str()))
            .expression_attribute_names("#name", "name")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = only_if_unchanged(update, before);

        match set_fields(update, after, purge_at).send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let Some(item) = failed.item.clone() else { return Ok(false) };
                    // It may be this change, written by an attempt whose response was lost.
                    let present = items::read_token(item)?;
                    Ok(present.revoked.is_none() && fields(&present) == fields(after))
                }
                _ => Err(unavailable("change a token")(error)),
            },
        }
    }
}

/// The attributes that a change can change, and their values. `None` means absent.
fn fields(token: &TokenRecord) -> [(&'static str, Option<AttributeValue>); 3] {
    [
        ("#name", Some(items::text(&token.name))),
        ("description", token.description.as_ref().map(items::text)),
        ("expires_at", token.expires_at.map(items::time)),
    ]
}

/// The condition also ensures that a purged token is not created again.
fn only_if_unchanged(mut update: UpdateItemFluentBuilder, before: &TokenRecord) -> UpdateItemFluentBuilder {
    let mut conditions = vec!["attribute_not_exists(revoked_at)".to_owned()];
    for (number, (attribute, value)) in fields(before).into_iter().enumerate() {
        conditions.push(match value {
            Some(_) => format!("{attribute} = :before{number}"),
            None => format!("attribute_not_exists({attribute})"),
        });
        if let Some(value) = value {
            update = update.expression_attribute_values(format!(":before{number}"), value);
        }
    }

    update.condition_expression(conditions.join(" AND "))
}

fn set_fields(
    mut update: UpdateItemFluentBuilder,
    after: &TokenRecord,
    purge_at: Option<Timestamp>,
) -> UpdateItemFluentBuilder {
    let purge_at = ("purge_at", purge_at.map(items::seconds));
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for (number, (attribute, value)) in fields(after).into_iter().chain([purge_at]).enumerate() {
        match value {
            None => remove.push(attribute),
            Some(value) => {
                set.push(format!("{attribute} = :after{number}"));
                update = update.expression_attribute_values(format!(":after{number}"), value);
            }
        }
    }

    let remove = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
    update.update_expression(format!("SET {}{remove}", set.join(", ")))
}
