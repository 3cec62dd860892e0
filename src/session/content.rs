//! What a message says: text, thinking, tool calls and their results, images, files.

use serde_json::Map;
use serde_json::Value;

/// The fields of an agent's record that annals has no name for, kept as they were.
pub type Native = Map<String, Value>;

/// The content of a message or of a tool's result, in the form the agent wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// One plain text.
    Text(String),
    /// A list of blocks.
    Blocks(Vec<Block>),
}

impl Content {
    /// The blocks, if the content is a list of them.
    pub fn blocks(&self) -> &[Block] {
        match self {
            Self::Text(_) => &[],
            Self::Blocks(blocks) => blocks,
        }
    }
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// The other fields of the agent's block (signatures, cache marks, and the like); for
    /// [`BlockKind::Other`] the whole block.
    pub native: Native,
}

/// The kinds of block.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockKind {
    /// What was said.
    Text {
        /// The text.
        text: String,
    },
    /// What the model thought, as far as the agent showed it.
    Thinking {
        /// The text.
        text: String,
    },
    /// The model asks for a tool to be run.
    ToolCall {
        /// The tool's name.
        name: String,
        /// What its result refers to.
        id: Option<String>,
        /// The arguments; absent when the agent wrote none.
        input: Option<Value>,
    },
    /// What the tool answered.
    ToolResult {
        /// The id of the call.
        id: String,
        /// What it put out; absent when the agent wrote none.
        output: Option<Content>,
        /// Whether it failed, when the agent said so.
        error: Option<bool>,
    },
    /// A picture.
    Image {
        /// Its media type (`image/png`).
        media_type: String,
        /// Its bytes in base64, as the agent wrote them.
        data: String,
    },
    /// A file that came with the message.
    File {
        /// Its media type.
        media_type: String,
        /// Its bytes in base64, as the agent wrote them.
        data: String,
    },
    /// A block of a kind that annals does not know; it stands whole in `native`.
    Other,
}
