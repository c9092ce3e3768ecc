//! Writes that conflict with another write.

use patgate_dynamodb::{CreationOutcome, SignIn, UserChange, UserChangeOutcome};
use patgate_harness::DynamoDbProxy;
use patgate_rules::clock;

use crate::setup::{generate_token, sign_in, start_system, store_at, timestamp};

const CANCELLED_TRANSACTION: &str = r#"{
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "Message": "cancelled",
    "CancellationReasons": [{ "Code": "TransactionConflict" }, { "Code": "None" }, { "Code": "None" }]
}"#;
const CONFLICT: &str = r#"{ "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException" }"#;

#[tokio::test]
async fn conflicting_writes_are_retried() {
    let system = start_system();
    let proxy = DynamoDbProxy::start();
    proxy.forward_to(&system.local().dynamodb);
    let store = store_at(&proxy.url);
    let (first, second) = (timestamp("2026-01-01T10:00:00.000Z"), timestamp("2026-01-01T20:00:00.000Z"));
    sign_in(&store, "alice", &["old"], first).await;
    let statuses = || proxy.take().into_iter().map(|request| request.status).collect::<Vec<_>>();

    let (_, token) = generate_token("alice", clock::now());
    proxy.take();
    proxy.fail_once("TransactWriteItems", 400, CANCELLED_TRANSACTION);
    assert_eq!(store.create_token(&token).await.unwrap(), CreationOutcome::Created);
    assert_eq!(statuses(), [400, 200]);

    let roles = ["new".to_owned()];
    let session =
        SignIn { user_id: "alice", name: "alice", email: None, issued_at: second, roles: Some(&roles) };
    proxy.fail_once("UpdateItem", 400, CONFLICT);
    assert_eq!(store.record_sign_in(&session, second).await.unwrap().user.roles, roles);
    assert_eq!(statuses(), [200, 400, 200], "a read, a failed write and its retry");

    sign_in(&store, "admin", &["administrator"], first).await;
    let change = UserChange {
        user_id: "alice",
        disabled: Some(true),
        roles: None,
        by: "admin",
        admin_role: "administrator",
    };
    proxy.fail_once("TransactWriteItems", 400, CANCELLED_TRANSACTION);
    assert_eq!(store.change_user(&change, second).await.unwrap(), UserChangeOutcome::Changed);
    assert!(store.get_user("alice").await.unwrap().unwrap().disabled);

    proxy.fail_once("UpdateItem", 400, CONFLICT);
    assert!(store.revoke_all_tokens("alice", "admin", second).await.unwrap());
    assert_eq!(store.get_user("alice").await.unwrap().unwrap().tokens_revoked_at, Some(second));
}
