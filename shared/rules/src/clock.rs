//! The only reader of the clock, and the one text form of a time.

use chrono::{DateTime, SubsecRound, Utc};

/// A point in time, UTC.
pub type Timestamp = DateTime<Utc>;

const FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// The current time, truncated to the milliseconds that are stored.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the only reader of the clock")]
pub fn now() -> Timestamp {
    Utc::now().trunc_subsecs(3)
}

/// RFC 3339 in UTC with exactly three decimals, such as `2026-11-23T09:30:00.000Z`.
///
/// INVARIANT: the width is fixed, so that times compare as text. The conditions of the
/// DynamoDB writes depend on this.
#[must_use]
pub fn to_text(time: Timestamp) -> String {
    time.format(FORMAT).to_string()
}

/// The text is not a time in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time in UTC")]
pub struct InvalidTime;

/// Parses the form of [`to_text`] and every other RFC 3339 form in UTC, because
/// administrators may write times into the tables by hand.
///
/// # Errors
/// When the text has another form. An offset other than UTC is an error, because a
/// condition compares text and would disagree with a reader about such a time.
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
    fn text_form_round_trips_and_sorts_by_time() {
        let earlier = from_text("2026-11-23T09:30:00.099Z").unwrap();
        let later = from_text("2026-11-23T09:30:00.100Z").unwrap();
        assert_eq!(to_text(earlier), "2026-11-23T09:30:00.099Z");
        assert!(earlier < later && to_text(earlier) < to_text(later));
    }

    #[test]
    fn current_time_round_trips_through_text() {
        let now = now();
        assert_eq!(from_text(&to_text(now)).unwrap(), now);
    }
}
