//! A record → the line of Claude Code's that it was; the inverse of [`super::lift`].

use serde_json::Value;

use crate::adapters::claude::lift::VALUE;
use crate::adapters::claude::lift::title_field;
use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Message;
use crate::session::Native;
use crate::session::Record;
use crate::session::Usage;

/// The value on the line of a message or an event.
pub(super) fn lower(record: &Record) -> Option<Value> {
    match record {
        Record::Message(message) => Some(lower_message(message)),
        Record::Event(event) => Some(lower_event(event)),
        Record::Annals(_) | Record::Unreadable(_) => None,
    }
}

fn lower_message(message: &Message) -> Value {
    let mut line = Native::new();
    lower_envelope(&message.envelope, &mut line);
    line.insert("type".to_owned(), message.role.as_str().into());
    let mut body = Native::new();
    put_text(&mut body, "role", Some(&message.role));
    put_text(&mut body, "model", message.model.as_ref());
    put_text(&mut body, "id", message.answer.as_ref());
    body.insert("content".to_owned(), lower_content(&message.content));
    if let Some(usage) = &message.usage {
        body.insert("usage".to_owned(), lower_usage(usage));
    }
    line.insert("message".to_owned(), body.into());
    for (key, value) in &message.native {
        match (line.get_mut(key), value) {
            (Some(Value::Object(body)), Value::Object(rest)) if key == "message" => {
                put_rest(body, rest, "usage");
            }
            _ => {
                line.insert(key.clone(), value.clone());
            }
        }
    }
    line.into()
}

fn lower_event(event: &Event) -> Value {
    let Value::Object(native) = &event.native else {
        return event.native.clone();
    };
    let mut line = Native::new();
    lower_envelope(&event.envelope, &mut line);
    if event.name != VALUE {
        line.insert("type".to_owned(), event.name.as_str().into());
    }
    if let (Some(title), Some((field, _))) = (&event.title, title_field(&event.name)) {
        put_text(&mut line, field, Some(&title.text));
    }
    line.extend(native.clone());
    line.into()
}

fn lower_envelope(envelope: &Envelope, line: &mut Native) {
    put_text(line, "parentUuid", envelope.parent.as_ref());
    put_text(line, "cwd", envelope.place.cwd.as_ref());
    put_text(line, "gitBranch", envelope.place.branch.as_ref());
    put_text(line, "version", envelope.place.version.as_ref());
    put_text(line, "uuid", envelope.id.as_ref());
    if let Some(at) = &envelope.at {
        line.insert("timestamp".to_owned(), at.as_str().into());
    }
}

fn lower_usage(usage: &Usage) -> Value {
    let counts = [
        ("input_tokens", usage.input),
        ("cache_creation_input_tokens", usage.cache_write),
        ("cache_read_input_tokens", usage.cache_read),
        ("output_tokens", usage.output),
    ];
    let counts = counts.into_iter();
    let fields = counts.filter_map(|(key, count)| Some((key.to_owned(), count?.into())));
    Value::Object(fields.collect())
}

fn lower_content(content: &Content) -> Value {
    match content {
        Content::Text(text) => text.as_str().into(),
        Content::Blocks(blocks) => blocks.iter().map(lower_block).collect(),
    }
}

fn lower_block(block: &Block) -> Value {
    let mut fields = Native::new();
    match &block.kind {
        BlockKind::Text { text } => {
            put_type(&mut fields, "text");
            put_text(&mut fields, "text", Some(text));
        }
        BlockKind::Thinking { text } => {
            put_type(&mut fields, "thinking");
            put_text(&mut fields, "thinking", Some(text));
        }
        BlockKind::ToolCall { name, id, input } => {
            put_type(&mut fields, "tool_use");
            put_text(&mut fields, "id", id.as_ref());
            put_text(&mut fields, "name", Some(name));
            fields.extend(input.iter().map(|it| ("input".to_owned(), it.clone())));
        }
        BlockKind::ToolResult { id, output, error } => {
            put_type(&mut fields, "tool_result");
            put_text(&mut fields, "tool_use_id", Some(id));
            let output = output.iter();
            fields.extend(output.map(|it| ("content".to_owned(), lower_content(it))));
            fields.extend(error.map(|it| ("is_error".to_owned(), it.into())));
        }
        BlockKind::Image { media_type, data } => {
            put_type(&mut fields, "image");
            fields.insert("source".to_owned(), lower_bytes(media_type, data));
        }
        BlockKind::File { media_type, data } => {
            put_type(&mut fields, "document");
            fields.insert("source".to_owned(), lower_bytes(media_type, data));
        }
        BlockKind::Other => {}
    }
    put_rest(&mut fields, &block.native, "source");
    fields.into()
}

fn lower_bytes(media_type: &str, data: &str) -> Value {
    serde_json::json!({"type": "base64", "media_type": media_type, "data": data})
}

fn put_type(fields: &mut Native, name: &str) {
    fields.insert("type".to_owned(), name.into());
}

fn put_text(fields: &mut Native, key: &str, text: Option<&String>) {
    if let Some(text) = text {
        fields.insert(key.to_owned(), text.as_str().into());
    }
}

/// Puts the fields back that had no place of their own; those below `parted` join the others there.
fn put_rest(fields: &mut Native, rest: &Native, parted: &str) {
    for (key, value) in rest {
        match (fields.get_mut(key), value) {
            (Some(Value::Object(there)), Value::Object(more)) if key == parted => {
                there.extend(more.clone());
            }
            _ => {
                fields.insert(key.clone(), value.clone());
            }
        }
    }
}
