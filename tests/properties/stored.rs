//! The same histories through the real SDK against a real DynamoDB, as the authorizer
//! and the endpoints act on it.

use std::cell::Cell;
use std::collections::BTreeSet;

use chrono::TimeDelta;
use patgate_authorizer::{Authorizer, Denial, Rejection};
use patgate_dynamodb::Store;
use patgate_dynamodb::{CreationOutcome, NewToken, RevocationOutcome, SignIn, UserChange, UserChangeOutcome};
use patgate_rules::clock::Timestamp;
use patgate_rules::token::PlainToken;
use patgate_rules::token_record::{Revocation, RevocationReason};
use patgate_rules::verdict::{Verdict, revocation, status};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value, json};

use crate::histories::{ADMIN, Act, History, Outcome, View, histories};
use crate::model::Model;
use crate::runner::{check, regressions};
use crate::setup;

/// People and tokens in the tables.
struct Stored<'a> {
    ids: &'a [String],
    store: &'a Store,
    authorizer: Authorizer,
    tokens: Vec<(PlainToken, NewToken)>,
}

impl Stored<'_> {
    async fn act(&mut self, act: &Act, now: Timestamp) -> Outcome {
        match act {
            Act::SignIn { who, roles, age } => {
                let id = self.ids[*who].as_str();
                let sign_in =
                    SignIn { user_id: id, name: id, email: None, issued_at: now - *age, roles: Some(roles) };
                Outcome::SignedIn(self.store.record_sign_in(&sign_in, now).await.unwrap().user.roles)
            }
            Act::Create { who, lifetime } => self.create(*who, now, *lifetime).await,
            Act::Use(_) | Act::Revoke { .. } if self.tokens.is_empty() => Outcome::Nothing,
            Act::Use(token) => self.use_token(token.index(self.tokens.len()), now).await,
            Act::Revoke { token, by } => {
                let (_, new) = &self.tokens[token.index(self.tokens.len())];
                let location = self.store.locate_token(new.record.token_id).await.unwrap().unwrap();
                let revocation = match by {
                    Some(by) => Revocation::of_token(now, &self.ids[*by], &location.owner_id),
                    None => Revocation { at: now, by: None, reason: RevocationReason::Leaked },
                };
                match self.store.revoke_token(&location, &revocation, now).await.unwrap() {
                    RevocationOutcome::Revoked => Outcome::Revoked,
                    RevocationOutcome::AlreadyRevoked => Outcome::AlreadyRevoked,
                    RevocationOutcome::Purged => panic!("nothing is purged here"),
                }
            }
            Act::RevokeAll { who, by } => {
                match self.store.revoke_all_tokens(&self.ids[*who], &self.ids[*by], now).await.unwrap() {
                    true => Outcome::Changed,
                    false => Outcome::NoSuchUser,
                }
            }
            Act::SetDisabled { who, disabled } => {
                let change = UserChange {
                    user_id: &self.ids[*who],
                    disabled: Some(*disabled),
                    roles: None,
                    by: &self.ids[ADMIN],
                    admin_role: "administrator",
                };
                match self.store.change_user(&change, now).await.unwrap() {
                    UserChangeOutcome::Changed => Outcome::Changed,
                    UserChangeOutcome::NoSuchUser => Outcome::NoSuchUser,
                    UserChangeOutcome::NotAdministrator => panic!("the administrator stays one"),
                }
            }
        }
    }

    async fn create(&mut self, who: usize, now: Timestamp, lifetime: Option<TimeDelta>) -> Outcome {
        let (plain, mut new) = setup::new_token(&self.ids[who], now);
        new.record.expires_at = lifetime.map(|lifetime| now + lifetime);
        match self.store.create_token(&new).await.unwrap() {
            CreationOutcome::Created => {
                self.tokens.push((plain, new));
                Outcome::Created
            }
            CreationOutcome::OwnerRefused => Outcome::OwnerRefused,
            CreationOutcome::Superseded { tokens_valid_after } => Outcome::Superseded(tokens_valid_after),
        }
    }

    /// A request with a token, and what follows its response.
    async fn use_token(&self, index: usize, now: Timestamp) -> Outcome {
        let (verdict, _, due) = self.ask(index, now).await;
        if let Some(due) = due {
            self.store.record_use(&due.hash, &due.token, &due.last_use).await.unwrap();
        }
        Outcome::Used(verdict)
    }

    /// The authorizer's verdict, and the roles that it gives the caller.
    async fn ask(
        &self,
        index: usize,
        now: Timestamp,
    ) -> (Verdict, Option<String>, Option<patgate_authorizer::after_response::UseToRecord>) {
        let authorization = format!("Bearer {}", self.tokens[index].0.expose());
        let event =
            json!({ "version": "2.0", "type": "REQUEST", "headers": { "authorization": authorization } });
        let outcome = self.authorizer.handle(&event.to_string(), now).await;
        match outcome.response {
            Ok(Value::Object(answer)) => {
                let roles = answer["context"]["roles"].as_str().map(str::to_owned);
                (Verdict::Allowed, roles, outcome.use_to_record)
            }
            Err(Rejection::Denied(Denial::Token { verdict, .. })) => (verdict, None, outcome.use_to_record),
            other => panic!("{other:?}"),
        }
    }

    async fn view(&self, index: usize, now: Timestamp) -> View {
        let (verdict, roles, _) = self.ask(index, now).await;
        let location = self.store.locate_token(self.tokens[index].1.record.token_id).await.unwrap().unwrap();
        let owned = self.store.get_token(&location).await.unwrap().unwrap();
        let owners_roles = owned.owner.as_ref().map(|owner| owner.roles.clone()).unwrap_or_default();
        assert!(roles.is_none_or(|roles| roles == owners_roles.join(" ")), "the context has other roles");
        View {
            verdict,
            status: status(&owned.token, owned.owner.as_ref(), now),
            owners_roles,
            owners_epoch: owned.owner.as_ref().and_then(|owner| owner.tokens_valid_after),
            revoked: owned.token.revoked.clone(),
            shown_revocation: revocation(&owned.token, owned.owner.as_ref()),
            last_used_at: owned.token.last_used.map(|last| last.at),
        }
    }
}

async fn follow(history: &History, ids: &[String], store: &Store) -> TestCaseResult {
    setup::sign_in(store, &ids[ADMIN], &["administrator"], setup::at("2026-01-01T00:00:00.000Z")).await;
    let max_age_days = history.max_age_days.to_string();
    let config = setup::config(&[("SESSION_MAX_AGE_DAYS", &max_age_days)]);
    let authorizer = Authorizer::new(config, store.clone());
    let mut stored = Stored { ids, store, authorizer, tokens: Vec::new() };
    let mut model = Model::new(ids);
    let mut revoked = BTreeSet::new();
    for (now, act) in history.acts() {
        let outcome = stored.act(act, now).await;
        prop_assert_eq!(&outcome, &model.act(act, now, history.policy()), "{:?} at {}", act, now);
        for index in 0..model.tokens() {
            let view = stored.view(index, now).await;
            prop_assert_eq!(&view, &model.view(index, now, history.policy()), "token {} at {}", index, now);
            prop_assert!(!revoked.contains(&index) || view.is_revoked(), "token {} is back", index);
            if view.is_revoked() {
                revoked.insert(index);
            }
        }
        if outcome == Outcome::Created {
            prop_assert!(!revoked.contains(&(model.tokens() - 1)), "created, and revoked already");
        }
    }
    Ok(())
}

#[test]
fn stored_tokens_are_what_their_history_says_after_every_step() {
    let system = setup::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = setup::store(&system.local().dynamodb);
    let cases = Cell::new(0);
    check(32, regressions!("stored"), histories(20), |history| {
        // Everybody is somebody new, so no history meets the records of another.
        cases.set(cases.get() + 1);
        let ids = ["alice", "bob", "admin"].map(|name| format!("{name}-{}", cases.get()));
        runtime.block_on(follow(&history, &ids, &store))
    });
}
