//! Creations that a client repeats.

use chrono::TimeDelta;
use patgate_dynamodb::{CreationOutcome, NewToken, Store};
use patgate_harness::{DynamoDbFault, scan};
use patgate_rules::clock::{self, Timestamp};
use patgate_rules::idempotency::{EarlierCreation, Idempotency, IdempotencyKey, RequestHash};
use tokio::task::JoinSet;

use crate::setup::{generate_token, sign_in, start_observed, start_system, store_at};

fn new_token(key: &str, now: Timestamp) -> NewToken {
    let idempotency = Idempotency {
        key: IdempotencyKey::new("alice", key).unwrap(),
        request: RequestHash::of("a request"),
    };
    NewToken { idempotency: Some(idempotency), ..generate_token("alice", now).1 }
}

/// Creates a token, or returns what an earlier creation with the same key created.
async fn create(store: &Store, new: &NewToken) -> Result<(), EarlierCreation> {
    match store.create_token(new).await.unwrap() {
        CreationOutcome::Created(_) => Ok(()),
        CreationOutcome::KeyUsed(earlier) => Err(earlier),
        CreationOutcome::OwnerNotAllowed => panic!("the owner is allowed"),
    }
}

#[tokio::test]
async fn of_many_creations_with_one_key_at_the_same_time_exactly_one_succeeds() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);
    sign_in(&store, "alice", &[], clock::now()).await;

    let mut creations = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        creations.spawn(async move {
            let new = new_token("one", clock::now());
            create(&store, &new).await.map(|()| new.token_id)
        });
    }
    let (created, refused): (Vec<_>, Vec<_>) =
        creations.join_all().await.into_iter().partition(Result::is_ok);

    let [Ok(token_id)] = created[..] else { panic!("{created:?}") };
    for earlier in refused {
        assert_eq!(earlier.unwrap_err(), EarlierCreation { token_id, request: RequestHash::of("a request") });
    }
    assert_eq!(scan(dynamodb, "Tokens").len(), 3, "a token, its lookup item and its key");
}

#[tokio::test]
async fn key_can_be_used_again_after_24_hours_although_its_item_remains() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let now = clock::now();
    sign_in(&store, "alice", &[], now).await;

    let first = new_token("daily", now);
    assert_eq!(create(&store, &first).await, Ok(()));
    let key = &first.idempotency.as_ref().unwrap().key;
    let day = TimeDelta::hours(24);
    let almost = now + day - TimeDelta::seconds(2);
    assert_eq!(create(&store, &new_token("daily", almost)).await.unwrap_err().token_id, first.token_id);
    assert!(store.get_creation(key, almost).await.unwrap().is_some());

    assert_eq!(store.get_creation(key, now + day).await.unwrap(), None);
    let second = new_token("daily", now + day);
    assert_eq!(create(&store, &second).await, Ok(()));
    assert_eq!(store.get_creation(key, now + day).await.unwrap().unwrap().token_id, second.token_id);
}

/// The client has no secret and must learn that a token exists, however often it asks.
#[tokio::test]
async fn creation_whose_every_response_was_lost_is_found_by_its_key() {
    let (system, proxy, store) = start_observed();
    let dynamodb = &system.local().dynamodb;
    let now = clock::now();
    sign_in(&store, "alice", &[], now).await;

    proxy.inject_into("TransactWriteItems", usize::MAX, DynamoDbFault::CutAfter);
    let lost = new_token("lost", now);
    assert!(store.create_token(&lost).await.is_err());
    proxy.clear_faults();

    let again = new_token("lost", now);
    assert_eq!(create(&store, &again).await.unwrap_err().token_id, lost.token_id);
    assert_eq!(scan(dynamodb, "Tokens").len(), 3);
}

#[tokio::test]
async fn neither_the_key_nor_the_user_is_stored_with_it() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);
    sign_in(&store, "alice", &[], clock::now()).await;
    assert_eq!(create(&store, &new_token("telling-key", clock::now())).await, Ok(()));

    let items = scan(dynamodb, "Tokens");
    let kept =
        items.iter().find(|item| item["token_hash"]["S"].as_str().unwrap().starts_with("idem#")).unwrap();
    let kept = kept.to_string();
    assert!(!kept.contains("telling-key") && !kept.contains("alice"), "{kept}");
}
