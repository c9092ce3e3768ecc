//! The pure rules, on records as the store promises to keep them.

use chrono::TimeDelta;
use patgate_rules::clock::Timestamp;
use patgate_rules::token_record::{LastUse, Revocation, RevocationReason, TokenRecord};
use patgate_rules::user::User;
use patgate_rules::verdict::{Policy, Verdict, revocation, status, verify};
use proptest::prelude::*;
use uuid::Uuid;

use crate::histories::{Action, ActionResult, History, TokenView, USERS, histories};
use crate::model::Model;
use crate::runner::{check_property, regressions};

/// Records in memory, with the few guarantees that `patgate_dynamodb` gives for its writes.
struct RecordsInMemory {
    ids: Vec<String>,
    users: Vec<Option<User>>,
    tokens: Vec<(usize, TokenRecord)>,
    policy: Policy,
}

impl RecordsInMemory {
    fn new(history: &History) -> Self {
        let ids = ["alice", "bob", "admin"].map(str::to_owned).into();
        Self { ids, users: vec![None; USERS], tokens: Vec::new(), policy: history.policy() }
    }

    fn apply(&mut self, action: &Action, now: Timestamp) -> ActionResult {
        match action {
            Action::SignIn { user, roles, age } => {
                let issued_at = now - *age;
                let record = self.users[*user].get_or_insert_with(|| User {
                    user_id: self.ids[*user].clone(),
                    token_generation: Some(0),
                    ..User::default()
                });
                if record.roles_as_of.is_none_or(|as_of| as_of < issued_at) {
                    record.roles = roles.clone();
                    (record.roles_as_of, record.last_sign_in_at) = (Some(issued_at), Some(issued_at));
                }
                ActionResult::SignedIn(record.roles.clone())
            }
            Action::Create { user, lifetime } => {
                let Some(owner) = self.users[*user].as_ref().filter(|owner| !owner.disabled) else {
                    return ActionResult::OwnerNotAllowed;
                };
                let token = TokenRecord {
                    token_id: Uuid::now_v7(),
                    user_id: self.ids[*user].clone(),
                    generation: owner.token_generation.unwrap(),
                    name: "ci".into(),
                    description: None,
                    prefix: "fdp_abcdef".into(),
                    created_at: now,
                    expires_at: lifetime.map(|lifetime| now + lifetime),
                    revoked: None,
                    last_used: None,
                    seen_from: Vec::new(),
                };
                self.tokens.push((*user, token));
                ActionResult::Created
            }
            Action::Use(_) | Action::Revoke { .. } if self.tokens.is_empty() => ActionResult::NoToken,
            Action::Use(token) => {
                let index = token.index(self.tokens.len());
                let verdict = self.verdict(index, now);
                let (_, token) = &mut self.tokens[index];
                let age = token.last_used.as_ref().map(|last| now - last.at);
                if verdict == Verdict::Allowed && age.is_none_or(|age| age >= TimeDelta::minutes(1)) {
                    token.last_used = Some(LastUse { at: now, ip: None });
                }
                ActionResult::Used(verdict)
            }
            Action::Revoke { token, by } => {
                let index = token.index(self.tokens.len());
                let (_, token) = &mut self.tokens[index];
                let revocation = match by {
                    Some(by) => Revocation::of_token(now, &self.ids[*by], &token.user_id),
                    None => Revocation { at: now, by: None, reason: RevocationReason::Leaked },
                };
                let first = token.revoked.get_or_insert_with(|| revocation.clone());
                if *first == revocation { ActionResult::Revoked } else { ActionResult::AlreadyRevoked }
            }
            Action::RevokeAll { user, by } => {
                let Some(record) = &mut self.users[*user] else { return ActionResult::NoSuchUser };
                record.token_generation = record.token_generation.map(|generation| generation + 1);
                record.tokens_revoked_at = Some(now);
                record.tokens_revoked_by = Some(self.ids[*by].clone());
                ActionResult::Changed
            }
            Action::SetDisabled { user, disabled } => {
                let Some(record) = &mut self.users[*user] else { return ActionResult::NoSuchUser };
                record.disabled = *disabled;
                ActionResult::Changed
            }
        }
    }

    fn verdict(&self, index: usize, now: Timestamp) -> Verdict {
        let (owner, token) = &self.tokens[index];
        verify(Some(token), self.users[*owner].as_ref(), now, self.policy)
    }

    fn view(&self, index: usize, now: Timestamp) -> TokenView {
        let (owner, token) = &self.tokens[index];
        let owner = self.users[*owner].as_ref();

        TokenView {
            verdict: self.verdict(index, now),
            status: status(token, owner, now),
            owners_roles: owner.map(|owner| owner.roles.clone()).unwrap_or_default(),
            revoked: token.revoked.clone(),
            shown_revocation: revocation(token, owner),
            last_used_at: token.last_used.as_ref().map(|last| last.at),
        }
    }
}

#[test]
fn verdict_and_status_follow_from_the_history_of_a_token_under_any_clock() {
    check_property(512, regressions!("records"), histories(30), |history| {
        let policy = history.policy();
        let mut records = RecordsInMemory::new(&history);
        let mut model = Model::new(&records.ids);
        let mut revoked = std::collections::BTreeSet::new();

        for (now, action) in history.actions() {
            let expected = model.apply(action, now, policy);
            prop_assert_eq!(records.apply(action, now), expected, "{:?} at {}", action, now);

            for index in 0..model.token_count() {
                // Instances with other clocks read the same records.
                for skew in [0, -1, 1, -1_000, 1_000, 60_000, -86_400_000, 86_400_000] {
                    let now = now + TimeDelta::milliseconds(skew);
                    let view = records.view(index, now);
                    prop_assert_eq!(&view, &model.view(index, now, policy), "token {} at {}", index, now);
                    prop_assert!(
                        !revoked.contains(&index) || view.is_revoked(),
                        "token {} is no longer revoked",
                        index
                    );
                    if view.is_revoked() {
                        revoked.insert(index);
                    }
                }
            }
        }
        Ok(())
    });
}

#[test]
fn token_whose_owner_is_missing_is_never_allowed() {
    check_property(256, regressions!("records"), histories(20), |history| {
        let policy = history.policy();
        let mut records = RecordsInMemory::new(&history);

        for (now, action) in history.actions() {
            records.apply(action, now);
            for (_, token) in &records.tokens {
                prop_assert_ne!(verify(Some(token), None, now, policy), Verdict::Allowed);
            }
        }
        Ok(())
    });
}
