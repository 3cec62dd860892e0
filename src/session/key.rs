//! Keys of records: which record this is, on every machine and after every redaction.
//!
//! A record with an id of its own is known by it. Any other is known by a SHA-256 of what
//! redaction cannot change in it: the shape of its value, its `type` fields, times, link fields and
//! numbers, and, where it has neither a time nor a link, the key of the record before it. Every
//! other string and key is left out. A key that occurs again has its number behind a `#`.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Native;
use crate::session::Raw;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::Timestamp;

/// Gives the records of one stream their keys, one after the other.
#[derive(Debug, Default, Clone)]
pub struct Keys {
    seen: HashMap<String, u32>,
    before: String,
}

impl Keys {
    /// The key of the next record of the stream.
    pub fn next(&mut self, record: &Record) -> RecordKey {
        let base = base_key(record, record.after().map_or(self.before.as_str(), RecordKey::base));
        let key = self.numbered(&base);
        if !matches!(record, Record::Annals(_)) {
            self.before = base;
        }
        key
    }

    /// The keys of a whole stream.
    pub fn of(records: &[Record]) -> Vec<RecordKey> {
        let mut keys = Self::default();
        records.iter().map(|record| keys.next(record)).collect()
    }

    /// The next unused key on `base`.
    pub fn numbered(&mut self, base: &str) -> RecordKey {
        let count = self.seen.entry(base.to_owned()).or_default();
        *count += 1;
        RecordKey(if *count == 1 { base.to_owned() } else { format!("{base}#{count}") })
    }
}

/// The key of a record without the number of its occurrence; `before` is that of the record
/// before it.
pub(super) fn base_key(record: &Record, before: &str) -> String {
    match record {
        Record::Annals(event) => event.id.clone(),
        Record::Unreadable(unreadable) => hash(|hasher| {
            hasher.update(match &unreadable.raw {
                Raw::Text(_) => "unreadable text\n",
                Raw::Bytes(_) => "unreadable bytes\n",
            });
            hasher.update(before);
        }),
        Record::Message(message) => match &message.envelope.id {
            Some(id) => id.replace('#', "%23"),
            None => hash(|hasher| {
                hasher.update(format!("message {}\n", message.role));
                hash_links(record, before, hasher);
                hasher.update(content_shape(&message.content));
                hasher.update(native_shape(&message.native));
            }),
        },
        Record::Event(event) => match &event.envelope.id {
            Some(id) => id.replace('#', "%23"),
            None => hash(|hasher| {
                hasher.update(format!("event {}\n", event.name));
                hash_links(record, before, hasher);
                hasher.update(match &event.native {
                    Value::Object(native) => native_shape(native),
                    value => native_shape(&Native::from_iter([(String::new(), value.clone())])),
                });
            }),
        },
    }
}

fn hash(feed: impl FnOnce(&mut Sha256)) -> String {
    let mut hasher = Sha256::new();
    feed(&mut hasher);
    hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hash_links(record: &Record, before: &str, hasher: &mut Sha256) {
    let envelope = record.envelope();
    let at = envelope.and_then(|envelope| envelope.at.as_ref());
    let parent = envelope.and_then(|envelope| envelope.parent.as_deref());
    if let Some(at) = at {
        hasher.update(format!("at {at}\n"));
    }
    if let Some(parent) = parent {
        hasher.update(format!("parent {parent}\n"));
    }
    let native_has_link = match record {
        Record::Message(message) => message.native.values().any(is_link),
        Record::Event(event) => {
            event.native.as_object().is_some_and(|map| map.values().any(is_link))
        }
        _ => false,
    };
    if at.is_none() && parent.is_none() && !native_has_link {
        hasher.update(format!("before {before}\n"));
    }
}

/// Whether a value of the record is, by its exact format, a link to another record.
fn is_link(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok())
}

fn content_shape(content: &Content) -> String {
    let kinds = content.blocks().iter().map(|block| match &block.kind {
        BlockKind::Text { .. } => "text",
        BlockKind::Thinking { .. } => "thinking",
        BlockKind::ToolCall { .. } => "tool_call",
        BlockKind::ToolResult { .. } => "tool_result",
        BlockKind::Image { .. } => "image",
        BlockKind::File { .. } => "file",
        BlockKind::Other => "other",
    });
    kinds.collect::<Vec<_>>().join(",")
}

fn native_shape(native: &Native) -> String {
    let mut shape = String::new();
    let mut fields: Vec<String> = native
        .iter()
        .map(|(key, value)| {
            shape.clear();
            write_shape(Some(key), value, &mut shape);
            shape.clone()
        })
        .collect();
    fields.sort_unstable();
    fields.join(",")
}

/// Writes down what redaction cannot change in `value`.
fn write_shape(field: Option<&str>, value: &Value, shape: &mut String) {
    match value {
        Value::Null => shape.push('n'),
        Value::Bool(flag) => shape.push(if *flag { 't' } else { 'f' }),
        Value::Number(number) => {
            let _ = write!(shape, "#{number}");
        }
        Value::String(text) => {
            shape.push('s');
            if field == Some("type") || is_link(value) || is_time(text) {
                shape.push_str(text);
            }
        }
        Value::Array(items) => {
            shape.push('[');
            items.iter().for_each(|item| write_shape(None, item, shape));
            shape.push(']');
        }
        Value::Object(map) => {
            // Sorted by what is written, since keys may come in any order and may be redacted.
            let mut fields: Vec<String> = map
                .iter()
                .map(|(key, value)| {
                    let mut field = String::new();
                    write_shape(Some(key), value, &mut field);
                    field
                })
                .collect();
            fields.sort_unstable();
            let _ = write!(shape, "{{{}}}", fields.join(","));
        }
    }
}

fn is_time(text: &str) -> bool {
    text.len() < 40
        && text.starts_with(|c: char| c.is_ascii_digit())
        && Timestamp::parse(text).is_some()
}
