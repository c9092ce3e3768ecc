//! The claims of a session whose signature is valid.

use chrono::{DateTime, SubsecRound, TimeDelta};
use patgate_rules::clock::Timestamp;
use patgate_rules::display_name;
use patgate_rules::user::{is_role_name, is_user_id};
use serde_json::{Map, Value};

use crate::session::error::SessionDenial;

/// How long after its expiry a session is accepted, and how long before its `nbf`, because the
/// clocks of the issuer and of this function differ.
const VALIDITY_LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// How far ahead of this clock a session may have been issued. This is shorter, because a
/// session fixes the user's roles until a session with a later time of issue.
const MAX_ISSUED_AHEAD: TimeDelta = TimeDelta::seconds(5);
const MAX_DISPLAYED_NAME_CHARACTERS: usize = 100;
const MAX_EMAIL_CHARACTERS: usize = 320;

/// The values of the claim `typ` that an access token may have. Keycloak writes the kind of a
/// token there, and signs refresh, offline, logout and ID tokens with the same key.
const ACCESS_TOKEN_KINDS: [&str; 2] = ["Bearer", "at+jwt"];

/// What a valid session says about its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user_id: String,
    pub name: String,
    pub email: Option<String>,
    pub issued_at: Timestamp,
    /// From the configured claim. Empty if no claim is configured.
    pub roles: Vec<String>,
}

/// Checks that the claim names exactly this issuer. `jsonwebtoken` also accepts a list that
/// contains it, which OpenID Connect does not define. Where several issuers share one key
/// set, this claim is the only difference between their tokens.
pub(crate) fn check_issuer(claims: &Map<String, Value>, issuer: &str) -> Result<(), SessionDenial> {
    if text(claims, "iss") == Some(issuer) { Ok(()) } else { Err(SessionDenial::OtherIssuer) }
}

/// Checks that the JWT is an access token for the configured audience. An ID token tells a client who
/// its user is, and does not authorize calls.
pub(crate) fn check_purpose(claims: &Map<String, Value>, audience: &str) -> Result<(), SessionDenial> {
    // Only ID tokens contain the hashes (OpenID Connect Core, section 3.3.2.11). A nonce also
    // occurs in older access tokens of Keycloak, which states the kind of a token in `typ`.
    let has_hash = ["at_hash", "c_hash"].iter().any(|claim| claims.contains_key(*claim));
    let is_id_token = match claims.get("typ") {
        None => has_hash || claims.contains_key("nonce"),
        Some(kind) if kind == "ID" => true,
        Some(kind) if ACCESS_TOKEN_KINDS.iter().any(|known| kind == known) => has_hash,
        Some(_) => return Err(SessionDenial::OtherType),
    };
    if is_id_token {
        return Err(SessionDenial::IdToken);
    }

    // A logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4).
    if claims.contains_key("events") {
        return Err(SessionDenial::OtherType);
    }
    // The token is bound to a key of its client (RFC 7800), and this function sees no proof of
    // possession. Without the proof, a stolen token would work.
    if claims.contains_key("cnf") {
        return Err(SessionDenial::BoundToAKey);
    }

    let is_for_us = match claims.get("token_use") {
        Some(token_use) => {
            if token_use != "access" {
                return Err(SessionDenial::NotAnAccessToken);
            }
            // The access tokens of Amazon Cognito have no `aud`.
            text(claims, "client_id") == Some(audience)
        }
        None => match claims.get("aud") {
            Some(Value::String(only)) => only == audience,
            Some(Value::Array(several)) => several.iter().any(|one| one == audience),
            _ => false,
        },
    };

    if is_for_us { Ok(()) } else { Err(SessionDenial::OtherAudience) }
}

/// Checks that the token was issued to one of these clients, if there are any. The claim is
/// `client_id` (RFC 9068, section 2.2) or `azp`, and where both exist, both must match.
pub(crate) fn check_client(
    claims: &Map<String, Value>,
    allowed_clients: &[String],
) -> Result<(), SessionDenial> {
    if allowed_clients.is_empty() {
        return Ok(());
    }

    let named: Vec<_> = ["azp", "client_id"].iter().filter_map(|claim| claims.get(*claim)).collect();
    let is_allowed = |client: &&Value| allowed_clients.iter().any(|allowed| **client == allowed.as_str());
    if !named.is_empty() && named.iter().all(is_allowed) { Ok(()) } else { Err(SessionDenial::OtherClient) }
}

/// Checks that the token has a scope, if one is required: in `scope` (RFC 9068, section 2.2.3)
/// as text, or in `scp`, as text or as a list.
pub(crate) fn check_scope(claims: &Map<String, Value>, required: Option<&str>) -> Result<(), SessionDenial> {
    let Some(required) = required else { return Ok(()) };
    let has_scope = |value: &Value| match value {
        Value::String(scopes) => scopes.split(' ').any(|scope| scope == required),
        Value::Array(scopes) => scopes.iter().any(|scope| scope == required),
        _ => false,
    };
    let has_scope = ["scope", "scp"].iter().filter_map(|claim| claims.get(*claim)).any(has_scope);

    if has_scope { Ok(()) } else { Err(SessionDenial::MissingScope) }
}

/// Checks that the session is valid at `now` (RFC 7519, sections 4.1.4 and 4.1.5).
pub(crate) fn check_validity(claims: &Map<String, Value>, now: Timestamp) -> Result<(), SessionDenial> {
    let expires_at = claims.get("exp").ok_or(SessionDenial::MissingClaim)?;
    let expires_at = numeric_date(expires_at).ok_or(SessionDenial::Malformed)?;
    if expires_at + VALIDITY_LEEWAY <= now {
        return Err(SessionDenial::Expired);
    }

    if let Some(not_before) = claims.get("nbf") {
        let not_before = numeric_date(not_before).ok_or(SessionDenial::Malformed)?;
        if not_before - VALIDITY_LEEWAY > now {
            return Err(SessionDenial::NotYetValid);
        }
    }
    Ok(())
}

/// Reads the user of the session.
pub(crate) fn read(
    claims: &Map<String, Value>,
    roles_claim: Option<&str>,
    now: Timestamp,
) -> Result<Session, SessionDenial> {
    let user_id = text(claims, "sub").filter(|sub| is_user_id(sub));
    let user_id = user_id.ok_or(SessionDenial::NoSubject)?;

    let issued_at = claims.get("iat").and_then(numeric_date).ok_or(SessionDenial::NoIssueTime)?;
    if issued_at > now + MAX_ISSUED_AHEAD {
        return Err(SessionDenial::IssuedInTheFuture);
    }

    let names = ["name", "preferred_username", "username", "email"];
    // Users choose their names, so what makes a name unclear is removed.
    let clean = |name| display_name::clean(name, MAX_DISPLAYED_NAME_CHARACTERS);
    let name = names.into_iter().filter_map(|claim| text(claims, claim)).find_map(clean);
    Ok(Session {
        user_id: user_id.to_owned(),
        name: name.unwrap_or_else(|| user_id.to_owned()),
        email: text(claims, "email").filter(|email| is_email(email)).map(str::to_owned),
        issued_at,
        roles: roles_claim.map(|claim| roles(claims, claim)).unwrap_or_default(),
    })
}

/// Whether an e-mail address can be stored: at most 320 characters (64 before the `@`, and 255
/// after it; RFC 5321, section 4.5.3.1), none of them a control character. Only administrators
/// see it, and nothing is sent to it.
fn is_email(email: &str) -> bool {
    email.chars().count() <= MAX_EMAIL_CHARACTERS && display_name::check(email).is_ok()
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str).filter(|value| !value.is_empty())
}

/// Parses a NumericDate (RFC 7519, section 2): seconds since 1970, with or without decimals.
fn numeric_date(value: &Value) -> Option<Timestamp> {
    // A double represents milliseconds exactly until the year 287396.
    let millis = (value.as_f64()? * 1_000.0).round();
    let in_range = (0.0..253_402_300_800_000.0).contains(&millis);
    in_range
        .then(|| DateTime::from_timestamp_millis(millis as i64))
        .flatten()
        .map(|time| time.trunc_subsecs(3))
}

/// The roles of a session: the claim with exactly this name, otherwise the value at the dotted
/// path (`realm_access.roles`). An absent claim means no roles, because Cognito omits the
/// claim for a user without groups.
fn roles(claims: &Map<String, Value>, claim: &str) -> Vec<String> {
    let value = claims.get(claim).or_else(|| {
        let mut parts = claim.split('.');
        let first = claims.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    });
    let names: Vec<&Value> = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(names)) => names.iter().collect(),
        Some(name) => vec![name],
    };

    let mut roles: Vec<String> = Vec::with_capacity(names.len());
    let mut dropped = 0;
    for name in names {
        // A name with a space is dropped and never split. Joined with other names by spaces,
        // `viewer administrator` would make its holder an administrator.
        match name.as_str().filter(|name| is_role_name(name)) {
            Some(name) if roles.iter().any(|role| role == name) => {}
            Some(name) => roles.push(name.to_owned()),
            None => dropped += 1,
        }
    }
    if dropped > 0 {
        tracing::warn!(claim, dropped, "dropped invalid role names of the roles claim");
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
        patgate_rules::clock::from_text("2026-11-23T09:30:00.000Z").unwrap()
    }

    fn read_with(changes: Value) -> Result<Session, SessionDenial> {
        let mut all = claims(json!({ "sub": "42", "iat": now().timestamp() }));
        for (name, value) in claims(changes) {
            all.insert(name, value);
        }
        read(&all, Some("groups"), now())
    }

    #[test]
    fn access_token_for_our_audience_is_accepted_in_the_form_of_each_issuer() {
        for accepted in [
            json!({ "aud": "patgate" }),
            json!({ "aud": ["other", "patgate"] }),
            json!({ "token_use": "access", "client_id": "patgate" }),
            json!({ "aud": "patgate", "typ": "Bearer", "nonce": "x" }),
            json!({ "aud": "patgate", "typ": "at+jwt" }),
        ] {
            assert_eq!(check_purpose(&claims(accepted), "patgate"), Ok(()));
        }
    }

    #[test]
    fn claim_must_name_exactly_the_configured_issuer() {
        let check = |issuer: Value| check_issuer(&claims(json!({ "iss": issuer })), "https://issuer.example");
        assert_eq!(check(json!("https://issuer.example")), Ok(()));
        for denied in [
            json!(null),
            json!(""),
            json!("https://issuer.example/"),
            json!(["https://issuer.example"]),
            json!(["https://issuer.example", "https://another.example"]),
        ] {
            assert!(check(denied.clone()).is_err(), "{denied}");
        }
    }

    #[test]
    fn other_audiences_and_id_tokens_are_denied() {
        for denied in [
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
            assert!(check_purpose(&claims(denied.clone()), "patgate").is_err(), "{denied}");
        }
    }

    #[test]
    fn tokens_of_other_kinds_are_denied() {
        for typ in ["Refresh", "Offline", "Logout", "DPoP", "bearer", "Token", ""] {
            let claims = claims(json!({ "aud": "patgate", "typ": typ }));
            assert_eq!(check_purpose(&claims, "patgate"), Err(SessionDenial::OtherType), "{typ:?}");
        }
        for (claim, value, denial) in [
            ("typ", json!(null), SessionDenial::OtherType),
            ("typ", json!(["Bearer"]), SessionDenial::OtherType),
            (
                "events",
                json!({ "http://schemas.openid.net/event/backchannel-logout": {} }),
                SessionDenial::OtherType,
            ),
            ("events", json!(null), SessionDenial::OtherType),
            ("cnf", json!({ "jkt": "x" }), SessionDenial::BoundToAKey),
            ("cnf", json!({ "x5t#S256": "x" }), SessionDenial::BoundToAKey),
        ] {
            let claims = claims(json!({ "aud": "patgate", "scope": "openid", claim: value }));
            assert_eq!(check_purpose(&claims, "patgate"), Err(denial), "{claims:?}");
        }
    }

    #[test]
    fn only_allowed_clients_and_the_required_scope_are_accepted() {
        let allowed = ["page".to_owned(), "cli".to_owned()];
        for (changes, expected) in [
            (json!({ "azp": "page" }), Ok(())),
            (json!({ "client_id": "cli" }), Ok(())),
            (json!({ "azp": "page", "client_id": "page" }), Ok(())),
            (json!({}), Err(SessionDenial::OtherClient)),
            (json!({ "azp": "pag" }), Err(SessionDenial::OtherClient)),
            (json!({ "azp": ["page"] }), Err(SessionDenial::OtherClient)),
            (json!({ "azp": "page", "client_id": "other" }), Err(SessionDenial::OtherClient)),
            (json!({ "azp": null, "client_id": "page" }), Err(SessionDenial::OtherClient)),
        ] {
            assert_eq!(check_client(&claims(changes.clone()), &allowed), expected, "{changes}");
            assert_eq!(check_client(&claims(changes), &[]), Ok(()));
        }

        for (changes, expected) in [
            (json!({ "scope": "openid tokens" }), Ok(())),
            (json!({ "scp": ["tokens"] }), Ok(())),
            (json!({ "scp": "tokens" }), Ok(())),
            (json!({}), Err(SessionDenial::MissingScope)),
            (json!({ "scope": "tokens.read" }), Err(SessionDenial::MissingScope)),
            (json!({ "scope": "openid\ttokens" }), Err(SessionDenial::MissingScope)),
            (json!({ "scp": { "tokens": true } }), Err(SessionDenial::MissingScope)),
        ] {
            assert_eq!(check_scope(&claims(changes.clone()), Some("tokens")), expected, "{changes}");
            assert_eq!(check_scope(&claims(changes), None), Ok(()));
        }
    }

    #[test]
    fn session_is_valid_from_30_seconds_before_nbf_to_30_seconds_after_exp() {
        let check = |exp: i64, nbf: i64| {
            let now_seconds = now().timestamp();
            let claims = claims(json!({ "exp": now_seconds + exp, "nbf": now_seconds + nbf }));
            check_validity(&claims, now())
        };
        assert_eq!(check(-29, 30), Ok(()));
        assert_eq!(check(-30, 0), Err(SessionDenial::Expired));
        assert_eq!(check(60, 31), Err(SessionDenial::NotYetValid));

        let without = |claims_without: Value| check_validity(&claims(claims_without), now());
        assert_eq!(without(json!({})), Err(SessionDenial::MissingClaim));
        for odd in [json!(null), json!("soon"), json!(-1), json!(1e300), json!([4_000_000_000_u32])] {
            assert_eq!(without(json!({ "exp": odd })), Err(SessionDenial::Malformed), "exp {odd}");
            let with_nbf = json!({ "exp": 4_000_000_000_u32, "nbf": odd });
            assert_eq!(without(with_nbf), Err(SessionDenial::Malformed), "nbf {odd}");
        }
        assert_eq!(without(json!({ "exp": now().timestamp() + 1 })), Ok(()));
    }

    #[test]
    fn time_of_issue_may_have_decimals_and_must_not_be_in_the_future() {
        let iat = |value: Value| read_with(json!({ "iat": value })).map(|session| session.issued_at);
        assert_eq!(iat(json!(1_800_000.5)), Ok(DateTime::from_timestamp_millis(1_800_000_500).unwrap()));
        assert!(iat(json!(now().timestamp() + 5)).is_ok());
        for denied in [json!(now().timestamp() + 6), json!("now"), json!(null), json!(-1), json!(1e300)] {
            assert!(iat(denied.clone()).is_err(), "{denied}");
        }
    }

    #[test]
    fn subject_must_be_usable_as_a_key() {
        for denied in [json!(null), json!(42), json!(""), json!("a\nb"), json!("x".repeat(256))] {
            assert!(read_with(json!({ "sub": denied })).is_err(), "{denied}");
        }
    }

    #[test]
    fn name_comes_from_the_best_claim_without_control_characters() {
        let name = |changes| read_with(changes).unwrap().name;
        assert_eq!(name(json!({})), "42");
        assert_eq!(name(json!({ "email": "a@example.org" })), "a@example.org");
        assert_eq!(name(json!({ "email": "a@example.org", "username": "al" })), "al");
        assert_eq!(name(json!({ "username": "al", "preferred_username": "ali" })), "ali");
        assert_eq!(name(json!({ "preferred_username": "ali", "name": "Alice\r\n\u{85}!" })), "Alice!");
        assert_eq!(name(json!({ "name": " \t ", "username": " Ali " })), "Ali");
        assert_eq!(name(json!({ "name": "Al\u{202e}ice\u{2028}" })), "Alice");
        assert_eq!(name(json!({ "name": "\u{200b}\u{3164}", "username": "Ali" })), "Ali");
    }

    #[test]
    fn email_is_left_out_if_it_is_too_long_or_unclear() {
        let email = |email: &str| read_with(json!({ "email": email })).unwrap().email;
        let longest = format!("{}@example.org", "a".repeat(308));
        assert_eq!(email(&longest).as_deref(), Some(longest.as_str()));
        for unclear in
            [&format!("a{longest}"), "a@example.org\r\nBcc: b@example.org", "a\u{202e}@example.org"]
        {
            assert_eq!(email(unclear), None, "{unclear:?}");
        }
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
    fn invalid_role_names_are_dropped_and_never_split() {
        let mixed = claims(json!({ "groups": ["viewer administrator", "ok", "", 7, ["x"], "é"] }));
        assert_eq!(roles(&mixed, "groups"), ["ok"]);
        assert!(roles(&claims(json!({ "groups": "viewer administrator" })), "groups").is_empty());
        assert!(roles(&claims(json!({ "groups": { "administrator": true } })), "groups").is_empty());
    }
}
