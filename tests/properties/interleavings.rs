//! Creations and revocations of all tokens at the same time, while some of their requests
//! reach DynamoDB late: which tokens work afterwards depends on the order of the writes alone.

use std::cell::Cell;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;
use patgate_dynamodb::Store;
use patgate_harness::{DynamoDbFault, DynamoDbProxy, RecordedRequest};
use patgate_rules::clock;
use patgate_rules::token::TokenHash;
use patgate_rules::verdict::{Policy, Verdict, verify};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::runner::{check_property, regressions};
use crate::setup;

/// When an act starts, how long its write takes to reach DynamoDB, and how far its clock is
/// ahead.
#[derive(Debug, Clone)]
struct Act {
    start: Duration,
    delay: Duration,
    clock: TimeDelta,
}

#[derive(Debug, Clone)]
struct Interleaving {
    creations: Vec<Act>,
    revocations: Vec<Act>,
    sign_ins: Vec<Act>,
}

/// A confirmed creation or revocation. DynamoDB made its write between the two times.
struct Write {
    /// When the proxy forwarded the write.
    forwarded: Instant,
    confirmed: Instant,
}

/// A confirmed revocation of all tokens.
struct Revocation {
    /// A token that was confirmed before this time is revoked: when the write was forwarded,
    /// or when the revocation started, if another one was faster.
    effective_after: Instant,
    confirmed: Instant,
    is_written: bool,
}

fn interleavings() -> impl Strategy<Value = Interleaving> {
    (acts(1..=4), acts(1..=2), acts(0..=1)).prop_map(|(creations, revocations, sign_ins)| Interleaving {
        creations,
        revocations,
        sign_ins,
    })
}

fn acts(count: RangeInclusive<usize>) -> impl Strategy<Value = Vec<Act>> {
    let millis = || (0..=6_u64).prop_map(Duration::from_millis);
    let clock = prop_oneof![Just(0), -2..=2_i64, Just(-3_600_000), Just(3_600_000)];
    let act = (millis(), prop_oneof![Just(Duration::ZERO), millis()], clock)
        .prop_map(|(start, delay, clock)| Act { start, delay, clock: TimeDelta::milliseconds(clock) });

    prop::collection::vec(act, count)
}

impl Act {
    /// Waits for the start, and delays the act's write, which contains `text`.
    async fn start(&self, proxy: &DynamoDbProxy, text: &str) {
        let text = text.to_owned();
        let is_own = move |request: &RecordedRequest| is_write_with(request, &text);
        proxy.inject_where(1, DynamoDbFault::Slow(self.delay), is_own);

        tokio::time::sleep(self.start).await;
    }
}

impl Write {
    /// The write that was just confirmed and contains `text`. `None` if another revocation
    /// was faster.
    fn confirmed_now(proxy: &DynamoDbProxy, text: &str) -> Option<Self> {
        let confirmed = Instant::now();
        let is_own = |request: &RecordedRequest| request.status == 200 && is_write_with(request, text);
        Some(Self { forwarded: proxy.forwarded_at(is_own)?, confirmed })
    }
}

fn is_write_with(request: &RecordedRequest, text: &str) -> bool {
    let is_write = ["TransactWriteItems", "UpdateItem"].contains(&request.operation.as_str());
    is_write && request.body.to_string().contains(text)
}

async fn create(store: &Store, proxy: &DynamoDbProxy, user_id: &str, act: &Act) -> (TokenHash, Write) {
    let (_, token) = setup::generate_token(user_id, clock::now() + act.clock);
    let token_id = token.token_id.to_string();
    act.start(proxy, &token_id).await;

    setup::create_token(store, &token).await;
    (token.hash, Write::confirmed_now(proxy, &token_id).expect("the creation was written"))
}

async fn revoke_all(store: &Store, proxy: &DynamoDbProxy, user_id: &str, act: &Act) -> Revocation {
    let by = uuid::Uuid::now_v7().to_string();
    act.start(proxy, &by).await;

    let started = Instant::now();
    assert!(store.revoke_all_tokens(user_id, &by, clock::now() + act.clock).await.unwrap());
    let confirmed = Instant::now();
    let written = Write::confirmed_now(proxy, &by);
    Revocation {
        is_written: written.is_some(),
        effective_after: written.map_or(started, |write| write.forwarded),
        confirmed,
    }
}

async fn sign_in(store: &Store, user_id: &str, act: &Act) {
    tokio::time::sleep(act.start).await;
    setup::sign_in(store, user_id, &["viewer"], clock::now() + act.clock).await;
}

async fn check_interleaving(
    interleaving: &Interleaving,
    user_id: &str,
    store: &Store,
    proxy: &DynamoDbProxy,
) -> TestCaseResult {
    let before = setup::sign_in(store, user_id, &["viewer"], clock::now()).await;

    let (created, revoked, _) = tokio::join!(
        join_all(interleaving.creations.iter().map(|act| create(store, proxy, user_id, act))),
        join_all(interleaving.revocations.iter().map(|act| revoke_all(store, proxy, user_id, act))),
        join_all(interleaving.sign_ins.iter().map(|act| sign_in(store, user_id, act))),
    );

    for (hash, creation) in &created {
        let (token, owner) = store.get_token_and_owner(hash, None).await.unwrap();
        let verdict = verify(token.as_ref(), owner.as_ref(), clock::now(), Policy::default());

        let is_before_one = revoked.iter().any(|revocation| creation.confirmed < revocation.effective_after);
        let is_after_all = revoked.iter().all(|revocation| revocation.confirmed < creation.forwarded);
        if is_before_one {
            prop_assert_eq!(verdict, Verdict::Superseded, "a token that was confirmed before works");
        } else if is_after_all {
            prop_assert_eq!(verdict, Verdict::Allowed, "a token that was stored afterwards does not work");
        } else {
            prop_assert!(matches!(verdict, Verdict::Superseded | Verdict::Allowed), "{:?}", verdict);
        }
    }

    let after = store.get_user(user_id).await.unwrap().unwrap();
    let increments = revoked.iter().filter(|revocation| revocation.is_written).count() as u64;
    prop_assert!(increments > 0);
    prop_assert_eq!(after.token_generation, before.token_generation.map(|before| before + increments));
    Ok(())
}

#[test]
fn revoke_all_ends_every_earlier_token_and_no_later_one_in_any_interleaving() {
    let (_system, proxy, store) = setup::start_observed();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();

    let users = Cell::new(0);
    let new_user = || {
        users.set(users.get() + 1);
        format!("alice-{}", users.get())
    };

    // Ten interleavings at a time, each of its own user, because most of each is waiting.
    let inputs = prop::collection::vec(interleavings(), 10);
    check_property(100, regressions!("interleavings"), inputs, |interleavings| {
        let checks = interleavings
            .iter()
            .map(async |interleaving| check_interleaving(interleaving, &new_user(), &store, &proxy).await);
        let results = runtime.block_on(join_all(checks));

        proxy.clear_faults();
        proxy.take();
        results.into_iter().collect()
    });
}
