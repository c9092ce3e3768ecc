//! A second implementation of the rules, written from what the documents promise and without
//! the project's code. It remembers everything that happened and derives every result from
//! that.

use chrono::TimeDelta;
use patgate_rules::clock::Timestamp;
use patgate_rules::token_record::{Revocation, RevocationReason};
use patgate_rules::verdict::{Policy, Status, Verdict};

use crate::histories::{Action, ActionResult, TokenView, USERS};

/// Everything that happened.
pub(crate) struct Model {
    /// The user IDs. The last one is the administrator's.
    ids: Vec<String>,
    users: Vec<ModelUser>,
    tokens: Vec<ModelToken>,
}

#[derive(Default)]
struct ModelUser {
    /// The times of issue and the roles of all sessions, in the order of their use.
    sessions: Vec<(Timestamp, Vec<String>)>,
    disabled: bool,
    /// The times at which all tokens were revoked, and who revoked them.
    revoked_all: Vec<(Timestamp, usize)>,
}

struct ModelToken {
    owner: usize,
    /// How often all of the owner's tokens had been revoked when it was created.
    revocations_before: usize,
    expires_at: Option<Timestamp>,
    revoked: Vec<Revocation>,
    recorded_uses: Vec<Timestamp>,
}

impl Model {
    pub(crate) fn new(ids: &[String]) -> Self {
        Self {
            ids: ids.to_vec(),
            users: (0..USERS).map(|_| ModelUser::default()).collect(),
            tokens: Vec::new(),
        }
    }

    pub(crate) fn token_count(&self) -> usize {
        self.tokens.len()
    }

    /// The expected result of an action.
    pub(crate) fn apply(&mut self, action: &Action, now: Timestamp, policy: Policy) -> ActionResult {
        match action {
            Action::SignIn { user, roles, age } => {
                self.users[*user].sessions.push((now - *age, roles.clone()));
                ActionResult::SignedIn(self.users[*user].roles())
            }
            Action::Create { user, lifetime } => self.create(*user, now, *lifetime),
            Action::Use(_) | Action::Revoke { .. } if self.tokens.is_empty() => ActionResult::NoToken,
            Action::Use(token) => {
                let index = token.index(self.tokens.len());
                let verdict = self.verdict(index, now, policy);
                let token = &mut self.tokens[index];
                let is_due =
                    token.recorded_uses.last().is_none_or(|last| now - *last >= TimeDelta::minutes(1));
                if verdict == Verdict::Allowed && is_due {
                    token.recorded_uses.push(now);
                }
                ActionResult::Used(verdict)
            }
            Action::Revoke { token, by } => {
                let index = token.index(self.tokens.len());
                let token = &mut self.tokens[index];
                let reason = match by {
                    None => RevocationReason::Leaked,
                    Some(by) if *by == token.owner => RevocationReason::Owner,
                    Some(_) => RevocationReason::Administrator,
                };
                let is_first = token.revoked.is_empty();
                let revocation = Revocation { at: now, by: by.map(|by| self.ids[by].clone()), reason };
                // An identical revocation is a retry after a lost response.
                let is_retry = token.revoked.first() == Some(&revocation);
                token.revoked.push(revocation);
                if is_first || is_retry { ActionResult::Revoked } else { ActionResult::AlreadyRevoked }
            }
            Action::RevokeAll { user, .. } | Action::SetDisabled { user, .. }
                if !self.users[*user].exists() =>
            {
                ActionResult::NoSuchUser
            }
            Action::RevokeAll { user, by } => {
                self.users[*user].revoked_all.push((now, *by));
                ActionResult::Changed
            }
            Action::SetDisabled { user, disabled } => {
                self.users[*user].disabled = *disabled;
                ActionResult::Changed
            }
        }
    }

    fn create(&mut self, owner: usize, now: Timestamp, lifetime: Option<TimeDelta>) -> ActionResult {
        let user = &self.users[owner];
        if !user.exists() || user.disabled {
            return ActionResult::OwnerNotAllowed;
        }

        let revocations_before = user.revoked_all.len();
        let expires_at = lifetime.map(|lifetime| now + lifetime);
        let (revoked, recorded_uses) = (Vec::new(), Vec::new());
        self.tokens.push(ModelToken { owner, revocations_before, expires_at, revoked, recorded_uses });
        ActionResult::Created
    }

    /// What is expected to be visible of a token.
    pub(crate) fn view(&self, index: usize, now: Timestamp, policy: Policy) -> TokenView {
        let token = &self.tokens[index];
        let owner = &self.users[token.owner];
        let has_expired = token.expires_at.is_some_and(|expires_at| now >= expires_at);
        let first = token.revoked.first().cloned();
        let with_all = self.is_superseded(token).then(|| {
            let (at, by) = owner.revoked_all.last().copied().unwrap();
            Revocation { at, by: Some(self.ids[by].clone()), reason: RevocationReason::RevokeAll }
        });

        TokenView {
            verdict: self.verdict(index, now, policy),
            status: match (&first, &with_all) {
                (None, None) if has_expired => Status::Expired,
                (None, None) => Status::Active,
                _ => Status::Revoked,
            },
            owners_roles: owner.roles(),
            shown_revocation: match (first.clone(), with_all) {
                (Some(first), Some(with_all)) if with_all.at < first.at => Some(with_all),
                (None, with_all) => with_all,
                (first, _) => first,
            },
            revoked: first,
            last_used_at: token.recorded_uses.last().copied(),
        }
    }

    fn verdict(&self, index: usize, now: Timestamp, policy: Policy) -> Verdict {
        let token = &self.tokens[index];
        let owner = &self.users[token.owner];
        let is_absent =
            policy.session_max_age.is_some_and(|max_age| owner.signed_in_at().unwrap() + max_age < now);

        // The order is documented: it decides which of several reasons is given.
        [
            (!token.revoked.is_empty(), Verdict::Revoked),
            (self.is_superseded(token), Verdict::Superseded),
            (token.expires_at.is_some_and(|expires_at| now >= expires_at), Verdict::Expired),
            (owner.disabled, Verdict::OwnerDisabled),
            (is_absent, Verdict::OwnerAbsent),
        ]
        .into_iter()
        .find_map(|(applies, verdict)| applies.then_some(verdict))
        .unwrap_or(Verdict::Allowed)
    }

    /// Whether all of the owner's tokens were revoked after it was created, in the order of
    /// the actions. No clock matters.
    fn is_superseded(&self, token: &ModelToken) -> bool {
        self.users[token.owner].revoked_all.len() > token.revocations_before
    }
}

impl ModelUser {
    fn exists(&self) -> bool {
        !self.sessions.is_empty()
    }

    fn signed_in_at(&self) -> Option<Timestamp> {
        self.sessions.iter().map(|(issued_at, _)| *issued_at).max()
    }

    /// The roles of the session that was issued last, in whatever order the sessions were
    /// used. Of two sessions issued in the same millisecond, the one used first counts.
    fn roles(&self) -> Vec<String> {
        let newest = self.signed_in_at();
        let session = self.sessions.iter().find(|(issued_at, _)| Some(*issued_at) == newest);
        session.map(|(_, roles)| roles.clone()).unwrap_or_default()
    }
}
