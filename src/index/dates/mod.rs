//! Dates as people type them, as spans of time.
//!
//! A date means the whole of what it names: `2026-11` runs from the first moment of November to
//! the last, `yesterday 14:00` is that minute. Spans are half-open and never empty; a range `A..B`
//! has all of A and all of B, so that both ends belong to it as they were typed.
//!
//! | typed | means |
//! |---|---|
//! | `2026`, `2026-11`, `2026-11-03` | the year, month, day |
//! | `november`, `november 2026`, `last november` | the latest one that has begun, that one, the one before this month |
//! | `3 november`, `nov 3 2026` | the day; without a year the latest one |
//! | `today`, `yesterday`, `tomorrow` | the day |
//! | `monday`, `last monday` | the latest one, today included; the latest before today |
//! | `this week`, `last month`, `last year` | by the calendar; weeks begin on Monday |
//! | `3 days ago`, `2w`, `a month ago` | that day |
//! | `5 hours ago`, `30m`, `now` | that moment, to the second |
//! | `last 24 hours`, `past 3 days` | from then until now |
//! | `14:00`, `yesterday 14:00`, `2026-11-03 2pm` | that minute; today's without a day |
//! | `2026-11-03T14:00:00Z` | that second |
//! | `2026-10..2026-11`, `monday..`, `..yesterday` | from the one to the other |
//!
//! Words may be joined by `-`, `_` or `.`: `last-week`. Pure: time and zone are one value. A day has
//! as many hours as the zone gives it. A time of day that comes twice is both, from the first to
//! the end of the second; one that the clocks skip is read as if they had not been moved yet.
//!
//! No crate does this: what exists (`interim` and its kin) gives an instant for a text, not the
//! span that it names, takes `monday` for the next one, and panics at some texts.

#[cfg(test)]
mod tests;
mod words;
mod zones;

use chrono::DateTime;
use chrono::NaiveDate;
use chrono::NaiveDateTime;
use chrono::TimeDelta;
use chrono::TimeZone;
use chrono::Utc;

use crate::index::TimeSpan;
use crate::index::dates::zones::first_instant_of;
use crate::index::dates::zones::instants_of;

/// Why a text names no span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// It is no date.
    #[error(
        "`{text}` is not a date. Dates are years (2026), months (2026-11, november), days \
         (2026-11-03, yesterday, monday, 3 days ago), times (2026-11-03 14:00), spans (last week, \
         last 24 hours), and ranges of two of these (2026-10..2026-11)."
    )]
    Unreadable {
        /// What was typed.
        text: String,
    },
    /// The end of a range lies before its beginning.
    #[error("The range `{text}` ends before it begins, so nothing could match.")]
    Inverted {
        /// What was typed.
        text: String,
    },
    /// A day that the zone does not have.
    #[error("`{text}` was skipped by the clocks of this time zone, so nothing could match.")]
    Skipped {
        /// What was typed.
        text: String,
    },
}

/// What a text names, before the zone is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Whole days: the first, and the one behind the last.
    Days(NaiveDate, NaiveDate),
    /// A time of a day, and how long it lasts.
    Clock(NaiveDateTime, TimeDelta),
    /// From a time of a day up to now.
    Since(NaiveDateTime),
    /// From that long ago up to now.
    Past(TimeDelta),
    /// The moment that long ago.
    Ago(TimeDelta),
}

/// The span that a text names: a date, or a range of two with `..`, either of which may be left
/// out.
pub fn parse_span<Z: TimeZone>(text: &str, now: &DateTime<Z>) -> Result<TimeSpan, DateError> {
    let Some((from, to)) = text.split_once("..") else {
        let (from, to) = parse_date(text, now)?;
        return Ok((Some(from), Some(to)));
    };
    let bound = |text: &str| match text.trim() {
        "" => Ok(None),
        text => parse_date(text, now).map(Some),
    };
    let (start, end) = (bound(from)?.map(|it| it.0), bound(to)?.map(|it| it.1));
    match (start, end) {
        (None, None) => Err(DateError::Unreadable { text: text.to_owned() }),
        (Some(start), Some(end)) if start >= end => {
            Err(DateError::Inverted { text: text.to_owned() })
        }
        span => Ok(span),
    }
}

/// The span that one date names: from, up to.
pub fn parse_date<Z: TimeZone>(
    text: &str,
    now: &DateTime<Z>,
) -> Result<(DateTime<Utc>, DateTime<Utc>), DateError> {
    let text = text.trim();
    let unreadable = || DateError::Unreadable { text: text.to_owned() };
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        let from = time.with_timezone(&Utc);
        let to = from.checked_add_signed(TimeDelta::seconds(1)).ok_or_else(unreadable)?;
        return Ok((from, to));
    }
    // Single points separate words; two make a range, which is more than a date.
    let extent = Some(text).filter(|text| !text.contains(".."));
    let extent = extent.and_then(|text| words::read(text, now.naive_local()));
    let extent = extent.ok_or_else(unreadable)?;
    let (from, to) = bounds(extent, now).ok_or_else(unreadable)?;
    if from < to { Ok((from, to)) } else { Err(DateError::Skipped { text: text.to_owned() }) }
}

fn bounds<Z: TimeZone>(
    extent: Extent,
    now: &DateTime<Z>,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (zone, utc) = (now.timezone(), now.with_timezone(&Utc));
    // What was written this very second belongs to what lasts until now.
    let second = TimeDelta::seconds(1);
    let after_now = utc.checked_add_signed(second)?;
    match extent {
        Extent::Days(first, next) => {
            Some((first_instant_of(first, &zone)?, first_instant_of(next, &zone)?))
        }
        Extent::Clock(local, length) => {
            let (earliest, latest) = instants_of(local, &zone)?;
            Some((earliest, latest.checked_add_signed(length)?))
        }
        Extent::Since(local) => Some((instants_of(local, &zone)?.0, after_now)),
        Extent::Past(passed) => Some((utc.checked_sub_signed(passed)?, after_now)),
        Extent::Ago(passed) => {
            let at = utc.checked_sub_signed(passed)?;
            Some((at, at.checked_add_signed(second)?))
        }
    }
}
