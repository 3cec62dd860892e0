//! A walk through the texts of a record: each is shown with its field, and what becomes of it is put in.

use std::cmp::Ordering;

use serde_json::Map;
use serde_json::Value;

use crate::session::Native;
use crate::session::TextVisitor;

/// Gives the new text of a field, if it changes.
pub(super) type Change<'c> = dyn FnMut(&str, &[u8]) -> Option<Vec<u8>> + 'c;

/// Shows each text of a record, with its field, to `change`, and puts in what that returns.
pub(super) struct Walk<'w> {
    change: &'w mut Change<'w>,
    /// Whether plain words are shown too where they are keys: they are no secrets, but may be names.
    all_keys: bool,
}

impl<'w> Walk<'w> {
    /// A walk that passes over keys that are plain words.
    pub(super) fn new(change: &'w mut Change<'w>) -> Self {
        Self { change, all_keys: false }
    }

    /// A walk that passes over no key.
    pub(super) fn all_keys(change: &'w mut Change<'w>) -> Self {
        Self { change, all_keys: true }
    }

    fn fields(&mut self, map: &mut Map<String, Value>) {
        self.rename(map);
        let name = named_value(map);
        for (key, value) in map.iter_mut() {
            match &name {
                Some(name) if key == "value" => self.value(name, value),
                _ => self.value(key, value),
            }
        }
    }

    /// Redacts the keys. A key that another one already has gets a suffix.
    fn rename(&mut self, map: &mut Map<String, Value>) {
        let all_keys = self.all_keys;
        let mut changes = map.keys().enumerate().filter(|(_, key)| all_keys || !is_plain_key(key));
        let first = changes.find_map(|(at, key)| Some((at, (self.change)("", key.as_bytes())?)));
        let Some((first, change)) = first else {
            return;
        };
        let mut change = Some(change);
        let mut renamed = Map::with_capacity(map.len());
        for (at, (key, value)) in std::mem::take(map).into_iter().enumerate() {
            let change = match at.cmp(&first) {
                Ordering::Less => None,
                Ordering::Equal => change.take(),
                Ordering::Greater => (self.change)("", key.as_bytes()),
            };
            let key = change.map_or(key, text_of);
            let mut free = key.clone();
            let mut number = 2;
            while renamed.contains_key(&free) {
                free = format!("{key}-{number}");
                number += 1;
            }
            renamed.insert(free, value);
        }
        *map = renamed;
    }
}

/// Whether a key is a short plain word, as nearly all are; such a text is never a secret.
fn is_plain_key(key: &str) -> bool {
    key.len() < 16 && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The name in `{"name": …, "value": …}`, which says more of the value than its key does.
fn named_value(map: &Map<String, Value>) -> Option<String> {
    map.get("value").filter(|value| value.is_string())?;
    let name = ["name", "key"].iter().find_map(|key| map.get(*key)?.as_str())?;
    Some(name.to_owned())
}

impl TextVisitor for Walk<'_> {
    fn text(&mut self, field: &str, text: &mut String) {
        if let Some(changed) = (self.change)(field, text.as_bytes()) {
            *text = text_of(changed);
        }
    }

    fn value(&mut self, field: &str, value: &mut Value) {
        match value {
            Value::String(text) => self.text(field, text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(field, item)),
            Value::Object(map) => self.fields(map),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn native(&mut self, native: &mut Native) {
        self.fields(native);
    }

    fn bytes(&mut self, bytes: &mut Vec<u8>) {
        if let Some(changed) = (self.change)("", bytes) {
            *bytes = changed;
        }
    }
}

/// Bytes as a text, that were made of one.
pub(super) fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text is cut at whole characters and marks are ASCII")
}
