//! How tokens are created, used and revoked.

use chrono::TimeDelta;
use patgate_dynamodb::{CreationOutcome, RevocationOutcome};
use patgate_harness::{DynamoDbFault, delete_item, scan, set_user};
use patgate_rules::clock;
use patgate_rules::token_record::{LastUse, Revocation};
use serde_json::json;

use crate::setup::{
    create_token, generate_token, sign_in, start_observed, start_system, store_at, timestamp, user_with_token,
};

fn last_use(time: &str) -> LastUse {
    LastUse { at: timestamp(time), ip: Some("192.0.2.1".into()) }
}

#[tokio::test]
async fn token_is_created_only_for_a_known_and_enabled_owner() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);

    let (_, owner_unknown) = generate_token("nobody", clock::now());
    assert_eq!(store.create_token(&owner_unknown).await.unwrap(), CreationOutcome::OwnerNotAllowed);

    sign_in(&store, "alice", &[], clock::now()).await;
    set_user(dynamodb, "alice", "disabled", &json!({ "BOOL": true }));
    let (_, token) = generate_token("alice", clock::now());
    assert_eq!(store.create_token(&token).await.unwrap(), CreationOutcome::OwnerNotAllowed);
    assert!(scan(dynamodb, "Tokens").is_empty());

    set_user(dynamodb, "alice", "disabled", &json!({ "BOOL": false }));
    create_token(&store, &token).await;
}

#[tokio::test]
async fn creation_repeated_after_a_lost_response_succeeds() {
    let (system, proxy, store) = start_observed();
    let now = clock::now();
    sign_in(&store, "alice", &[], now).await;

    let (_, token) = generate_token("alice", now);
    proxy.take();
    proxy.inject_into("TransactWriteItems", 1, DynamoDbFault::CutAfter);
    create_token(&store, &token).await;

    let requests = proxy.take();
    let requests: Vec<_> =
        requests.iter().map(|request| (request.operation.as_str(), request.status)).collect();
    assert_eq!(requests, [("GetItem", 200), ("TransactWriteItems", 0), ("TransactWriteItems", 200)]);
    assert_eq!(scan(&system.local().dynamodb, "Tokens").len(), 2);
}

#[tokio::test]
async fn late_write_does_not_restore_a_purged_token() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);
    let (secret, token) = user_with_token(&store, "alice").await;
    let location = store.locate_token(token.token_id).await.unwrap().unwrap();
    delete_item(dynamodb, "Tokens", &json!({ "token_hash": { "S": secret.hash().as_str() } }));

    let revocation = Revocation::of_token(clock::now(), "alice", "alice");
    let outcome = store.revoke_token(&location, &revocation, clock::now()).await.unwrap();
    assert_eq!(outcome, RevocationOutcome::Purged);

    let written = store.record_use(&secret.hash(), &token, &last_use("2026-01-01T00:00:00.000Z")).await;
    assert!(!written.unwrap());

    assert!(store.get_token(&location).await.unwrap().is_none());
    assert_eq!(store.get_token_and_owner(&secret.hash(), Some("alice")).await.unwrap().0, None);
    assert_eq!(scan(dynamodb, "Tokens").len(), 1, "only the lookup item is left");
}

#[tokio::test]
async fn last_use_only_moves_forward() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (secret, _) = user_with_token(&store, "alice").await;
    let read = async || store.get_token_and_owner(&secret.hash(), None).await.unwrap().0.unwrap();

    let unused = read().await;
    let first = last_use("2026-01-01T00:10:00.000Z");
    assert!(store.record_use(&secret.hash(), &unused, &first).await.unwrap());
    let used_once = read().await;
    assert_eq!(used_once.last_used, Some(first));

    let later = LastUse { at: timestamp("2026-01-01T00:20:00.000Z"), ip: None };
    let from_unused = store.record_use(&secret.hash(), &unused, &later).await.unwrap();
    assert!(!from_unused, "the writer did not know the first use");
    assert!(store.record_use(&secret.hash(), &used_once, &later).await.unwrap());
    let used_twice = read().await;
    assert_eq!(used_twice.last_used, Some(later), "without the address of the earlier use");
    assert_eq!(used_twice.seen_from, used_once.seen_from, "the list of addresses is kept");

    let earlier = last_use("2026-01-01T00:15:00.000Z");
    assert!(!store.record_use(&secret.hash(), &used_once, &earlier).await.unwrap());
    assert_eq!(read().await, used_twice);
}

#[tokio::test]
async fn use_seen_by_two_instances_is_written_once() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (secret, token) = user_with_token(&store, "alice").await;

    // The store identifies a use by its time and address. With equal times it would take
    // the second write for a repetition of the first.
    let first = LastUse { at: clock::now(), ip: None };
    let second = LastUse { at: first.at + TimeDelta::milliseconds(1), ip: None };
    let hash = secret.hash();
    let (first_written, second_written) =
        tokio::join!(store.record_use(&hash, &token, &first), store.record_use(&hash, &token, &second));
    assert_eq!(u8::from(first_written.unwrap()) + u8::from(second_written.unwrap()), 1);
}

#[tokio::test]
async fn revocation_schedules_both_items_for_purging() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);
    let (_, token) = user_with_token(&store, "alice").await;
    let location = store.locate_token(token.token_id).await.unwrap().unwrap();
    let purge_at = timestamp("2027-01-01T00:00:00.000Z");

    let revocation = Revocation::of_token(clock::now(), "admin", "alice");
    let revoke = async |revocation| store.revoke_token(&location, revocation, purge_at).await.unwrap();
    store.expire_lookup_item(&location, purge_at).await;
    assert_eq!(revoke(&revocation).await, RevocationOutcome::Revoked);
    assert_eq!(revoke(&revocation).await, RevocationOutcome::Revoked, "repeated after a lost response");
    let by_owner = Revocation::of_token(revocation.at, "alice", "alice");
    assert_eq!(revoke(&by_owner).await, RevocationOutcome::AlreadyRevoked);

    let items = scan(dynamodb, "Tokens");
    assert_eq!(items.len(), 2);
    for item in items {
        assert_eq!(item["purge_at"]["N"], purge_at.timestamp().to_string(), "{item}");
    }
}
