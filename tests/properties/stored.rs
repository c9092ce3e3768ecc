//! The same histories as in `records`, through the authorizer and the store, with the real
//! SDK and a real DynamoDB.

use std::cell::Cell;
use std::collections::BTreeSet;

use chrono::TimeDelta;
use patgate_authorizer::after_response::UseToRecord;
use patgate_authorizer::{Authorizer, Denial, Rejection};
use patgate_dynamodb::{CreationOutcome, RevocationOutcome, SignIn, Store, UserChange, UserChangeOutcome};
use patgate_rules::clock::Timestamp;
use patgate_rules::token::PlainToken;
use patgate_rules::token_record::{Revocation, RevocationReason};
use patgate_rules::verdict::{Verdict, revocation, status};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::histories::{ADMINISTRATOR, Action, ActionResult, History, TokenView, histories};
use crate::model::Model;
use crate::runner::{check_property, regressions};
use crate::setup;

/// Users and tokens in the tables.
struct RecordsInDynamoDb<'a> {
    ids: &'a [String],
    store: &'a Store,
    authorizer: Authorizer,
    tokens: Vec<(PlainToken, Uuid)>,
}

impl RecordsInDynamoDb<'_> {
    async fn apply(&mut self, action: &Action, now: Timestamp) -> ActionResult {
        match action {
            Action::SignIn { user, roles, age } => {
                let id = self.ids[*user].as_str();
                let session =
                    SignIn { user_id: id, name: id, email: None, issued_at: now - *age, roles: Some(roles) };
                ActionResult::SignedIn(self.store.record_sign_in(&session, now).await.unwrap().user.roles)
            }
            Action::Create { user, lifetime } => self.create(*user, now, *lifetime).await,
            Action::Use(_) | Action::Revoke { .. } if self.tokens.is_empty() => ActionResult::NoToken,
            Action::Use(token) => self.use_token(token.index(self.tokens.len()), now).await,
            Action::Revoke { token, by } => {
                let (_, token_id) = self.tokens[token.index(self.tokens.len())];
                let location = self.store.locate_token(token_id).await.unwrap().unwrap();
                let revocation = match by {
                    Some(by) => Revocation::of_token(now, &self.ids[*by], &location.owner_id),
                    None => Revocation { at: now, by: None, reason: RevocationReason::Leaked },
                };
                match self.store.revoke_token(&location, &revocation, now).await.unwrap() {
                    RevocationOutcome::Revoked => ActionResult::Revoked,
                    RevocationOutcome::AlreadyRevoked => ActionResult::AlreadyRevoked,
                    RevocationOutcome::Purged => panic!("this test purges nothing"),
                }
            }
            Action::RevokeAll { user, by } => {
                match self.store.revoke_all_tokens(&self.ids[*user], &self.ids[*by], now).await.unwrap() {
                    true => ActionResult::Changed,
                    false => ActionResult::NoSuchUser,
                }
            }
            Action::SetDisabled { user, disabled } => {
                let change = UserChange {
                    user_id: &self.ids[*user],
                    disabled: Some(*disabled),
                    roles: None,
                    by: &self.ids[ADMINISTRATOR],
                    admin_role: "administrator",
                    expected: None,
                };
                match self.store.change_user(&change, now).await.unwrap() {
                    UserChangeOutcome::Changed => ActionResult::Changed,
                    UserChangeOutcome::VersionChanged(_) => panic!("no change needs a version"),
                    UserChangeOutcome::NoSuchUser => ActionResult::NoSuchUser,
                    UserChangeOutcome::NotAdministrator => panic!("the administrator keeps the role"),
                }
            }
        }
    }

    async fn create(&mut self, owner: usize, now: Timestamp, lifetime: Option<TimeDelta>) -> ActionResult {
        let (secret, mut token) = setup::generate_token(&self.ids[owner], now);
        token.expires_at = lifetime.map(|lifetime| now + lifetime);

        match self.store.create_token(&token).await.unwrap() {
            CreationOutcome::Created(created) => {
                self.tokens.push((secret, created.token.token_id));
                ActionResult::Created
            }
            CreationOutcome::OwnerNotAllowed => ActionResult::OwnerNotAllowed,
            CreationOutcome::KeyUsed(_) => panic!("no creation has a key"),
        }
    }

    /// A request with a token, and the work after its response.
    async fn use_token(&self, index: usize, now: Timestamp) -> ActionResult {
        let (verdict, _, use_to_record) = self.authorize(index, now).await;
        if let Some(due) = use_to_record {
            self.store.record_use(&due.hash, &due.token, &due.last_use).await.unwrap();
        }
        ActionResult::Used(verdict)
    }

    /// The authorizer's verdict, the roles that it gives the caller, and the use to record.
    async fn authorize(
        &self,
        index: usize,
        now: Timestamp,
    ) -> (Verdict, Option<String>, Option<UseToRecord>) {
        let authorization = format!("Bearer {}", self.tokens[index].0.expose());
        let event =
            json!({ "version": "2.0", "type": "REQUEST", "headers": { "authorization": authorization } });

        let outcome = self.authorizer.handle(&event.to_string(), now).await;
        match outcome.response {
            Ok(Value::Object(response)) => {
                let roles = response["context"]["roles"].as_str().map(str::to_owned);
                (Verdict::Allowed, roles, outcome.use_to_record)
            }
            Err(Rejection::Denied(Denial::Token { verdict, .. })) => (verdict, None, outcome.use_to_record),
            unexpected => panic!("{unexpected:?}"),
        }
    }

    async fn view(&self, index: usize, now: Timestamp) -> TokenView {
        let (verdict, roles, _) = self.authorize(index, now).await;
        let location = self.store.locate_token(self.tokens[index].1).await.unwrap().unwrap();
        let owned = self.store.get_token(&location).await.unwrap().unwrap();
        let owners_roles = owned.owner.as_ref().map(|owner| owner.roles.clone()).unwrap_or_default();
        assert!(
            roles.is_none_or(|roles| roles == owners_roles.join(" ")),
            "the context has other roles than the owner"
        );

        TokenView {
            verdict,
            status: status(&owned.token, owned.owner.as_ref(), now),
            owners_roles,
            revoked: owned.token.revoked.clone(),
            shown_revocation: revocation(&owned.token, owned.owner.as_ref()),
            last_used_at: owned.token.last_used.map(|last| last.at),
        }
    }
}

async fn check_history(history: &History, ids: &[String], store: &Store) -> TestCaseResult {
    let before = setup::timestamp("2026-01-01T00:00:00.000Z");
    setup::sign_in(store, &ids[ADMINISTRATOR], &["administrator"], before).await;
    let max_age_days = history.max_age_days.to_string();
    let config = setup::authorizer_config(&[("SESSION_MAX_AGE_DAYS", &max_age_days)]);
    let authorizer = Authorizer::new(config, store.clone());

    let mut records = RecordsInDynamoDb { ids, store, authorizer, tokens: Vec::new() };
    let mut model = Model::new(ids);
    let mut revoked = BTreeSet::new();
    for (now, action) in history.actions() {
        let result = records.apply(action, now).await;
        prop_assert_eq!(&result, &model.apply(action, now, history.policy()), "{:?} at {}", action, now);

        for index in 0..model.token_count() {
            let view = records.view(index, now).await;
            prop_assert_eq!(&view, &model.view(index, now, history.policy()), "token {} at {}", index, now);
            prop_assert!(
                !revoked.contains(&index) || view.is_revoked(),
                "token {} is no longer revoked",
                index
            );
            if view.is_revoked() {
                revoked.insert(index);
            }
        }

        if result == ActionResult::Created {
            let newest = model.token_count() - 1;
            prop_assert!(!revoked.contains(&newest), "the new token is already revoked");
        }
    }
    Ok(())
}

#[test]
fn stored_tokens_match_the_model_after_every_step() {
    let system = setup::start_system();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = setup::store_at(&system.local().dynamodb);
    let cases = Cell::new(0);

    check_property(32, regressions!("stored"), histories(20), |history| {
        // Each history has its own user IDs, so it finds no records of another one.
        cases.set(cases.get() + 1);
        let ids = ["alice", "bob", "admin"].map(|name| format!("{name}-{}", cases.get()));
        runtime.block_on(check_history(&history, &ids, &store))
    });
}
