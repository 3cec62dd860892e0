//! The head of a session: all that a list row, a filter or a resume needs, derived from the
//! records alone.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::session::ModelName;
use crate::session::Native;
use crate::session::SessionId;

/// What `session.yaml` holds. Times are RFC 3339 texts; absent when no record has a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    /// The version of the file format.
    pub schema: u32,
    /// The session.
    pub id: SessionId,
    /// Its title, if anybody gave it one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The beginning of what was asked first, on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<String>,
    /// The agent that wrote it.
    pub agent: Agent,
    /// The models that took part, in the order of their first message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelName>,
    /// The earliest time of a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The latest time of a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Where the conversation took place.
    #[serde(skip_serializing_if = "Workspace::is_empty")]
    pub workspace: Workspace,
    /// How much of what it holds.
    pub counts: Counts,
    /// What it cost.
    #[serde(skip_serializing_if = "Tokens::is_zero")]
    pub tokens: Tokens,
    /// The files it refers to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context_files: Vec<String>,
    /// Its tags, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Its notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Whether it is pinned: retention leaves it alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// The session that started it, when it is a sub-agent's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentSession>,
    /// How it came here: `captured`, `created`, `imported from …`, `forked from …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Redactions in its records, by rule.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub redactions: BTreeMap<String, u64>,
    /// Fields of a later version of annals.
    #[serde(flatten)]
    pub native: Native,
}

/// The agent of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Agent {
    /// Its name (`claude-code`).
    pub name: String,
    /// Its version, at the last record that tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its own id of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// The place of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Workspace {
    /// The folder, as the first record that tells has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// The repository: the normalised URL of its remote, or the id of its first commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The git branch, at the last record that tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

impl Workspace {
    /// Whether nothing is known of it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a session holds, counted over its view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Records of the agent.
    pub records: u64,
    /// Messages among them.
    pub messages: u64,
    /// Messages typed by a person.
    pub turns: u64,
    /// Tool calls.
    pub tool_calls: u64,
    /// Records that could not be parsed.
    #[serde(skip_serializing_if = "is_zero")]
    pub unreadable: u64,
    /// Bytes of text in the records (UTF-8).
    pub bytes: u64,
}

/// Tokens, each answer of a model counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// Sent, and held by no cache.
    pub input: u64,
    /// Written by the model.
    pub output: u64,
    /// Read from a cache.
    pub cache_read: u64,
    /// Written to a cache.
    pub cache_write: u64,
    /// The sum of the four.
    pub total: u64,
}

impl Tokens {
    /// Whether nothing was counted.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// The session that a sub-agent's session belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ParentSession {
    /// Its id.
    pub session: String,
    /// The tool call that started the sub-agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<String>,
}

impl Head {
    /// The head of a session without records.
    pub fn empty(id: SessionId) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            id,
            title: None,
            preview: None,
            agent: Agent::default(),
            models: Vec::new(),
            created: None,
            modified: None,
            workspace: Workspace::default(),
            counts: Counts::default(),
            tokens: Tokens::default(),
            context_files: Vec::new(),
            tags: Vec::new(),
            notes: None,
            pinned: false,
            parent: None,
            origin: None,
            redactions: BTreeMap::new(),
            native: Native::new(),
        }
    }
}

impl Default for Head {
    fn default() -> Self {
        Self::empty(SessionId::from_uuid(uuid::Uuid::nil()))
    }
}

/// The version of the file format that this program writes.
pub const SCHEMA_VERSION: u32 = 4;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
