//! How sign-ins are recorded and all tokens of a user are revoked.

use chrono::TimeDelta;
use patgate_dynamodb::{CreationOutcome, SignIn};
use patgate_harness::set_user;
use patgate_rules::clock;
use patgate_rules::verdict::{Policy, Verdict, verify};
use serde_json::json;

use crate::setup::{generate_token, sign_in, start_system, store_at, timestamp};

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

#[tokio::test]
async fn revoke_all_never_moves_backwards_and_revokes_tokens_created_under_a_fast_clock() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let now = clock::now();
    sign_in(&store, "alice", &[], now).await;
    let create = async |created_at| {
        let (_, token) = generate_token("alice", created_at);
        (store.create_token(&token).await.unwrap(), token)
    };
    let valid_after = async || store.get_user("alice").await.unwrap().unwrap().tokens_valid_after.unwrap();

    // By a clock that is an hour fast.
    let fast = now + TimeDelta::hours(1);
    assert!(store.revoke_all_tokens("alice", "alice", fast).await.unwrap());
    let first = valid_after().await;
    assert_eq!(create(now).await.0, CreationOutcome::Superseded { tokens_valid_after: first });
    assert_eq!(create(first).await.0, CreationOutcome::Superseded { tokens_valid_after: first });
    let (outcome, token) = create(first + TimeDelta::milliseconds(1)).await;
    assert_eq!(outcome, CreationOutcome::Created);

    // By a correct clock.
    assert!(store.revoke_all_tokens("alice", "admin", now).await.unwrap());
    assert_eq!(valid_after().await, first + TimeDelta::milliseconds(1));
    let (token, owner) = store.get_token_and_owner(&token.hash, None).await.unwrap();
    let verdict = verify(token.as_ref(), owner.as_ref(), now, Policy::default());
    assert_eq!((verdict, owner.unwrap().tokens_revoked_by), (Verdict::Superseded, Some("admin".into())));

    assert!(!store.revoke_all_tokens("nobody", "admin", now).await.unwrap());
}
