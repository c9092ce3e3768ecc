//! What the claims of a session whose signature is right must say.

use chrono::{DateTime, SubsecRound, TimeDelta};
use patgate::clock::Timestamp;
use patgate::user::{is_role_name, is_user_id};
use serde_json::{Map, Value};

use super::{LEEWAY_SECONDS, Session, SessionError};

/// Whether the token is from this issuer, by a claim that names one: `jsonwebtoken` is
/// content with a list in which ours is one of several, and OpenID Connect knows no such
/// list. Where one set of keys serves many issuers, the claim is all that tells them apart.
pub(super) fn check_issuer(claims: &Map<String, Value>, issuer: &str) -> Result<(), SessionError> {
    let ours = text(claims, "iss") == Some(issuer);
    if ours { Ok(()) } else { Err(SessionError::Refused("session is of another issuer")) }
}

/// Whether the token was issued to call this API with: an access token for our
/// audience. An ID token says who somebody is to a client, and is none.
pub(super) fn check_purpose(claims: &Map<String, Value>, audience: &str) -> Result<(), SessionError> {
    // The hashes are in ID tokens alone (OpenID Connect Core, section 3.3.2.11). A nonce
    // is as well, but for Keycloak's older access tokens; Keycloak says by `typ` what a
    // token is.
    let hashes = ["at_hash", "c_hash"].iter().any(|claim| claims.contains_key(*claim));
    let is_id_token = match text(claims, "typ") {
        Some("Bearer") => hashes,
        Some("ID") => true,
        _ => hashes || claims.contains_key("nonce"),
    };
    if is_id_token {
        return Err(SessionError::Refused("session is an ID token"));
    }
    let ours = match claims.get("token_use") {
        Some(token_use) => {
            if token_use != "access" {
                return Err(SessionError::Refused("session is not an access token"));
            }
            // Amazon Cognito's access tokens have no `aud`.
            text(claims, "client_id") == Some(audience)
        }
        None => match claims.get("aud") {
            Some(Value::String(only)) => only == audience,
            Some(Value::Array(several)) => several.iter().any(|one| one == audience),
            _ => false,
        },
    };
    if ours { Ok(()) } else { Err(SessionError::Refused("session is for another audience")) }
}

/// Reads who the session is of.
pub(super) fn read(
    claims: &Map<String, Value>,
    roles_claim: Option<&str>,
    now: Timestamp,
) -> Result<Session, SessionError> {
    let user_id = text(claims, "sub").filter(|sub| is_user_id(sub));
    let user_id = user_id.ok_or(SessionError::Refused("session has no usable subject"))?;
    let issued_at = claims.get("iat").and_then(numeric_date);
    let issued_at = issued_at.ok_or(SessionError::Refused("session has no time of issue"))?;
    if issued_at > now + TimeDelta::seconds(LEEWAY_SECONDS.into()) {
        return Err(SessionError::Refused("session was issued in the future"));
    }
    let name = ["name", "preferred_username", "username", "email"];
    let name = name.into_iter().filter_map(|claim| text(claims, claim)).map(displayed);
    Ok(Session {
        user_id: user_id.to_owned(),
        name: name.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| user_id.to_owned()),
        email: text(claims, "email").map(str::to_owned),
        issued_at,
        roles: roles_claim.map(|claim| roles(claims, claim)).unwrap_or_default(),
    })
}

/// A name as it is shown. People choose their own, and a blank one names nobody.
fn displayed(name: &str) -> String {
    name.trim().chars().filter(|character| !character.is_control()).take(100).collect()
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str).filter(|value| !value.is_empty())
}

/// A NumericDate (RFC 7519, section 2): seconds since 1970, with or without decimals.
fn numeric_date(value: &Value) -> Option<Timestamp> {
    // A double holds milliseconds exactly until the year 287396.
    let millis = (value.as_f64()? * 1_000.0).round();
    let in_range = (0.0..253_402_300_800_000.0).contains(&millis);
    in_range
        .then(|| DateTime::from_timestamp_millis(millis as i64))
        .flatten()
        .map(|time| time.trunc_subsecs(3))
}

/// The roles of a session: the claim of exactly this name, else along the dotted path
/// (`realm_access.roles`). An absent claim means no roles: Cognito leaves it out of
/// the token of somebody in no group.
fn roles(claims: &Map<String, Value>, claim: &str) -> Vec<String> {
    let value = claims.get(claim).or_else(|| {
        let mut parts = claim.split('.');
        let first = claims.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    });
    let named: Vec<&Value> = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(names)) => names.iter().collect(),
        Some(name) => vec![name],
    };
    let mut roles: Vec<String> = Vec::with_capacity(named.len());
    let mut dropped = 0;
    for name in named {
        // A name with a space is dropped and never split: joined with others by
        // spaces, `viewer administrator` would make an administrator.
        match name.as_str().filter(|name| is_role_name(name)) {
            Some(name) if roles.iter().any(|role| role == name) => {}
            Some(name) => roles.push(name.to_owned()),
            None => dropped += 1,
        }
    }
    if dropped > 0 {
        tracing::warn!(claim, dropped, "the roles claim has names that cannot be roles");
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn now() -> Timestamp {
        patgate::clock::from_text("2026-11-23T09:30:00.000Z").unwrap()
    }

    fn read_with(changes: Value) -> Result<Session, SessionError> {
        let mut all = claims(json!({ "sub": "42", "iat": now().timestamp() }));
        for (name, value) in claims(changes) {
            all.insert(name, value);
        }
        read(&all, Some("groups"), now())
    }

    #[test]
    fn access_token_for_our_audience_is_accepted_in_each_issuers_form() {
        for accepted in [
            json!({ "aud": "patgate" }),
            json!({ "aud": ["other", "patgate"] }),
            json!({ "token_use": "access", "client_id": "patgate" }),
            json!({ "aud": "patgate", "typ": "Bearer", "nonce": "x" }),
        ] {
            assert_eq!(check_purpose(&claims(accepted), "patgate"), Ok(()));
        }
    }

    #[test]
    fn issuer_is_one_and_the_configured_one() {
        let check = |issuer: Value| check_issuer(&claims(json!({ "iss": issuer })), "https://issuer.example");
        assert_eq!(check(json!("https://issuer.example")), Ok(()));
        for refused in [
            json!(null),
            json!(""),
            json!("https://issuer.example/"),
            json!(["https://issuer.example"]),
            json!(["https://issuer.example", "https://another.example"]),
        ] {
            assert!(check(refused.clone()).is_err(), "{refused}");
        }
    }

    #[test]
    fn other_audiences_and_id_tokens_are_refused() {
        for refused in [
            json!({}),
            json!({ "aud": "other" }),
            json!({ "aud": ["other"] }),
            json!({ "aud": { "patgate": true } }),
            json!({ "client_id": "patgate" }),
            json!({ "token_use": "id", "aud": "patgate" }),
            json!({ "token_use": 1, "client_id": "patgate" }),
            json!({ "token_use": "access", "client_id": "other", "aud": "patgate" }),
            json!({ "aud": "patgate", "typ": "ID" }),
            json!({ "aud": "patgate", "at_hash": "x" }),
            json!({ "aud": "patgate", "c_hash": "x" }),
            json!({ "aud": "patgate", "nonce": "x" }),
        ] {
            assert!(check_purpose(&claims(refused.clone()), "patgate").is_err(), "{refused}");
        }
    }

    #[test]
    fn time_of_issue_may_have_decimals_and_must_not_be_in_the_future() {
        let iat = |value: Value| read_with(json!({ "iat": value })).map(|session| session.issued_at);
        assert_eq!(iat(json!(1_800_000.5)), Ok(DateTime::from_timestamp_millis(1_800_000_500).unwrap()));
        assert!(iat(json!(now().timestamp() + 30)).is_ok());
        for refused in [json!(now().timestamp() + 31), json!("now"), json!(null), json!(-1), json!(1e300)] {
            assert!(iat(refused.clone()).is_err(), "{refused}");
        }
    }

    #[test]
    fn subject_must_be_usable_as_a_key() {
        for refused in [json!(null), json!(42), json!(""), json!("a\nb"), json!("x".repeat(256))] {
            assert!(read_with(json!({ "sub": refused })).is_err(), "{refused}");
        }
    }

    #[test]
    fn name_is_the_best_there_is_without_control_characters() {
        let name = |changes| read_with(changes).unwrap().name;
        assert_eq!(name(json!({})), "42");
        assert_eq!(name(json!({ "email": "a@example.org" })), "a@example.org");
        assert_eq!(name(json!({ "email": "a@example.org", "username": "al" })), "al");
        assert_eq!(name(json!({ "username": "al", "preferred_username": "ali" })), "ali");
        assert_eq!(name(json!({ "preferred_username": "ali", "name": "Alice\r\n\u{85}!" })), "Alice!");
        assert_eq!(name(json!({ "name": " \t ", "username": " Ali " })), "Ali");
    }

    #[test]
    fn roles_come_from_the_exact_claim_or_the_dotted_path() {
        let exact = claims(json!({ "a.b": ["exact"], "a": { "b": ["path"] } }));
        assert_eq!(roles(&exact, "a.b"), ["exact"]);
        let path = claims(json!({ "a": { "b": ["path", "path"] } }));
        assert_eq!(roles(&path, "a.b"), ["path"]);
        let url = claims(json!({ "https://example.org/roles": "one" }));
        assert_eq!(roles(&url, "https://example.org/roles"), ["one"]);
    }

    #[test]
    fn absent_claim_means_no_roles() {
        for claims_without in [json!({}), json!({ "groups": null }), json!({ "groups": [] })] {
            assert!(roles(&claims(claims_without), "groups").is_empty());
        }
    }

    #[test]
    fn names_that_cannot_be_roles_are_dropped_and_never_split() {
        let odd = claims(json!({ "groups": ["viewer administrator", "ok", "", 7, ["x"], "é"] }));
        assert_eq!(roles(&odd, "groups"), ["ok"]);
        assert!(roles(&claims(json!({ "groups": "viewer administrator" })), "groups").is_empty());
        assert!(roles(&claims(json!({ "groups": { "administrator": true } })), "groups").is_empty());
    }
}
