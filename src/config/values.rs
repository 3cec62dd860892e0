//! How values are written in the file: texts, paths, numbers within bounds.

use std::ops::RangeInclusive;
use std::path::Path;
use std::path::PathBuf;

use toml_edit::Item;
use toml_edit::Value;

/// What a key takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A path.
    Path,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A whole number within bounds, of what the unit says.
    Number {
        /// The bounds.
        bounds: RangeInclusive<u64>,
        /// What is counted: `seconds`; empty: nothing in particular.
        unit: &'static str,
    },
    /// Several values, which only an editor changes.
    List,
}

impl Kind {
    /// What a value may be, in words.
    pub fn range(&self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Path => "an absolute path, or one that begins with ~/".to_owned(),
            Self::OneOf(words) => either(words),
            Self::Number { bounds, unit } => {
                format!("{} to {} {unit}", bounds.start(), bounds.end()).trim_end().to_owned()
            }
            Self::List => "a list".to_owned(),
        }
    }

    /// The value that somebody typed, as the file has it. Whether it can be is not looked at.
    pub(super) fn typed(&self, text: &str) -> Value {
        match self {
            Self::Number { .. } => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
            _ => text.into(),
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

/// A whole number within the bounds of its key.
pub(super) fn number(item: &Item, kind: &Kind) -> Result<u64, String> {
    let Kind::Number { bounds, .. } = kind else {
        return Err("is no number".to_owned());
    };
    let must = format!("must be a whole number, {}", kind.range());
    let number = item.as_integer().ok_or_else(|| must.clone())?;
    let within = u64::try_from(number).ok().filter(|number| bounds.contains(number));
    within.ok_or_else(|| format!("is {number}; it {must}"))
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
