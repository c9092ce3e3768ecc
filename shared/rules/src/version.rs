//! Versions of records, for changes that must not overwrite other changes.

use std::collections::BTreeSet;

use crate::clock;
use crate::sha256;
use crate::token_record::TokenRecord;
use crate::user::User;
use crate::verdict;

/// A fingerprint of all that a change can change. Two states of a record have the same
/// version exactly if they agree in that; uses and sign-ins do not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

/// The versions in which a record may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    Any,
    OneOf(Vec<String>),
}

impl Expected {
    #[must_use]
    pub fn includes(&self, version: &Version) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.iter().any(|known| known == version.as_str()),
        }
    }
}

impl Version {
    #[must_use]
    pub fn of_token(token: &TokenRecord, owner: Option<&User>) -> Self {
        let expires_at = token.expires_at.map(clock::to_text).unwrap_or_default();
        let description = token.description.as_deref().unwrap_or_default();
        let revoked = if verdict::is_revoked(token, owner) { "revoked" } else { "" };

        // None of the texts contains a control character.
        Self::of(&[&token.token_id.to_string(), &token.name, description, &expires_at, revoked])
    }

    #[must_use]
    pub fn of_user(user: &User) -> Self {
        let disabled = if user.disabled { "disabled" } else { "" };
        // An operator may have written the roles as a set, which has no order.
        let roles: BTreeSet<_> = user.roles.iter().map(String::as_str).collect();
        let texts = [user.user_id.as_str(), disabled].into_iter().chain(roles);
        Self::of(&texts.collect::<Vec<_>>())
    }

    fn of(texts: &[&str]) -> Self {
        let mut hash = sha256::hex(&texts.join("\n"));
        hash.truncate(16);
        Self(hash)
    }

    /// 16 hexadecimal characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token_record::LastUse;
    use crate::token_record::tests::token;

    #[test]
    fn version_of_a_token_changes_with_what_can_be_changed_and_with_nothing_else() {
        let at = token().created_at;
        let version = |change: fn(&mut TokenRecord)| {
            let mut token = token();
            change(&mut token);
            Version::of_token(&token, None)
        };
        let original = version(|_| {});
        assert_eq!(original.as_str().len(), 16);
        assert_eq!(original, {
            let last_used = Some(LastUse { at, ip: None });
            Version::of_token(&TokenRecord { last_used, ..token() }, None)
        });
        for changed in [
            version(|token| token.name = "other".into()),
            version(|token| token.description = Some("text".into())),
            version(|token| token.expires_at = Some(token.created_at)),
        ] {
            assert_ne!(changed, original);
        }
        // A text never counts as another one.
        let moved = version(|token| (token.name, token.description) = ("c".into(), Some("i".into())));
        assert_ne!(moved, version(|token| token.name = "ci".into()));
    }

    #[test]
    fn revocation_changes_the_version_of_a_token() {
        let owner = |generation| User { token_generation: Some(generation), ..User::default() };
        let token = token();
        let (current, later) = (owner(token.generation), owner(token.generation + 1));
        assert_ne!(Version::of_token(&token, Some(&current)), Version::of_token(&token, Some(&later)));
    }

    #[test]
    fn version_of_a_user_changes_with_roles_and_access() {
        let user = User { user_id: "alice".into(), roles: vec!["a".into(), "b".into()], ..User::default() };
        let version = Version::of_user(&user);
        assert_eq!(version, Version::of_user(&User { name: "Alice".into(), ..user.clone() }));
        let reordered = vec!["b".into(), "a".into(), "b".into()];
        assert_eq!(version, Version::of_user(&User { roles: reordered, ..user.clone() }));
        assert_ne!(version, Version::of_user(&User { disabled: true, ..user.clone() }));
        assert_ne!(version, Version::of_user(&User { roles: vec!["a".into()], ..user }));
    }
}
