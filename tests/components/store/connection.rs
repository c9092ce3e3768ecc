//! The connection to DynamoDB.

use std::time::{Duration, Instant};

use patgate_dynamodb::{ListRequest, StoreError};
use patgate_harness::DynamoDbFault;
use patgate_rules::clock;
use patgate_rules::token_record::{LastUse, Revocation};
use patgate_rules::user::UserFilter;

use crate::setup::{
    UNREACHABLE_URL, disabling, every_token, generate_token, sign_in, start_observed, store_at,
    user_with_token,
};

#[tokio::test]
async fn unreachable_store_is_an_error_that_names_the_failed_operation() {
    let store = store_at(UNREACHABLE_URL);

    let started = Instant::now();
    let error = store.get_user("alice").await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable { operation: "read a user", .. }), "{error}");
    assert!(started.elapsed() < Duration::from_millis(1_300), "{:?}", started.elapsed());
}

#[tokio::test]
async fn connection_opened_in_advance_serves_the_first_request() {
    let (_system, proxy, store) = start_observed();
    proxy.report_units();

    store.connect().await;
    let [request] = &proxy.take_all()[..] else { panic!("not exactly one request") };
    assert_eq!((request.operation.as_str(), request.status, request.units), ("GetItem", 200, 0.5));

    assert!(store.get_user("nobody-yet").await.unwrap().is_none());
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn failure_to_connect_in_advance_is_not_a_fault() {
    let (_system, proxy, store) = start_observed();

    proxy.inject(DynamoDbFault::CutBefore);
    store.connect().await;

    proxy.clear_faults();
    assert!(store.get_user("nobody-yet").await.unwrap().is_none());
}

#[tokio::test]
async fn response_without_a_body_is_a_fault_and_never_not_found_or_done() {
    let (_system, proxy, store) = start_observed();
    let now = clock::now();
    let (secret, token) = user_with_token(&store, "alice").await;
    let hash = secret.hash();
    sign_in(&store, "admin", &["administrator"], now).await;
    let location = store.locate_token(token.token_id).await.unwrap().unwrap();
    let (_, other) = generate_token("alice", now);

    proxy.inject(DynamoDbFault::Respond(200, String::new()));
    let change = disabling("alice");
    let list = ListRequest { now, ..every_token() };
    let last_use = LastUse { at: now, ip: None };
    let revocation = Revocation::of_token(now, "alice", "alice");
    for (what, is_fault) in [
        ("read a token", store.get_token_and_owner(&hash, None).await.is_err()),
        ("read both", store.get_token_and_owner(&hash, Some("alice")).await.is_err()),
        ("record a use", store.record_use(&hash, &token, &last_use).await.is_err()),
        ("read a user", store.get_user("alice").await.is_err()),
        ("create", store.create_token(&other).await.is_err()),
        ("locate", store.locate_token(token.token_id).await.is_err()),
        ("get", store.get_token(&location).await.is_err()),
        ("report", store.locate_unrevoked_tokens(&[hash.clone()].into()).await.is_err()),
        ("revoke", store.revoke_token(&location, &revocation, now).await.is_err()),
        ("list", store.list_tokens(&list).await.is_err()),
        ("list users", store.list_users(None, 10, &UserFilter::default()).await.is_err()),
        ("change a user", store.change_user(&change, now).await.is_err()),
        ("revoke all", store.revoke_all_tokens("alice", "admin", now).await.is_err()),
    ] {
        assert!(is_fault, "{what}");
    }

    // A creation reads the owner first.
    proxy.clear_faults();
    proxy.inject_into("TransactWriteItems", usize::MAX, DynamoDbFault::Respond(200, String::new()));
    assert!(store.create_token(&other).await.is_err());

    proxy.clear_faults();
    let (read, owner) = store.get_token_and_owner(&hash, None).await.unwrap();
    assert_eq!(read.unwrap(), token, "nothing was changed");
    assert!(!owner.unwrap().disabled);
}
