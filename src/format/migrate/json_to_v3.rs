//! The JSON sessions of the program before annals, version 0.7.0 to 1.0.0 → schema 3.
//!
//! One object a session, plain, or wrapped with a checksum and perhaps compressed.

use std::fmt::Write as _;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use chrono::Utc;
use flate2::read::GzDecoder;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use sha2::Digest as _;
use sha2::Sha256;

use crate::format::Error;
use crate::format::GivenSession;
use crate::format::migrate::NATIVE;
use crate::format::migrate::each_message;
use crate::format::migrate::set_apart;
use crate::format::migrate::v1_to_v2::message_time;
use crate::format::migrate::v1_to_v2::time_of;
use crate::format::migrate::v2_to_v3::count_on_last_answer;
use crate::format::migrate::v3_to_v4;
use crate::format::object::Flaw;
use crate::format::object::Object;
use crate::format::object::wrong;
use crate::session::Timestamp;

/// The most bytes that a compressed session may have.
const LONGEST: u64 = 64 << 20;
/// The versions that are known, as major and minor number.
const VERSIONS: [(u64, u64); 4] = [(0, 7), (0, 8), (0, 9), (1, 0)];

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
    let session = step(object).map_err(failed)?;
    let session = Object::of(Value::Object(session)).and_then(v3_to_v4::session_of);
    Ok(GivenSession { warnings, ..session.map_err(failed)? })
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

/// The session in schema 3.
fn step(mut object: Object) -> Result<Map<String, Value>, Flaw> {
    let version = object.want_text("version")?;
    check_version(&version)?;
    let mut session = Map::new();
    for (old, new) in [("created", "created"), ("lastModified", "modified")] {
        let time = object.take(old).map(|time| time_of(&time, written).unwrap_or(time));
        session.extend(time.map(|time| (new.to_owned(), time)));
    }
    let messages = object.take("messages").unwrap_or_default();
    if !messages.is_array() {
        return Err(wrong("messages", "a list", &messages));
    }
    session.insert("messages".to_owned(), messages);
    for name in ["id", "title", "model", "contextFiles", "tags", "notes"] {
        session.extend(object.take(name).map(|value| (name.to_owned(), value)));
    }
    if let Some(root) = object.take("workspaceRoot").filter(|root| !root.is_null()) {
        session.insert("workspace".to_owned(), json!({ "root": root }));
    }
    each_message(&mut session, &mut message_of)?;
    let tokens = object.take("tokenCount");
    session.insert(NATIVE.to_owned(), Value::Object(object.into_rest()));
    set_apart(&mut session, "version", version.into());
    if let Some(tokens) = tokens {
        count_on_last_answer(&mut session, &tokens);
        set_apart(&mut session, "tokenCount", tokens);
    }
    Ok(session)
}

/// As annals itself writes times.
fn written(time: DateTime<Utc>) -> String {
    Timestamp::from_instant(time).as_str().to_owned()
}

fn message_of(mut object: Object) -> Result<Map<String, Value>, Flaw> {
    let mut message = Map::new();
    for name in ["id", "role", "model"] {
        message.extend(object.take(name).map(|value| (name.to_owned(), value)));
    }
    if let Some(time) = object.take("timestamp") {
        message.insert("at".to_owned(), message_time(&time, written)?);
    }
    let content = object.take("content").unwrap_or_default();
    let mut blocks = blocks_of("content", content)?;
    blocks.extend(calls_of(&mut object)?);
    message.insert("content".to_owned(), Value::Array(blocks));
    message.extend(object.take("tokens").map(|tokens| ("usage".to_owned(), tokens)));
    Ok(with_rest(message, object))
}

/// The map, with what is left of the object apart.
fn with_rest(mut map: Map<String, Value>, object: Object) -> Map<String, Value> {
    for (name, value) in object.into_rest() {
        set_apart(&mut map, &name, value);
    }
    map
}

fn blocks_of(field: &str, content: Value) -> Result<Vec<Value>, Flaw> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![json!({ "text": text })]),
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
fn block_of(value: Value) -> Result<Value, Flaw> {
    let mut object = Object::of(value)?;
    let kind = object.take_text("type")?.unwrap_or_default();
    let block = match kind.as_str() {
        "text" => Map::from_iter([("text".to_owned(), object.want_text("text")?.into())]),
        "tool_use" => call_of(&mut object, "input")?,
        "tool_result" => result_of(&mut object, "toolUseId")?,
        _ => {
            object.put("type", Some(kind.into()));
            Map::new()
        }
    };
    Ok(Value::Object(with_rest(block, object)))
}

fn call_of(object: &mut Object, input: &str) -> Result<Map<String, Value>, Flaw> {
    let mut block = Map::from_iter([("tool_call".to_owned(), object.want_text("name")?.into())]);
    for (old, new) in [("id", "id"), (input, "input")] {
        block.extend(object.take(old).map(|value| (new.to_owned(), value)));
    }
    Ok(block)
}

fn result_of(object: &mut Object, id: &str) -> Result<Map<String, Value>, Flaw> {
    let mut block = Map::from_iter([("tool_result".to_owned(), object.want_text(id)?.into())]);
    let output = match object.take("content") {
        Some(items @ Value::Array(_)) => Some(Value::Array(blocks_of("content", items)?)),
        output => output,
    };
    block.extend(output.map(|output| ("output".to_owned(), output)));
    block.extend(object.take("isError").map(|error| ("error".to_owned(), error)));
    Ok(block)
}

/// The calls and results that stand beside the content.
fn calls_of(object: &mut Object) -> Result<Vec<Value>, Flaw> {
    let mut blocks = Vec::new();
    for field in ["toolCalls", "toolResults"] {
        let items = object.take_if(field, |value| !value.is_null());
        object.take(field);
        let items = match items.unwrap_or_else(|| json!([])) {
            Value::Array(items) => items,
            other => return Err(wrong(field, "a list", &other)),
        };
        for item in items {
            let block = Object::of(item).and_then(|mut item| {
                let block = if field == "toolCalls" {
                    call_of(&mut item, "arguments")?
                } else {
                    result_of(&mut item, "toolCallId")?
                };
                Ok(Value::Object(with_rest(block, item)))
            });
            blocks.push(block.map_err(|flaw| flaw.within(field))?);
        }
    }
    Ok(blocks)
}

#[cfg(test)]
#[path = "json_to_v3_tests.rs"]
mod tests;
