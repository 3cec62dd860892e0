//! The table of all keys: what each is called, takes and means, and how its value is taken.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use toml_edit::Item;
use toml_edit::TableLike;

use crate::config::Color;
use crate::config::Error;
use crate::config::Layer;
use crate::config::SAVE_INTERVALS;
use crate::config::Setting;
use crate::config::Settings;
use crate::config::Wrong;
use crate::config::redact;
use crate::config::retention;
use crate::config::values::AGE;
use crate::config::values::COUNT;
use crate::config::values::Kind;
use crate::config::values::SIZE;
use crate::config::values::number;
use crate::config::values::path;
use crate::config::values::text;
use crate::config::values::word;

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
    take: Take,
    show: Show,
}

/// Takes a value into the settings, or says what is wrong with it; the path is the user's home.
/// Lists are taken by the reader of their section.
type Take = fn(&mut Settings, &Item, &Kind, &Path) -> Result<(), String>;

/// The value that holds, and where it came from.
type Show = fn(&Settings) -> (Value, Layer);

/// Says in which line an offset lies.
pub(super) type LineAt<'t> = dyn Fn(Option<usize>) -> usize + 't;

/// All keys, in the order in which they are shown.
pub static KEYS: &[Key] = &[
    Key {
        name: "store.path",
        kind: Kind::Path,
        without: "in the data folder",
        about: "where the store lies",
        variable: Some("ANNALS_STORE"),
        flag: Some("--store"),
        take: |settings, item, _, home| {
            settings.store_path = from_file(Some(path(item, home)?));
            Ok(())
        },
        show: |settings| shown(&settings.store_path, |path| json!(path)),
    },
    Key {
        name: "output.pager",
        kind: Kind::Text,
        without: "",
        about: "what shows long texts; \"\" for nothing",
        variable: Some("ANNALS_PAGER"),
        flag: None,
        take: |settings, item, _, _| {
            settings.pager = from_file(text(item)?.to_owned());
            Ok(())
        },
        show: |settings| shown(&settings.pager, |pager| json!(pager)),
    },
    Key {
        name: "output.color",
        kind: Kind::OneOf(&["auto", "always", "never"]),
        without: "",
        about: "when colours are used",
        variable: None,
        flag: Some("--color"),
        take: |settings, item, kind, _| {
            let word = word(item, kind)?;
            let all = [Color::Auto, Color::Always, Color::Never];
            let color = all.into_iter().find(|color| color.name() == word);
            settings.color = from_file(color.unwrap_or(Color::Auto));
            Ok(())
        },
        show: |settings| shown(&settings.color, |color| json!(color.name())),
    },
    Key {
        name: "save.interval",
        kind: Kind::Number { bounds: SAVE_INTERVALS, unit: "seconds" },
        without: "",
        about: "a live session's records wait no longer for their commit",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            settings.save_interval = from_file(Duration::from_secs(number(item, kind)?));
            Ok(())
        },
        show: |settings| shown(&settings.save_interval, |span| json!(span.as_secs())),
    },
    Key {
        name: "save.records",
        kind: Kind::Number { bounds: 1..=10_000, unit: "records" },
        without: "",
        about: "when so many wait, they are committed",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            settings.save_records = from_file(number(item, kind)?);
            Ok(())
        },
        show: |settings| shown(&settings.save_records, |records| json!(records)),
    },
    Key {
        name: "save.idle",
        kind: Kind::Number { bounds: 1..=300, unit: "seconds" },
        without: "",
        about: "when nothing came for so long, what waits is committed",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            settings.save_idle = from_file(Duration::from_secs(number(item, kind)?));
            Ok(())
        },
        show: |settings| shown(&settings.save_idle, |span| json!(span.as_secs())),
    },
    Key {
        name: "packing.level",
        kind: Kind::Number { bounds: 1..=9, unit: "" },
        without: "",
        about: "how hard packing tries to make the store small: 1 is quick, 9 is small",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            let level = number(item, kind)?;
            settings.packing_level = from_file(u8::try_from(level).unwrap_or(9));
            Ok(())
        },
        show: |settings| shown(&settings.packing_level, |level| json!(level)),
    },
    Key {
        name: "retention.count",
        kind: COUNT,
        without: "off",
        about: "the most sessions; the oldest are let go",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            settings.retention.count = from_file(Some(number(item, kind)?));
            Ok(())
        },
        show: |settings| shown(&settings.retention.count, |count| json!(count)),
    },
    Key {
        name: "retention.age",
        kind: AGE,
        without: "off",
        about: "sessions not changed for so long are let go",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            settings.retention.age = from_file(Some(number(item, kind)?));
            Ok(())
        },
        show: |settings| {
            shown(&settings.retention.age, |age| json!(age.map(|age| AGE.written(age))))
        },
    },
    Key {
        name: "retention.size",
        kind: SIZE,
        without: "off",
        about: "the most that all sessions hold together; the oldest are let go",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            settings.retention.size = from_file(Some(number(item, kind)?));
            Ok(())
        },
        show: |settings| {
            shown(&settings.retention.size, |size| json!(size.map(|size| SIZE.written(size))))
        },
    },
    list(
        "retention.rules",
        "limits for some agents or workspaces, in place of these",
        |settings| listed(settings.retention.rules.iter().map(|entry| entry.value.shown())),
    ),
    Key {
        name: "limits.size",
        kind: SIZE,
        without: "off",
        about: "past so much of the disk you are told, once a day, what would free space",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            settings.size_limit = from_file(Some(number(item, kind)?));
            Ok(())
        },
        show: |settings| shown(&settings.size_limit, |size| json!(size.map(|it| SIZE.written(it)))),
    },
    list("redact.off", "names of rules that are not to run", |settings| {
        listed(settings.redact.off.iter().map(|entry| json!(entry.value)))
    }),
    list("redact.rules", "rules of your own", |settings| {
        listed(settings.redact.rules.iter().map(|entry| json!(entry.value)))
    }),
    list("redact.allow", "what is no secret though a rule finds it", |settings| {
        listed(settings.redact.allow.iter().map(|entry| json!(entry.value)))
    }),
];

/// A key that holds several values.
const fn list(name: &'static str, about: &'static str, show: Show) -> Key {
    Key {
        name,
        kind: Kind::List,
        without: "",
        about,
        variable: None,
        flag: None,
        take: |_, _, _, _| Ok(()),
        show,
    }
}

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

fn from_file<T>(value: T) -> Setting<T> {
    Setting { value, layer: Layer::File }
}

fn shown<T>(setting: &Setting<T>, show: impl Fn(&T) -> Value) -> (Value, Layer) {
    (show(&setting.value), setting.layer)
}

fn listed(entries: impl Iterator<Item = Value>) -> (Value, Layer) {
    let entries: Vec<Value> = entries.collect();
    let layer = if entries.is_empty() { Layer::Default } else { Layer::File };
    (Value::Array(entries), layer)
}
