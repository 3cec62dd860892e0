//! The section `retention`: which sessions are let go.

use serde_json::Value;
use serde_json::json;
use toml_edit::Item;

use crate::config::Entry;
use crate::config::Setting;
use crate::config::Wrong;
use crate::config::key::LineAt;
use crate::config::lists::Shape;
use crate::config::lists::entries;
use crate::config::values::AGE;
use crate::config::values::COUNT;
use crate::config::values::SIZE;
use crate::config::values::number;
use crate::config::values::text;

/// Which sessions are let go; nothing is, as long as no limit is set.
#[derive(Debug, Clone, PartialEq)]
pub struct RetentionSettings {
    /// `retention.count`: the most sessions.
    pub count: Setting<Option<u64>>,
    /// `retention.age`: how long, in seconds, a session is kept after its last change.
    pub age: Setting<Option<u64>>,
    /// `retention.size`: the most bytes of all sessions together.
    pub size: Setting<Option<u64>>,
    /// `retention.rules`: limits for the sessions of an agent or workspace.
    pub rules: Vec<Entry<RetentionEntry>>,
}

/// The limits for some sessions, in place of the general ones; without any, they are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetentionEntry {
    /// The agent, or the beginning of its name.
    pub agent: Option<String>,
    /// The folder, and those below it, or the name of a folder or repository.
    pub workspace: Option<String>,
    /// The most sessions.
    pub count: Option<u64>,
    /// How long, in seconds, a session is kept after its last change.
    pub age: Option<u64>,
    /// The most bytes of them together.
    pub size: Option<u64>,
}

impl RetentionEntry {
    /// The entry as a list shows it.
    pub(super) fn shown(&self) -> Value {
        let mut shown = serde_json::Map::new();
        let mut show = |key: &str, value: Option<Value>| {
            shown.extend(value.map(|value| (key.to_owned(), value)));
        };
        show("agent", self.agent.as_ref().map(|agent| json!(agent)));
        show("workspace", self.workspace.as_ref().map(|workspace| json!(workspace)));
        show("count", self.count.map(|count| json!(count)));
        show("age", self.age.map(|age| json!(AGE.written(age))));
        show("size", self.size.map(|size| json!(SIZE.written(size))));
        Value::Object(shown)
    }
}

impl RetentionSettings {
    /// Whether no limit is set anywhere.
    pub fn is_off(&self) -> bool {
        let limits = |rule: &RetentionEntry| rule.count.or(rule.age).or(rule.size);
        let general = self.count.value.or(self.age.value).or(self.size.value);
        general.is_none() && self.rules.iter().all(|rule| limits(&rule.value).is_none())
    }
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self {
            count: Setting::default(None),
            age: Setting::default(None),
            size: Setting::default(None),
            rules: Vec::new(),
        }
    }
}

const RULE: Shape<RetentionEntry> = Shape {
    keys: &["agent", "workspace", "count", "age", "size"],
    needed: &[],
    take: |rule, key, item| {
        Some(match key {
            "agent" => text(item).map(|text| rule.agent = Some(text.to_owned())),
            "workspace" => text(item).map(|text| rule.workspace = Some(text.to_owned())),
            "count" => number(item, &COUNT).map(|number| rule.count = Some(number)),
            "age" => number(item, &AGE).map(|number| rule.age = Some(number)),
            "size" => number(item, &SIZE).map(|number| rule.size = Some(number)),
            _ => return None,
        })
    },
};

/// Takes in the list, if that is it.
pub(super) fn take(
    settings: &mut RetentionSettings,
    key: &str,
    item: &Item,
    line_at: &LineAt<'_>,
) -> Result<bool, Wrong> {
    if key != "retention.rules" {
        return Ok(false);
    }
    settings.rules = entries(key, item, line_at, &RULE)?;
    for (number, entry) in (1..).zip(&settings.rules) {
        if entry.value.agent.is_none() && entry.value.workspace.is_none() {
            let cause = "must name an agent or a workspace".to_owned();
            return Err(Wrong { key: format!("{key}[{number}]"), at: item.span(), cause });
        }
    }
    Ok(true)
}
