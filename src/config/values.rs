//! How values are written in the file: texts, paths, numbers within bounds.

use std::ops::RangeInclusive;
use std::path::Path;
use std::path::PathBuf;

use toml_edit::Item;
use toml_edit::Value;

const HOUR: u64 = 3_600;
const YEAR: u64 = 365 * 24 * HOUR;

/// The units of spans; a month has 30 days.
const AGES: [(&str, u64); 5] = [
    ("hour", HOUR),
    ("day", 24 * HOUR),
    ("week", 168 * HOUR),
    ("month", 720 * HOUR),
    ("year", YEAR),
];

/// The units of sizes.
const SIZES: [(&str, u64); 5] =
    [("b", 1), ("kb", 1_000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("tb", 1_000_000_000_000)];

/// How many sessions may be kept.
pub(super) const COUNT: Kind = Kind::Number { bounds: 1..=1_000_000, unit: "sessions" };
/// How long they are kept.
pub(super) const AGE: Kind = Kind::Age;
/// How much room they may take.
pub(super) const SIZE: Kind = Kind::Size;

/// What a key takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A path.
    Path,
    /// Yes or no.
    Switch,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A whole number within bounds, of what the unit says.
    Number {
        /// The bounds.
        bounds: RangeInclusive<u64>,
        /// What is counted: `seconds`; empty: nothing in particular.
        unit: &'static str,
    },
    /// A number of hours, days, weeks, months or years, taken as seconds.
    Age,
    /// A number of bytes, with or without a unit.
    Size,
    /// Several values, which only an editor changes.
    List,
}

impl Kind {
    /// What a value may be, in words.
    pub fn range(&self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Path => "an absolute path, or one that begins with ~/".to_owned(),
            Self::Switch => "true or false".to_owned(),
            Self::OneOf(words) => either(words),
            Self::Number { bounds, unit } => {
                format!("{} to {} {unit}", bounds.start(), bounds.end()).trim_end().to_owned()
            }
            Self::Age => "1 hour to 100 years: \"90 days\"".to_owned(),
            Self::Size => "1 MB to 1000 TB: \"2 GB\"".to_owned(),
            Self::List => "a list".to_owned(),
        }
    }

    /// The value that somebody typed, as the file has it. Whether it can be is not looked at.
    pub(super) fn typed(&self, text: &str) -> Value {
        match self {
            Self::Number { .. } => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
            Self::Switch => text.parse::<bool>().map_or_else(|_| text.into(), Value::from),
            _ => text.into(),
        }
    }
}

impl Kind {
    /// A value as the file would have it.
    pub(super) fn written(&self, value: u64) -> String {
        let units: &[(&str, u64)] = match self {
            Self::Age => &AGES,
            Self::Size => &SIZES,
            _ => &[],
        };
        // A year is no whole number of months: the largest unit that leaves no rest.
        let unit = units.iter().rev().find(|(_, factor)| value.is_multiple_of(*factor));
        match (self, unit) {
            (Self::Size, Some((name, factor))) => {
                format!("{} {}", value / factor, name.to_ascii_uppercase())
            }
            (_, Some((name, factor))) if value == *factor => format!("1 {name}"),
            (_, Some((name, factor))) => format!("{} {name}s", value / factor),
            (_, None) => value.to_string(),
        }
    }
}

/// The text in quotes that a value must be.
pub(super) fn text(item: &Item) -> Result<&str, String> {
    let text = item.as_value().and_then(Value::as_str);
    text.ok_or_else(|| "must be a text in quotes".to_owned())
}

pub(super) fn path(item: &Item, home: &Path) -> Result<PathBuf, String> {
    let text = text(item)?;
    let path = match text.strip_prefix("~/") {
        Some(below) => home.join(below),
        None => PathBuf::from(text),
    };
    if path.is_absolute() {
        Ok(path)
    } else {
        Err("must be an absolute path, or begin with ~/".to_owned())
    }
}

/// A whole number within the bounds of its key, or what a number with its unit comes to.
pub(super) fn number(item: &Item, kind: &Kind) -> Result<u64, String> {
    let bounds = match kind {
        Kind::Number { bounds, .. } => bounds,
        Kind::Age => return measured(text(item)?, kind, &AGES, HOUR..=100 * YEAR),
        Kind::Size => {
            return measured(text(item)?, kind, &SIZES, 1_000_000..=1_000_000_000_000_000);
        }
        _ => return Err("is no number".to_owned()),
    };
    let must = format!("must be a whole number, {}", kind.range());
    let number = item.as_integer().ok_or_else(|| must.clone())?;
    let within = u64::try_from(number).ok().filter(|number| bounds.contains(number));
    within.ok_or_else(|| format!("is {number}; it {must}"))
}

/// What a number with a unit behind it comes to.
fn measured(
    text: &str,
    kind: &Kind,
    units: &[(&str, u64)],
    bounds: RangeInclusive<u64>,
) -> Result<u64, String> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (&text[..at], text[at..].trim().to_ascii_lowercase());
    let unit = units.iter().find(|(name, _)| *name == unit || format!("{name}s") == unit);
    let number = number.parse::<u64>().ok();
    let value = unit.and_then(|(_, factor)| number?.checked_mul(*factor));
    let within = value.filter(|value| bounds.contains(value));
    within.ok_or_else(|| format!("is {text:?}; it must be {}", kind.range()))
}

/// Yes or no.
pub(super) fn switch(item: &Item) -> Result<bool, String> {
    item.as_bool().ok_or_else(|| "must be true or false".to_owned())
}

/// One of the words that a key takes.
pub(super) fn word(item: &Item, kind: &Kind) -> Result<String, String> {
    let Kind::OneOf(words) = kind else {
        return Err("is no word".to_owned());
    };
    let text = text(item)?;
    if words.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("is {text:?}; it must be {}", either(words)))
    }
}

fn either(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => words.concat(),
    }
}
