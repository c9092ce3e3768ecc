//! Users: the only place where roles are stored.

use crate::clock::Timestamp;

/// A stored user. Roles are stored here and never on a token, so that a change applies to
/// every token of the user at the next request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The subject (`sub`) of the user's sessions.
    pub user_id: String,
    pub name: String,
    pub email: Option<String>,
    pub roles: Vec<String>,
    /// When the session that `roles` were taken from was issued.
    pub roles_as_of: Option<Timestamp>,
    pub disabled: bool,
    /// Counts the revocations of all of the user's tokens. Only tokens of this generation
    /// work. `None` until the first sign-in of a user whom an operator added by hand, who
    /// has no tokens until then.
    pub token_generation: Option<u64>,
    /// When all tokens were last revoked, and the ID of the user who did it.
    pub tokens_revoked_at: Option<Timestamp>,
    pub tokens_revoked_by: Option<String>,
    pub last_sign_in_at: Option<Timestamp>,
}

/// Whether `name` is a valid role name: 1 to 128 visible ASCII characters.
///
/// INVARIANT: no white space. The authorizer's context joins roles with spaces, so a role
/// called `viewer administrator` would arrive as two roles.
#[must_use]
pub fn is_role_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether `id` is a valid user ID: 1 to 255 bytes (the maximum of an OpenID Connect `sub`,
/// OpenID Connect Core 1.0, section 2) without control characters. It is a key of the
/// table, and part of every context.
#[must_use]
pub fn is_user_id(id: &str) -> bool {
    (1..=255).contains(&id.len()) && !id.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::is_role_name;

    #[test]
    fn role_name_is_one_visible_word() {
        for name in ["viewer", "Team:Ops/eu-1", "~", &"r".repeat(128)] {
            assert!(is_role_name(name), "{name:?}");
        }
        for name in ["", "viewer administrator", "tab\t", "é", "\u{7f}", &"r".repeat(129)] {
            assert!(!is_role_name(name), "{name:?}");
        }
    }
}
