//! Numbers, times and names in few characters, for tables and headings.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;
use unicode_width::UnicodeWidthChar;
use unicode_width::UnicodeWidthStr;

use crate::cli::plain::line;
use crate::session::Head;

/// The title, or what stands for it, on one line.
pub(crate) fn title(head: &Head) -> String {
    let text = head.title.as_deref().or(head.preview.as_deref());
    text.map(line).filter(|text| !text.is_empty()).unwrap_or_else(|| "(nothing said)".to_owned())
}

/// The short id and the title of a session, as sentences name it.
pub(crate) fn name(head: &Head) -> String {
    format!("{} “{}”", head.id.short(), fit(&title(head), 60))
}

/// A number in at most five characters: `982`, `12.3k`, `4.5M`.
pub(crate) fn compact(number: u64) -> String {
    const STEPS: [(u64, &str); 4] =
        [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    for (step, unit) in STEPS {
        // What would round to a thousand of the smaller unit is one of this.
        if number >= step - step / 2000 {
            let tenths = (u128::from(number) * 10 + u128::from(step) / 2) / u128::from(step);
            return match (tenths / 10, tenths % 10) {
                (whole, tenth) if whole < 100 && tenth > 0 => format!("{whole}.{tenth}{unit}"),
                (whole, _) => format!("{whole}{unit}"),
            };
        }
    }
    number.to_string()
}

/// A size in bytes: `512 B`, `4.2 MB`.
pub(crate) fn bytes(number: u64) -> String {
    let text = compact(number);
    match text.strip_suffix(|unit: char| unit.is_ascii_alphabetic()) {
        Some(figure) => format!("{figure} {}B", &text[figure.len()..]),
        None => format!("{text} B"),
    }
}

/// A time in milliseconds, with two or three digits: `0.42 ms`, `12.3 ms`, `1.5 s`, `2 min`.
pub(crate) fn span(ms: f64) -> String {
    match ms {
        ms if ms >= 120_000.0 => format!("{:.0} min", ms / 60_000.0),
        ms if ms >= 1_000.0 => format!("{:.1} s", ms / 1_000.0),
        ms if ms >= 100.0 => format!("{ms:.0} ms"),
        ms if ms >= 10.0 => format!("{ms:.1} ms"),
        ms => format!("{ms:.2} ms"),
    }
}

/// A number and what it counts: `1 message`, `12 messages`.
pub(crate) fn count(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// Redactions by rule: `2 secrets (github-token)`, `3 secrets (email 1, github-token 2)`.
pub(crate) fn rules(redactions: &BTreeMap<String, u64>) -> String {
    let each: Vec<String> = match redactions.len() {
        1 => redactions.keys().map(|rule| line(rule)).collect(),
        _ => redactions.iter().map(|(rule, count)| format!("{} {count}", line(rule))).collect(),
    };
    format!("{} ({})", count(redactions.values().sum(), "secret"), each.join(", "))
}

/// How long ago: `now`, `5 min ago`, `3 h ago`, `2 d ago`, `7 mo ago`, `3 y ago`.
pub(crate) fn ago(now: DateTime<Utc>, then: DateTime<Utc>) -> String {
    let passed = now - then;
    let steps = [
        (TimeDelta::days(365), "y"),
        (TimeDelta::days(30), "mo"),
        (TimeDelta::days(1), "d"),
        (TimeDelta::hours(1), "h"),
        (TimeDelta::minutes(1), "min"),
    ];
    // A clock that runs a little ahead elsewhere is no news from the future.
    if passed < TimeDelta::minutes(-5) {
        return "ahead".to_owned();
    }
    steps.into_iter().find(|(step, _)| passed >= *step).map_or_else(
        || "now".to_owned(),
        |(step, unit)| format!("{} {unit} ago", passed.num_seconds() / step.num_seconds()),
    )
}

/// The same within a sentence: `just now` where nothing else says when.
pub(crate) fn ago_said(now: DateTime<Utc>, then: Option<&str>) -> String {
    match ago_text(now, then).as_str() {
        "now" => "just now".to_owned(),
        ago => ago.to_owned(),
    }
}

/// An RFC 3339 text as [`ago`]; nothing when there is none.
pub(crate) fn ago_text(now: DateTime<Utc>, then: Option<&str>) -> String {
    then.and_then(instant).map_or_else(String::new, |then| ago(now, then))
}

/// The instant that an RFC 3339 text stands for.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(Into::into)
}

/// A model's name without its maker and date: `claude-opus-4-5-20251101` → `opus-4-5`.
pub(crate) fn model(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = name.strip_prefix("claude-").unwrap_or(name);
    let is_date = |part: &str| part.len() == 8 && part.bytes().all(|b| b.is_ascii_digit());
    match name.rsplit_once('-') {
        Some((name, last)) if is_date(last) => line(name),
        _ => line(name),
    }
}

/// A path with the home folder written as `~`.
pub(crate) fn path(text: &str, home: &Path) -> String {
    let below = Path::new(text).strip_prefix(home).ok().filter(|_| home.parent().is_some());
    match below {
        Some(below) if below.as_os_str().is_empty() => "~".to_owned(),
        Some(below) => line(&format!("~/{}", below.display())),
        None => line(text),
    }
}

/// The beginning of a text that fits into `width` columns, with `…` where something is missing.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= width
    };
    let start: String = text.chars().take_while(fits).collect();
    format!("{}…", start.trim_end())
}

/// The end of a text that fits into `width` columns, with `…` where something is missing.
pub(crate) fn fit_end(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= width
    };
    let end: Vec<char> = text.chars().rev().take_while(fits).collect();
    let end: String = end.into_iter().rev().collect();
    // A path is cut between its folders, if there is one left.
    let end = end.find('/').map_or(end.as_str(), |slash| &end[slash..]);
    format!("…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compact() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1k"),
            (1_249, "1.2k"),
            (12_345, "12.3k"),
            (123_456, "123k"),
            (999_499, "999k"),
            (999_999, "1M"),
            (4_512_000, "4.5M"),
            (u64::MAX, "18446744T"),
        ];
        for (number, text) in cases {
            assert_eq!(compact(number), text, "{number}");
        }
        let spans = [0.42, 12.34, 123.4, 1_500.0, 180_000.0].map(span);
        assert_eq!(spans, ["0.42 ms", "12.3 ms", "123 ms", "1.5 s", "3 min"]);
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(4_200_000), "4.2 MB");
        assert_eq!(count(1, "message"), "1 message");
        assert_eq!(count(0, "message"), "0 messages");
    }

    #[test]
    fn times_are_told_from_now() {
        let now = instant("2026-02-03T12:00:00Z").expect("a time");
        let cases = [
            ("2026-02-03T12:02:00Z", "now"),
            ("2026-02-04T12:00:00Z", "ahead"),
            ("2026-02-03T11:59:30Z", "now"),
            ("2026-02-03T11:15:00Z", "45 min ago"),
            ("2026-02-03T09:00:00+01:00", "4 h ago"),
            ("2026-01-31T12:00:00Z", "3 d ago"),
            ("2025-10-01T12:00:00Z", "4 mo ago"),
            ("2020-01-01T12:00:00Z", "6 y ago"),
        ];
        for (then, text) in cases {
            assert_eq!(ago_text(now, Some(then)), text, "{then}");
        }
        assert_eq!(ago_text(now, None), "");
        assert_eq!(ago_text(now, Some("yesterday")), "");
    }

    #[test]
    fn names_are_short() {
        assert_eq!(model("claude-opus-4-5-20251101"), "opus-4-5");
        assert_eq!(model("anthropic/claude-sonnet-4"), "sonnet-4");
        assert_eq!(model("gpt-5.1-codex"), "gpt-5.1-codex");
        let home = Path::new("/home/dev");
        assert_eq!(path("/home/dev/shop", home), "~/shop");
        assert_eq!(path("/home/dev", home), "~");
        assert_eq!(path("/home/developer", home), "/home/developer");
        assert_eq!(path("/srv/x", Path::new("/")), "/srv/x");
        assert_eq!(path("/home/dev/a\u{1b}b", home), "~/a␛b");
    }

    #[test]
    fn what_is_too_long_is_cut_by_columns() {
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("longer text", 8), "longer…");
        assert_eq!(fit("日本語テキスト", 6), "日本…");
        assert_eq!(fit_end("~/src/deep/shop", 6), "…/shop");
        assert_eq!(fit_end("~/src/deep/shop", 8), "…/shop");
        assert_eq!(fit_end("~/src/deep/shop", 4), "…hop");
        assert_eq!(fit_end("shop", 6), "shop");
    }
}
