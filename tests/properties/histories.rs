//! What happens to people and their tokens over time: acts in any order, on clocks that
//! differ and go backwards.

use chrono::TimeDelta;
use patgate_rules::clock::Timestamp;
use patgate_rules::token_record::Revocation;
use patgate_rules::verdict::{Policy, Status, Verdict};
use proptest::prelude::*;
use proptest::sample::Index;

/// Two people with tokens.
pub(crate) const PEOPLE: usize = 2;
/// Who acts on tokens: the two, and an administrator after them.
pub(crate) const ADMIN: usize = PEOPLE;

/// A history of a deployment that lets people stay away for `max_age_days` (0: for ever).
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) max_age_days: u16,
    pub(crate) steps: Vec<Step>,
}

/// An act, and how the clock it happens by differs from that of the step before.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    clock: TimeDelta,
    pub(crate) act: Act,
}

#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// A request with a session: fresh, or issued a while ago.
    SignIn {
        who: usize,
        roles: Vec<String>,
        age: TimeDelta,
    },
    Create {
        who: usize,
        lifetime: Option<TimeDelta>,
    },
    Use(Index),
    /// By somebody, or reported as leaked by nobody in particular.
    Revoke {
        token: Index,
        by: Option<usize>,
    },
    RevokeAll {
        who: usize,
        by: usize,
    },
    SetDisabled {
        who: usize,
        disabled: bool,
    },
}

/// How an act ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With the roles that the session then has.
    SignedIn(Vec<String>),
    Created,
    OwnerRefused,
    Superseded(Timestamp),
    Used(Verdict),
    Revoked,
    AlreadyRevoked,
    Changed,
    NoSuchUser,
    /// There is no token yet to do it to.
    Nothing,
}

/// All that anybody can learn of a token at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) verdict: Verdict,
    pub(crate) status: Status,
    pub(crate) owners_roles: Vec<String>,
    /// Up to when the owner's tokens are revoked.
    pub(crate) owners_epoch: Option<Timestamp>,
    /// Of this token by itself: the first there was.
    pub(crate) revoked: Option<Revocation>,
    /// What people are shown as the token's end.
    pub(crate) shown_revocation: Option<Revocation>,
    pub(crate) last_used_at: Option<Timestamp>,
}

impl History {
    pub(crate) fn policy(&self) -> Policy {
        let days = (self.max_age_days > 0).then(|| TimeDelta::days(self.max_age_days.into()));
        Policy { session_max_age: days }
    }

    /// The acts with the time that each one's clock shows.
    pub(crate) fn acts(&self) -> impl Iterator<Item = (Timestamp, &Act)> {
        let mut now = patgate_rules::clock::from_text("2026-06-01T00:00:00.000Z").unwrap();
        self.steps.iter().map(move |step| {
            now += step.clock;
            (now, &step.act)
        })
    }
}

impl View {
    /// A revocation is final, whatever happens and whatever a clock shows.
    pub(crate) fn is_revoked(&self) -> bool {
        matches!(self.verdict, Verdict::Revoked | Verdict::Superseded)
    }
}

/// Histories of up to `length` steps.
pub(crate) fn histories(length: usize) -> impl Strategy<Value = History> {
    let max_age_days = prop_oneof![3 => Just(0), 1 => Just(1), 1 => Just(30)];
    (max_age_days, prop::collection::vec(steps(), 1..=length))
        .prop_map(|(max_age_days, steps)| History { max_age_days, steps })
}

fn steps() -> impl Strategy<Value = Step> {
    (spans(), acts()).prop_map(|(clock, act)| Step { clock, act })
}

fn acts() -> impl Strategy<Value = Act> {
    let who = || 0..PEOPLE;
    let roles = prop::sample::subsequence(vec!["viewer", "publisher", "administrator"], 0..=3);
    let roles = roles.prop_map(|roles| roles.into_iter().map(str::to_owned).collect());
    let token = any::<Index>;
    prop_oneof![
        3 => (who(), roles, ages()).prop_map(|(who, roles, age)| Act::SignIn { who, roles, age }),
        4 => (who(), prop::option::of(spans()))
            .prop_map(|(who, lifetime)| Act::Create { who, lifetime }),
        3 => token().prop_map(Act::Use),
        2 => (token(), prop::option::of(0..=ADMIN)).prop_map(|(token, by)| Act::Revoke { token, by }),
        3 => (who(), 0..=ADMIN).prop_map(|(who, by)| Act::RevokeAll { who, by }),
        1 => (who(), any::<bool>()).prop_map(|(who, disabled)| Act::SetDisabled { who, disabled }),
    ]
}

/// Around what rules compare with: nothing, a second, a minute, a day; mostly forwards.
fn spans() -> impl Strategy<Value = TimeDelta> {
    let near = |millis: i64| (millis - 1)..=(millis + 1);
    let millis = prop_oneof![
        2 => near(0),
        2 => near(1_000),
        1 => near(60_000),
        1 => near(86_400_000),
        1 => 0..3_000_000_000_i64,
    ];
    (millis, prop::bool::weighted(0.25))
        .prop_map(|(millis, backwards)| TimeDelta::milliseconds(if backwards { -millis } else { millis }))
}

/// How old sessions are: as good as new, or stale.
fn ages() -> impl Strategy<Value = TimeDelta> {
    prop_oneof![Just(0), 0..5_i64, 0..7_200_000_i64].prop_map(TimeDelta::milliseconds)
}
