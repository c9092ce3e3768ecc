//! Items and attributes: what the tables hold, and back.
//!
//! Times are text of fixed width ([`clock::to_text`]), so that conditions can compare
//! them and `aws dynamodb scan` can be read; only `purge_at` is a number of seconds,
//! because DynamoDB's TTL wants one.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use crate::clock::{self, Timestamp};
use crate::record::{LastUse, Revocation, RevocationReason, Sighting, TokenRecord};
use crate::store::month::Month;
use crate::store::{NewToken, StoreError};
use crate::token::TokenHash;
use crate::user::{User, is_role_name};

pub(super) type Item = HashMap<String, AttributeValue>;

/// Key of `Tokens`: a token's hash, or `id#<token id>` for the item that finds it.
pub(super) const TOKEN_HASH: &str = "token_hash";
/// Key of `Users`.
pub(super) const USER_ID: &str = "user_id";
pub(super) const TOKEN_ID: &str = "token_id";

// The two attributes of an `id#` item. They are not called `token_hash` and
// `user_id`, or the item would enter the indexes and show up in lists.
const FOUND_HASH: &str = "found_hash";
const FOUND_OWNER: &str = "found_owner";

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn time(value: Timestamp) -> AttributeValue {
    AttributeValue::S(clock::to_text(value))
}

pub(super) fn seconds(value: Timestamp) -> AttributeValue {
    AttributeValue::N(value.timestamp().to_string())
}

pub(super) fn texts(values: &[String]) -> AttributeValue {
    AttributeValue::L(values.iter().map(text).collect())
}

pub(super) fn sightings(values: &[Sighting]) -> AttributeValue {
    let sighting = |sighting: &Sighting| {
        let fields = [("ip", text(&sighting.ip)), ("at", time(sighting.at))];
        AttributeValue::M(fields.map(|(name, value)| (name.to_owned(), value)).into())
    };
    AttributeValue::L(values.iter().map(sighting).collect())
}

/// The key of the item that finds a token by its id.
pub(super) fn id_key(token_id: Uuid) -> AttributeValue {
    text(format!("id#{token_id}"))
}

pub(super) fn token_item(new: &NewToken) -> Item {
    let record = &new.record;
    let mut item = Item::from([
        (TOKEN_HASH.to_owned(), text(new.hash.as_str())),
        (TOKEN_ID.to_owned(), text(record.token_id.to_string())),
        (USER_ID.to_owned(), text(&record.user_id)),
        ("name".to_owned(), text(&record.name)),
        ("prefix".to_owned(), text(&record.prefix)),
        ("created_at".to_owned(), time(record.created_at)),
        ("created_month".to_owned(), text(Month::of(record.created_at).to_string())),
    ]);
    if let Some(expires_at) = record.expires_at {
        item.insert("expires_at".to_owned(), time(expires_at));
    }
    add_purge_at(&mut item, new.purge_at);
    item
}

pub(super) fn id_item(new: &NewToken) -> Item {
    let mut item = Item::from([
        (TOKEN_HASH.to_owned(), id_key(new.record.token_id)),
        (FOUND_HASH.to_owned(), text(new.hash.as_str())),
        (FOUND_OWNER.to_owned(), text(&new.record.user_id)),
    ]);
    add_purge_at(&mut item, new.purge_at);
    item
}

fn add_purge_at(item: &mut Item, purge_at: Option<Timestamp>) {
    if let Some(purge_at) = purge_at {
        item.insert("purge_at".to_owned(), seconds(purge_at));
    }
}

/// The hash and the owner that an `id#` item names.
pub(super) fn read_id_item(mut item: Item) -> Result<(TokenHash, String), StoreError> {
    let hash = TokenHash::from_stored(required(&mut item, FOUND_HASH)?);
    Ok((hash, required(&mut item, FOUND_OWNER)?))
}

pub(super) fn read_token(mut item: Item) -> Result<TokenRecord, StoreError> {
    let user_id = required(&mut item, USER_ID)?;
    let revoked = read_revocation(&mut item, &user_id)?;
    let ip = optional(&mut item, "last_used_ip");
    let last_used = optional_time(&mut item, "last_used_at")?.map(|at| LastUse { at, ip });
    Ok(TokenRecord {
        token_id: required_id(&mut item)?,
        user_id,
        name: required(&mut item, "name")?,
        prefix: required(&mut item, "prefix")?,
        created_at: optional_time(&mut item, "created_at")?
            .ok_or(StoreError::Corrupt { attribute: "created_at" })?,
        expires_at: optional_time(&mut item, "expires_at")?,
        revoked,
        last_used,
        seen_from: read_sightings(item.remove("seen_from")),
    })
}

fn read_revocation(item: &mut Item, owner_id: &str) -> Result<Option<Revocation>, StoreError> {
    let Some(at) = optional_time(item, "revoked_at")? else { return Ok(None) };
    let by = optional(item, "revoked_by");
    let reason = match optional(item, "revocation_reason") {
        Some(word) => RevocationReason::from_word(&word)
            .ok_or(StoreError::Corrupt { attribute: "revocation_reason" })?,
        // Revoked by hand, in the table.
        None if by.as_deref() == Some(owner_id) => RevocationReason::Owner,
        None => RevocationReason::Administrator,
    };
    Ok(Some(Revocation { at, by, reason }))
}

/// What can be read of the addresses: nobody is to be locked out over the others.
fn read_sightings(attribute: Option<AttributeValue>) -> Vec<Sighting> {
    let sighting = |value| match value {
        AttributeValue::M(mut fields) => {
            let at = optional_time(&mut fields, "at").ok()??;
            Some(Sighting { ip: optional(&mut fields, "ip")?, at })
        }
        _ => None,
    };
    match attribute {
        Some(AttributeValue::L(values)) => values.into_iter().filter_map(sighting).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn read_user(mut item: Item) -> Result<User, StoreError> {
    Ok(User {
        user_id: required(&mut item, USER_ID)?,
        name: optional(&mut item, "name").unwrap_or_default(),
        email: optional(&mut item, "email"),
        roles: roles(item.remove("roles"))?,
        roles_as_of: optional_time(&mut item, "roles_as_of")?,
        // Whoever writes `disabled` by hand means it, whatever type it has.
        disabled: !matches!(item.remove("disabled"), None | Some(AttributeValue::Bool(false))),
        tokens_valid_after: optional_time(&mut item, "tokens_valid_after")?,
        tokens_revoked_at: optional_time(&mut item, "tokens_revoked_at")?,
        tokens_revoked_by: optional(&mut item, "tokens_revoked_by"),
        last_sign_in_at: optional_time(&mut item, "last_sign_in_at")?,
    })
}

/// Roles as we write them, a list, or as somebody may write them by hand, a set.
///
/// INVARIANT: names that cannot be roles end here, whoever wrote them. Joined with
/// others by spaces, `site administrator` would make an administrator.
fn roles(attribute: Option<AttributeValue>) -> Result<Vec<String>, StoreError> {
    let corrupt = || StoreError::Corrupt { attribute: "roles" };
    let names = match attribute {
        None => Vec::new(),
        Some(AttributeValue::Ss(names)) => names,
        Some(AttributeValue::L(names)) => {
            let name = |name: AttributeValue| match name {
                AttributeValue::S(name) => Ok(name),
                _ => Err(corrupt()),
            };
            names.into_iter().map(name).collect::<Result<_, _>>()?
        }
        Some(_) => return Err(corrupt()),
    };
    let (roles, dropped): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| is_role_name(name));
    if !dropped.is_empty() {
        tracing::warn!(dropped = dropped.len(), "a user has names for roles that cannot be any");
    }
    Ok(roles)
}

/// The id of a user's item, which stays whole.
pub(super) fn user_id(item: &Item) -> Result<String, StoreError> {
    match item.get(USER_ID) {
        Some(AttributeValue::S(user_id)) => Ok(user_id.clone()),
        _ => Err(StoreError::Corrupt { attribute: USER_ID }),
    }
}

/// The id of a token's item.
pub(super) fn required_id(item: &mut Item) -> Result<Uuid, StoreError> {
    let corrupt = StoreError::Corrupt { attribute: TOKEN_ID };
    required(item, TOKEN_ID)?.parse().map_err(|_| corrupt)
}

/// A text attribute that every such item has.
pub(super) fn required(item: &mut Item, attribute: &'static str) -> Result<String, StoreError> {
    optional(item, attribute).ok_or(StoreError::Corrupt { attribute })
}

fn optional(item: &mut Item, attribute: &str) -> Option<String> {
    match item.remove(attribute) {
        Some(AttributeValue::S(value)) => Some(value),
        _ => None,
    }
}

/// INVARIANT: a time that cannot be read is an error, never "absent": taken for
/// absent, a damaged `revoked_at` or `expires_at` would let the token live.
fn optional_time(item: &mut Item, attribute: &'static str) -> Result<Option<Timestamp>, StoreError> {
    match item.remove(attribute) {
        None => Ok(None),
        Some(AttributeValue::S(value)) => match clock::from_text(&value) {
            Ok(time) => Ok(Some(time)),
            Err(_) => Err(StoreError::Corrupt { attribute }),
        },
        Some(_) => Err(StoreError::Corrupt { attribute }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenFormat;
    use rand::rngs::SysRng;

    fn new_token() -> NewToken {
        let plain = TokenFormat::new("fdp_").unwrap().generate(&mut SysRng).unwrap();
        let created_at = clock::from_text("2026-11-23T09:30:00.123Z").unwrap();
        NewToken {
            hash: plain.hash(),
            record: TokenRecord {
                token_id: Uuid::now_v7(),
                user_id: "alice".into(),
                name: "ci".into(),
                prefix: plain.displayed_prefix().into(),
                created_at,
                expires_at: Some(created_at),
                revoked: None,
                last_used: None,
                seen_from: Vec::new(),
            },
            purge_at: Some(created_at),
        }
    }

    #[test]
    fn token_survives_storage() {
        let new = new_token();
        assert_eq!(read_token(token_item(&new)).unwrap(), new.record);
    }

    #[test]
    fn revocation_written_by_hand_is_read_as_one() {
        for (by, reason) in [
            (None, RevocationReason::Administrator),
            (Some("alice"), RevocationReason::Owner),
            (Some("bob"), RevocationReason::Administrator),
        ] {
            let mut item = token_item(&new_token());
            item.insert("revoked_at".into(), text("2026-11-23T09:30:00Z"));
            by.map(|by| item.insert("revoked_by".into(), text(by)));
            let revoked = read_token(item).unwrap().revoked.unwrap();
            assert_eq!((revoked.by.as_deref(), revoked.reason), (by, reason));
        }
    }

    #[test]
    fn addresses_survive_storage() {
        let mut new = new_token();
        let at = new.record.created_at;
        new.record.seen_from =
            vec![Sighting { ip: "192.0.2.1".into(), at }, Sighting { ip: "::1".into(), at }];
        let mut item = token_item(&new);
        item.insert("seen_from".into(), sightings(&new.record.seen_from));
        assert_eq!(read_token(item.clone()).unwrap(), new.record);
        // They decide nothing, so damage to them is no fault.
        item.insert("seen_from".into(), AttributeValue::L(vec![text("192.0.2.1")]));
        assert!(read_token(item.clone()).unwrap().seen_from.is_empty());
        item.insert("seen_from".into(), text("192.0.2.1"));
        assert!(read_token(item).unwrap().seen_from.is_empty());
    }

    #[test]
    fn id_item_finds_the_token_and_stays_out_of_the_indexes() {
        let new = new_token();
        let item = id_item(&new);
        for index_key in [USER_ID, TOKEN_ID, "created_month"] {
            assert!(!item.contains_key(index_key), "{index_key}");
        }
        let (hash, owner) = read_id_item(item).unwrap();
        assert_eq!((hash, owner.as_str()), (new.hash, "alice"));
    }

    #[test]
    fn damaged_time_is_an_error_and_never_absent() {
        for attribute in ["expires_at", "revoked_at", "created_at", "last_used_at"] {
            for damaged in [
                text("soon"),
                text("2026-11-23T10:00:00+01:00"),
                AttributeValue::N("0".into()),
                AttributeValue::Null(true),
            ] {
                let mut item = token_item(&new_token());
                item.insert(attribute.into(), damaged);
                let error = read_token(item).unwrap_err().to_string();
                assert_eq!(error, format!("stored item has no valid `{attribute}`"));
            }
        }
    }

    #[test]
    fn roles_written_by_hand_are_never_split() {
        let user =
            |roles| read_user(Item::from([(USER_ID.to_owned(), text("alice")), ("roles".to_owned(), roles)]));
        let names = vec!["viewer".to_owned(), "site administrator".to_owned(), String::new()];
        assert_eq!(user(texts(&names)).unwrap().roles, ["viewer"]);
        assert_eq!(user(AttributeValue::Ss(names)).unwrap().roles, ["viewer"]);
        assert!(user(text("viewer")).is_err());
    }

    #[test]
    fn time_written_by_hand_is_read_in_any_form_of_rfc_3339_in_utc() {
        for time in ["2026-11-23T10:00:00Z", "2026-11-23t10:00:00.0z", "2026-11-23T10:00:00.000000+00:00"] {
            let item = [(USER_ID, "alice"), ("tokens_valid_after", time)];
            let item = item.map(|(name, value)| (name.to_owned(), text(value))).into_iter().collect();
            let expected = clock::from_text("2026-11-23T10:00:00.000Z").unwrap();
            assert_eq!(read_user(item).unwrap().tokens_valid_after, Some(expected), "{time}");
        }
    }

    #[test]
    fn user_written_by_hand_in_part_is_read() {
        let mut item = Item::from([(USER_ID.to_owned(), text("alice"))]);
        let user = read_user(item.clone()).unwrap();
        assert_eq!(user, User { user_id: "alice".into(), ..User::default() });
        item.insert("disabled".into(), text("true"));
        assert!(read_user(item).unwrap().disabled);
    }
}
