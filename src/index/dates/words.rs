//! The words of dates.

use chrono::Datelike;
use chrono::Days;
use chrono::Months;
use chrono::NaiveDate;
use chrono::NaiveDateTime;
use chrono::NaiveTime;
use chrono::TimeDelta;
use chrono::Weekday;

use crate::index::dates::Extent;

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds(i64),
    Days(u64),
    Months(u32),
}

/// What a text names at that local time; none: it is no date.
pub(super) fn read(text: &str, now: NaiveDateTime) -> Option<Extent> {
    let text = text.to_lowercase();
    let words = split(&text)?;
    if words == ["now"] {
        return Some(Extent::Ago(TimeDelta::zero()));
    }
    let named = |words: &[&str]| read_past(words, now).or_else(|| days(words, now.date()));
    let (day, clock) = split_clock(&words)?;
    let Some((time, length)) = clock else {
        return named(day);
    };
    let (first, next) = match day {
        [] => (now.date(), now.date().succ_opt()?),
        day => match named(day)? {
            Extent::Days(first, next) => (first, next),
            _ => return None,
        },
    };
    let is_one_day = first.succ_opt() == Some(next);
    is_one_day.then(|| Extent::Clock(first.and_time(time), length))
}

/// The words and numbers of a text. A number holds the `-` and `:` between its digits; elsewhere
/// they separate, as blanks, `,`, `.` and `_` do.
fn split(text: &str) -> Option<Vec<&str>> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() {
            number_length(rest)
        } else if first.is_ascii_alphabetic() {
            rest.find(|it: char| !it.is_ascii_alphabetic()).unwrap_or(rest.len())
        } else if first.is_whitespace() || ",.-_".contains(first) {
            rest = &rest[first.len_utf8()..];
            continue;
        } else {
            return None;
        };
        words.push(&rest[..length]);
        rest = &rest[length..];
    }
    // `2026-11-03t14:00`, `yesterday at 14:00`, `3rd november`: these say nothing more.
    let filling = ["t", "at", "of", "the", "st", "nd", "rd", "th"];
    words.retain(|word| !filling.contains(word));
    Some(words)
}

fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_digit = |place: usize| bytes.get(place).is_some_and(u8::is_ascii_digit);
    let mut length = 0;
    while is_digit(length)
        || (matches!(bytes.get(length), Some(b'-' | b':')) && is_digit(length + 1))
    {
        length += 1;
    }
    length
}

type Clock = (NaiveTime, TimeDelta);

/// The words before a time of day at the end, and that time, which lasts a minute or a second;
/// none: what stands there is no time of any day.
fn split_clock<'w>(words: &'w [&'w str]) -> Option<(&'w [&'w str], Option<Clock>)> {
    match words {
        [day @ .., time, half @ ("am" | "pm")] => Some((day, Some(clock(time, Some(half))?))),
        [day @ .., time] if time.contains(':') => Some((day, Some(clock(time, None)?))),
        words => Some((words, None)),
    }
}

fn clock(text: &str, half: Option<&str>) -> Option<Clock> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 || parts.iter().any(|part| part.len() > 2) {
        return None;
    }
    let number = |place: usize| parts.get(place).map_or(Some(0), |part| part.parse::<u32>().ok());
    let hour = match (number(0)?, half) {
        (hour, None) => hour,
        (hour @ 1..=12, Some("am")) => hour % 12,
        (hour @ 1..=12, Some(_)) => hour % 12 + 12,
        _ => return None,
    };
    let time = NaiveTime::from_hms_opt(hour, number(1)?, number(2)?)?;
    let length = if parts.len() == 3 { TimeDelta::seconds(1) } else { TimeDelta::minutes(1) };
    Some((time, length))
}

/// `3 days ago`, `2w`, `last 24 hours`.
fn read_past(words: &[&str], now: NaiveDateTime) -> Option<Extent> {
    let (is_span, count, unit) = match words {
        ["last" | "past", count, unit_name] => (true, *count, unit(unit_name)?),
        ["past", unit_name] => (true, "one", unit(unit_name)?),
        [count, unit_name] | [count, unit_name, "ago"] => (false, *count, unit(unit_name)?),
        _ => return None,
    };
    let count: u32 = match count {
        "a" | "an" | "one" => 1,
        digits => digits.parse().ok()?,
    };
    let local = match unit {
        Unit::Seconds(length) => {
            let passed = TimeDelta::try_seconds(length * i64::from(count))?;
            return Some(if is_span { Extent::Past(passed) } else { Extent::Ago(passed) });
        }
        Unit::Days(length) => now.checked_sub_days(Days::new(length * u64::from(count)))?,
        Unit::Months(length) => now.checked_sub_months(Months::new(length.checked_mul(count)?))?,
    };
    if is_span { Some(Extent::Since(local)) } else { one_day(local.date()) }
}

fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Seconds(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Seconds(60),
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Seconds(3600),
        "d" | "day" | "days" => Unit::Days(1),
        "w" | "wk" | "wks" | "week" | "weeks" => Unit::Days(7),
        "mo" | "mos" | "month" | "months" => Unit::Months(1),
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Months(12),
        _ => return None,
    })
}

/// A day, or several: all that has no time of day.
fn days(words: &[&str], today: NaiveDate) -> Option<Extent> {
    match words {
        ["today"] => one_day(today),
        ["yesterday"] => one_day(today.pred_opt()?),
        ["tomorrow"] => one_day(today.succ_opt()?),
        [word] => {
            if let Some(weekday) = weekday(word) {
                return one_day(latest_weekday(weekday, today)?);
            }
            match month(word) {
                Some(month) => one_month(latest_month(month, today)?),
                None => numbers(word),
            }
        }
        [which @ ("this" | "last"), word] => relative(*which == "last", word, today),
        [a, b] => match (month(a), month(b)) {
            (Some(month), None) => match year(b) {
                Some(year) => one_month(NaiveDate::from_ymd_opt(year, month, 1)?),
                None => one_day(latest_day(month, day(b)?, today)?),
            },
            (None, Some(month)) => one_day(latest_day(month, day(a)?, today)?),
            _ => None,
        },
        [a, b, c] => {
            let (month, day) = match (month(a), month(b)) {
                (Some(month), None) => (month, day(b)?),
                (None, Some(month)) => (month, day(a)?),
                _ => return None,
            };
            one_day(NaiveDate::from_ymd_opt(year(c)?, month, day)?)
        }
        _ => None,
    }
}

/// `this week`, `last november`.
fn relative(is_last: bool, word: &str, today: NaiveDate) -> Option<Extent> {
    let back = u32::from(is_last);
    if let Some(weekday) = weekday(word) {
        let monday = monday(today)?;
        return one_day(if is_last {
            latest_weekday(weekday, today.pred_opt()?)?
        } else {
            monday.checked_add_days(Days::new(weekday.num_days_from_monday().into()))?
        });
    }
    if let Some(number) = month(word) {
        let this = today.with_day(1)?;
        return one_month(if is_last {
            latest_month(number, this.pred_opt()?)?
        } else {
            this.with_month(number)?
        });
    }
    match unit(word)? {
        Unit::Days(7) => {
            let first = monday(today)?.checked_sub_days(Days::new(7 * u64::from(back)))?;
            Some(Extent::Days(first, first.checked_add_days(Days::new(7))?))
        }
        Unit::Months(1) => one_month(today.with_day(1)?.checked_sub_months(Months::new(back))?),
        Unit::Months(12) => {
            let first = today.with_day(1)?.with_month(1)?;
            let first = first.checked_sub_months(Months::new(12 * back))?;
            Some(Extent::Days(first, first.checked_add_months(Months::new(12))?))
        }
        Unit::Seconds(length) if is_last => Some(Extent::Past(TimeDelta::seconds(length))),
        Unit::Days(1) => one_day(today.checked_sub_days(Days::new(back.into()))?),
        _ => None,
    }
}

/// `2026`, `2026-11`, `2026-11-03`.
fn numbers(word: &str) -> Option<Extent> {
    let parts: Vec<&str> = word.split('-').collect();
    let two = |place: usize| {
        let digits = parts.get(place).filter(|part| part.len() == 2)?;
        digits.parse::<u32>().ok()
    };
    let year = year(parts.first()?)?;
    match parts.len() {
        1 => {
            let first = NaiveDate::from_ymd_opt(year, 1, 1)?;
            Some(Extent::Days(first, first.checked_add_months(Months::new(12))?))
        }
        2 => one_month(NaiveDate::from_ymd_opt(year, two(1)?, 1)?),
        3 => one_day(NaiveDate::from_ymd_opt(year, two(1)?, two(2)?)?),
        _ => None,
    }
}

fn one_day(day: NaiveDate) -> Option<Extent> {
    Some(Extent::Days(day, day.succ_opt()?))
}

fn one_month(first: NaiveDate) -> Option<Extent> {
    Some(Extent::Days(first, first.checked_add_months(Months::new(1))?))
}

fn monday(day: NaiveDate) -> Option<NaiveDate> {
    day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into()))
}

fn latest_weekday(weekday: Weekday, until: NaiveDate) -> Option<NaiveDate> {
    until.checked_sub_days(Days::new(until.weekday().days_since(weekday).into()))
}

fn latest_month(month: u32, until: NaiveDate) -> Option<NaiveDate> {
    let year = until.year() - i32::from(month > until.month());
    NaiveDate::from_ymd_opt(year, month, 1)
}

/// The latest such day; a 29th of February may lie eight years back.
fn latest_day(month: u32, day: u32, until: NaiveDate) -> Option<NaiveDate> {
    let days = (0..=8).filter_map(|back| NaiveDate::from_ymd_opt(until.year() - back, month, day));
    days.into_iter().find(|day| *day <= until)
}

fn year(word: &str) -> Option<i32> {
    let is_year = word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    is_year.then(|| word.parse().ok()).flatten().filter(|year| *year > 0)
}

fn day(word: &str) -> Option<u32> {
    word.parse().ok().filter(|_| word.len() <= 2)
}

fn month(word: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let place = NAMES.iter().position(|name| is_name(word, name))?;
    u32::try_from(place + 1).ok()
}

fn weekday(word: &str) -> Option<Weekday> {
    const NAMES: [(&str, Weekday); 7] = [
        ("monday", Weekday::Mon),
        ("tuesday", Weekday::Tue),
        ("wednesday", Weekday::Wed),
        ("thursday", Weekday::Thu),
        ("friday", Weekday::Fri),
        ("saturday", Weekday::Sat),
        ("sunday", Weekday::Sun),
    ];
    NAMES.iter().find(|(name, _)| is_name(word, name)).map(|(_, weekday)| *weekday)
}

/// A name, or at least three letters of its beginning.
fn is_name(word: &str, name: &str) -> bool {
    word.len() >= 3 && name.starts_with(word)
}
