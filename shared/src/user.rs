//! The person behind a token: the only place where roles live.

use crate::clock::Timestamp;

/// A stored user. Roles are here and never on a token, so that a change is in force
/// for every token of the user at the next request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The subject (`sub`) of the user's sessions.
    pub user_id: String,
    pub name: String,
    pub email: Option<String>,
    pub roles: Vec<String>,
    /// When the session was issued that `roles` were taken from.
    pub roles_as_of: Option<Timestamp>,
    pub disabled: bool,
    /// Tokens created at or before this time are revoked, all by this one value. It lies
    /// a little after `tokens_revoked_at`, since clocks differ.
    pub tokens_valid_after: Option<Timestamp>,
    /// When all tokens were revoked the last time, and by whom (a user id).
    pub tokens_revoked_at: Option<Timestamp>,
    pub tokens_revoked_by: Option<String>,
    pub last_sign_in_at: Option<Timestamp>,
}

/// A role's name: 1 to 128 visible ASCII characters.
///
/// INVARIANT: no white space. The authorizer's context joins roles with spaces, so a
/// role called `viewer administrator` would arrive as two.
#[must_use]
pub fn is_role_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A user's id: 1 to 255 bytes (the length OpenID Connect allows a `sub`, section 2)
/// without control characters. It is a key, and part of every context.
#[must_use]
pub fn is_user_id(id: &str) -> bool {
    (1..=255).contains(&id.len()) && !id.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::is_role_name;

    #[test]
    fn a_role_name_is_one_visible_word() {
        for name in ["viewer", "Team:Ops/eu-1", "~", &"r".repeat(128)] {
            assert!(is_role_name(name), "{name:?}");
        }
        for name in ["", "viewer administrator", "tab\t", "é", "\u{7f}", &"r".repeat(129)] {
            assert!(!is_role_name(name), "{name:?}");
        }
    }
}
