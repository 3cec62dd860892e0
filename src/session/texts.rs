//! Every text of a record, in a fixed order: what redaction changes and what folds look at.

use serde_json::Value;

use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Envelope;
use crate::session::How;
use crate::session::Native;
use crate::session::Raw;
use crate::session::Record;

/// Visits the texts of a record and may change them.
///
/// `field` is the name of the field that the text stands in: for a text in an agent's value, the
/// nearest key above it.
pub trait TextVisitor {
    /// A text.
    fn text(&mut self, field: &str, text: &mut String);

    /// A value of the agent's, to be walked by the visitor itself, keys included.
    fn value(&mut self, field: &str, value: &mut Value);

    /// The fields of an agent's record, to be walked by the visitor itself, keys included.
    fn native(&mut self, native: &mut Native);

    /// Bytes that are no text.
    fn bytes(&mut self, bytes: &mut Vec<u8>);
}

impl Record {
    /// Shows every text of the record to `visitor`.
    pub fn visit_texts(&mut self, visitor: &mut dyn TextVisitor) {
        match self {
            Self::Message(message) => {
                visit_envelope(&mut message.envelope, visitor);
                visitor.text("role", &mut message.role);
                visit_option("model", &mut message.model, visitor);
                visit_option("answer", &mut message.answer, visitor);
                visit_content("content", &mut message.content, visitor);
                visitor.native(&mut message.native);
            }
            Self::Event(event) => {
                visit_envelope(&mut event.envelope, visitor);
                visitor.text("event", &mut event.name);
                if let Some(title) = &mut event.title {
                    visitor.text("title", &mut title.text);
                }
                visitor.value(&event.name, &mut event.native);
            }
            Self::Annals(event) => visit_annals(event, visitor),
            Self::Unreadable(unreadable) => match &mut unreadable.raw {
                Raw::Text(text) => visitor.text("raw", text),
                Raw::Bytes(bytes) => visitor.bytes(bytes),
            },
        }
    }
}

fn visit_option(field: &str, text: &mut Option<String>, visitor: &mut dyn TextVisitor) {
    if let Some(text) = text {
        visitor.text(field, text);
    }
}

fn visit_envelope(envelope: &mut Envelope, visitor: &mut dyn TextVisitor) {
    visit_option("id", &mut envelope.id, visitor);
    visit_option("parent", &mut envelope.parent, visitor);
    visit_option("cwd", &mut envelope.place.cwd, visitor);
    visit_option("branch", &mut envelope.place.branch, visitor);
    visit_option("version", &mut envelope.place.version, visitor);
    visit_option("native_line", &mut envelope.native_line, visitor);
}

fn visit_content(field: &str, content: &mut Content, visitor: &mut dyn TextVisitor) {
    match content {
        Content::Text(text) => visitor.text(field, text),
        Content::Blocks(blocks) => {
            for block in blocks {
                visit_block(block, visitor);
            }
        }
    }
}

fn visit_block(block: &mut Block, visitor: &mut dyn TextVisitor) {
    match &mut block.kind {
        BlockKind::Text { text } => visitor.text("text", text),
        BlockKind::Thinking { text } => visitor.text("thinking", text),
        BlockKind::ToolCall { name, id, input } => {
            visitor.text("tool_call", name);
            visit_option("id", id, visitor);
            if let Some(input) = input {
                visitor.value("input", input);
            }
        }
        BlockKind::ToolResult { id, output, error: _ } => {
            visitor.text("id", id);
            if let Some(output) = output {
                visit_content("output", output, visitor);
            }
        }
        BlockKind::Image { media_type, data } | BlockKind::File { media_type, data } => {
            visitor.text("media_type", media_type);
            visitor.text("data", data);
        }
        BlockKind::Other => {}
    }
    visitor.native(&mut block.native);
}

fn visit_annals(event: &mut AnnalsEvent, visitor: &mut dyn TextVisitor) {
    match &mut event.action {
        Action::Rename { title } => visitor.text("title", title),
        Action::Tag { tags } | Action::Untag { tags } => {
            tags.iter_mut().for_each(|tag| visitor.text("tag", tag));
        }
        Action::Note { text } => visitor.text("note", text),
        Action::ContextFiles { paths } => {
            paths.iter_mut().for_each(|path| visitor.text("path", path));
        }
        Action::Workspace { repository } => visitor.text("repository", repository),
        Action::Origin(origin) => {
            visitor.text("agent", &mut origin.agent);
            visit_option("session", &mut origin.session, visitor);
            if let How::Imported { from } | How::Forked { from } = &mut origin.how {
                visitor.text("from", from);
            }
        }
        Action::Parent(link) => {
            visitor.text("session", &mut link.session);
            visit_option("tool_call", &mut link.tool_call, visitor);
            visitor.native(&mut link.native);
        }
        Action::Model { name } => visitor.text("model", name),
        Action::State { value } => visitor.value("state", value),
        Action::Other { native, .. } => visitor.native(native),
        Action::Pin { .. }
        | Action::Rollback { .. }
        | Action::Rewrite { .. }
        | Action::Undelete => {}
    }
}
