//! Histories of users and their tokens: actions in any order, under clocks that differ and go
//! backwards.

use chrono::TimeDelta;
use patgate_rules::clock::Timestamp;
use patgate_rules::token_record::Revocation;
use patgate_rules::verdict::{Policy, Status, Verdict};
use proptest::prelude::*;
use proptest::sample::Index;

/// How many users have tokens. A user is identified by an index.
pub(crate) const USERS: usize = 2;
/// The index of the administrator, who has no tokens and acts on those of the users.
pub(crate) const ADMINISTRATOR: usize = USERS;

/// A history of a deployment with `SessionMaxAgeDays` of `max_age_days` (0: no limit).
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) max_age_days: u16,
    pub(crate) steps: Vec<Step>,
}

/// An action, and the difference between its clock and the clock of the step before.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    clock: TimeDelta,
    pub(crate) action: Action,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// A request with a session that was issued `age` ago.
    SignIn {
        user: usize,
        roles: Vec<String>,
        age: TimeDelta,
    },
    Create {
        user: usize,
        lifetime: Option<TimeDelta>,
    },
    Use(Index),
    /// By a user or the administrator. `None` is a report of a leaked token.
    Revoke {
        token: Index,
        by: Option<usize>,
    },
    RevokeAll {
        user: usize,
        by: usize,
    },
    SetDisabled {
        user: usize,
        disabled: bool,
    },
}

/// The result of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ActionResult {
    /// With the roles that the session has afterwards.
    SignedIn(Vec<String>),
    Created,
    OwnerNotAllowed,
    Used(Verdict),
    Revoked,
    AlreadyRevoked,
    Changed,
    NoSuchUser,
    /// No token exists yet for the action.
    NoToken,
}

/// Everything that is visible of a token at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenView {
    pub(crate) verdict: Verdict,
    pub(crate) status: Status,
    pub(crate) owners_roles: Vec<String>,
    /// The first revocation of this token itself.
    pub(crate) revoked: Option<Revocation>,
    /// The revocation that lists show.
    pub(crate) shown_revocation: Option<Revocation>,
    pub(crate) last_used_at: Option<Timestamp>,
}

impl History {
    pub(crate) fn policy(&self) -> Policy {
        let max_age = (self.max_age_days > 0).then(|| TimeDelta::days(self.max_age_days.into()));
        Policy { session_max_age: max_age }
    }

    /// The actions, each with the time on its clock.
    pub(crate) fn actions(&self) -> impl Iterator<Item = (Timestamp, &Action)> {
        let mut now = patgate_rules::clock::from_text("2026-06-01T00:00:00.000Z").unwrap();
        self.steps.iter().map(move |step| {
            now += step.clock;
            (now, &step.action)
        })
    }
}

impl TokenView {
    /// A revocation is final, whatever happens later and whatever time a clock shows.
    pub(crate) fn is_revoked(&self) -> bool {
        matches!(self.verdict, Verdict::Revoked | Verdict::Superseded)
    }
}

/// Histories of 1 to `max_length` steps.
pub(crate) fn histories(max_length: usize) -> impl Strategy<Value = History> {
    let max_age_days = prop_oneof![3 => Just(0), 1 => Just(1), 1 => Just(30)];
    (max_age_days, prop::collection::vec(steps(), 1..=max_length))
        .prop_map(|(max_age_days, steps)| History { max_age_days, steps })
}

fn steps() -> impl Strategy<Value = Step> {
    (time_differences(), actions()).prop_map(|(clock, action)| Step { clock, action })
}

fn actions() -> impl Strategy<Value = Action> {
    let user = || 0..USERS;
    let roles = prop::sample::subsequence(vec!["viewer", "publisher", "administrator"], 0..=3);
    let roles = roles.prop_map(|roles| roles.into_iter().map(str::to_owned).collect());
    let token = any::<Index>;

    prop_oneof![
        3 => (user(), roles, session_ages())
            .prop_map(|(user, roles, age)| Action::SignIn { user, roles, age }),
        4 => (user(), prop::option::of(time_differences()))
            .prop_map(|(user, lifetime)| Action::Create { user, lifetime }),
        3 => token().prop_map(Action::Use),
        2 => (token(), prop::option::of(0..=ADMINISTRATOR))
            .prop_map(|(token, by)| Action::Revoke { token, by }),
        3 => (user(), 0..=ADMINISTRATOR).prop_map(|(user, by)| Action::RevokeAll { user, by }),
        1 => (user(), any::<bool>())
            .prop_map(|(user, disabled)| Action::SetDisabled { user, disabled }),
    ]
}

/// Mostly forwards, and close to the limits that the rules compare with: zero, a second, a
/// minute and a day.
fn time_differences() -> impl Strategy<Value = TimeDelta> {
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

/// From sessions that were just issued to sessions that are two hours old.
fn session_ages() -> impl Strategy<Value = TimeDelta> {
    prop_oneof![Just(0), 0..5_i64, 0..7_200_000_i64].prop_map(TimeDelta::milliseconds)
}
