//! Calendar months in UTC: the partitions of the index over the tokens of all users.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate};
use uuid::Uuid;

use crate::clock::Timestamp;

/// A month such as `2026-11`. Months are ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i32,
    /// 1 to 12.
    month: u32,
}

/// The text is not of the form `YYYY-MM`.
#[derive(Debug, thiserror::Error)]
#[error("expected a month such as `2026-01`")]
pub struct InvalidMonth;

impl Month {
    /// The month that contains `time`.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        Self { year: time.year(), month: time.month() }
    }

    /// The month in which a token ID was generated. `None` if the ID contains no time.
    #[must_use]
    pub fn of_id(id: Uuid) -> Option<Self> {
        let (seconds, nanos) = id.get_timestamp()?.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos).map(Self::of)
    }

    /// The month before this one.
    #[must_use]
    pub fn previous(self) -> Self {
        if self.month == 1 {
            Self { year: self.year - 1, month: 12 }
        } else {
            Self { year: self.year, month: self.month - 1 }
        }
    }

    /// The smallest token ID of this month. IDs of earlier months are smaller.
    #[must_use]
    pub fn lowest_id(self) -> Uuid {
        let start = NaiveDate::from_ymd_opt(self.year, self.month, 1)
            .and_then(|day| day.and_hms_opt(0, 0, 0))
            .map_or(0, |start| start.and_utc().timestamp_millis());
        let millis = u64::try_from(start).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (year, month) = text.split_once('-').ok_or(InvalidMonth)?;
        let digits =
            |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(InvalidMonth);
        }
        let year = year.parse().map_err(|_| InvalidMonth)?;
        let month = month.parse().map_err(|_| InvalidMonth)?;
        if (1..=12).contains(&month) { Ok(Self { year, month }) } else { Err(InvalidMonth) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_text;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn months_are_parsed_formatted_and_ordered() {
        assert_eq!(month("2026-11").to_string(), "2026-11");
        assert_eq!(Month::of(from_text("2026-11-30T23:59:59.999Z").unwrap()), month("2026-11"));
        assert_eq!(month("2026-01").previous(), month("2025-12"));
        assert!(month("2025-12") < month("2026-01"));
        for text in ["", "2026", "2026-13", "2026-00", "26-01", "2026-1", "2026-01-01", "+026-01"] {
            assert!(text.parse::<Month>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn lowest_id_separates_the_months() {
        let millis = |text| u64::try_from(from_text(text).unwrap().timestamp_millis()).unwrap();
        let id = |text| uuid::Builder::from_unix_timestamp_millis(millis(text), &[255; 10]).into_uuid();
        let boundary = month("2026-03").lowest_id();
        assert!(id("2026-02-28T23:59:59.999Z") < boundary);
        assert!(boundary < id("2026-03-01T00:00:00.000Z"));
        assert_eq!(Month::of_id(boundary), Some(month("2026-03")));
        assert_eq!(Month::of_id(Uuid::nil()), None);
    }
}
