//! A line of Claude Code's → a record.
//!
//! A field is taken out of the line only if it has exactly the type that the record's field has;
//! everything else stays in `native` at its place. So [`super::lower`] gives every line back.

use serde_json::Value;

use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Injected;
use crate::session::Message;
use crate::session::Native;
use crate::session::Record;
use crate::session::Timestamp;
use crate::session::Title;
use crate::session::TitledBy;
use crate::session::Usage;

/// The name of events that have no type of their own.
pub(super) const VALUE: &str = "value";

/// The types of line that give the session a title: the field it stands in, and who gave it.
const TITLES: [(&str, &str, TitledBy); 3] = [
    ("custom-title", "customTitle", TitledBy::Person),
    ("ai-title", "aiTitle", TitledBy::Agent),
    (SUMMARY, "summary", TitledBy::Agent),
];

/// The type of line that sums up a conversation, which may be another one.
pub(super) const SUMMARY: &str = "summary";

/// How the text of a message begins that is the trace of a command.
const COMMAND_TAGS: [&str; 10] = [
    "<command-name>",
    "<command-message>",
    "<command-args>",
    "<command-contents>",
    "<local-command-stdout>",
    "<local-command-stderr>",
    "<local-command-caveat>",
    "<bash-input>",
    "<bash-stdout>",
    "<bash-stderr>",
];

/// The record of a line. `is_about_session`: a summary on it is about this session.
pub(super) fn lift(value: Value, native_line: Option<String>, is_about_session: bool) -> Record {
    let envelope = Envelope { native_line, ..Envelope::default() };
    match value {
        Value::Object(line) if is_message(&line) => Record::Message(message(line, envelope)),
        Value::Object(line) => Record::Event(event(line, envelope, is_about_session)),
        native => Record::Event(Event { envelope, name: VALUE.to_owned(), title: None, native }),
    }
}

/// The field that gives the session a title on lines of this type, and who gave it.
pub(super) fn title_field(name: &str) -> Option<(&'static str, TitledBy)> {
    let title = TITLES.iter().find(|(event, ..)| *event == name);
    title.map(|(_, field, by)| (*field, *by))
}

fn is_message(line: &Native) -> bool {
    let body = line.get("message");
    let has = |field: &str| body.and_then(|body| body.get(field));
    matches!(line.get("type").and_then(Value::as_str), Some("user" | "assistant"))
        && has("role").is_some_and(Value::is_string)
        && has("content").is_some()
}

fn message(line: Native, envelope: Envelope) -> Message {
    let mut message = Message {
        envelope,
        role: String::new(),
        injected: None,
        model: None,
        answer: None,
        content: Content::Blocks(Vec::new()),
        usage: None,
        native: Native::new(),
    };
    let mut kind = String::new();
    let mut rest = Native::new();
    for (key, value) in line {
        match value {
            Value::Object(body) if key == "message" => rest = lift_body(&mut message, body),
            Value::String(text) if key == "type" => kind = text,
            value => {
                if let Some(value) = lift_envelope(&mut message.envelope, &key, value) {
                    message.native.insert(key, value);
                }
            }
        }
    }
    if kind != message.role {
        message.native.insert("type".to_owned(), kind.into());
    }
    if !rest.is_empty() {
        message.native.insert("message".to_owned(), rest.into());
    }
    message.injected = injected(&message);
    message
}

/// Takes what the record has a field for out of the API's message; returns the rest.
fn lift_body(message: &mut Message, body: Native) -> Native {
    let mut rest = Native::new();
    for (key, value) in body {
        let left = match (key.as_str(), value) {
            ("role", Value::String(role)) => {
                message.role = role;
                None
            }
            ("model", Value::String(model)) => {
                message.model = Some(model);
                None
            }
            ("id", Value::String(answer)) => {
                message.answer = Some(answer);
                None
            }
            ("usage", Value::Object(usage)) => {
                let (usage, left) = lift_usage(usage);
                message.usage = usage;
                (usage.is_none() || !left.is_empty()).then_some(Value::Object(left))
            }
            ("content", value) => match lift_content(value) {
                Ok(content) => {
                    message.content = content;
                    None
                }
                Err(value) => Some(value),
            },
            (_, value) => Some(value),
        };
        if let Some(value) = left {
            rest.insert(key, value);
        }
    }
    rest
}

/// Takes the four counts; all fields are left if there is none of them.
fn lift_usage(fields: Native) -> (Option<Usage>, Native) {
    let mut usage = Usage::default();
    let mut rest = Native::new();
    for (key, value) in fields {
        match (usage_field(&mut usage, &key), value.as_u64()) {
            (Some(field), Some(count)) => *field = Some(count),
            _ => {
                rest.insert(key, value);
            }
        }
    }
    (Some(usage).filter(|it| *it != Usage::default()), rest)
}

fn usage_field<'a>(usage: &'a mut Usage, key: &str) -> Option<&'a mut Option<u64>> {
    Some(match key {
        "input_tokens" => &mut usage.input,
        "output_tokens" => &mut usage.output,
        "cache_read_input_tokens" => &mut usage.cache_read,
        "cache_creation_input_tokens" => &mut usage.cache_write,
        _ => return None,
    })
}

fn event(line: Native, envelope: Envelope, is_about_session: bool) -> Event {
    let is_name = |name: &&str| !name.is_empty() && *name != VALUE;
    let name = line.get("type").and_then(Value::as_str).filter(is_name);
    let name = name.unwrap_or(VALUE).to_owned();
    let field = title_field(&name).filter(|_| name != SUMMARY || is_about_session);
    let mut event = Event { envelope, name, title: None, native: Value::Null };
    let mut native = Native::new();
    for (key, value) in line {
        match (field, value) {
            (_, Value::String(text)) if key == "type" && text == event.name && text != VALUE => {}
            (Some((field, by)), Value::String(text)) if key == field => {
                event.title = Some(Title { text, by });
            }
            (_, value) => {
                if let Some(value) = lift_envelope(&mut event.envelope, &key, value) {
                    native.insert(key, value);
                }
            }
        }
    }
    event.native = Value::Object(native);
    event
}

/// Takes the value if the envelope has a field for it; else gives it back.
fn lift_envelope(envelope: &mut Envelope, key: &str, value: Value) -> Option<Value> {
    let Value::String(text) = value else {
        return Some(value);
    };
    let field = match key {
        "uuid" if !text.is_empty() => &mut envelope.id,
        "parentUuid" => &mut envelope.parent,
        "cwd" => &mut envelope.place.cwd,
        "gitBranch" => &mut envelope.place.branch,
        "version" => &mut envelope.place.version,
        "timestamp" => {
            envelope.at = Timestamp::parse(&text);
            return envelope.at.is_none().then_some(Value::String(text));
        }
        _ => return Some(Value::String(text)),
    };
    *field = Some(text);
    None
}

/// A text or a list of objects; anything else is given back.
fn lift_content(value: Value) -> Result<Content, Value> {
    match value {
        Value::String(text) => Ok(Content::Text(text)),
        Value::Array(items) if items.iter().all(Value::is_object) => {
            let objects = items.into_iter().filter_map(|item| match item {
                Value::Object(block) => Some(lift_block(block)),
                _ => None,
            });
            Ok(Content::Blocks(objects.collect()))
        }
        value => Err(value),
    }
}

fn lift_block(mut block: Native) -> Block {
    let has_text = |field: &str| block.get(field).is_some_and(Value::is_string);
    let kind = match block.get("type").and_then(Value::as_str) {
        Some("text") if has_text("text") => {
            BlockKind::Text { text: take_text(&mut block, "text").unwrap_or_default() }
        }
        Some("thinking") if has_text("thinking") => {
            BlockKind::Thinking { text: take_text(&mut block, "thinking").unwrap_or_default() }
        }
        Some("tool_use") if has_text("name") => BlockKind::ToolCall {
            name: take_text(&mut block, "name").unwrap_or_default(),
            id: take_text(&mut block, "id"),
            input: block.shift_remove("input"),
        },
        Some("tool_result") if has_text("tool_use_id") => BlockKind::ToolResult {
            id: take_text(&mut block, "tool_use_id").unwrap_or_default(),
            output: take_content(&mut block),
            error: take_flag(&mut block, "is_error"),
        },
        Some("image") if has_bytes(&block) => {
            let (media_type, data) = take_bytes(&mut block);
            BlockKind::Image { media_type, data }
        }
        Some("document") if has_bytes(&block) => {
            let (media_type, data) = take_bytes(&mut block);
            BlockKind::File { media_type, data }
        }
        _ => BlockKind::Other,
    };
    if kind != BlockKind::Other {
        block.shift_remove("type");
    }
    Block { kind, native: block }
}

fn take_text(block: &mut Native, field: &str) -> Option<String> {
    match block.get_mut(field) {
        Some(Value::String(text)) => {
            let text = std::mem::take(text);
            block.shift_remove(field);
            Some(text)
        }
        _ => None,
    }
}

fn take_flag(block: &mut Native, field: &str) -> Option<bool> {
    let flag = block.get(field)?.as_bool()?;
    block.shift_remove(field);
    Some(flag)
}

fn take_content(block: &mut Native) -> Option<Content> {
    let value = std::mem::take(block.get_mut("content")?);
    match lift_content(value) {
        Ok(content) => {
            block.shift_remove("content");
            Some(content)
        }
        Err(value) => {
            block.insert("content".to_owned(), value);
            None
        }
    }
}

/// Whether the block's source is bytes in base64.
fn has_bytes(block: &Native) -> bool {
    let source = block.get("source");
    let text = |field: &str| source.and_then(|it| it.get(field)).and_then(Value::as_str);
    text("type") == Some("base64") && text("media_type").is_some() && text("data").is_some()
}

/// Takes media type and data out of the block's source; what is left of it stays.
fn take_bytes(block: &mut Native) -> (String, String) {
    let Some(Value::Object(source)) = block.get_mut("source") else {
        return Default::default();
    };
    source.shift_remove("type");
    let media_type = take_text(source, "media_type").unwrap_or_default();
    let data = take_text(source, "data").unwrap_or_default();
    if source.is_empty() {
        block.shift_remove("source");
    }
    (media_type, data)
}

/// Why a person's message was not typed by one. The fields that say so stay in `native`.
fn injected(message: &Message) -> Option<Injected> {
    let is_set = |field: &str| message.native.get(field) == Some(&Value::Bool(true));
    if message.role != "user" {
        None
    } else if is_set("isMeta") {
        Some(Injected::Context)
    } else if is_set("isCompactSummary") {
        Some(Injected::Summary)
    } else if is_command(&message.content) {
        Some(Injected::Command)
    } else {
        None
    }
}

/// Whether all that is said is traces of commands.
fn is_command(content: &Content) -> bool {
    let is_trace = |text: &str| COMMAND_TAGS.iter().any(|tag| text.starts_with(tag));
    let texts = || {
        content.blocks().iter().filter_map(|block| match &block.kind {
            BlockKind::Text { text } => Some(text),
            _ => None,
        })
    };
    match content {
        Content::Text(text) => is_trace(text),
        Content::Blocks(_) => texts().count() > 0 && texts().all(|text| is_trace(text)),
    }
}

#[cfg(test)]
mod tests;
