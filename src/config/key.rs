//! What a key is, and how what stands in the file is taken in key by key.

use std::path::Path;

use serde_json::Value;
use toml_edit::Item;
use toml_edit::TableLike;

use crate::config::Error;
use crate::config::KEYS;
use crate::config::Layer;
use crate::config::Settings;
use crate::config::Wrong;
use crate::config::redact;
use crate::config::retention;
use crate::config::values::Kind;

/// How alike two words must be for one to be taken for the other, misspelt.
const ALIKE: f64 = 0.75;

/// A key of the configuration.
#[derive(Debug)]
pub struct Key {
    /// Its name, with that of its section.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds while it has no value; empty: it always has one.
    pub without: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// The variable of the environment that outdoes the file.
    pub variable: Option<&'static str>,
    /// The flag that outdoes both.
    pub flag: Option<&'static str>,
    pub(super) take: Take,
    pub(super) show: Show,
}

/// Takes a value into the settings, or says what is wrong with it; the path is the user's home.
/// Lists are taken by the reader of their section.
pub(super) type Take = fn(&mut Settings, &Item, &Kind, &Path) -> Result<(), String>;

/// The value that holds, and where it came from.
pub(super) type Show = fn(&Settings) -> (Value, Layer);

/// Says in which line an offset lies.
pub(super) type LineAt<'t> = dyn Fn(Option<usize>) -> usize + 't;

impl Key {
    /// The key of that name.
    ///
    /// # Errors
    /// There is none; with the one that may be meant.
    pub fn find(name: &str) -> Result<&'static Self, Error> {
        let found = KEYS.iter().find(|key| key.name == name);
        found.ok_or_else(|| Error::Unknown {
            key: name.to_owned(),
            cause: unknown(name, KEYS.iter().map(|key| key.name), "key"),
        })
    }

    /// The section that it stands in, and its name there.
    pub fn place(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or(("", self.name))
    }

    /// The value that holds, and where it came from; null: there is none.
    pub fn value(&self, settings: &Settings) -> (Value, Layer) {
        (self.show)(settings)
    }

    /// What holds while nobody set it; null: nothing does.
    pub fn default(&self) -> Value {
        self.value(&Settings::default()).0
    }

    /// Looks whether a value can be one of this key.
    pub(super) fn check(&self, item: &Item, home: &Path) -> Result<(), String> {
        (self.take)(&mut Settings::default(), item, &self.kind, home)
    }
}

/// Takes in a section. What comes behind something wrong is not looked at.
pub(super) fn take(
    settings: &mut Settings,
    section: &str,
    table: &dyn TableLike,
    home: &Path,
    line_at: &LineAt<'_>,
) -> Result<(), Wrong> {
    for (name, item) in table.iter() {
        let full = format!("{section}.{name}");
        if redact::take(&mut settings.redact, &full, item, line_at)?
            || retention::take(&mut settings.retention, &full, item, line_at)?
        {
            continue;
        }
        let taken = match KEYS.iter().find(|key| key.name == full) {
            Some(key) => (key.take)(settings, item, &key.kind, home),
            None => {
                let keys = KEYS.iter().map(|key| key.name);
                Err(unknown(&full, keys.filter(|key| key.starts_with(section)), "key"))
            }
        };
        taken.map_err(|cause| Wrong { key: full, at: item.span(), cause })?;
    }
    Ok(())
}

/// That something is called as nothing is: with what may be meant, or else all that there is.
pub(super) fn unknown<'n>(
    name: &str,
    known: impl IntoIterator<Item = &'n str>,
    what: &str,
) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let likeness = |other: &&&str| strsim::jaro_winkler(name, other);
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|other| likeness(other) >= ALIKE) {
        Some(nearest) => format!("is no {what} that annals knows; is {nearest:?} meant?"),
        None => format!("is no {what} that annals knows: those are {}", known.join(", ")),
    }
}
