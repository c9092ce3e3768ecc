//! Writes that conflict with another write.

use std::sync::atomic::{AtomicU32, Ordering};

use patgate_dynamodb::{SignIn, UserChangeOutcome};
use patgate_harness::{DynamoDbFault, DynamoDbProxy, RecordedRequest};
use patgate_rules::clock;
use tokio::task::JoinSet;

use crate::setup::{create_token, disabling, generate_token, sign_in, start_observed, timestamp};

const CANCELLED_TRANSACTION: &str = r#"{
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "Message": "cancelled",
    "CancellationReasons": [{ "Code": "TransactionConflict" }, { "Code": "None" }, { "Code": "None" }]
}"#;
const CONFLICT: &str = r#"{ "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException" }"#;

#[tokio::test]
async fn conflicting_writes_are_retried() {
    let (_system, proxy, store) = start_observed();
    let (first, second) = (timestamp("2026-01-01T10:00:00.000Z"), timestamp("2026-01-01T20:00:00.000Z"));
    sign_in(&store, "alice", &["old"], first).await;
    let statuses = || proxy.take().into_iter().map(|request| request.status).collect::<Vec<_>>();

    let (_, token) = generate_token("alice", clock::now());
    proxy.take();
    proxy.fail_once("TransactWriteItems", 400, CANCELLED_TRANSACTION);
    create_token(&store, &token).await;
    assert_eq!(statuses(), [200, 400, 200, 200], "a read and a failed write, and both again");

    let roles = ["new".to_owned()];
    let session =
        SignIn { user_id: "alice", name: "alice", email: None, issued_at: second, roles: Some(&roles) };
    proxy.fail_once("UpdateItem", 400, CONFLICT);
    assert_eq!(store.record_sign_in(&session, second).await.unwrap().user.roles, roles);
    assert_eq!(statuses(), [200, 400, 200], "a read, a failed write and its retry");

    sign_in(&store, "admin", &["administrator"], first).await;
    let change = disabling("alice");
    proxy.fail_once("TransactWriteItems", 400, CANCELLED_TRANSACTION);
    assert_eq!(store.change_user(&change, second).await.unwrap(), UserChangeOutcome::Changed);
    assert!(store.get_user("alice").await.unwrap().unwrap().disabled);

    proxy.fail_once("UpdateItem", 400, CONFLICT);
    assert!(store.revoke_all_tokens("alice", "admin", second).await.unwrap());
    assert_eq!(store.get_user("alice").await.unwrap().unwrap().tokens_revoked_at, Some(second));
}

/// Lets 19 of 20 requests of this operation conflict with another write.
fn inject_conflicts(proxy: &DynamoDbProxy, operation: &'static str, conflict: &str) {
    let requests = AtomicU32::new(0);
    let conflicts = move |request: &RecordedRequest| {
        // Multiplying by a number without common factors spreads the successes.
        request.operation == operation && requests.fetch_add(7, Ordering::SeqCst) % 20 != 13
    };
    proxy.inject_where(usize::MAX, DynamoDbFault::Respond(400, conflict.to_owned()), conflicts);
}

#[tokio::test]
async fn acts_that_end_access_succeed_although_95_percent_of_writes_conflict() {
    let (_system, proxy, store) = start_observed();
    let now = clock::now();
    sign_in(&store, "admin", &["administrator"], now).await;
    let users: Vec<_> = (0..12).map(|number| format!("user-{number}")).collect();
    for user in &users {
        sign_in(&store, user, &["publisher"], now).await;
    }

    inject_conflicts(&proxy, "TransactWriteItems", CANCELLED_TRANSACTION);
    inject_conflicts(&proxy, "UpdateItem", CONFLICT);
    let mut acts = JoinSet::new();
    for user_id in users.clone() {
        let store = store.clone();
        acts.spawn(async move {
            let change = disabling(&user_id);
            let disabling = store.change_user(&change, now).await.unwrap();
            let user_exists = store.revoke_all_tokens(&user_id, "admin", now).await.unwrap();
            (disabling, user_exists)
        });
    }
    let ended = acts.join_all().await;
    proxy.clear_faults();

    assert_eq!(ended, vec![(UserChangeOutcome::Changed, true); 12]);
    for user in &users {
        let user = store.get_user(user).await.unwrap().unwrap();
        assert!(user.disabled && user.tokens_revoked_at == Some(now), "{user:?}");
    }
}
