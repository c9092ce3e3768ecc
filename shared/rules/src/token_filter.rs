//! Which tokens a list shows.

use crate::clock::Timestamp;
use crate::search::SearchText;
use crate::token_record::TokenRecord;
use crate::user::User;
use crate::verdict::{self, Policy, Status, Verdict};

/// The conditions that a token must meet. `None` means that any value does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenFilter {
    pub status: Option<Status>,
    /// Whether the token works right now.
    pub usable: Option<bool>,
    /// In its name or description, or at the start of its prefix, its ID or an address that it was used
    /// from.
    pub text: Option<SearchText>,
    /// The token expires before this time. One that does not expire never matches.
    pub expires_before: Option<Timestamp>,
    /// The token existed at this time and has not been used since.
    pub unused_since: Option<Timestamp>,
}

impl TokenFilter {
    /// Whether every token matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    #[must_use]
    pub fn matches(&self, token: &TokenRecord, owner: Option<&User>, now: Timestamp, policy: Policy) -> bool {
        let is_usable = || verdict::verify(Some(token), owner, now, policy) == Verdict::Allowed;

        self.status.is_none_or(|status| verdict::status(token, owner, now) == status)
            && self.usable.is_none_or(|usable| is_usable() == usable)
            && self.text.as_ref().is_none_or(|text| has_text(token, text))
            && self.expires_before.is_none_or(|time| token.expires_at.is_some_and(|at| at < time))
            && self.unused_since.is_none_or(|time| is_unused_since(token, time))
    }
}

fn has_text(token: &TokenRecord, text: &SearchText) -> bool {
    let in_description = token.description.as_ref().is_some_and(|description| text.is_in(description));
    let id = token.token_id.to_string();
    let last_ip = token.last_used.iter().filter_map(|last_use| last_use.ip.as_deref());
    let mut ips = token.seen_from.iter().map(|sighting| sighting.ip.as_str()).chain(last_ip);

    text.is_in(&token.name)
        || in_description
        || text.starts(&token.prefix)
        || text.starts(&id)
        || ips.any(|ip| text.starts(ip))
}

fn is_unused_since(token: &TokenRecord, time: Timestamp) -> bool {
    let latest = token.last_used.as_ref().map_or(token.created_at, |last_use| last_use.at);
    token.created_at <= time && latest < time
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_text;
    use crate::token_record::tests::token;
    use crate::token_record::{LastUse, Sighting};

    fn time(text: &str) -> Timestamp {
        from_text(text).unwrap()
    }

    fn matches(filter: &TokenFilter, token: &TokenRecord) -> bool {
        let owner = User { token_generation: Some(token.generation), ..User::default() };
        filter.matches(token, Some(&owner), time("2026-06-01T00:00:00.000Z"), Policy::default())
    }

    #[test]
    fn text_is_found_in_name_description_prefix_id_and_address() {
        let at = token().created_at;
        let token = TokenRecord {
            description: Some("Déploie le site".into()),
            last_used: Some(LastUse { at, ip: Some("192.0.2.44".into()) }),
            seen_from: vec![Sighting { ip: "2001:DB8::7".into(), at }],
            ..token()
        };
        let found = |text: &str| {
            let text = SearchText::new(text);
            matches(&TokenFilter { text, ..TokenFilter::default() }, &token)
        };
        for text in ["CI", "deploie", "fdp_abc", "fdp_abcdef", "00000000-0000", "192.0.2", "2001:db8:"] {
            assert!(found(text), "{text}");
        }
        for text in ["cd", "dp_abc", "fdp_abcdefg", "0.2.44", "192.0.2.45"] {
            assert!(!found(text), "{text}");
        }
    }

    #[test]
    fn token_that_does_not_expire_expires_before_no_time() {
        let before =
            TokenFilter { expires_before: Some(time("2026-07-01T00:00:00.000Z")), ..TokenFilter::default() };
        let expiring = |text: &str| TokenRecord { expires_at: Some(time(text)), ..token() };
        assert!(!matches(&before, &token()));
        assert!(matches(&before, &expiring("2026-06-30T23:59:59.999Z")));
        assert!(!matches(&before, &expiring("2026-07-01T00:00:00.000Z")));
    }

    #[test]
    fn token_is_unused_since_a_time_only_if_it_existed_then() {
        let since = |text: &str| TokenFilter { unused_since: Some(time(text)), ..TokenFilter::default() };
        // It was created at the start of 2026.
        assert!(matches(&since("2026-03-01T00:00:00.000Z"), &token()));
        assert!(!matches(&since("2025-12-31T00:00:00.000Z"), &token()));
        let at = time("2026-04-01T00:00:00.000Z");
        let used = TokenRecord { last_used: Some(LastUse { at, ip: None }), ..token() };
        assert!(!matches(&since("2026-03-01T00:00:00.000Z"), &used));
        assert!(!matches(&since("2026-04-01T00:00:00.000Z"), &used));
        assert!(matches(&since("2026-04-01T00:00:00.001Z"), &used));
    }

    #[test]
    fn conditions_add_up() {
        let both = TokenFilter {
            status: Some(Status::Active),
            text: SearchText::new("ci"),
            usable: Some(true),
            ..TokenFilter::default()
        };
        assert!(matches(&both, &token()));
        assert!(!matches(&TokenFilter { status: Some(Status::Revoked), ..both.clone() }, &token()));
        assert!(!matches(&TokenFilter { usable: Some(false), ..both }, &token()));
        assert!(TokenFilter::default().is_empty());
    }
}
