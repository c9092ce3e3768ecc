//! Users.

use aws_sdk_dynamodb::types::AttributeValue;
use patgate_rules::user::{User, is_role_name};

use super::{Item, USER_ID, optional, optional_count, optional_time, required};
use crate::error::StoreError;

/// The user's generation, which a revocation of all of the user's tokens increments.
const TOKEN_GENERATION: &str = "token_generation";
pub(crate) fn read_user(mut item: Item) -> Result<User, StoreError> {
    Ok(User {
        user_id: required(&mut item, USER_ID)?,
        name: optional(&mut item, "name").unwrap_or_default(),
        email: optional(&mut item, "email"),
        roles: roles(item.remove("roles"))?,
        roles_as_of: optional_time(&mut item, "roles_as_of")?,
        // An administrator who adds `disabled` by hand means it, whatever its type is.
        disabled: !matches!(item.remove("disabled"), None | Some(AttributeValue::Bool(false))),
        token_generation: optional_count(&mut item, TOKEN_GENERATION)?,
        tokens_revoked_at: optional_time(&mut item, "tokens_revoked_at")?,
        tokens_revoked_by: optional(&mut item, "tokens_revoked_by"),
        last_sign_in_at: optional_time(&mut item, "last_sign_in_at")?,
    })
}

/// Roles in the form that the store writes, a list, or as an administrator may write them
/// by hand, a set.
///
/// INVARIANT: invalid names are dropped here, whatever their source. Joined with other
/// names by spaces, `site administrator` would make its holder an administrator.
fn roles(attribute: Option<AttributeValue>) -> Result<Vec<String>, StoreError> {
    let corrupt = || StoreError::Corrupt { attribute: "roles" };
    let names = match attribute {
        None => Vec::new(),
        Some(AttributeValue::Ss(names)) => names,
        Some(AttributeValue::L(names)) => {
            let name = |name: AttributeValue| match name {
                AttributeValue::S(name) => Ok(name),
                _ => Err(corrupt()),
            };
            names.into_iter().map(name).collect::<Result<_, _>>()?
        }
        Some(_) => return Err(corrupt()),
    };

    let (roles, dropped): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| is_role_name(name));
    if !dropped.is_empty() {
        tracing::warn!(dropped = dropped.len(), "dropped invalid role names of a user");
    }

    Ok(roles)
}

/// The ID in a user's item. It is not removed from the item.
pub(crate) fn user_id(item: &Item) -> Result<String, StoreError> {
    match item.get(USER_ID) {
        Some(AttributeValue::S(user_id)) => Ok(user_id.clone()),
        _ => Err(StoreError::Corrupt { attribute: USER_ID }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::items::{text, texts};
    use patgate_rules::clock;

    #[test]
    fn roles_written_by_hand_are_never_split() {
        let user =
            |roles| read_user(Item::from([(USER_ID.to_owned(), text("alice")), ("roles".to_owned(), roles)]));
        let names = vec!["viewer".to_owned(), "site administrator".to_owned(), String::new()];
        assert_eq!(user(texts(&names)).unwrap().roles, ["viewer"]);
        assert_eq!(user(AttributeValue::Ss(names)).unwrap().roles, ["viewer"]);
        assert!(user(text("viewer")).is_err());
    }

    #[test]
    fn time_written_by_hand_may_have_any_rfc_3339_form_in_utc() {
        for time in ["2026-11-23T10:00:00Z", "2026-11-23t10:00:00.0z", "2026-11-23T10:00:00.000000+00:00"] {
            let item = [(USER_ID, "alice"), ("roles_as_of", time)];
            let item = item.map(|(name, value)| (name.to_owned(), text(value))).into_iter().collect();
            let expected = clock::from_text("2026-11-23T10:00:00.000Z").unwrap();
            assert_eq!(read_user(item).unwrap().roles_as_of, Some(expected), "{time}");
        }
    }

    #[test]
    fn partial_user_written_by_hand_is_read() {
        let mut item = Item::from([(USER_ID.to_owned(), text("alice"))]);
        let user = read_user(item.clone()).unwrap();
        assert_eq!(user, User { user_id: "alice".into(), ..User::default() });
        item.insert("disabled".into(), text("true"));
        assert!(read_user(item).unwrap().disabled);
    }

    #[test]
    fn damaged_generation_of_a_user_is_an_error_and_never_absent() {
        let number = |number: &str| AttributeValue::N(number.into());
        for damaged in [text("1"), number("-1"), number("1.5"), AttributeValue::Null(true)] {
            let item = [(USER_ID, text("alice")), ("token_generation", damaged.clone())];
            let item = item.map(|(name, value)| (name.to_owned(), value)).into();
            let error = read_user(item).unwrap_err().to_string();
            assert_eq!(error, "stored item has no valid `token_generation`", "{damaged:?}");
        }
    }
}
