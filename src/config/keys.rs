//! The table of all keys that hold one value: what each is called, and how its value is taken.

use std::path::Path;
use std::path::PathBuf;

use toml_edit::Item;
use toml_edit::TableLike;
use toml_edit::Value;

use crate::config::Color;
use crate::config::Layer;
use crate::config::Setting;
use crate::config::Settings;
use crate::config::Wrong;
use crate::config::redact;

/// How alike two words must be for one to be taken for the other, misspelt.
const ALIKE: f64 = 0.75;

/// A key that holds one value.
struct Key {
    /// Its name, with that of its section.
    name: &'static str,
    /// Takes its value into the settings; the path is the user's home.
    take: Take,
}

/// Takes a value into the settings, or says what is wrong with it.
type Take = fn(&mut Settings, &Item, &Path) -> Result<(), String>;

/// Says in which line an offset lies.
pub(super) type LineAt<'t> = dyn Fn(Option<usize>) -> usize + 't;

const KEYS: &[Key] = &[
    Key {
        name: "store.path",
        take: |settings, item, home| {
            settings.store_path = from_file(Some(path(text(item)?, home)?));
            Ok(())
        },
    },
    Key {
        name: "output.pager",
        take: |settings, item, _| {
            settings.pager = from_file(text(item)?.to_owned());
            Ok(())
        },
    },
    Key {
        name: "output.color",
        take: |settings, item, _| {
            settings.color = from_file(color(text(item)?)?);
            Ok(())
        },
    },
];

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
        if redact::take(&mut settings.redact, &full, item, line_at)? {
            continue;
        }
        let taken = match KEYS.iter().find(|key| key.name == full) {
            Some(key) => (key.take)(settings, item, home),
            None => {
                let keys = KEYS.iter().map(|key| key.name).chain(redact::LISTS);
                let keys = keys.filter(|key| key.starts_with(section));
                Err(unknown(&full, keys, "key"))
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

/// The text in quotes that a value must be.
pub(super) fn text(item: &Item) -> Result<&str, String> {
    let text = item.as_value().and_then(Value::as_str);
    text.ok_or_else(|| "must be a text in quotes".to_owned())
}

fn from_file<T>(value: T) -> Setting<T> {
    Setting { value, layer: Layer::File }
}

fn path(text: &str, home: &Path) -> Result<PathBuf, String> {
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

fn color(text: &str) -> Result<Color, String> {
    match text {
        "auto" => Ok(Color::Auto),
        "always" => Ok(Color::Always),
        "never" => Ok(Color::Never),
        other => Err(format!("is {other:?}; it must be auto, always or never")),
    }
}
