//! Records as the fields of their documents, in the order of the file.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::format::annals;
use crate::format::node::Fields;
use crate::format::node::Node;
use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Injected;
use crate::session::Message;
use crate::session::Raw;
use crate::session::Record;
use crate::session::Timestamp;
use crate::session::TitledBy;
use crate::session::Unreadable;
use crate::session::Usage;

/// The fields of the record's document.
pub(crate) fn fields_of(record: &Record) -> Fields<'_> {
    match record {
        Record::Message(message) => message_fields(message),
        Record::Event(event) => event_fields(event),
        Record::Annals(event) => annals::fields_of(event),
        Record::Unreadable(unreadable) => unreadable_fields(unreadable),
    }
}

fn message_fields(message: &Message) -> Fields<'_> {
    let mut fields = vec![field("message", Node::text(&message.role))];
    push_identity(&mut fields, &message.envelope);
    push_text(&mut fields, "model", message.model.as_deref());
    push_text(&mut fields, "answer", message.answer.as_deref());
    push_place(&mut fields, &message.envelope);
    push_text(&mut fields, "injected", message.injected.map(injected_name));
    fields.push(field("content", content_node(&message.content)));
    if let Some(usage) = &message.usage {
        fields.push(field("usage", usage_node(*usage)));
    }
    push_trace(&mut fields, &message.envelope);
    if !message.native.is_empty() {
        fields.push(field("native", Node::sorted(&message.native)));
    }
    fields
}

fn event_fields(event: &Event) -> Fields<'_> {
    let mut fields = vec![field("event", Node::text(&event.name))];
    push_identity(&mut fields, &event.envelope);
    push_place(&mut fields, &event.envelope);
    if let Some(title) = &event.title {
        fields.push(field("title", Node::text(&title.text)));
        fields.push(field("titled_by", Node::text(titled_by_name(title.by))));
    }
    push_trace(&mut fields, &event.envelope);
    match &event.native {
        Value::Object(native) if native.is_empty() => {}
        Value::Object(native) => fields.push(field("native", Node::sorted(native))),
        value => fields.push(field("native", Node::Value(value))),
    }
    fields
}

fn unreadable_fields(unreadable: &Unreadable) -> Fields<'_> {
    let mut fields = match &unreadable.raw {
        Raw::Text(text) => {
            vec![field("unreadable", Node::text("text")), field("raw", Node::text(text))]
        }
        Raw::Bytes(bytes) => vec![
            field("unreadable", Node::text("bytes")),
            field("raw_bytes", Node::Text(Cow::Owned(STANDARD.encode(bytes)))),
        ],
    };
    if unreadable.is_tail {
        fields.push(field("tail", Node::Bool(true)));
    }
    push_text(&mut fields, "after", unreadable.after.as_ref().map(|key| key.0.as_str()));
    fields
}

/// One field.
pub(crate) fn field<'a>(name: &'static str, node: Node<'a>) -> (Cow<'a, str>, Node<'a>) {
    (Cow::Borrowed(name), node)
}

/// A field that is left out when it is absent.
pub(crate) fn push_text<'a>(fields: &mut Fields<'a>, name: &'static str, text: Option<&'a str>) {
    if let Some(text) = text {
        fields.push(field(name, Node::text(text)));
    }
}

fn push_identity<'a>(fields: &mut Fields<'a>, envelope: &'a Envelope) {
    push_text(fields, "id", envelope.id.as_deref());
    push_text(fields, "parent", envelope.parent.as_deref());
    push_text(fields, "at", envelope.at.as_ref().map(Timestamp::as_str));
}

fn push_place<'a>(fields: &mut Fields<'a>, envelope: &'a Envelope) {
    push_text(fields, "cwd", envelope.place.cwd.as_deref());
    push_text(fields, "branch", envelope.place.branch.as_deref());
    push_text(fields, "version", envelope.place.version.as_deref());
}

fn push_trace<'a>(fields: &mut Fields<'a>, envelope: &'a Envelope) {
    push_text(fields, "after", envelope.after.as_ref().map(|key| key.0.as_str()));
    push_text(fields, "native_line", envelope.native_line.as_deref());
}

fn content_node(content: &Content) -> Node<'_> {
    match content {
        Content::Text(text) => Node::text(text),
        Content::Blocks(blocks) => Node::List(blocks.iter().map(block_node).collect()),
    }
}

fn block_node(block: &Block) -> Node<'_> {
    let mut fields = Fields::new();
    match &block.kind {
        BlockKind::Text { text } => fields.push(field("text", Node::text(text))),
        BlockKind::Thinking { text } => fields.push(field("thinking", Node::text(text))),
        BlockKind::ToolCall { name, id, input } => {
            fields.push(field("tool_call", Node::text(name)));
            push_text(&mut fields, "id", id.as_deref());
            if let Some(input) = input {
                fields.push(field("input", Node::Value(input)));
            }
        }
        BlockKind::ToolResult { id, output, error } => {
            fields.push(field("tool_result", Node::text(id)));
            if let Some(output) = output {
                fields.push(field("output", content_node(output)));
            }
            if let Some(error) = error {
                fields.push(field("error", Node::Bool(*error)));
            }
        }
        BlockKind::Image { media_type, data } => {
            fields.push(field("image", Node::text(media_type)));
            fields.push(field("data", Node::text(data)));
        }
        BlockKind::File { media_type, data } => {
            fields.push(field("file", Node::text(media_type)));
            fields.push(field("data", Node::text(data)));
        }
        BlockKind::Other => {}
    }
    if !block.native.is_empty() || block.kind == BlockKind::Other {
        fields.push(field("native", Node::map(&block.native)));
    }
    Node::Map(fields)
}

fn usage_node(usage: Usage) -> Node<'static> {
    let counts = [
        ("input", usage.input),
        ("output", usage.output),
        ("cache_read", usage.cache_read),
        ("cache_write", usage.cache_write),
    ];
    let known = counts.into_iter().filter_map(|(name, count)| Some((name, count?)));
    Node::Counts(known.collect())
}

const fn injected_name(injected: Injected) -> &'static str {
    match injected {
        Injected::Context => "context",
        Injected::Summary => "summary",
        Injected::Command => "command",
    }
}

const fn titled_by_name(by: TitledBy) -> &'static str {
    match by {
        TitledBy::Nobody => "nobody",
        TitledBy::Agent => "agent",
        TitledBy::Person => "person",
    }
}
