//! The fields of a document as a record.
//!
//! Fields that this version does not know go into `native` under their name, so that they are
//! written again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Map;
use serde_json::Value;

use crate::format::annals;
use crate::format::object::Flaw;
use crate::format::object::Object;
use crate::format::object::wrong;
use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Injected;
use crate::session::Message;
use crate::session::Place;
use crate::session::Raw;
use crate::session::Record;
use crate::session::Title;
use crate::session::TitledBy;
use crate::session::Unreadable;
use crate::session::Usage;

/// The fields that tell what a document is.
pub(crate) const KINDS: [&str; 4] = ["message", "event", "annals", "unreadable"];

/// The record that a document stands for.
pub(crate) fn record_of(value: Value) -> Result<Record, Flaw> {
    let object = Object::of(value)?;
    let mut kinds = KINDS.into_iter().filter(|kind| object.has(kind));
    match (kinds.next(), kinds.next()) {
        (Some("message"), None) => message_of(object).map(Record::Message),
        (Some("event"), None) => event_of(object).map(Record::Event),
        (Some("annals"), None) => annals::event_of(object).map(Record::Annals),
        (Some(_), None) => unreadable_of(object).map(Record::Unreadable),
        (Some(one), Some(other)) => Err(Flaw::new(other, format!("stands beside {one}"))),
        (None, _) => {
            Err(Flaw::new("", "no record: message, event, annals or unreadable is missing"))
        }
    }
}

fn message_of(mut object: Object) -> Result<Message, Flaw> {
    let role = object.want_text("message")?;
    let envelope = take_envelope(&mut object)?;
    let model = object.take_text("model")?;
    let answer = object.take_text("answer")?;
    let injected = object.take_text("injected")?.map(|name| injected_of(&name)).transpose()?;
    let content = object.take("content").ok_or_else(|| Flaw::new("content", "is missing"))?;
    let content = content_of("content", content)?;
    let mut beside = Map::new();
    let usage = take_usage(&mut object, &mut beside)?;
    let mut native = object.into_native()?;
    for (name, value) in beside {
        if native.contains_key(&name) {
            return Err(Flaw::new(&name, "has fields that are not known"));
        }
        native.insert(name, value);
    }
    Ok(Message { envelope, role, injected, model, answer, content, usage, native })
}

fn event_of(mut object: Object) -> Result<Event, Flaw> {
    let name = object.want_text("event")?;
    let envelope = take_envelope(&mut object)?;
    let title = take_title(&mut object)?;
    let native = match object.take("native") {
        Some(value) if !value.is_object() => {
            object.end()?;
            value
        }
        native => {
            object.put("native", native);
            Value::Object(object.into_native()?)
        }
    };
    Ok(Event { envelope, name, title, native })
}

fn unreadable_of(mut object: Object) -> Result<Unreadable, Flaw> {
    let raw = match object.want_text("unreadable")?.as_str() {
        "text" => Raw::Text(object.want_text("raw")?),
        "bytes" => {
            let text = object.want_text("raw_bytes")?;
            let bytes = STANDARD.decode(text);
            Raw::Bytes(bytes.map_err(|_| Flaw::new("raw_bytes", "is no base64"))?)
        }
        other => return Err(Flaw::new("unreadable", format!("{other:?} is not known"))),
    };
    let unreadable = Unreadable {
        raw,
        is_tail: object.take_bool("tail")?.unwrap_or(false),
        after: object.take_key("after")?,
    };
    object.end()?;
    Ok(unreadable)
}

fn take_envelope(object: &mut Object) -> Result<Envelope, Flaw> {
    Ok(Envelope {
        id: object.take_text("id")?,
        parent: object.take_text("parent")?,
        at: object.take_time("at")?,
        place: Place {
            cwd: object.take_text("cwd")?,
            branch: object.take_text("branch")?,
            version: object.take_text("version")?,
        },
        after: object.take_key("after")?,
        native_line: object.take_text("native_line")?,
    })
}

fn take_title(object: &mut Object) -> Result<Option<Title>, Flaw> {
    let Some(text) = object.take_text("title")? else {
        return Ok(None);
    };
    let by = match object.take_text("titled_by")?.as_deref() {
        None | Some("agent") => TitledBy::Agent,
        Some("person") => TitledBy::Person,
        Some("nobody") => TitledBy::Nobody,
        Some(other) => return Err(Flaw::new("titled_by", format!("{other:?} is not known"))),
    };
    Ok(Some(Title { text, by }))
}

fn injected_of(name: &str) -> Result<Injected, Flaw> {
    match name {
        "context" => Ok(Injected::Context),
        "summary" => Ok(Injected::Summary),
        "command" => Ok(Injected::Command),
        other => Err(Flaw::new("injected", format!("{other:?} is not known"))),
    }
}

fn take_usage(object: &mut Object, beside: &mut Map<String, Value>) -> Result<Option<Usage>, Flaw> {
    let Some(value) = object.take("usage") else {
        return Ok(None);
    };
    let read = || -> Result<(Usage, Map<String, Value>), Flaw> {
        let mut counts = Object::of(value)?;
        let usage = Usage {
            input: counts.take_count("input")?,
            output: counts.take_count("output")?,
            cache_read: counts.take_count("cache_read")?,
            cache_write: counts.take_count("cache_write")?,
        };
        Ok((usage, counts.into_rest()))
    };
    let (usage, rest) = read().map_err(|flaw| flaw.within("usage"))?;
    if !rest.is_empty() {
        beside.insert("usage".to_owned(), Value::Object(rest));
    }
    Ok(Some(usage))
}

fn content_of(name: &str, value: Value) -> Result<Content, Flaw> {
    match value {
        Value::String(text) => Ok(Content::Text(text)),
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(place, item)| {
                block_of(item).map_err(|flaw| flaw.within(&format!("{name}[{place}]")))
            })
            .collect::<Result<_, _>>()
            .map(Content::Blocks),
        other => Err(wrong(name, "a text or a list", &other)),
    }
}

fn block_of(value: Value) -> Result<Block, Flaw> {
    const KINDS: [&str; 6] = ["text", "thinking", "tool_call", "tool_result", "image", "file"];
    let mut object = Object::of(value)?;
    let mut kinds = KINDS.into_iter().filter(|kind| object.has(kind));
    let kind = kinds.next();
    if let (Some(one), Some(other)) = (kind, kinds.next()) {
        return Err(Flaw::new(other, format!("stands beside {one}")));
    }
    let kind = match kind {
        Some("text") => BlockKind::Text { text: object.want_text("text")? },
        Some("thinking") => BlockKind::Thinking { text: object.want_text("thinking")? },
        Some("tool_call") => BlockKind::ToolCall {
            name: object.want_text("tool_call")?,
            id: object.take_text("id")?,
            input: object.take("input"),
        },
        Some("tool_result") => BlockKind::ToolResult {
            id: object.want_text("tool_result")?,
            output: object.take("output").map(|output| content_of("output", output)).transpose()?,
            error: object.take_bool("error")?,
        },
        Some("image") => BlockKind::Image {
            media_type: object.want_text("image")?,
            data: object.want_text("data")?,
        },
        Some(_) => BlockKind::File {
            media_type: object.want_text("file")?,
            data: object.want_text("data")?,
        },
        None => BlockKind::Other,
    };
    Ok(Block { kind, native: object.into_native()? })
}
