//! The JSON sessions of the program before annals, version 0.7.0 to 1.0.0 → records.
//!
//! One object a session, plain, or wrapped with a checksum and perhaps compressed. Fields that have
//! no place in a record go to `native`; those of the session itself stand in an event of their own.

use std::fmt::Write as _;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use flate2::read::GzDecoder;
use serde_json::Map;
use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;

use crate::format::Error;
use crate::format::GivenSession;
use crate::format::object::Flaw;
use crate::format::object::Object;
use crate::format::object::wrong;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Head;
use crate::session::Message;
use crate::session::Native;
use crate::session::Place;
use crate::session::Record;
use crate::session::Timestamp;
use crate::session::Usage;

/// The most bytes that a compressed session may have.
const LONGEST: u64 = 64 << 20;
/// The versions that are known, as major and minor number.
const VERSIONS: [(u64, u64); 4] = [(0, 7), (0, 8), (0, 9), (1, 0)];
/// What the session's own fields that have no other place stand in.
const EVENT: &str = "json-session";

/// Whether a document is one of these sessions.
pub(crate) fn is_older(document: &Map<String, Value>) -> bool {
    document.get("version").is_some_and(Value::is_string)
        && !document.contains_key("kind")
        && (document.get("messages").is_some_and(Value::is_array) || document.contains_key("data"))
}

/// The session in such a document.
pub(crate) fn older_session(document: Map<String, Value>) -> Result<GivenSession, Error> {
    let failed = |flaw: Flaw| Error::shape(1, &flaw);
    let mut warnings = Vec::new();
    let object = Object::of(Value::Object(document)).map_err(failed)?;
    let object =
        if object.has("data") { unwrapped(object, &mut warnings).map_err(failed)? } else { object };
    let (head, records) = session_of(object).map_err(failed)?;
    Ok(GivenSession { head, records, warnings })
}

/// The session within its wrapper.
fn unwrapped(mut wrapper: Object, warnings: &mut Vec<String>) -> Result<Object, Flaw> {
    check_version(&wrapper.want_text("version")?)?;
    let is_compressed = wrapper.take_bool("compressed")?.unwrap_or(false);
    let checksum = wrapper.take_text("checksum")?;
    let checksum = checksum.as_deref().map(|sum| sum.trim_start_matches("sha256:").to_lowercase());
    let data = wrapper.take("data").ok_or_else(|| Flaw::new("data", "is missing"))?;
    let is_like = |text: &str| checksum.as_deref().is_none_or(|sum| sum == digest(text));
    match data {
        Value::String(data) if is_compressed => {
            let text = gunzip(&data)?;
            if !is_like(&text) {
                return Err(Flaw::new("checksum", "is not that of the data"));
            }
            let value = serde_json::from_str(&text);
            Object::of(value.map_err(|error| Flaw::new("data", error.to_string()))?)
        }
        Value::Object(_) => {
            if !is_like(&data.to_string()) {
                // Writers differ in how they print numbers and letters.
                warnings.push("its checksum is not that of its data".to_owned());
            }
            Object::of(data)
        }
        other => Err(wrong("data", "an object, or compressed data", &other)),
    }
}

fn gunzip(data: &str) -> Result<String, Flaw> {
    let broken = |cause: &str| Flaw::new("data", cause);
    let packed = STANDARD.decode(data.trim()).map_err(|_| broken("is no base64"))?;
    let mut text = String::new();
    let read = GzDecoder::new(packed.as_slice()).take(LONGEST + 1).read_to_string(&mut text);
    match read {
        Ok(length) if length as u64 > LONGEST => Err(broken("has more than 64 MiB")),
        Ok(_) => Ok(text),
        Err(_) => Err(broken("cannot be inflated")),
    }
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

fn check_version(version: &str) -> Result<(), Flaw> {
    let mut numbers = version.split('.').map(|part| part.parse::<u64>().ok());
    let known = match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => VERSIONS.contains(&(major, minor)),
        _ => false,
    };
    if known { Ok(()) } else { Err(Flaw::new("version", format!("{version:?} is not known"))) }
}

fn session_of(mut object: Object) -> Result<(Head, Vec<Record>), Flaw> {
    let version = object.want_text("version")?;
    check_version(&version)?;
    let mut head = Head::default();
    if let Some(id) = object.take_text("id")? {
        head.id = id.parse().map_err(|_| Flaw::new("id", format!("{id:?} is no UUID")))?;
    }
    let model = take_given(&mut object, "model");
    let root = take_given(&mut object, "workspaceRoot");
    let mut records = facts_of(&mut object)?;
    let messages = object.take("messages").unwrap_or_default();
    let Value::Array(messages) = messages else {
        return Err(wrong("messages", "a list", &messages));
    };
    let mut said = Vec::with_capacity(messages.len());
    for (place, message) in messages.into_iter().enumerate() {
        let message = message_of(message, model.as_deref(), root.as_deref());
        said.push(message.map_err(|flaw| flaw.within(&format!("messages[{place}]")))?);
    }
    let total = object.take("tokenCount");
    add_total(&mut said, total.as_ref());
    let mut native = object.into_rest();
    native.insert("version".to_owned(), version.into());
    native.extend(total.map(|total| ("tokenCount".to_owned(), total)));
    // Where the messages do not tell, the session does.
    for (key, value) in [("model", &model), ("workspaceRoot", &root)] {
        if said.is_empty() {
            native.extend(value.clone().map(|value| (key.to_owned(), value.into())));
        }
    }
    let at = native.get("created").and_then(time_of);
    let envelope = Envelope { at, ..Envelope::default() };
    let native = Value::Object(native);
    records.push(Record::Event(Event { envelope, name: EVENT.to_owned(), title: None, native }));
    records.extend(said.into_iter().map(Record::Message));
    Ok((head, records))
}

/// Takes a text that may be null.
fn take_given(object: &mut Object, field: &str) -> Option<String> {
    match object.take_if(field, |value| value.is_string() || value.is_null()) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// What the session says of itself.
fn facts_of(object: &mut Object) -> Result<Vec<Record>, Flaw> {
    let title = take_given(object, "title").filter(|title| !title.is_empty());
    let notes = take_given(object, "notes").filter(|notes| !notes.is_empty());
    let tags = object.take_texts("tags")?;
    let paths = object.take_texts("contextFiles")?;
    let actions = [
        title.map(|title| Action::Rename { title }),
        Some(Action::Tag { tags }).filter(|it| *it != Action::Tag { tags: Vec::new() }),
        notes.map(|text| Action::Note { text }),
        Some(Action::ContextFiles { paths })
            .filter(|it| *it != Action::ContextFiles { paths: Vec::new() }),
    ];
    let facts = actions.into_iter().flatten().map(AnnalsEvent::fact);
    Ok(facts.map(Record::Annals).collect())
}

fn message_of(value: Value, model: Option<&str>, root: Option<&str>) -> Result<Message, Flaw> {
    let mut object = Object::of(value)?;
    let role = object.want_text("role")?;
    let at = object.take("timestamp");
    let at = at.as_ref().map(|at| {
        time_of(at).ok_or_else(|| wrong("timestamp", "milliseconds or an RFC 3339 time", at))
    });
    let content = object.take("content").unwrap_or_default();
    let mut blocks = blocks_of("content", content)?;
    blocks.extend(calls_of(&mut object)?);
    let own = take_given(&mut object, "model");
    let is_models = role == "assistant";
    let usage = object.take("tokens").map(|tokens| usage_of("tokens", tokens)).transpose()?;
    let content = match blocks.as_mut_slice() {
        [Block { kind: BlockKind::Text { text }, native }] if native.is_empty() => {
            Content::Text(std::mem::take(text))
        }
        _ => Content::Blocks(blocks),
    };
    let place = Place { cwd: root.map(str::to_owned), ..Place::default() };
    let id = object.take_text("id")?;
    let envelope = Envelope { id, at: at.transpose()?, place, ..Envelope::default() };
    Ok(Message {
        envelope,
        role,
        injected: None,
        model: own.or_else(|| model.filter(|_| is_models).map(str::to_owned)),
        answer: None,
        content,
        usage,
        native: object.into_rest(),
    })
}

fn blocks_of(field: &str, content: Value) -> Result<Vec<Block>, Flaw> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => {
            Ok(vec![Block { kind: BlockKind::Text { text }, native: Native::new() }])
        }
        Value::Array(items) => {
            let block = |(place, item): (usize, Value)| {
                block_of(item).map_err(|flaw| flaw.within(&format!("{field}[{place}]")))
            };
            items.into_iter().enumerate().map(block).collect()
        }
        other => Err(wrong(field, "a text or a list", &other)),
    }
}

/// A block that is not known keeps all its fields.
fn block_of(value: Value) -> Result<Block, Flaw> {
    let mut object = Object::of(value)?;
    let kind = object.take_text("type")?.unwrap_or_default();
    let kind = match kind.as_str() {
        "text" => BlockKind::Text { text: object.want_text("text")? },
        "tool_use" => BlockKind::ToolCall {
            name: object.want_text("name")?,
            id: object.take_text("id")?,
            input: object.take("input"),
        },
        "tool_result" => result_of(&mut object, "toolUseId")?,
        _ => {
            object.put("type", Some(kind.into()));
            BlockKind::Other
        }
    };
    Ok(Block { kind, native: object.into_rest() })
}

fn result_of(object: &mut Object, id: &str) -> Result<BlockKind, Flaw> {
    let id = object.want_text(id)?;
    let output = match object.take("content") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(Content::Text(text)),
        Some(Value::Array(items)) => {
            Some(Content::Blocks(blocks_of("content", Value::Array(items))?))
        }
        Some(other) => Some(Content::Text(other.to_string())),
    };
    Ok(BlockKind::ToolResult { id, output, error: object.take_bool("isError")? })
}

/// The calls and results that stand beside the content.
fn calls_of(object: &mut Object) -> Result<Vec<Block>, Flaw> {
    let mut blocks = Vec::new();
    for field in ["toolCalls", "toolResults"] {
        let items = match object.take(field) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(items)) => items,
            Some(other) => return Err(wrong(field, "a list", &other)),
        };
        for item in items {
            let mut item = Object::of(item).map_err(|flaw| flaw.within(field))?;
            let kind = if field == "toolCalls" {
                let name = item.want_text("name").map_err(|flaw| flaw.within(field))?;
                let id = item.take_text("id").map_err(|flaw| flaw.within(field))?;
                BlockKind::ToolCall { name, id, input: item.take("arguments") }
            } else {
                result_of(&mut item, "toolCallId").map_err(|flaw| flaw.within(field))?
            };
            blocks.push(Block { kind, native: item.into_rest() });
        }
    }
    Ok(blocks)
}

fn usage_of(field: &str, value: Value) -> Result<Usage, Flaw> {
    let mut counts = Object::of(value).map_err(|flaw| flaw.within(field))?;
    let mut count = |name| counts.take_count(name).map_err(|flaw| flaw.within(field));
    Ok(Usage { input: count("input")?, output: count("output")?, ..Usage::default() })
}

/// The earliest version counts the tokens of the session alone: its last answer carries them.
fn add_total(messages: &mut [Message], total: Option<&Value>) {
    let count = |name| total?.get(name)?.as_u64();
    let (input, output) = (count("input"), count("output"));
    if messages.iter().any(|message| message.usage.is_some()) || input.or(output).is_none() {
        return;
    }
    if let Some(last) = messages.iter_mut().rfind(|message| message.role == "assistant") {
        last.usage = Some(Usage { input, output, ..Usage::default() });
    }
}

/// Milliseconds since 1970, or a time in words.
fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => Timestamp::parse(text),
        Value::Number(number) => {
            let time = DateTime::from_timestamp_millis(number.as_i64()?)?;
            // Beyond these years there is no RFC 3339 text.
            Timestamp::parse(Timestamp::from_instant(time).as_str())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
