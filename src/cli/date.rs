//! Dates as people type them: a year, a month, a day, a time, a range of these.
//!
//! Pure: the time zone is a value. A date means the whole of it: `2026-11` runs from the first
//! moment of November to the last. Spans are half-open, and never empty.

use chrono::DateTime;
use chrono::Days;
use chrono::Months;
use chrono::NaiveDate;
use chrono::NaiveTime;
use chrono::TimeDelta;
use chrono::TimeZone;
use chrono::Utc;

/// A half-open span of time; an absent limit is none.
pub(crate) type Span = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// What is accepted, as errors say it.
const ACCEPTED: &str = "a year (2026), a month (2026-11), a day (2026-11-03), an RFC 3339 time \
     (2026-11-03T14:00:00Z), or a range of two of these (2026-10..2026-11)";

/// The spans in which a session may fall: one of `dates`, not before `since`, not after `until`.
/// No limit at all gives no span. An error says, in a sentence, why nothing could match.
pub(crate) fn spans<Z: TimeZone>(
    dates: &[String],
    since: Option<&str>,
    until: Option<&str>,
    zone: &Z,
) -> Result<Vec<Span>, String> {
    if dates.is_empty() && since.is_none() && until.is_none() {
        return Ok(Vec::new());
    }
    let start = since.map(|text| moment(text, zone)).transpose()?;
    let end = until.map(|text| moment(text, zone)).transpose()?;
    let limits = (start.and_then(|it| it.0), end.and_then(|it| it.1));
    if is_empty(limits) {
        return Err("--since is later than --until, so nothing could match.".to_owned());
    }
    if dates.is_empty() {
        return Ok(vec![limits]);
    }
    let mut spans = Vec::with_capacity(dates.len());
    for text in dates {
        let span = both(span(text, zone)?, limits);
        if is_empty(span) {
            return Err(format!(
                "`--date {text}` lies outside --since and --until, so nothing could match."
            ));
        }
        spans.push(span);
    }
    Ok(spans)
}

/// The span that one text means: a date, or a range of two with `..`, either of which may be left
/// out.
pub(crate) fn span<Z: TimeZone>(text: &str, zone: &Z) -> Result<Span, String> {
    let Some((from, to)) = text.split_once("..") else {
        return moment(text, zone);
    };
    let start = match from.trim() {
        "" => None,
        from => moment(from, zone)?.0,
    };
    let end = match to.trim() {
        "" => None,
        to => moment(to, zone)?.1,
    };
    match (start, end) {
        (None, None) => Err(refuse(text)),
        span if is_empty(span) => {
            Err(format!("The range `{text}` ends before it begins, so nothing could match."))
        }
        span => Ok(span),
    }
}

/// What lies in both spans.
fn both(a: Span, b: Span) -> Span {
    let start = match (a.0, b.0) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    };
    let end = match (a.1, b.1) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    (start, end)
}

fn is_empty(span: Span) -> bool {
    matches!(span, (Some(start), Some(end)) if start >= end)
}

/// The whole of a year, a month, a day or a second.
fn moment<Z: TimeZone>(text: &str, zone: &Z) -> Result<Span, String> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        let start = time.with_timezone(&Utc);
        return Ok((Some(start), Some(start + TimeDelta::seconds(1))));
    }
    let days = days(text).ok_or_else(|| refuse(text))?;
    let (Some(first), Some(next)) = (midnight(days.0, zone), midnight(days.1, zone)) else {
        return Err(refuse(text));
    };
    Ok((Some(first), Some(next)))
}

/// The first day that a text means, and the first one after it.
fn days(text: &str) -> Option<(NaiveDate, NaiveDate)> {
    let parts: Vec<&str> = text.split('-').collect();
    let widths = [4, 2, 2];
    let is_number = |(part, width): (&&str, usize)| {
        part.len() == width && part.bytes().all(|b| b.is_ascii_digit())
    };
    if parts.len() > 3 || !parts.iter().zip(widths).all(is_number) {
        return None;
    }
    let year: i32 = parts[0].parse().ok().filter(|year| *year > 0)?;
    let number = |index: usize| parts.get(index).map_or(Some(1), |part| part.parse().ok());
    let first = NaiveDate::from_ymd_opt(year, number(1)?, number(2)?)?;
    let next = match parts.len() {
        1 => first.checked_add_months(Months::new(12)),
        2 => first.checked_add_months(Months::new(1)),
        _ => first.checked_add_days(Days::new(1)),
    };
    next.map(|next| (first, next))
}

/// The first instant of a day. Where the clocks skip midnight, the first one after it.
fn midnight<Z: TimeZone>(day: NaiveDate, zone: &Z) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=3)
        .find_map(|hours| {
            let local = midnight.checked_add_signed(TimeDelta::hours(hours))?;
            zone.from_local_datetime(&local).earliest()
        })
        .map(|local| local.with_timezone(&Utc))
}

fn refuse(text: &str) -> String {
    format!("`{text}` is not a date. A date is {ACCEPTED}.")
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;

    fn zone() -> FixedOffset {
        FixedOffset::east_opt(3600).expect("an hour")
    }

    fn shown(text: &str) -> Result<String, String> {
        let (start, end) = span(text, &zone())?;
        let show = |at: Option<DateTime<Utc>>| {
            at.map_or("-".to_owned(), |at| at.format("%FT%T").to_string())
        };
        Ok(format!("{} {}", show(start), show(end)))
    }

    #[test]
    fn a_date_is_the_whole_of_it_in_the_local_zone() {
        let cases = [
            ("2026", "2025-12-31T23:00:00 2026-12-31T23:00:00"),
            ("2026-11", "2026-10-31T23:00:00 2026-11-30T23:00:00"),
            ("2026-12", "2026-11-30T23:00:00 2026-12-31T23:00:00"),
            ("2024-02-29", "2024-02-28T23:00:00 2024-02-29T23:00:00"),
            ("2026-11-03T14:00:00Z", "2026-11-03T14:00:00 2026-11-03T14:00:01"),
            ("2026-10..2026-11", "2026-09-30T23:00:00 2026-11-30T23:00:00"),
            ("2026-11-03..", "2026-11-02T23:00:00 -"),
            ("..2026-11-03", "- 2026-11-03T23:00:00"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused_with_what_is_accepted() {
        for text in [
            "",
            "..",
            "yesterday",
            "2026-13",
            "2026-02-30",
            "26",
            "2026-1-1",
            "0000",
            "2026-01-01-01",
            "+026",
            "2026-11-03 14:00",
            "99999",
        ] {
            let refusal = shown(text).expect_err(text);
            assert!(refusal.contains("is not a date"), "{refusal}");
            assert!(refusal.contains("2026-11-03"), "{refusal}");
        }
        let refusal = shown("2026-11..2026-10").expect_err("inverted");
        assert!(refusal.contains("ends before it begins"), "{refusal}");
    }

    #[test]
    fn limits_hold_together_with_dates() {
        let dates = ["2026-11".to_owned(), "2026-12".to_owned()];
        let found = spans(&dates, Some("2026-11-15"), None, &Utc).expect("some");
        let starts: Vec<String> =
            found.iter().map(|span| span.0.expect("a start").format("%F").to_string()).collect();
        assert_eq!(starts, ["2026-11-15", "2026-12-01"]);
        assert_eq!(spans(&[], None, None, &Utc), Ok(Vec::new()));
        assert!(spans(&[], Some("2027"), Some("2026"), &Utc).is_err());
        assert!(spans(&[], Some("2026"), Some("2026"), &Utc).is_ok());
        assert!(spans(&dates, Some("2026-12"), None, &Utc).is_err());
    }
}
