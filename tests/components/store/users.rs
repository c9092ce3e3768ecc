//! How sign-ins are recorded and all tokens of a user are revoked.

use std::time::Duration;

use chrono::TimeDelta;
use patgate_dynamodb::{CreationOutcome, SignIn, Store};
use patgate_harness::{DynamoDbFault, RecordedRequest, delete_item, set_user};
use patgate_rules::clock;
use patgate_rules::token::PlainToken;
use patgate_rules::verdict::{Policy, Verdict, verify};
use serde_json::json;

use crate::setup::{
    create_token, generate_token, sign_in, start_observed, start_system, store_at, timestamp, user_with_token,
};

#[tokio::test]
async fn session_older_than_the_recorded_one_changes_nothing() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (older, newer) = (timestamp("2026-01-01T10:00:00.000Z"), timestamp("2026-01-01T20:00:00.000Z"));

    sign_in(&store, "alice", &["viewer"], newer).await;
    let user = sign_in(&store, "alice", &["administrator"], older).await;
    assert_eq!(user.roles, ["viewer"]);
    assert_eq!(user.last_sign_in_at, Some(newer));
}

#[tokio::test]
async fn newer_session_with_the_same_roles_is_recorded() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (older, newer) = (timestamp("2026-01-01T10:00:00.000Z"), timestamp("2026-01-01T20:00:00.000Z"));

    sign_in(&store, "alice", &["viewer"], older).await;
    assert_eq!(sign_in(&store, "alice", &["viewer"], newer).await.roles_as_of, Some(newer));
}

#[tokio::test]
async fn concurrent_sessions_leave_the_roles_of_the_newest() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let (older, newer) = (timestamp("2026-01-01T10:00:00.000Z"), timestamp("2026-01-01T20:00:00.000Z"));

    for round in 0..10 {
        let user = format!("user-{round}");
        tokio::join!(sign_in(&store, &user, &["old"], older), sign_in(&store, &user, &["new"], newer));
        assert_eq!(store.get_user(&user).await.unwrap().unwrap().roles, ["new"]);
    }
}

#[tokio::test]
async fn sign_in_keeps_roles_that_are_managed_in_the_users_table() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);
    let sign_in_without_roles = async |name: &str, issued_at| {
        let session =
            SignIn { user_id: "alice", name, email: Some("alice@example.org"), issued_at, roles: None };
        store.record_sign_in(&session, issued_at).await.unwrap().user
    };

    let first = sign_in_without_roles("Alice", timestamp("2026-01-01T10:00:00.000Z")).await;
    assert_eq!((first.roles.len(), first.name.as_str()), (0, "Alice"));

    set_user(dynamodb, "alice", "roles", &json!({ "L": [{ "S": "administrator" }] }));
    let second = sign_in_without_roles("Alice Archer", timestamp("2026-01-01T20:00:00.000Z")).await;
    assert_eq!((second.roles, second.name.as_str()), (vec!["administrator".to_owned()], "Alice Archer"));

    let older = sign_in_without_roles("Old Name", timestamp("2026-01-01T15:00:00.000Z")).await;
    assert_eq!(older.name, "Alice Archer");
}

async fn verdict_of(store: &Store, secret: &PlainToken) -> Verdict {
    let (token, owner) = store.get_token_and_owner(&secret.hash(), None).await.unwrap();
    verify(token.as_ref(), owner.as_ref(), clock::now(), Policy::default())
}

#[tokio::test]
async fn revoke_all_depends_on_no_clock() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let now = clock::now();
    sign_in(&store, "alice", &[], now).await;
    let (fast, slow) = (now + TimeDelta::hours(1), now - TimeDelta::hours(1));

    // The clock of the creation differs from that of the revocation, in both directions.
    for (created_at, revoked_at) in [(fast, slow), (now, now), (slow, fast), (fast, now), (slow, now)] {
        let (before, token) = generate_token("alice", created_at);
        create_token(&store, &token).await;
        assert!(store.revoke_all_tokens("alice", "admin", revoked_at).await.unwrap());
        let (after, token) = generate_token("alice", created_at);
        create_token(&store, &token).await;

        assert_eq!(verdict_of(&store, &before).await, Verdict::Superseded, "{created_at} {revoked_at}");
        assert_eq!(verdict_of(&store, &after).await, Verdict::Allowed, "{created_at} {revoked_at}");
        let user = store.get_user("alice").await.unwrap().unwrap();
        assert_eq!(user.tokens_revoked_at, Some(revoked_at));
    }

    assert!(!store.revoke_all_tokens("unknown", "admin", now).await.unwrap());
}

#[tokio::test]
async fn revoke_all_that_is_repeated_or_late_revokes_no_later_token() {
    let (_system, proxy, store) = start_observed();
    let (before, _) = user_with_token(&store, "alice").await;
    let generation = async || store.get_user("alice").await.unwrap().unwrap().token_generation.unwrap();
    let first = generation().await;

    // The response is lost, and the SDK repeats the request.
    proxy.inject_into("UpdateItem", 1, DynamoDbFault::CutAfter);
    assert!(store.revoke_all_tokens("alice", "admin", clock::now()).await.unwrap());
    assert_eq!(generation().await, first + 1);

    // Another revocation is faster, and a token is created between the two.
    let (late, (after, token)) = (store.clone(), generate_token("alice", clock::now()));
    proxy.inject_into("UpdateItem", 1, DynamoDbFault::Slow(Duration::from_millis(100)));
    proxy.take();
    let late = tokio::spawn(async move { late.revoke_all_tokens("alice", "late", clock::now()).await });
    let is_late = |request: &RecordedRequest| request.body["Key"]["user_id"]["S"] == "alice";
    while !proxy.take().iter().any(is_late) {
        tokio::task::yield_now().await;
    }
    assert!(store.revoke_all_tokens("alice", "fast", clock::now()).await.unwrap());
    create_token(&store, &token).await;
    assert!(late.await.unwrap().unwrap());

    assert_eq!(generation().await, first + 2);
    assert_eq!(verdict_of(&store, &before).await, Verdict::Superseded);
    assert_eq!(verdict_of(&store, &after).await, Verdict::Allowed);
}

#[tokio::test]
async fn tokens_of_a_deleted_user_do_not_work_after_the_next_sign_in() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);
    let (current, _) = user_with_token(&store, "alice").await;
    assert!(store.revoke_all_tokens("alice", "admin", clock::now()).await.unwrap());
    let (newest, token) = generate_token("alice", clock::now());
    create_token(&store, &token).await;

    delete_item(dynamodb, "Users", &json!({ "user_id": { "S": "alice" } }));
    assert_eq!(verdict_of(&store, &newest).await, Verdict::OwnerMissing);

    let (new, _) = user_with_token(&store, "alice").await;
    for old in [&current, &newest] {
        assert_eq!(verdict_of(&store, old).await, Verdict::Superseded);
    }
    assert_eq!(verdict_of(&store, &new).await, Verdict::Allowed);
}

#[tokio::test]
async fn user_added_by_hand_gets_a_generation_at_the_first_session_and_again_after_a_deletion() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);
    // Roles that were set after the session was issued, which therefore changes no role.
    let add_by_hand = || {
        set_user(dynamodb, "alice", "roles", &json!({ "L": [{ "S": "publisher" }] }));
        set_user(dynamodb, "alice", "roles_as_of", &json!({ "S": "2030-01-01T00:00:00.000Z" }));
    };
    add_by_hand();
    let (_, too_early) = generate_token("alice", clock::now());
    assert_eq!(store.create_token(&too_early).await.unwrap(), CreationOutcome::OwnerNotAllowed);
    assert!(store.revoke_all_tokens("alice", "admin", clock::now()).await.unwrap());

    assert_eq!(sign_in(&store, "alice", &["viewer"], clock::now()).await.roles, ["publisher"]);
    let (first, token) = generate_token("alice", clock::now());
    create_token(&store, &token).await;
    sign_in(&store, "alice", &["viewer"], clock::now()).await;
    assert_eq!(verdict_of(&store, &first).await, Verdict::Allowed, "a sign-in changes no generation");

    for _ in 0..2 {
        delete_item(dynamodb, "Users", &json!({ "user_id": { "S": "alice" } }));
        add_by_hand();
        assert_eq!(verdict_of(&store, &first).await, Verdict::Superseded);
        sign_in(&store, "alice", &["viewer"], clock::now()).await;
        assert_eq!(verdict_of(&store, &first).await, Verdict::Superseded);
    }
}
