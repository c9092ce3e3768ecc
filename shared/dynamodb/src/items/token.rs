//! Tokens and their lookup items.

use aws_sdk_dynamodb::types::AttributeValue;
use patgate_rules::clock::Timestamp;
use patgate_rules::month::Month;
use patgate_rules::token::TokenHash;
use patgate_rules::token_record::{LastUse, Revocation, RevocationReason, Sighting, TokenRecord};
use uuid::Uuid;

use super::{
    Item, TOKEN_HASH, TOKEN_ID, USER_ID, count, optional, optional_count, optional_time, required, seconds,
    text, time,
};
use crate::creation::NewToken;
use crate::error::StoreError;

/// The owner's generation when the token was created.
const GENERATION: &str = "generation";

// The two attributes of a lookup item. With the names `token_hash` and `user_id`, the item
// would enter the indexes and appear in lists.
const FOUND_HASH: &str = "found_hash";
const FOUND_OWNER: &str = "found_owner";

/// The key of the lookup item, which leads from a token's ID to its hash.
pub(crate) fn lookup_key(token_id: Uuid) -> AttributeValue {
    text(format!("id#{token_id}"))
}

pub(crate) fn token_item(new: &NewToken, record: &TokenRecord) -> Item {
    let mut item = Item::from([
        (TOKEN_HASH.to_owned(), text(new.hash.as_str())),
        (TOKEN_ID.to_owned(), text(record.token_id.to_string())),
        (USER_ID.to_owned(), text(&record.user_id)),
        (GENERATION.to_owned(), count(record.generation)),
        ("name".to_owned(), text(&record.name)),
        ("prefix".to_owned(), text(&record.prefix)),
        ("created_at".to_owned(), time(record.created_at)),
        ("created_month".to_owned(), text(Month::of(record.created_at).to_string())),
    ]);

    if let Some(description) = &record.description {
        item.insert("description".to_owned(), text(description));
    }
    if let Some(expires_at) = record.expires_at {
        item.insert("expires_at".to_owned(), time(expires_at));
    }
    add_purge_at(&mut item, new.purge_at);

    item
}

pub(crate) fn lookup_item(new: &NewToken) -> Item {
    let mut item = Item::from([
        (TOKEN_HASH.to_owned(), lookup_key(new.token_id)),
        (FOUND_HASH.to_owned(), text(new.hash.as_str())),
        (FOUND_OWNER.to_owned(), text(&new.user_id)),
    ]);
    add_purge_at(&mut item, new.purge_at);

    item
}

fn add_purge_at(item: &mut Item, purge_at: Option<Timestamp>) {
    if let Some(purge_at) = purge_at {
        item.insert("purge_at".to_owned(), seconds(purge_at));
    }
}

/// The hash and the owner in a lookup item.
pub(crate) fn read_lookup_item(mut item: Item) -> Result<(TokenHash, String), StoreError> {
    let hash = TokenHash::from_stored(required(&mut item, FOUND_HASH)?);
    Ok((hash, required(&mut item, FOUND_OWNER)?))
}

pub(crate) fn read_token(mut item: Item) -> Result<TokenRecord, StoreError> {
    let user_id = required(&mut item, USER_ID)?;
    let revoked = read_revocation(&mut item, &user_id)?;
    let ip = optional(&mut item, "last_used_ip");
    let last_used = optional_time(&mut item, "last_used_at")?.map(|at| LastUse { at, ip });

    Ok(TokenRecord {
        token_id: required_token_id(&mut item)?,
        user_id,
        generation: optional_count(&mut item, GENERATION)?
            .ok_or(StoreError::Corrupt { attribute: GENERATION })?,
        name: required(&mut item, "name")?,
        description: optional(&mut item, "description"),
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
        Some(reason) => reason.parse().map_err(|_| StoreError::Corrupt { attribute: "revocation_reason" })?,
        // Revoked by hand in the table.
        None if by.as_deref() == Some(owner_id) => RevocationReason::Owner,
        None => RevocationReason::Administrator,
    };

    Ok(Some(Revocation { at, by, reason }))
}

/// The readable addresses. A damaged one must not lock out the owner, so it is skipped.
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

pub(crate) fn sightings(values: &[Sighting]) -> AttributeValue {
    let sighting = |sighting: &Sighting| {
        let fields = [("ip", text(&sighting.ip)), ("at", time(sighting.at))];
        AttributeValue::M(fields.map(|(name, value)| (name.to_owned(), value)).into())
    };
    AttributeValue::L(values.iter().map(sighting).collect())
}

/// Removes the ID from a token's item.
pub(crate) fn required_token_id(item: &mut Item) -> Result<Uuid, StoreError> {
    let corrupt = StoreError::Corrupt { attribute: TOKEN_ID };
    required(item, TOKEN_ID)?.parse().map_err(|_| corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use patgate_rules::clock;
    use patgate_rules::token::TokenFormat;
    use rand::rngs::SysRng;

    fn new_token() -> NewToken {
        let plain = TokenFormat::new("fdp_").unwrap().generate(&mut SysRng).unwrap();
        let created_at = clock::from_text("2026-11-23T09:30:00.123Z").unwrap();
        NewToken {
            hash: plain.hash(),
            token_id: Uuid::now_v7(),
            user_id: "alice".into(),
            name: "ci".into(),
            description: Some("deploys the site".into()),
            prefix: plain.displayed_prefix().into(),
            created_at,
            expires_at: Some(created_at),
            purge_at: Some(created_at),
            idempotency: None,
        }
    }

    fn record_and_item() -> (TokenRecord, Item) {
        let new = new_token();
        let record = new.record(3);
        let item = token_item(&new, &record);
        (record, item)
    }

    #[test]
    fn token_round_trips_through_its_item() {
        let (record, item) = record_and_item();
        assert_eq!(read_token(item).unwrap(), record);
    }

    #[test]
    fn revocation_written_by_hand_is_recognized() {
        for (by, reason) in [
            (None, RevocationReason::Administrator),
            (Some("alice"), RevocationReason::Owner),
            (Some("bob"), RevocationReason::Administrator),
        ] {
            let (_, mut item) = record_and_item();
            item.insert("revoked_at".into(), text("2026-11-23T09:30:00Z"));
            by.map(|by| item.insert("revoked_by".into(), text(by)));
            let revoked = read_token(item).unwrap().revoked.unwrap();
            assert_eq!((revoked.by.as_deref(), revoked.reason), (by, reason));
        }
    }

    #[test]
    fn addresses_round_trip_through_the_item() {
        let (mut record, mut item) = record_and_item();
        let at = record.created_at;
        record.seen_from = vec![Sighting { ip: "192.0.2.1".into(), at }, Sighting { ip: "::1".into(), at }];
        item.insert("seen_from".into(), sightings(&record.seen_from));
        assert_eq!(read_token(item.clone()).unwrap(), record);
        // No decision depends on them, so damage to them is not a fault.
        item.insert("seen_from".into(), AttributeValue::L(vec![text("192.0.2.1")]));
        assert!(read_token(item.clone()).unwrap().seen_from.is_empty());
        item.insert("seen_from".into(), text("192.0.2.1"));
        assert!(read_token(item).unwrap().seen_from.is_empty());
    }

    #[test]
    fn lookup_item_leads_to_the_token_and_stays_out_of_the_indexes() {
        let new = new_token();
        let item = lookup_item(&new);
        for index_key in [USER_ID, TOKEN_ID, "created_month"] {
            assert!(!item.contains_key(index_key), "{index_key}");
        }
        let (hash, owner) = read_lookup_item(item).unwrap();
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
                let (_, mut item) = record_and_item();
                item.insert(attribute.into(), damaged);
                let error = read_token(item).unwrap_err().to_string();
                assert_eq!(error, format!("stored item has no valid `{attribute}`"));
            }
        }
    }

    #[test]
    fn damaged_generation_is_an_error_and_never_absent() {
        let number = |number: &str| AttributeValue::N(number.into());
        for damaged in [text("1"), number("-1"), number("1.5"), AttributeValue::Null(true)] {
            let (_, mut item) = record_and_item();
            item.insert("generation".into(), damaged.clone());
            let error = read_token(item).unwrap_err().to_string();
            assert_eq!(error, "stored item has no valid `generation`", "{damaged:?}");
        }

        let (_, mut item) = record_and_item();
        item.remove("generation");
        assert!(read_token(item).is_err());
    }
}
