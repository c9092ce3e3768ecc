//! What the store's writes guarantee.

use std::time::Duration;

use chrono::TimeDelta;
use patgate_dynamodb::{
    CreationOutcome, ListRequest, ListScope, RevocationOutcome, SignIn, StoreError, UserChange,
    UserChangeOutcome,
};
use patgate_harness::{DynamoDbFault, DynamoDbProxy, delete_item, scan, set_token, set_user};
use patgate_rules::clock;
use patgate_rules::token_record::{LastUse, Revocation};
use patgate_rules::verdict::{Policy, Verdict, verify};
use serde_json::json;

use crate::setup::{at, new_token, sign_in, start, store, user_with_token};

fn last_use(time: &str) -> LastUse {
    LastUse { at: at(time), ip: Some("192.0.2.1".into()) }
}

#[tokio::test]
async fn token_is_created_only_for_a_known_and_enabled_owner() {
    let system = start();
    let dynamodb = &system.local().dynamodb;
    let store = store(dynamodb);
    let (_, of_nobody) = new_token("nobody", clock::now());
    assert_eq!(store.create_token(&of_nobody).await.unwrap(), CreationOutcome::OwnerRefused);
    sign_in(&store, "alice", &[], clock::now()).await;
    set_user(dynamodb, "alice", "disabled", &json!({ "BOOL": true }));
    let (_, of_disabled) = new_token("alice", clock::now());
    assert_eq!(store.create_token(&of_disabled).await.unwrap(), CreationOutcome::OwnerRefused);
    assert!(scan(dynamodb, "Tokens").is_empty());
    set_user(dynamodb, "alice", "disabled", &json!({ "BOOL": false }));
    assert_eq!(store.create_token(&of_disabled).await.unwrap(), CreationOutcome::Created);
}

#[tokio::test]
async fn creation_repeated_after_a_lost_answer_has_succeeded() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let (_, new) = user_with_token(&store, "alice").await;
    assert_eq!(store.create_token(&new).await.unwrap(), CreationOutcome::Created);
    assert_eq!(scan(&system.local().dynamodb, "Tokens").len(), 2);
}

#[tokio::test]
async fn what_was_purged_is_not_brought_back_by_a_late_write() {
    let system = start();
    let dynamodb = &system.local().dynamodb;
    let store = store(dynamodb);
    let (_, new) = user_with_token(&store, "alice").await;
    let location = store.locate_token(new.record.token_id).await.unwrap().unwrap();
    delete_item(dynamodb, "Tokens", &json!({ "token_hash": { "S": new.hash.as_str() } }));
    let revocation = Revocation::of_token(clock::now(), "alice", "alice");
    let outcome = store.revoke_token(&location, &revocation, clock::now()).await.unwrap();
    assert_eq!(outcome, RevocationOutcome::Purged);
    let written = store.record_use(&new.hash, &new.record, &last_use("2026-01-01T00:00:00.000Z")).await;
    assert!(!written.unwrap());
    assert!(store.get_token(&location).await.unwrap().is_none());
    assert_eq!(store.get_token_and_owner(&new.hash, Some("alice")).await.unwrap().0, None);
    assert_eq!(scan(dynamodb, "Tokens").len(), 1, "only the item that found it is left");
}

#[tokio::test]
async fn last_use_moves_forward_only() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let (_, new) = user_with_token(&store, "alice").await;
    let read = async || store.get_token_and_owner(&new.hash, None).await.unwrap().0.unwrap();
    let unused = read().await;
    let first = last_use("2026-01-01T00:10:00.000Z");
    assert!(store.record_use(&new.hash, &unused, &first).await.unwrap());
    let once = read().await;
    assert_eq!(once.last_used, Some(first));
    let later = LastUse { at: at("2026-01-01T00:20:00.000Z"), ip: None };
    assert!(!store.record_use(&new.hash, &unused, &later).await.unwrap(), "the first was not seen");
    assert!(store.record_use(&new.hash, &once, &later).await.unwrap());
    let twice = read().await;
    assert_eq!(twice.last_used, Some(later), "no address of an earlier use");
    assert_eq!(twice.seen_from, once.seen_from, "and none is forgotten");
    assert!(!store.record_use(&new.hash, &once, &last_use("2026-01-01T00:15:00.000Z")).await.unwrap());
    assert_eq!(read().await, twice);
}

#[tokio::test]
async fn two_instances_write_one_use_between_them() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let (_, new) = user_with_token(&store, "alice").await;
    // A use is told from another by its time and address: one of these is our own.
    let first = LastUse { at: clock::now(), ip: None };
    let second = LastUse { at: first.at + TimeDelta::milliseconds(1), ip: None };
    let (one, two) = tokio::join!(
        store.record_use(&new.hash, &new.record, &first),
        store.record_use(&new.hash, &new.record, &second)
    );
    assert_eq!(u8::from(one.unwrap()) + u8::from(two.unwrap()), 1);
}

#[tokio::test]
async fn revocation_schedules_both_items_for_purging() {
    let system = start();
    let dynamodb = &system.local().dynamodb;
    let store = store(dynamodb);
    let (_, new) = user_with_token(&store, "alice").await;
    let location = store.locate_token(new.record.token_id).await.unwrap().unwrap();
    let purge_at = at("2027-01-01T00:00:00.000Z");
    let revocation = Revocation::of_token(clock::now(), "admin", "alice");
    let revoke = async |revocation| store.revoke_token(&location, revocation, purge_at).await.unwrap();
    store.expire_lookup_item(&location, purge_at).await;
    assert_eq!(revoke(&revocation).await, RevocationOutcome::Revoked);
    assert_eq!(revoke(&revocation).await, RevocationOutcome::Revoked, "repeated, for its answer was lost");
    let another = Revocation::of_token(revocation.at, "alice", "alice");
    assert_eq!(revoke(&another).await, RevocationOutcome::AlreadyRevoked);
    let items = scan(dynamodb, "Tokens");
    assert_eq!(items.len(), 2);
    for item in items {
        assert_eq!(item["purge_at"]["N"], purge_at.timestamp().to_string(), "{item}");
    }
}

#[tokio::test]
async fn session_older_than_the_record_changes_nothing() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let (older, newer) = (at("2026-01-01T10:00:00.000Z"), at("2026-01-01T20:00:00.000Z"));
    sign_in(&store, "alice", &["viewer"], newer).await;
    let user = sign_in(&store, "alice", &["administrator"], older).await;
    assert_eq!(user.roles, ["viewer"]);
    assert_eq!(user.last_sign_in_at, Some(newer));
}

#[tokio::test]
async fn session_with_the_same_roles_is_recorded_as_well() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let (older, newer) = (at("2026-01-01T10:00:00.000Z"), at("2026-01-01T20:00:00.000Z"));
    sign_in(&store, "alice", &["viewer"], older).await;
    assert_eq!(sign_in(&store, "alice", &["viewer"], newer).await.roles_as_of, Some(newer));
}

#[tokio::test]
async fn concurrent_sessions_end_with_the_newest_ones_roles() {
    let system = start();
    let store = store(&system.local().dynamodb);
    for round in 0..10 {
        let user = format!("user-{round}");
        let (older, newer) = (at("2026-01-01T10:00:00.000Z"), at("2026-01-01T20:00:00.000Z"));
        tokio::join!(sign_in(&store, &user, &["old"], older), sign_in(&store, &user, &["new"], newer));
        assert_eq!(store.get_user(&user).await.unwrap().unwrap().roles, ["new"]);
    }
}

#[tokio::test]
async fn where_users_is_the_source_of_roles_a_sign_in_leaves_them_alone() {
    let system = start();
    let dynamodb = &system.local().dynamodb;
    let store = store(dynamodb);
    let record = async |name: &str, issued_at| {
        let sign_in =
            SignIn { user_id: "alice", name, email: Some("alice@example.org"), issued_at, roles: None };
        store.record_sign_in(&sign_in, issued_at).await.unwrap().user
    };
    let first = record("Alice", at("2026-01-01T10:00:00.000Z")).await;
    assert_eq!((first.roles.len(), first.name.as_str()), (0, "Alice"));
    set_user(dynamodb, "alice", "roles", &json!({ "L": [{ "S": "administrator" }] }));
    let second = record("Alice Archer", at("2026-01-01T20:00:00.000Z")).await;
    assert_eq!((second.roles, second.name.as_str()), (vec!["administrator".to_owned()], "Alice Archer"));
    let late = record("Old Name", at("2026-01-01T15:00:00.000Z")).await;
    assert_eq!(late.name, "Alice Archer");
}

#[tokio::test]
async fn writes_that_conflict_with_another_are_tried_again() {
    let system = start();
    let proxy = DynamoDbProxy::start();
    proxy.forward_to(&system.local().dynamodb);
    let store = store(&proxy.url);
    let (first, second) = (at("2026-01-01T10:00:00.000Z"), at("2026-01-01T20:00:00.000Z"));
    sign_in(&store, "alice", &["old"], first).await;

    let cancelled = r#"{
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "cancelled",
        "CancellationReasons": [{ "Code": "TransactionConflict" }, { "Code": "None" }, { "Code": "None" }]
    }"#;
    let (_, new) = new_token("alice", clock::now());
    proxy.take();
    proxy.fail_once("TransactWriteItems", 400, cancelled);
    assert_eq!(store.create_token(&new).await.unwrap(), CreationOutcome::Created);
    let statuses: Vec<_> = proxy.take().into_iter().map(|request| request.status).collect();
    assert_eq!(statuses, [400, 200]);

    let conflict = r#"{ "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException" }"#;
    let roles = ["new".to_owned()];
    let session =
        SignIn { user_id: "alice", name: "alice", email: None, issued_at: second, roles: Some(&roles) };
    proxy.fail_once("UpdateItem", 400, conflict);
    assert_eq!(store.record_sign_in(&session, second).await.unwrap().user.roles, roles);
    let statuses: Vec<_> = proxy.take().into_iter().map(|request| request.status).collect();
    assert_eq!(statuses, [200, 400, 200], "read, refused, written");

    sign_in(&store, "admin", &["administrator"], first).await;
    let change = UserChange {
        user_id: "alice",
        disabled: Some(true),
        roles: None,
        by: "admin",
        admin_role: "administrator",
    };
    proxy.fail_once("TransactWriteItems", 400, cancelled);
    assert_eq!(store.change_user(&change, second).await.unwrap(), UserChangeOutcome::Changed);
    assert!(store.get_user("alice").await.unwrap().unwrap().disabled);
    proxy.fail_once("UpdateItem", 400, conflict);
    assert!(store.revoke_all_tokens("alice", "admin", second).await.unwrap());
    assert_eq!(store.get_user("alice").await.unwrap().unwrap().tokens_revoked_at, Some(second));
}

#[tokio::test]
async fn revoking_all_never_moves_backwards_and_ends_what_is_younger_than_a_clock_ahead() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let now = clock::now();
    sign_in(&store, "alice", &[], now).await;
    let ahead = now + TimeDelta::hours(1);
    let create = async |created_at| {
        let (_, new) = new_token("alice", created_at);
        (store.create_token(&new).await.unwrap(), new)
    };
    assert!(store.revoke_all_tokens("alice", "alice", ahead).await.unwrap());
    let valid_after = async || store.get_user("alice").await.unwrap().unwrap().tokens_valid_after.unwrap();
    let first = valid_after().await;
    assert_eq!(create(now).await.0, CreationOutcome::Superseded { tokens_valid_after: first });
    assert_eq!(create(first).await.0, CreationOutcome::Superseded { tokens_valid_after: first });
    let (created, token) = create(first + TimeDelta::milliseconds(1)).await;
    assert_eq!(created, CreationOutcome::Created);
    // And now by the clock that is right.
    assert!(store.revoke_all_tokens("alice", "admin", now).await.unwrap());
    assert_eq!(valid_after().await, first + TimeDelta::milliseconds(1));
    let (token, owner) = store.get_token_and_owner(&token.hash, None).await.unwrap();
    let verdict = verify(token.as_ref(), owner.as_ref(), now, Policy::default());
    assert_eq!((verdict, owner.unwrap().tokens_revoked_by), (Verdict::Superseded, Some("admin".into())));
    assert!(!store.revoke_all_tokens("nobody", "admin", now).await.unwrap());
}

#[tokio::test]
async fn damaged_record_hides_no_other_in_a_list() {
    let system = start();
    let dynamodb = &system.local().dynamodb;
    let store = store(dynamodb);
    let (_, whole) = user_with_token(&store, "alice").await;
    let (_, damaged) = user_with_token(&store, "bob").await;
    set_user(dynamodb, "bob", "roles", &json!({ "S": "viewer" }));
    let users = store.list_users(None, 100).await.unwrap().users;
    assert_eq!(users.iter().map(|user| user.user_id.as_str()).collect::<Vec<_>>(), ["alice"]);
    // One at a time as well: the damaged one is passed over, and the list goes on.
    let (mut seen, mut after) = (0, None);
    loop {
        let page = store.list_users(after.as_deref(), 1).await.unwrap();
        seen += page.users.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, 1);
    let everyone = ListScope::AllUsers { first_month: "2020-01".parse().unwrap() };
    let request = ListRequest { scope: everyone, status: None, before: None, limit: 100, now: clock::now() };
    let owners = async || {
        let page = store.list_tokens(&request).await.unwrap();
        let owned = page.tokens.into_iter().map(|owned| (owned.token.token_id, owned.owner.is_some()));
        owned.collect::<Vec<_>>()
    };
    assert_eq!(owners().await, [(damaged.record.token_id, false), (whole.record.token_id, true)]);
    set_token(dynamodb, damaged.hash.as_str(), "created_at", &json!({ "S": "long ago" }));
    assert_eq!(owners().await, [(whole.record.token_id, true)]);
    // And a report ends it all the same.
    let hashes = [&damaged, &whole].map(|new| new.hash.clone()).into();
    assert_eq!(store.locate_unrevoked_tokens(&hashes).await.unwrap().len(), 2);
}

#[tokio::test]
async fn list_reads_more_tokens_than_one_batch_holds() {
    let system = start();
    let store = store(&system.local().dynamodb);
    let now = clock::now();
    for owner in 0..12 {
        let owner = format!("user-{owner}");
        sign_in(&store, &owner, &[], now).await;
        for _ in 0..10 {
            let (_, new) = new_token(&owner, now);
            assert_eq!(store.create_token(&new).await.unwrap(), CreationOutcome::Created);
        }
    }
    let first_month = "2020-01".parse().unwrap();
    let request = ListRequest {
        scope: ListScope::AllUsers { first_month },
        status: None,
        before: None,
        limit: 100,
        now,
    };
    let first = store.list_tokens(&request).await.unwrap();
    assert_eq!(first.tokens.len(), 100);
    assert!(first.tokens.iter().all(|owned| owned.owner.is_some()));
    let second = store.list_tokens(&ListRequest { before: first.next, ..request }).await.unwrap();
    assert_eq!(second.tokens.len(), 20);
}

#[tokio::test]
async fn list_of_everybody_crosses_months_without_loss_or_repetition() {
    let system = start();
    let store = store(&system.local().dynamodb);
    sign_in(&store, "alice", &[], at("2026-01-01T00:00:00.000Z")).await;
    let mut expected = Vec::new();
    for month in ["2026-02", "2026-04", "2026-05"] {
        for day in 1..=4 {
            let created_at = at(&format!("{month}-0{day}T00:00:00.000Z"));
            let (_, mut new) = new_token("alice", created_at);
            let millis = u64::try_from(created_at.timestamp_millis()).unwrap();
            new.record.token_id = uuid::Builder::from_unix_timestamp_millis(millis, &[day; 10]).into_uuid();
            assert_eq!(store.create_token(&new).await.unwrap(), CreationOutcome::Created);
            expected.insert(0, new.record.token_id);
        }
    }
    let scope = ListScope::AllUsers { first_month: "2026-01".parse().unwrap() };
    let now = at("2026-06-15T00:00:00.000Z");
    // Pages that end within a month, on its end, and beyond it.
    for limit in [1, 2, 3, 4, 5, 8, 12, 100] {
        let mut request = ListRequest { scope, status: None, before: None, limit, now };
        let mut seen = Vec::new();
        for _ in 0..20 {
            let page = store.list_tokens(&request).await.unwrap();
            assert!(page.tokens.len() <= limit);
            seen.extend(page.tokens.into_iter().map(|owned| owned.token.token_id));
            request.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert!(request.before.is_none(), "the list does not end");
        assert_eq!(seen, expected, "in pages of {limit}");
    }
}

#[tokio::test]
async fn unreachable_storage_is_an_error_and_says_which_operation_failed() {
    let store = store("http://127.0.0.1:9");
    let started = std::time::Instant::now();
    let error = store.get_user("alice").await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable { operation: "read a user", .. }), "{error}");
    assert!(started.elapsed() < Duration::from_millis(1_300), "{:?}", started.elapsed());
}

#[tokio::test]
async fn connection_is_opened_in_advance_and_used_by_the_first_request() {
    let system = start();
    let proxy = DynamoDbProxy::start();
    proxy.forward_to(&system.local().dynamodb);
    proxy.report_units();
    let store = store(&proxy.url);
    store.connect().await;
    let [opened] = &proxy.take_all()[..] else { panic!("one request") };
    assert_eq!((opened.operation.as_str(), opened.status, opened.units), ("GetItem", 200, 0.5));
    assert!(store.get_user("nobody-yet").await.unwrap().is_none());
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn connection_that_cannot_be_opened_in_advance_is_no_fault_yet() {
    let system = start();
    let proxy = DynamoDbProxy::start();
    proxy.forward_to(&system.local().dynamodb);
    proxy.inject(DynamoDbFault::CutBefore);
    let store = store(&proxy.url);
    store.connect().await;
    proxy.heal();
    assert!(store.get_user("nobody-yet").await.unwrap().is_none());
}
