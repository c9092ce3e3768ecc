//! User IDs in paths.
//!
//! An HTTP API decodes the variables of a path before it calls a function. It decodes twice, and
//! it cuts at an encoded question mark: `bob%3Fx` arrives as `bob`, which is another user. A path
//! therefore contains a user ID in base64url (RFC 4648, section 5), which needs no encoding
//! (docs/decisions/0036-user-ids-in-paths-are-encoded.md).

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use patgate_rules::user::is_user_id;

/// It makes an ID that is not encoded invalid.
const PREFIX: &str = "u_";

/// The form of a user ID for paths, such as `u_YWxpY2U` for `alice`.
#[must_use]
pub fn to_path(user_id: &str) -> String {
    format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(user_id))
}

/// Reads the form of [`to_path`]. `None` if the text has another form.
pub(crate) fn from_path(text: &str) -> Option<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    String::from_utf8(bytes).ok().filter(|id| is_user_id(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_id_round_trips_in_characters_that_no_gateway_changes() {
        for id in ["alice", "bob?x", "a/b", "100%", "%3F", "auth0|5f", "https://idp/u#1", "é 世", "u_YQ", "a"]
        {
            let path = to_path(id);
            let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            assert!(path.bytes().all(is_safe), "{path}");
            assert_eq!(from_path(&path).as_deref(), Some(id));
        }
    }

    #[test]
    fn each_user_has_one_form_and_an_id_that_is_not_encoded_is_none() {
        let with_control = to_path("a\nb");
        for other in
            ["alice", "", "u_", "u_YQ==", "u_YR", "U_YQ", " u_YQ", "u_YQ ", "u_/w", "u__w", &with_control]
        {
            assert_eq!(from_path(other), None, "{other:?}");
        }
    }
}
