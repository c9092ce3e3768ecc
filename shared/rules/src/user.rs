//! Users: the only place where roles are stored.

use crate::clock::Timestamp;
use crate::search::SearchText;

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

/// Which users a list shows. `None` means that any value does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// In the name, the e-mail address or the ID.
    pub text: Option<SearchText>,
    pub disabled: Option<bool>,
}

impl UserFilter {
    /// Whether every user matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    #[must_use]
    pub fn matches(&self, user: &User) -> bool {
        let has_text = |text: &SearchText| {
            let in_email = user.email.as_ref().is_some_and(|email| text.is_in(email));
            text.is_in(&user.name) || in_email || text.is_in(&user.user_id)
        };
        self.disabled.is_none_or(|disabled| user.disabled == disabled)
            && self.text.as_ref().is_none_or(has_text)
    }
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
    use super::*;

    #[test]
    fn user_is_found_by_name_email_and_id() {
        let user = User {
            user_id: "auth0|5f1".into(),
            name: "Åsa Öberg".into(),
            email: Some("asa@example.com".into()),
            ..User::default()
        };
        let found = |text: &str| UserFilter { text: SearchText::new(text), disabled: None }.matches(&user);
        assert!(found("oberg") && found("ASA@") && found("5F1") && !found("bob"));
        let disabled = |disabled| UserFilter { text: None, disabled: Some(disabled) }.matches(&user);
        assert!(disabled(false) && !disabled(true));
    }

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
