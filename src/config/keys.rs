//! The table of all keys: what each is called, takes and means, and how its value is taken.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::config::AuditLevel;
use crate::config::Color;
use crate::config::Key;
use crate::config::Layer;
use crate::config::SAVE_INTERVALS;
use crate::config::Setting;
use crate::config::key::Show;
use crate::config::values::AGE;
use crate::config::values::COUNT;
use crate::config::values::Kind;
use crate::config::values::SIZE;
use crate::config::values::number;
use crate::config::values::path;
use crate::config::values::switch;
use crate::config::values::text;
use crate::config::values::word;

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
        show: |settings| {
            shown(&settings.store_path, |path| json!(path.as_ref().map(|it| it.to_string_lossy())))
        },
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
    Key {
        name: "sync.interval",
        kind: Kind::Number { bounds: 1..=10_080, unit: "minutes" },
        without: "",
        about: "a remote that is synced with by itself is so no more often",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            settings.sync_interval = from_file(Duration::from_secs(number(item, kind)? * 60));
            Ok(())
        },
        show: |settings| shown(&settings.sync_interval, |span| json!(span.as_secs() / 60)),
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
    Key {
        name: "audit.enabled",
        kind: Kind::Switch,
        without: "",
        about: "whether operations are written down",
        variable: None,
        flag: None,
        take: |settings, item, _, _| {
            settings.audit.is_enabled = from_file(switch(item)?);
            Ok(())
        },
        show: |settings| shown(&settings.audit.is_enabled, |enabled| json!(enabled)),
    },
    Key {
        name: "audit.level",
        kind: Kind::OneOf(&["error", "change", "read"]),
        without: "",
        about: "which are: those that failed, those that change something too, or all",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            let word = word(item, kind)?;
            let level = AuditLevel::ALL.into_iter().find(|level| level.name() == word);
            settings.audit.level = from_file(level.unwrap_or_default());
            Ok(())
        },
        show: |settings| shown(&settings.audit.level, |level| json!(level.name())),
    },
    Key {
        name: "audit.path",
        kind: Kind::Path,
        without: "in the store",
        about: "the folder of the log",
        variable: None,
        flag: None,
        take: |settings, item, _, home| {
            settings.audit.path = from_file(Some(path(item, home)?));
            Ok(())
        },
        show: |settings| shown(&settings.audit.path, |path| json!(path)),
    },
    Key {
        name: "audit.size",
        kind: SIZE,
        without: "",
        about: "a file of the log that would grow larger is closed, and a new one begun",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            settings.audit.size = from_file(number(item, kind)?);
            Ok(())
        },
        show: |settings| shown(&settings.audit.size, |size| json!(SIZE.written(*size))),
    },
    Key {
        name: "audit.age",
        kind: AGE,
        without: "",
        about: "so is one whose first line is older",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            settings.audit.age = from_file(number(item, kind)?);
            Ok(())
        },
        show: |settings| shown(&settings.audit.age, |age| json!(AGE.written(*age))),
    },
    Key {
        name: "audit.files",
        kind: Kind::Number { bounds: 1..=100, unit: "files" },
        without: "",
        about: "how many closed files are kept; older ones are removed",
        variable: None,
        flag: None,
        take: |settings, item, kind, _| {
            settings.audit.files = from_file(number(item, kind)?);
            Ok(())
        },
        show: |settings| shown(&settings.audit.files, |files| json!(files)),
    },
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
