//! Lists of users and of tokens.

use patgate_dynamodb::{ListRequest, ListScope};
use patgate_harness::{DynamoDbProxy, set_token, set_user};
use patgate_rules::clock;
use patgate_rules::search::SearchText;
use patgate_rules::token_filter::TokenFilter;
use patgate_rules::token_record::Revocation;
use patgate_rules::user::UserFilter;
use patgate_rules::verdict::Status;
use serde_json::json;

use crate::setup::{
    create_token, every_token, generate_token, sign_in, start_observed, start_system, store_at, timestamp,
    user_with_token,
};

#[tokio::test]
async fn damaged_record_does_not_hide_others_in_a_list() {
    let system = start_system();
    let dynamodb = &system.local().dynamodb;
    let store = store_at(dynamodb);
    let (intact_secret, intact) = user_with_token(&store, "alice").await;
    let (damaged_secret, damaged) = user_with_token(&store, "bob").await;
    set_user(dynamodb, "bob", "roles", &json!({ "S": "viewer" }));

    let users = store.list_users(None, 100, &UserFilter::default()).await.unwrap().users;
    assert_eq!(users.iter().map(|user| user.user_id.as_str()).collect::<Vec<_>>(), ["alice"]);

    // Pages of one user skip the damaged record as well, and the list continues after it.
    let (mut listed, mut after) = (0, None);
    loop {
        let page = store.list_users(after.as_deref(), 1, &UserFilter::default()).await.unwrap();
        listed += page.users.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, 1);

    let scope = ListScope::AllUsers { first_month: "2020-01".parse().unwrap() };
    let request = ListRequest { scope, now: clock::now(), ..every_token() };
    let listed_tokens = async || {
        let page = store.list_tokens(&request).await.unwrap();
        let tokens = page.tokens.into_iter().map(|owned| (owned.token.token_id, owned.owner.is_some()));
        tokens.collect::<Vec<_>>()
    };
    assert_eq!(listed_tokens().await, [(damaged.token_id, false), (intact.token_id, true)]);

    set_token(dynamodb, damaged_secret.hash().as_str(), "created_at", &json!({ "S": "long ago" }));
    assert_eq!(listed_tokens().await, [(intact.token_id, true)]);

    // The index contains the damaged ID, before and after the intact one.
    for damaged in ["unreadable", "0", "01a"] {
        set_token(dynamodb, damaged_secret.hash().as_str(), "token_id", &json!({ "S": damaged }));
        assert_eq!(listed_tokens().await, [(intact.token_id, true)]);
        let one = ListRequest { limit: 1, ..request };
        assert_eq!(store.list_tokens(&one).await.unwrap().tokens.len(), 1, "{damaged}");
    }
    set_token(
        dynamodb,
        damaged_secret.hash().as_str(),
        "token_id",
        &json!({ "S": damaged.token_id.to_string() }),
    );

    // A report of leaked tokens still finds the damaged token.
    let hashes = [&damaged_secret, &intact_secret].map(|secret| secret.hash()).into();
    assert_eq!(store.locate_unrevoked_tokens(&hashes).await.unwrap().len(), 2);
}

#[tokio::test]
async fn list_reads_more_tokens_than_one_batch_holds() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    let now = clock::now();
    for number in 0..12 {
        let owner = format!("user-{number}");
        sign_in(&store, &owner, &[], now).await;
        for _ in 0..10 {
            let (_, token) = generate_token(&owner, now);
            create_token(&store, &token).await;
        }
    }

    let scope = ListScope::AllUsers { first_month: "2020-01".parse().unwrap() };
    let request = ListRequest { scope, now, ..every_token() };
    let first = store.list_tokens(&request).await.unwrap();
    assert_eq!(first.tokens.len(), 100);
    assert!(first.tokens.iter().all(|owned| owned.owner.is_some()));

    let second = store.list_tokens(&ListRequest { before: first.next, ..request }).await.unwrap();
    assert_eq!(second.tokens.len(), 20);
}

#[tokio::test]
async fn list_of_all_users_tokens_crosses_months_without_gaps_or_duplicates() {
    let system = start_system();
    let store = store_at(&system.local().dynamodb);
    sign_in(&store, "alice", &[], timestamp("2026-01-01T00:00:00.000Z")).await;

    let mut expected = Vec::new();
    for month in ["2026-02", "2026-04", "2026-05"] {
        for day in 1..=4 {
            let created_at = timestamp(&format!("{month}-0{day}T00:00:00.000Z"));
            let (_, mut token) = generate_token("alice", created_at);
            let millis = u64::try_from(created_at.timestamp_millis()).unwrap();
            token.token_id = uuid::Builder::from_unix_timestamp_millis(millis, &[day; 10]).into_uuid();
            create_token(&store, &token).await;
            expected.insert(0, token.token_id);
        }
    }

    let scope = ListScope::AllUsers { first_month: "2026-01".parse().unwrap() };
    let now = timestamp("2026-06-15T00:00:00.000Z");
    // Some pages end within a month, some at its end and some beyond it.
    for limit in [1, 2, 3, 4, 5, 8, 12, 100] {
        let mut request = ListRequest { scope, limit, now, ..every_token() };
        let mut listed = Vec::new();
        for _ in 0..20 {
            let page = store.list_tokens(&request).await.unwrap();
            assert!(page.tokens.len() <= limit);
            listed.extend(page.tokens.into_iter().map(|owned| owned.token.token_id));
            request.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert!(request.before.is_none(), "the list does not end");
        assert_eq!(listed, expected, "in pages of {limit}");
    }
}

/// How many tokens the recorded requests asked for.
fn requested_tokens(proxy: &DynamoDbProxy) -> usize {
    let requests = proxy.take();
    let keys = requests.iter().map(|request| &request.body["RequestItems"]["Tokens"]["Keys"]);
    keys.filter_map(|keys| Some(keys.as_array()?.len())).sum()
}

#[tokio::test]
async fn list_examines_at_most_200_keys_per_request_and_filtered_pages_continue() {
    let (_system, proxy, store) = start_observed();
    let (_, oldest) = user_with_token(&store, "alice").await;
    let revocation = Revocation::of_token(clock::now(), "alice", "alice");
    let location = store.locate_token(oldest.token_id).await.unwrap().unwrap();
    store.revoke_token(&location, &revocation, clock::now()).await.unwrap();
    for _ in 0..450 {
        let (_, token) = generate_token("alice", clock::now());
        create_token(&store, &token).await;
    }

    let all_users = ListScope::AllUsers { first_month: "2026-01".parse().unwrap() };
    for scope in [ListScope::User("alice"), all_users] {
        let filter = TokenFilter { status: Some(Status::Revoked), ..TokenFilter::default() };
        let now = clock::now();
        let mut request = ListRequest { scope, filter: &filter, limit: 1, now, ..every_token() };
        let mut pages = Vec::new();
        loop {
            proxy.take();
            let page = store.list_tokens(&request).await.unwrap();
            let examined = requested_tokens(&proxy);
            assert!(examined <= 200, "{examined} tokens for one page");
            pages.push(page.tokens.iter().map(|owned| owned.token.token_id).collect::<Vec<_>>());
            request.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!(pages.concat(), [oldest.token_id], "{scope:?}");
        assert!((3..=4).contains(&pages.len()), "{} pages", pages.len());
    }
}

#[tokio::test]
async fn filtered_page_of_users_examines_100_and_continues_until_all_are_found() {
    let (_system, proxy, store) = start_observed();
    let now = clock::now();
    let mut wanted = Vec::new();
    for number in 0..230 {
        let user_id = format!("user-{number}");
        sign_in(&store, &user_id, &[], now).await;
        if number % 23 == 0 {
            wanted.push(user_id.clone());
            set_user(&proxy.url, &user_id, "name", &json!({ "S": "Zoë Wanted" }));
        }
    }
    wanted.sort();

    let filter = UserFilter { text: SearchText::new("ZOE"), disabled: None };
    for limit in [1, 3, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            proxy.take();
            let page = store.list_users(after.as_deref(), limit, &filter).await.unwrap();
            let scans = proxy.take();
            assert_eq!(scans.iter().map(|scan| &scan.body["Limit"]).collect::<Vec<_>>(), [&json!(100)]);
            assert!(page.users.len() <= limit);
            found.extend(page.users.into_iter().map(|user| user.user_id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        found.sort();
        assert_eq!(found, wanted, "in pages of {limit}");
    }
}
