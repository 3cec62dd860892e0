//! Records: what a session is made of, in the order the agent wrote them.

use serde_json::Value;

use crate::session::AnnalsEvent;
use crate::session::Content;
use crate::session::Native;
use crate::session::RecordKey;
use crate::session::Timestamp;

/// One entry of a session's stream. The stream only ever grows.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// Something that was said or done in the conversation.
    Message(Message),
    /// Anything else that the agent wrote down.
    Event(Event),
    /// What was done to the session with annals, or what annals knows of it.
    Annals(AnnalsEvent),
    /// What could not be parsed, kept as it was.
    Unreadable(Unreadable),
}

/// What messages and events have in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Envelope {
    /// The agent's id of the record.
    pub id: Option<String>,
    /// The agent's id of the record that this one follows in the conversation.
    pub parent: Option<String>,
    /// When it was written.
    pub at: Option<Timestamp>,
    /// Where, and by which release of the agent, it was written.
    pub place: Place,
    /// The key of the record it follows in the agent's file, when that is not the record before
    /// it in the stream; an empty one: it opens the file. No part of the record's key or content.
    pub after: Option<RecordKey>,
    /// The agent's own line (redacted), when the values could not hold all of it: lone
    /// surrogates, duplicate keys, numbers beyond 64 bits.
    pub native_line: Option<String>,
}

/// Where a record was written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Place {
    /// The agent's working folder.
    pub cwd: Option<String>,
    /// The git branch.
    pub branch: Option<String>,
    /// The agent's version.
    pub version: Option<String>,
}

/// One entry of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its id, links, time and place.
    pub envelope: Envelope,
    /// Who speaks: `user`, `assistant`, `system`, `tool`, or as the agent calls it.
    pub role: String,
    /// Why the message was not typed by a person though its role says so, if that is so.
    pub injected: Option<Injected>,
    /// The model that wrote it.
    pub model: Option<String>,
    /// The id of the model's answer that this message is a part of. Parts of one answer repeat
    /// its usage, which is counted once.
    pub answer: Option<String>,
    /// What it says.
    pub content: Content,
    /// What it cost.
    pub usage: Option<Usage>,
    /// All other fields of the agent's record.
    pub native: Native,
}

/// Why a message with a person's role was not typed by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Injected {
    /// The agent put it in, as context for the model.
    Context,
    /// It sums up what a compaction left out.
    Summary,
    /// It is the trace of a command that the agent itself ran.
    Command,
}

/// What the agent wrote down beside the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id, links, time and place.
    pub envelope: Envelope,
    /// The agent's name for this type of record; `value` for a line that is no object.
    pub name: String,
    /// The title that the record gives the session, and how firmly.
    pub title: Option<Title>,
    /// All other fields of the agent's record, or the value itself if it is no object.
    pub native: Value,
}

/// A title that an agent's event gives its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// The title.
    pub text: String,
    /// Who gave it.
    pub by: TitledBy,
}

/// Who gave a title; a later one outranks an earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum TitledBy {
    /// Nobody yet.
    #[default]
    Nobody,
    /// The agent summed the session up.
    Agent,
    /// A person named it, in the agent or with annals.
    Person,
}

/// A piece of an agent's file that is no record.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// What stands there (redacted).
    pub raw: Raw,
    /// It is the unterminated last line of the file; the next capture replaces it.
    pub is_tail: bool,
    /// As in [`Envelope::after`].
    pub after: Option<RecordKey>,
}

/// Text, or bytes where they are no UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// Valid UTF-8.
    Text(String),
    /// Anything else; base64 in YAML.
    Bytes(Vec<u8>),
}

/// Tokens, as far as the agent counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens sent that no cache held.
    pub input: Option<u64>,
    /// Tokens written by the model.
    pub output: Option<u64>,
    /// Tokens read from a cache.
    pub cache_read: Option<u64>,
    /// Tokens written to a cache.
    pub cache_write: Option<u64>,
}

impl Message {
    /// A message that says this text. What it leaves out (id, time) is given to it when it is
    /// appended.
    pub fn new(role: &str, text: &str) -> Self {
        Self {
            envelope: Envelope::default(),
            role: role.to_owned(),
            injected: None,
            model: None,
            answer: None,
            content: Content::Text(text.to_owned()),
            usage: None,
            native: Native::new(),
        }
    }
}

impl From<Message> for Record {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

impl Record {
    /// The envelope of a message or an event.
    pub fn envelope(&self) -> Option<&Envelope> {
        match self {
            Self::Message(message) => Some(&message.envelope),
            Self::Event(event) => Some(&event.envelope),
            Self::Annals(_) | Self::Unreadable(_) => None,
        }
    }

    /// The key of the record it follows in the agent's file, if it says so.
    pub fn after(&self) -> Option<&RecordKey> {
        match self {
            Self::Unreadable(unreadable) => unreadable.after.as_ref(),
            other => other.envelope().and_then(|envelope| envelope.after.as_ref()),
        }
    }

    /// Says which record it follows in the agent's file.
    pub fn set_after(&mut self, after: Option<RecordKey>) {
        match self {
            Self::Message(message) => message.envelope.after = after,
            Self::Event(event) => event.envelope.after = after,
            Self::Unreadable(unreadable) => unreadable.after = after,
            Self::Annals(_) => {}
        }
    }

    /// The message, if it is one.
    pub fn as_message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }

    /// The time it carries.
    pub fn at(&self) -> Option<&Timestamp> {
        match self {
            Self::Annals(event) => event.at.as_ref(),
            other => other.envelope().and_then(|envelope| envelope.at.as_ref()),
        }
    }
}
