//! The only place that asks what time it is, and the one text form of a time.

use chrono::{DateTime, SubsecRound, Utc};

/// A point in time, UTC.
pub type Timestamp = DateTime<Utc>;

const FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// The current time, cut to the milliseconds that are stored.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one reader of the clock")]
pub fn now() -> Timestamp {
    Utc::now().trunc_subsecs(3)
}

/// RFC 3339 in UTC with exactly three decimals, such as `2026-11-23T09:30:00.000Z`.
///
/// INVARIANT: the width is fixed, so times compare as text. The conditions of the
/// DynamoDB writes depend on it.
#[must_use]
pub fn to_text(time: Timestamp) -> String {
    time.format(FORMAT).to_string()
}

/// A text that is no stored time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time in UTC as in RFC 3339")]
pub struct InvalidTime;

/// Reads what [`to_text`] writes, and any other RFC 3339 in UTC: people write times into
/// the tables by hand.
///
/// # Errors
/// When the text is of another form. With another offset a condition, which compares
/// text, and a read would disagree about it.
pub fn from_text(text: &str) -> Result<Timestamp, InvalidTime> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidTime)?;
    if time.offset().local_minus_utc() != 0 {
        return Err(InvalidTime);
    }
    Ok(time.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_orders_as_time_does() {
        let earlier = from_text("2026-11-23T09:30:00.099Z").unwrap();
        let later = from_text("2026-11-23T09:30:00.100Z").unwrap();
        assert_eq!(to_text(earlier), "2026-11-23T09:30:00.099Z");
        assert!(earlier < later && to_text(earlier) < to_text(later));
    }

    #[test]
    fn now_survives_the_text_form() {
        let now = now();
        assert_eq!(from_text(&to_text(now)).unwrap(), now);
    }
}
