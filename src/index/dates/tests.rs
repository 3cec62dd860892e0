use chrono::FixedOffset;
use chrono_tz::America;
use chrono_tz::Asia;
use chrono_tz::Australia;
use chrono_tz::Europe;
use chrono_tz::Pacific;
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;

/// A Saturday, an hour east of Greenwich.
fn now() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-28T12:34:56+01:00").unwrap()
}

/// The span of a text, in the zone's own time.
fn shown<Z: TimeZone>(text: &str, now: &DateTime<Z>) -> Result<String, DateError>
where
    Z::Offset: std::fmt::Display,
{
    let (start, end) = parse_span(text, now)?;
    let show = |at: Option<DateTime<Utc>>| {
        at.map_or("-".to_owned(), |at| {
            at.with_timezone(&now.timezone()).format("%FT%T").to_string()
        })
    };
    Ok(format!("{} {}", show(start), show(end)))
}

fn all_mean(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(shown(text, &now()).as_deref(), Ok(*expected), "{text}");
        let upper = text.to_uppercase();
        assert_eq!(shown(&upper, &now()).as_deref(), Ok(*expected), "{upper}");
    }
}

#[test]
fn a_date_is_the_whole_of_it_in_the_zone() {
    all_mean(&[
        ("2026", "2026-01-01T00:00:00 2027-01-01T00:00:00"),
        ("2026-11", "2026-11-01T00:00:00 2026-12-01T00:00:00"),
        ("2026-12", "2026-12-01T00:00:00 2027-01-01T00:00:00"),
        ("2024-02-29", "2024-02-29T00:00:00 2024-03-01T00:00:00"),
        ("2026-11-03T14:00:00Z", "2026-11-03T15:00:00 2026-11-03T15:00:01"),
        ("2026-11-03 14:00:00+02:00", "2026-11-03T13:00:00 2026-11-03T13:00:01"),
        ("2026-11-03 14:00", "2026-11-03T14:00:00 2026-11-03T14:01:00"),
        ("2026-11-03T14:00:30", "2026-11-03T14:00:30 2026-11-03T14:00:31"),
        ("2026-11-03 2pm", "2026-11-03T14:00:00 2026-11-03T14:01:00"),
        ("2026-11-03 12:15 am", "2026-11-03T00:15:00 2026-11-03T00:16:00"),
    ]);
}

#[test]
fn both_ends_of_a_range_belong_to_it() {
    all_mean(&[
        ("2026-10..2026-11", "2026-10-01T00:00:00 2026-12-01T00:00:00"),
        ("2026-11-01..2026-11-10", "2026-11-01T00:00:00 2026-11-11T00:00:00"),
        ("2026-11-03..", "2026-11-03T00:00:00 -"),
        ("..yesterday", "- 2026-11-28T00:00:00"),
        ("last week .. today", "2026-11-16T00:00:00 2026-11-29T00:00:00"),
        ("yesterday 14:00..now", "2026-11-27T14:00:00 2026-11-28T12:34:57"),
    ]);
}

#[test]
fn words_count_from_now() {
    all_mean(&[
        ("today", "2026-11-28T00:00:00 2026-11-29T00:00:00"),
        ("yesterday", "2026-11-27T00:00:00 2026-11-28T00:00:00"),
        ("yesterday at 14:00", "2026-11-27T14:00:00 2026-11-27T14:01:00"),
        ("14:00", "2026-11-28T14:00:00 2026-11-28T14:01:00"),
        ("9pm", "2026-11-28T21:00:00 2026-11-28T21:01:00"),
        ("now", "2026-11-28T12:34:56 2026-11-28T12:34:57"),
        ("this week", "2026-11-23T00:00:00 2026-11-30T00:00:00"),
        ("last week", "2026-11-16T00:00:00 2026-11-23T00:00:00"),
        ("last-week", "2026-11-16T00:00:00 2026-11-23T00:00:00"),
        ("this month", "2026-11-01T00:00:00 2026-12-01T00:00:00"),
        ("last month", "2026-10-01T00:00:00 2026-11-01T00:00:00"),
        ("last year", "2025-01-01T00:00:00 2026-01-01T00:00:00"),
        ("3 days ago", "2026-11-25T00:00:00 2026-11-26T00:00:00"),
        ("3.days.ago", "2026-11-25T00:00:00 2026-11-26T00:00:00"),
        ("2w", "2026-11-14T00:00:00 2026-11-15T00:00:00"),
        ("3 days ago 14:00", "2026-11-25T14:00:00 2026-11-25T14:01:00"),
        ("a month ago", "2026-10-28T00:00:00 2026-10-29T00:00:00"),
        ("9 months ago", "2026-02-28T00:00:00 2026-03-01T00:00:00"),
        ("2 hours ago", "2026-11-28T10:34:56 2026-11-28T10:34:57"),
        ("30m", "2026-11-28T12:04:56 2026-11-28T12:04:57"),
        ("last 24 hours", "2026-11-27T12:34:56 2026-11-28T12:34:57"),
        ("past 3 days", "2026-11-25T12:34:56 2026-11-28T12:34:57"),
        ("past month", "2026-10-28T12:34:56 2026-11-28T12:34:57"),
    ]);
}

#[test]
fn names_of_days_and_months_mean_the_latest() {
    all_mean(&[
        ("saturday", "2026-11-28T00:00:00 2026-11-29T00:00:00"),
        ("last saturday", "2026-11-21T00:00:00 2026-11-22T00:00:00"),
        ("monday", "2026-11-23T00:00:00 2026-11-24T00:00:00"),
        ("last mon", "2026-11-23T00:00:00 2026-11-24T00:00:00"),
        ("sunday", "2026-11-22T00:00:00 2026-11-23T00:00:00"),
        ("this sunday", "2026-11-29T00:00:00 2026-11-30T00:00:00"),
        ("tues 9am", "2026-11-24T09:00:00 2026-11-24T09:01:00"),
        ("november", "2026-11-01T00:00:00 2026-12-01T00:00:00"),
        ("december", "2025-12-01T00:00:00 2026-01-01T00:00:00"),
        ("this december", "2026-12-01T00:00:00 2027-01-01T00:00:00"),
        ("last november", "2025-11-01T00:00:00 2025-12-01T00:00:00"),
        ("last october", "2026-10-01T00:00:00 2026-11-01T00:00:00"),
        ("nov 2026", "2026-11-01T00:00:00 2026-12-01T00:00:00"),
        ("3 november", "2026-11-03T00:00:00 2026-11-04T00:00:00"),
        ("Nov 29", "2025-11-29T00:00:00 2025-11-30T00:00:00"),
        ("November 3rd, 2024", "2024-11-03T00:00:00 2024-11-04T00:00:00"),
        ("3-nov-2024", "2024-11-03T00:00:00 2024-11-04T00:00:00"),
        ("29 february", "2024-02-29T00:00:00 2024-03-01T00:00:00"),
    ]);
}

#[test]
fn what_is_no_date_is_refused_with_what_is_accepted() {
    let texts = [
        "",
        "..",
        "soon",
        "2026-13",
        "2026-02-30",
        "26",
        "2026-1-1",
        "0000",
        "2026-01-01-01",
        "+026",
        "99999",
        "2026-11-03 25:00",
        "2026-11 14:00",
        "last week 14:00",
        "13pm",
        "0am",
        "30 february",
        "3 dads ago",
        "monday tuesday",
        "ago",
        "last",
        "14:00:00:00",
        "9999999999 days ago",
        "11/03/2026",
        "a..b..c",
        "дня",
        "３ days",
        "last 5000000000 hours",
        "2026-11-03 14:00 +99:99",
        "today 9abcdefghijklmnopq",
        "..2026..",
    ];
    for text in texts {
        let refused = shown(text, &now());
        assert!(matches!(refused, Err(DateError::Unreadable { .. })), "{text}: {refused:?}");
    }
    let said = shown("soon", &now()).unwrap_err().to_string();
    assert!(said.starts_with("`soon` is not a date. ") && said.contains("2026-11-03"), "{said}");
    let inverted = DateError::Inverted { text: "2026-11..2026-10".to_owned() };
    assert_eq!(shown("2026-11..2026-10", &now()), Err(inverted));
}

fn at(zone: Tz, text: &str) -> DateTime<Tz> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&zone)
}

fn hours(text: &str, now: &DateTime<Tz>) -> f64 {
    let (from, to) = parse_date(text, now).unwrap();
    f64::from(u32::try_from((to - from).num_minutes()).unwrap()) / 60.0
}

#[test]
fn a_day_has_the_hours_that_its_zone_gives_it() {
    let cases = [
        (Europe::Berlin, "2026-03-29", 23.0),
        (Europe::Berlin, "2026-10-25", 25.0),
        (Europe::Berlin, "2026-10-26", 24.0),
        (America::New_York, "2026-03-08", 23.0),
        (America::New_York, "2026-11-01", 25.0),
        (Australia::Lord_Howe, "2026-04-05", 24.5),
        (Asia::Kathmandu, "2026-10-25", 24.0),
        // These move their clocks at midnight: that of the day is skipped, or comes twice.
        (America::Sao_Paulo, "2018-11-04", 23.0),
        (America::Sao_Paulo, "2018-02-17", 25.0),
        (America::Havana, "2026-11-01", 25.0),
        (America::Havana, "2026-03-08", 23.0),
    ];
    for (zone, day, expected) in cases {
        let noon = at(zone, &format!("{day}T12:00:00Z"));
        let found = hours(day, &noon);
        assert!((found - expected).abs() < 0.001, "{day} in {zone}: {found}");
        assert_eq!(parse_date("today", &noon), parse_date(day, &noon));
    }
    let berlin = at(Europe::Berlin, "2026-10-26T11:00:00Z");
    assert!((hours("last 24 hours", &berlin) - 24.0).abs() < 0.001, "hours are hours");
    let past = parse_date("past 1 day", &berlin).unwrap();
    assert_eq!(past.0.to_rfc3339(), "2026-10-25T11:00:00+00:00");
    let month = hours("2026-10", &berlin);
    assert!((month - (31.0 * 24.0 + 1.0)).abs() < 0.001, "{month}");
}

#[test]
fn a_time_that_comes_twice_is_both_and_one_that_is_skipped_is_read_as_if_it_came() {
    let berlin = at(Europe::Berlin, "2026-11-28T12:00:00Z");
    let utc = |text: &str, now| {
        let (from, to) = parse_date(text, now).unwrap();
        format!("{} {}", from.format("%T"), to.format("%T"))
    };
    assert_eq!(utc("2026-10-25 02:30", &berlin), "00:30:00 01:31:00");
    assert_eq!(utc("2026-10-25 03:30", &berlin), "02:30:00 02:31:00");
    assert_eq!(utc("2026-03-29 02:30", &berlin), "01:30:00 01:31:00");
    let york = at(America::New_York, "2026-11-28T12:00:00Z");
    assert_eq!(utc("2026-11-01 01:30", &york), "05:30:00 06:31:00");
    assert_eq!(utc("2026-03-08 02:30", &york), "07:30:00 07:31:00");
    // The offset in the text outranks the zone.
    assert_eq!(utc("2026-10-25T02:30:00+01:00", &berlin), "01:30:00 01:30:01");
}

#[test]
fn a_day_that_a_zone_left_out_is_said_to_be_skipped() {
    let samoa = at(Pacific::Apia, "2012-01-05T00:00:00Z");
    let skipped = DateError::Skipped { text: "2011-12-30".to_owned() };
    assert_eq!(parse_date("2011-12-30", &samoa), Err(skipped));
    assert!(parse_date("2011-12-29", &samoa).is_ok());
    assert!((hours("2011-12", &samoa) - 30.0 * 24.0).abs() < 0.001);
}

#[test]
fn the_day_is_that_of_the_zone() {
    let text = "2026-11-28T23:30:00Z";
    let shown = |zone| parse_date("today", &at(zone, text)).unwrap().0.to_rfc3339();
    assert_eq!(shown(Europe::Berlin), "2026-11-28T23:00:00+00:00");
    assert_eq!(shown(America::New_York), "2026-11-28T05:00:00+00:00");
    assert_eq!(shown(Asia::Kathmandu), "2026-11-28T18:15:00+00:00");
}

proptest! {
    #[test]
    fn r5_4_no_text_makes_it_panic_or_give_an_empty_span(
        text in prop_oneof![
            any::<String>(),
            "(last |this |past )?[0-9]{0,5}(\\.\\.| |-|:)?(days?|mo|h|monday|nov|week|[ap]m)?( ago)?",
            "[0-9:. -]{0,12}",
        ],
        seconds in -60_000_000_000_i64..250_000_000_000,
    ) {
        let now = DateTime::from_timestamp(seconds, 0).unwrap().with_timezone(&Europe::Berlin);
        if let Ok((Some(from), Some(to))) = parse_span(&text, &now) {
            prop_assert!(from < to, "{:?}", text);
        }
    }

    #[test]
    fn r5_4_days_follow_one_another_without_gap_or_overlap(
        number in 0..40_000_u64,
        zone in prop::sample::select(vec![
            Europe::Berlin, America::New_York, America::Sao_Paulo, America::Havana,
            Australia::Lord_Howe, Asia::Kathmandu, Pacific::Apia,
        ]),
    ) {
        let start = NaiveDate::from_ymd_opt(1950, 1, 1).unwrap();
        let day = start.checked_add_days(chrono::Days::new(number)).unwrap();
        let now = at(zone, "2026-11-28T12:00:00Z");
        let span = |day: NaiveDate| parse_date(&day.to_string(), &now);
        if let (Ok(this), Ok(next)) = (span(day), span(day.succ_opt().unwrap())) {
            prop_assert_eq!(this.1, next.0);
            let inside = this.0.with_timezone(&zone).date_naive();
            prop_assert_eq!(inside, day);
            let last = (this.1 - TimeDelta::seconds(1)).with_timezone(&zone).date_naive();
            prop_assert_eq!(last, day);
        }
    }
}
