//! The rules once more, from what the documents promise and without the project's code:
//! everything that happened is remembered, and every question is answered from that.

use chrono::TimeDelta;
use patgate_rules::clock::Timestamp;
use patgate_rules::token_record::{Revocation, RevocationReason};
use patgate_rules::verdict::{Policy, Status, Verdict};

use crate::histories::{Act, Outcome, PEOPLE, View};

/// Everything that happened.
pub(crate) struct Model {
    /// Their ids; the administrator's is the last one.
    ids: Vec<String>,
    people: Vec<Person>,
    tokens: Vec<Token>,
}

#[derive(Default)]
struct Person {
    /// The sessions seen: their times of issue and roles.
    sessions: Vec<(Timestamp, Vec<String>)>,
    disabled: bool,
    /// When and by whom all tokens were revoked.
    revoked_all: Vec<(Timestamp, usize)>,
}

struct Token {
    owner: usize,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked: Vec<Revocation>,
    recorded_uses: Vec<Timestamp>,
}

impl Model {
    pub(crate) fn new(ids: &[String]) -> Self {
        Self {
            ids: ids.to_vec(),
            people: (0..PEOPLE).map(|_| Person::default()).collect(),
            tokens: Vec::new(),
        }
    }

    pub(crate) fn tokens(&self) -> usize {
        self.tokens.len()
    }

    /// What must come of an act.
    pub(crate) fn act(&mut self, act: &Act, now: Timestamp, policy: Policy) -> Outcome {
        match act {
            Act::SignIn { who, roles, age } => {
                self.people[*who].sessions.push((now - *age, roles.clone()));
                Outcome::SignedIn(self.people[*who].roles())
            }
            Act::Create { who, lifetime } => self.create(*who, now, *lifetime),
            Act::Use(_) | Act::Revoke { .. } if self.tokens.is_empty() => Outcome::Nothing,
            Act::Use(token) => {
                let index = token.index(self.tokens.len());
                let verdict = self.verdict(index, now, policy);
                let token = &mut self.tokens[index];
                let due = token.recorded_uses.last().is_none_or(|last| now - *last >= TimeDelta::minutes(1));
                if verdict == Verdict::Allowed && due {
                    token.recorded_uses.push(now);
                }
                Outcome::Used(verdict)
            }
            Act::Revoke { token, by } => {
                let index = token.index(self.tokens.len());
                let token = &mut self.tokens[index];
                let reason = match by {
                    None => RevocationReason::Leaked,
                    Some(by) if *by == token.owner => RevocationReason::Owner,
                    Some(_) => RevocationReason::Administrator,
                };
                let is_first = token.revoked.is_empty();
                let revocation = Revocation { at: now, by: by.map(|by| self.ids[by].clone()), reason };
                // The same act once more is an act whose answer was lost.
                let is_the_same = token.revoked.first() == Some(&revocation);
                token.revoked.push(revocation);
                if is_first || is_the_same { Outcome::Revoked } else { Outcome::AlreadyRevoked }
            }
            Act::RevokeAll { who, .. } | Act::SetDisabled { who, .. } if !self.people[*who].exists() => {
                Outcome::NoSuchUser
            }
            Act::RevokeAll { who, by } => {
                self.people[*who].revoked_all.push((now, *by));
                Outcome::Changed
            }
            Act::SetDisabled { who, disabled } => {
                self.people[*who].disabled = *disabled;
                Outcome::Changed
            }
        }
    }

    fn create(&mut self, owner: usize, now: Timestamp, lifetime: Option<TimeDelta>) -> Outcome {
        let person = &self.people[owner];
        if !person.exists() || person.disabled {
            return Outcome::OwnerRefused;
        }
        if let Some(epoch) = person.epoch().filter(|epoch| now <= *epoch) {
            return Outcome::Superseded(epoch);
        }
        let expires_at = lifetime.map(|lifetime| now + lifetime);
        let (revoked, recorded_uses) = (Vec::new(), Vec::new());
        self.tokens.push(Token { owner, created_at: now, expires_at, revoked, recorded_uses });
        Outcome::Created
    }

    /// What must be seen of a token.
    pub(crate) fn view(&self, index: usize, now: Timestamp, policy: Policy) -> View {
        let token = &self.tokens[index];
        let owner = &self.people[token.owner];
        let has_expired = token.expires_at.is_some_and(|end| now >= end);
        let first = token.revoked.first().cloned();
        let with_all = owner.epoch().filter(|epoch| token.created_at <= *epoch).map(|_| {
            let (at, by) = owner.revoked_all.last().copied().unwrap();
            Revocation { at, by: Some(self.ids[by].clone()), reason: RevocationReason::RevokeAll }
        });
        View {
            verdict: self.verdict(index, now, policy),
            status: match (&first, &with_all) {
                (None, None) if has_expired => Status::Expired,
                (None, None) => Status::Active,
                _ => Status::Revoked,
            },
            owners_roles: owner.roles(),
            owners_epoch: owner.epoch(),
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
        let owner = &self.people[token.owner];
        let is_absent = policy.session_max_age.is_some_and(|age| owner.signed_in_at().unwrap() + age < now);
        // The order is documented: it decides which of several reasons is given.
        [
            (!token.revoked.is_empty(), Verdict::Revoked),
            (owner.epoch().is_some_and(|epoch| token.created_at <= epoch), Verdict::Superseded),
            (token.expires_at.is_some_and(|end| now >= end), Verdict::Expired),
            (owner.disabled, Verdict::OwnerDisabled),
            (is_absent, Verdict::OwnerAbsent),
        ]
        .into_iter()
        .find_map(|(applies, verdict)| applies.then_some(verdict))
        .unwrap_or(Verdict::Allowed)
    }
}

impl Person {
    fn exists(&self) -> bool {
        !self.sessions.is_empty()
    }

    fn signed_in_at(&self) -> Option<Timestamp> {
        self.sessions.iter().map(|(issued_at, _)| *issued_at).max()
    }

    /// Those of the newest session, in whatever order sessions were seen; of two issued
    /// in the same millisecond the first one counts.
    fn roles(&self) -> Vec<String> {
        let newest = self.signed_in_at();
        let session = self.sessions.iter().find(|(issued_at, _)| Some(*issued_at) == newest);
        session.map(|(_, roles)| roles.clone()).unwrap_or_default()
    }

    /// Tokens created up to this time are revoked: each revocation of all reaches a second
    /// beyond its own clock, and beyond the one before it.
    fn epoch(&self) -> Option<Timestamp> {
        self.revoked_all.iter().fold(None, |before: Option<Timestamp>, (at, _)| {
            let beyond = before.map(|before| before + TimeDelta::milliseconds(1));
            Some(*at + TimeDelta::seconds(1)).max(beyond)
        })
    }
}
