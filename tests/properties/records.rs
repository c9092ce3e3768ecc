//! The pure rules, on records as storage promises to keep them.

use chrono::TimeDelta;
use patgate_rules::clock::Timestamp;
use patgate_rules::token_record::{LastUse, Revocation, RevocationReason, TokenRecord};
use patgate_rules::user::User;
use patgate_rules::verdict::{Policy, Verdict, revocation, status, verify};
use proptest::prelude::*;

use crate::histories::{Act, Outcome, PEOPLE, View, histories};
use crate::model::Model;
use crate::runner::{check, regressions};

/// Records, and the few promises of `patgate_dynamodb` that they are written by.
struct Records {
    ids: Vec<String>,
    users: Vec<Option<User>>,
    tokens: Vec<(usize, TokenRecord)>,
    policy: Policy,
}

impl Records {
    fn act(&mut self, act: &Act, now: Timestamp) -> Outcome {
        match act {
            Act::SignIn { who, roles, age } => {
                let user = self.users[*who]
                    .get_or_insert_with(|| User { user_id: self.ids[*who].clone(), ..User::default() });
                if user.roles_as_of.is_none_or(|as_of| as_of < now - *age) {
                    user.roles = roles.clone();
                    (user.roles_as_of, user.last_sign_in_at) = (Some(now - *age), Some(now - *age));
                }
                Outcome::SignedIn(user.roles.clone())
            }
            Act::Create { who, lifetime } => {
                let Some(owner) = self.users[*who].as_ref().filter(|user| !user.disabled) else {
                    return Outcome::OwnerRefused;
                };
                if let Some(valid_after) = owner.tokens_valid_after.filter(|valid_after| now <= *valid_after)
                {
                    return Outcome::Superseded(valid_after);
                }
                let (_, mut new) = crate::setup::new_token(&self.ids[*who], now);
                new.record.expires_at = lifetime.map(|lifetime| now + lifetime);
                self.tokens.push((*who, new.record));
                Outcome::Created
            }
            Act::Use(_) | Act::Revoke { .. } if self.tokens.is_empty() => Outcome::Nothing,
            Act::Use(token) => {
                let index = token.index(self.tokens.len());
                let verdict = self.verdict(index, now);
                let (_, token) = &mut self.tokens[index];
                let age = token.last_used.as_ref().map(|last| now - last.at);
                if verdict == Verdict::Allowed && age.is_none_or(|age| age >= TimeDelta::minutes(1)) {
                    token.last_used = Some(LastUse { at: now, ip: None });
                }
                Outcome::Used(verdict)
            }
            Act::Revoke { token, by } => {
                let index = token.index(self.tokens.len());
                let (_, token) = &mut self.tokens[index];
                let new = match by {
                    Some(by) => Revocation::of_token(now, &self.ids[*by], &token.user_id),
                    None => Revocation { at: now, by: None, reason: RevocationReason::Leaked },
                };
                let kept = token.revoked.get_or_insert_with(|| new.clone());
                if *kept == new { Outcome::Revoked } else { Outcome::AlreadyRevoked }
            }
            Act::RevokeAll { who, by } => {
                let Some(user) = &mut self.users[*who] else { return Outcome::NoSuchUser };
                let wanted = now + TimeDelta::seconds(1);
                user.tokens_valid_after = Some(match user.tokens_valid_after {
                    Some(later) if later >= wanted => later + TimeDelta::milliseconds(1),
                    _ => wanted,
                });
                (user.tokens_revoked_at, user.tokens_revoked_by) = (Some(now), Some(self.ids[*by].clone()));
                Outcome::Changed
            }
            Act::SetDisabled { who, disabled } => {
                let Some(user) = &mut self.users[*who] else { return Outcome::NoSuchUser };
                user.disabled = *disabled;
                Outcome::Changed
            }
        }
    }

    fn verdict(&self, index: usize, now: Timestamp) -> Verdict {
        let (owner, token) = &self.tokens[index];
        verify(Some(token), self.users[*owner].as_ref(), now, self.policy)
    }

    fn view(&self, index: usize, now: Timestamp) -> View {
        let (owner, token) = &self.tokens[index];
        let owner = self.users[*owner].as_ref();
        View {
            verdict: self.verdict(index, now),
            status: status(token, owner, now),
            owners_roles: owner.map(|owner| owner.roles.clone()).unwrap_or_default(),
            owners_epoch: owner.and_then(|owner| owner.tokens_valid_after),
            revoked: token.revoked.clone(),
            shown_revocation: revocation(token, owner),
            last_used_at: token.last_used.as_ref().map(|last| last.at),
        }
    }
}

#[test]
fn verdict_and_status_are_what_the_history_of_a_token_says_on_whatever_clock() {
    check(512, regressions!("records"), histories(30), |history| {
        let ids: Vec<_> = ["alice", "bob", "admin"].map(str::to_owned).into();
        let policy = history.policy();
        let mut model = Model::new(&ids);
        let mut records = Records { ids, users: vec![None; PEOPLE], tokens: Vec::new(), policy };
        let mut revoked = std::collections::BTreeSet::new();
        for (now, act) in history.acts() {
            prop_assert_eq!(records.act(act, now), model.act(act, now, policy), "{:?} at {}", act, now);
            for index in 0..model.tokens() {
                // Instances with other clocks read the same records.
                for skew in [0, -1, 1, -1_000, 1_000, 60_000, -86_400_000, 86_400_000] {
                    let now = now + TimeDelta::milliseconds(skew);
                    let view = records.view(index, now);
                    prop_assert_eq!(&view, &model.view(index, now, policy), "token {} at {}", index, now);
                    prop_assert!(!revoked.contains(&index) || view.is_revoked(), "token {} is back", index);
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
    check(256, regressions!("records"), histories(20), |history| {
        let ids: Vec<_> = ["alice", "bob", "admin"].map(str::to_owned).into();
        let policy = history.policy();
        let mut records = Records { ids, users: vec![None; PEOPLE], tokens: Vec::new(), policy };
        for (now, act) in history.acts() {
            records.act(act, now);
            for (_, token) in &records.tokens {
                prop_assert_ne!(verify(Some(token), None, now, policy), Verdict::Allowed);
            }
        }
        Ok(())
    });
}
