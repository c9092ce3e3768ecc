//! Changes of tokens, and what comes in between.

use std::cell::Cell;

use chrono::TimeDelta;
use patgate_dynamodb::{ChangedToken, OwnedToken, Store, TokenLocation};
use patgate_harness::{DynamoDbFault, delete_item, scan, set_token, set_user};
use patgate_rules::token::PlainToken;
use patgate_rules::token_record::TokenRecord;
use patgate_rules::verdict;
use serde_json::json;

use crate::setup::{start_observed, start_system, store_at, timestamp, user_with_token};

const RETENTION: TimeDelta = TimeDelta::days(5);

fn renamed(owned: &OwnedToken) -> TokenRecord {
    TokenRecord { name: "renamed".into(), ..owned.token.clone() }
}

/// Renames the token after `act` has happened between the read and the write. A revoked token is
/// an error.
async fn rename_after(
    store: &Store,
    location: &TokenLocation,
    act: impl Fn(),
) -> Result<Option<ChangedToken>, &'static str> {
    let is_first = Cell::new(true);
    let change = |owned: &OwnedToken| {
        if verdict::is_revoked(&owned.token, owned.owner.as_ref()) {
            return Err("revoked");
        }
        if is_first.replace(false) {
            act();
        }
        Ok(renamed(owned))
    };
    store.change_token(location, RETENTION, change).await.unwrap()
}

async fn located_token(store: &Store) -> (PlainToken, TokenLocation) {
    let (secret, token) = user_with_token(store, "alice").await;
    (secret, store.locate_token(token.token_id).await.unwrap().unwrap())
}

#[tokio::test]
async fn change_loses_against_every_revocation_in_between() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);

    let (secret, location) = located_token(&store).await;
    let revoke = || {
        set_token(dynamodb, secret.hash().as_str(), "revoked_at", &json!({ "S": "2026-01-01T00:00:00.000Z" }))
    };
    assert_eq!(rename_after(&store, &location, revoke).await, Err("revoked"));
    assert_eq!(store.get_token(&location).await.unwrap().unwrap().token.name, "ci");

    let (_, location) = located_token(&store).await;
    let revoke_all = || set_user(dynamodb, "alice", "token_generation", &json!({ "N": "7" }));
    assert_eq!(rename_after(&store, &location, revoke_all).await, Err("revoked"));
    assert_eq!(store.get_token(&location).await.unwrap().unwrap().token.name, "ci");
}

#[tokio::test]
async fn change_in_between_is_kept_and_a_purged_token_is_not_restored() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);
    let (secret, location) = located_token(&store).await;
    let hash = secret.hash();

    let describe =
        || set_token(dynamodb, hash.as_str(), "description", &json!({ "S": "by another request" }));
    let changed = rename_after(&store, &location, describe).await.unwrap().unwrap();
    assert_eq!(changed.before.description.as_deref(), Some("by another request"));
    assert_eq!(store.get_token(&location).await.unwrap(), Some(changed.after.clone()));
    assert_eq!(
        (changed.after.token.name.as_str(), changed.after.token.description.as_deref()),
        ("renamed", Some("by another request"))
    );

    let purge = || delete_item(dynamodb, "Tokens", &json!({ "token_hash": { "S": hash.as_str() } }));
    let change = |owned: &OwnedToken| {
        purge();
        Ok::<_, ()>(TokenRecord { name: "again".into(), ..owned.token.clone() })
    };
    assert_eq!(store.change_token(&location, RETENTION, change).await.unwrap(), Ok(None));
    assert_eq!(scan(dynamodb, "Tokens").len(), 1, "only the lookup item is left");
}

#[tokio::test]
async fn change_whose_response_is_lost_is_made_once() {
    let (system, proxy, store) = start_observed();
    let (_, location) = located_token(&store).await;

    proxy.inject_into("TransactWriteItems", 1, DynamoDbFault::CutAfter);
    let changed =
        store.change_token(&location, RETENTION, |owned| Ok::<_, ()>(renamed(owned))).await.unwrap();
    assert_eq!(changed.unwrap().unwrap().before.name, "ci");
    assert_eq!(store.get_token(&location).await.unwrap().unwrap().token.name, "renamed");
    drop(system);
}

#[tokio::test]
async fn token_with_times_written_by_hand_can_be_changed() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);
    let (secret, location) = located_token(&store).await;
    set_token(dynamodb, secret.hash().as_str(), "expires_at", &json!({ "S": "2099-01-01T00:00:00Z" }));

    let sooner = timestamp("2098-01-01T00:00:00.000Z");
    let change = |owned: &OwnedToken| Ok::<_, ()>(TokenRecord { expires_at: Some(sooner), ..renamed(owned) });
    let changed = store.change_token(&location, RETENTION, change).await.unwrap().unwrap().unwrap();
    assert_eq!(changed.after.token.expires_at, Some(sooner));

    // The token and its lookup item are deleted at the same time, and a further name changes neither.
    let purge_times = || {
        let items = scan(dynamodb, "Tokens");
        items.iter().map(|item| item["purge_at"]["N"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let expected = (sooner + RETENTION).timestamp().to_string();
    assert_eq!(purge_times(), [expected.clone(), expected.clone()]);
    let longer = TimeDelta::days(500);
    let rename =
        |owned: &OwnedToken| Ok::<_, ()>(TokenRecord { name: "again".into(), ..owned.token.clone() });
    assert!(store.change_token(&location, longer, rename).await.unwrap().unwrap().is_some());
    assert_eq!(purge_times(), [expected.clone(), expected]);
}
