//! Paging through lists while tokens are created and revoked.

use std::collections::BTreeSet;

use patgate_harness::{Settings, SignedInUser, System};
use serde_json::Value;

/// Reads all pages of a list, and calls `between` after each page but the last.
fn read_all_pages(user: &SignedInUser<'_>, query: &str, mut between: impl FnMut(usize)) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    for page in 0.. {
        assert!(page < 200, "the list does not end");
        let response = user.call_until_admitted("GET", &format!("/api/tokens?{query}{cursor}"));
        assert_eq!(response.status, 200, "{response:?}");
        let response = response.json();
        items.extend(response["items"].as_array().unwrap().clone());
        match response["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        between(page);
    }

    items
}

#[track_caller]
fn assert_each_once_newest_first(items: &[Value], expected: &BTreeSet<String>) {
    let ids: Vec<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] > pair[1]), "not newest first, or twice: {ids:?}");
    let created: Vec<_> = items.iter().map(|item| item["createdAt"].as_str().unwrap()).collect();
    assert!(created.windows(2).all(|pair| pair[0] >= pair[1]), "not newest first: {created:?}");
    let seen: BTreeSet<_> = ids.into_iter().map(str::to_owned).collect();
    let missing: Vec<_> = expected.difference(&seen).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
}

/// Creates 250 tokens in total, from several clients at once, and returns their IDs.
fn create_250(users: &[&SignedInUser<'_>]) -> BTreeSet<String> {
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..10)
            .map(|client| {
                let user = users[client % users.len()];
                scope.spawn(move || {
                    (0..25).map(|n| user.create_token(&format!("{client}-{n}")).id).collect::<Vec<_>>()
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn paging_through_one_users_tokens_returns_each_once_while_tokens_are_created_and_revoked() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let (alice, bob) = (system.sign_in("alice"), system.sign_in("bob"));

    let expected = create_250(&[&alice]);
    assert_eq!(expected.len(), 250);

    bob.create_token("bob's");
    let oldest = expected.first().unwrap().clone();
    let items = read_all_pages(&alice, "limit=25", |page| {
        alice.create_token(&format!("new {page}"));
        bob.create_token("bob's");
        if page == 3 {
            assert_eq!(alice.revoke_token(&oldest), 204);
        }
    });

    assert_each_once_newest_first(&items, &expected);
    assert!(items.iter().all(|item| item["owner"]["id"] == "alice"));

    let last = items.last().unwrap();
    assert_eq!((last["id"].as_str(), last["status"].as_str()), (Some(oldest.as_str()), Some("revoked")));
}

#[test]
fn paging_through_all_users_tokens_returns_each_once_while_tokens_are_created_and_revoked() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let (alice, bob, admin) = (system.sign_in("alice"), system.sign_in("bob"), system.sign_in("admin"));

    let expected = create_250(&[&alice, &bob]);
    let items = read_all_pages(&admin, "allUsers=true&limit=40", |page| {
        let token = bob.create_token(&format!("new {page}"));
        bob.revoke_token(&token.id);
    });
    assert_each_once_newest_first(&items, &expected);

    let owners: BTreeSet<_> = items.iter().map(|item| item["owner"]["name"].as_str().unwrap()).collect();
    assert_eq!(owners, BTreeSet::from(["Alice Archer", "Bob Baker"]));
}

#[test]
fn status_filter_finds_few_tokens_among_many() {
    let Some(system) = System::start_local(Settings::default()) else { return };
    let alice = system.sign_in("alice");

    let all: Vec<_> = create_250(&[&alice]).into_iter().collect();
    let revoked: BTreeSet<_> = all.iter().step_by(60).cloned().collect();
    for id in &revoked {
        assert_eq!(alice.revoke_token(id), 204);
    }

    let items = read_all_pages(&alice, "status=revoked&limit=2", |_| {});
    assert_each_once_newest_first(&items, &revoked);
    assert_eq!(items.len(), revoked.len());
}

#[test]
fn list_of_all_users_tokens_skips_empty_months_and_ends() {
    let settings = Settings { parameters: vec!["FirstMonth=2020-01"], ..Settings::default() };
    let Some(system) = System::start_local(settings) else { return };
    let admin = system.sign_in("admin");

    let token = admin.create_token("the only one");
    let mut pages = 0;
    let items = read_all_pages(&admin, "allUsers=true", |_| pages += 1);
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["id"], token.id.as_str());
    assert!(pages >= 5, "a request reads at most twelve months; {pages} pages");
}
