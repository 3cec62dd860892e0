//! The searched text: what search looks at, each text once.
//!
//! Of a message every content block, the inputs and outputs of tools included; of a head the title,
//! tags, notes, workspace, model and file names. The agent's own fields (`native`) are left out,
//! for agents keep copies of the same texts there; so are bytes, the keys of tools' inputs, ids and
//! links.

use serde_json::Value;

use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Head;
use crate::session::Message;

/// Which part of a session a text belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// What is known of the session: its title, tags, notes, workspace, model, file names.
    About,
    /// What was said and thought.
    Talk,
    /// What tools were given and gave.
    Tools,
}

/// The role of messages that hold what a tool gave.
const TOOL_ROLE: &str = "tool";

impl Message {
    /// Shows each searched text of the message, in order.
    pub fn each_searched<'m>(&'m self, see: &mut dyn FnMut(Part, &'m str)) {
        let said = if self.role == TOOL_ROLE { Part::Tools } else { Part::Talk };
        each_of_content(&self.content, said, see);
    }
}

impl Head {
    /// Shows each searched text of the head, with the name of its field.
    pub fn each_searched<'h>(&'h self, see: &mut dyn FnMut(&'static str, &'h str)) {
        let workspace = &self.workspace;
        let single = [
            ("title", &self.title),
            ("notes", &self.notes),
            ("workspace", &workspace.root),
            ("repository", &workspace.repository),
            ("branch", &workspace.branch),
        ];
        for (field, text) in single {
            text.iter().for_each(|text| see(field, text));
        }
        self.tags.iter().for_each(|tag| see("tags", tag));
        self.models.iter().for_each(|model| see("models", &model.0));
        self.context_files.iter().for_each(|path| see("context_files", path));
    }
}

fn each_of_content<'m>(content: &'m Content, said: Part, see: &mut dyn FnMut(Part, &'m str)) {
    if let Content::Text(text) = content {
        see(said, text);
    }
    for block in content.blocks() {
        match &block.kind {
            BlockKind::Text { text } | BlockKind::Thinking { text } => see(said, text),
            BlockKind::ToolCall { name, input, .. } => {
                see(Part::Tools, name);
                input.iter().for_each(|value| each_of_value(value, see));
            }
            BlockKind::ToolResult { output, .. } => {
                output.iter().for_each(|content| each_of_content(content, Part::Tools, see));
            }
            BlockKind::Image { .. } | BlockKind::File { .. } => {}
            // It has no copy elsewhere.
            BlockKind::Other => block.native.values().for_each(|value| each_of_value(value, see)),
        }
    }
}

fn each_of_value<'m>(value: &'m Value, see: &mut dyn FnMut(Part, &'m str)) {
    match value {
        Value::String(text) => see(Part::Tools, text),
        Value::Array(items) => items.iter().for_each(|item| each_of_value(item, see)),
        Value::Object(map) => map.values().for_each(|value| each_of_value(value, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
