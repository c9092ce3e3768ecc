//! The connection to DynamoDB.

use std::time::{Duration, Instant};

use patgate_dynamodb::StoreError;
use patgate_harness::{DynamoDbFault, DynamoDbProxy};

use crate::setup::{UNREACHABLE_URL, start_system, store_at};

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
    let system = start_system();
    let proxy = DynamoDbProxy::start();
    proxy.forward_to(&system.local().dynamodb);
    proxy.report_units();
    let store = store_at(&proxy.url);

    store.connect().await;
    let [request] = &proxy.take_all()[..] else { panic!("not exactly one request") };
    assert_eq!((request.operation.as_str(), request.status, request.units), ("GetItem", 200, 0.5));

    assert!(store.get_user("nobody-yet").await.unwrap().is_none());
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn failure_to_connect_in_advance_is_not_a_fault() {
    let system = start_system();
    let proxy = DynamoDbProxy::start();
    proxy.forward_to(&system.local().dynamodb);
    let store = store_at(&proxy.url);

    proxy.inject(DynamoDbFault::CutBefore);
    store.connect().await;

    proxy.clear_faults();
    assert!(store.get_user("nobody-yet").await.unwrap().is_none());
}
