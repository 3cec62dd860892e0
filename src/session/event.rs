//! Annals' own events: what people do to a session, and what capture or import knows of it that
//! the agent's records do not say.

use serde_json::Value;

use crate::session::Native;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::Timestamp;
use crate::session::id::event_id;

/// Something done to the session with annals, or known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnalsEvent {
    /// A UUID: its own for what people do (v7), made from the content for facts (v5).
    pub id: String,
    /// When it was done; facts have no time, so that they are the same on every machine.
    pub at: Option<Timestamp>,
    /// What was done.
    pub action: Action,
}

/// What an annals event does. Heads are folds over these and the agent's own records.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The session has a new title; an empty one takes the title back.
    Rename {
        /// The title.
        title: String,
    },
    /// Tags were added.
    Tag {
        /// The tags.
        tags: Vec<String>,
    },
    /// Tags were taken off.
    Untag {
        /// The tags.
        tags: Vec<String>,
    },
    /// The notes were replaced by this text; an empty one takes them off.
    Note {
        /// The whole text of the notes.
        text: String,
    },
    /// The session was pinned, or unpinned.
    Pin {
        /// Whether it is pinned from now on.
        pinned: bool,
    },
    /// The session went back (or forward) to an earlier revision.
    Rollback {
        /// The revision whose view it takes.
        to: RevisionId,
        /// What that does to the view.
        change: ViewChange,
    },
    /// The agent shortened, rewrote or reordered its file.
    Rewrite {
        /// What that does to the view.
        change: ViewChange,
    },
    /// The session came back after it was deleted.
    Undelete,
    /// A fact: which agent wrote the session, and how it came here.
    Origin(Origin),
    /// A fact: which repository the workspace is.
    Workspace {
        /// The normalised URL of the remote, or the id of the first commit.
        repository: String,
    },
    /// A fact: the session is a sub-agent's.
    Parent(ParentLink),
    /// The files that the session refers to, from now on.
    ContextFiles {
        /// Their paths.
        paths: Vec<String>,
    },
    /// The model that answers from now on.
    Model {
        /// Its name.
        name: String,
    },
    /// What the program that holds the conversation wants to find again when it goes on: it alone
    /// knows what it means.
    State {
        /// Any value.
        value: Value,
    },
    /// An action of a later version of annals; kept, and without effect here.
    Other {
        /// Its name.
        name: String,
        /// Its fields.
        native: Native,
    },
}

/// Where a session comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The agent's name (`claude-code`).
    pub agent: String,
    /// The agent's own id of the session.
    pub session: Option<String>,
    /// How it came into the store.
    pub how: How,
}

/// How a session came into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// Read from the agent's own files.
    Captured,
    /// Made through the library or with `annals save`.
    Created,
    /// Brought in from another store or an export.
    Imported {
        /// The id it had there.
        from: String,
    },
    /// Split off another session.
    Forked {
        /// The id of that session.
        from: String,
    },
}

/// The session and tool call that started a sub-agent.
#[derive(Debug, Clone, PartialEq)]
pub struct ParentLink {
    /// The id of the parent's session.
    pub session: String,
    /// The id of the tool call.
    pub tool_call: Option<String>,
    /// What else the agent wrote down about the sub-agent.
    pub native: Native,
}

/// A change of the view: which records of the stream are seen, and in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ViewChange {
    /// Records that leave the view.
    pub removed: Vec<RecordKey>,
    /// Records that stand at another place than the stream gives them, in this order; one that
    /// had left the view comes back.
    pub placed: Vec<Placement>,
}

/// The place of a record in the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The record.
    pub key: RecordKey,
    /// The record it follows; none: it is the first.
    pub after: Option<RecordKey>,
}

impl ViewChange {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.placed.is_empty()
    }
}

impl AnnalsEvent {
    /// A fact: its id is made from its content, and it has no time.
    pub fn fact(action: Action) -> Self {
        Self { id: event_id(&fact_text(&action)), at: None, action }
    }

    /// Whether the event is a fact that stands before the first record.
    pub fn is_fact(&self) -> bool {
        matches!(self.action, Action::Origin(_) | Action::Workspace { .. } | Action::Parent(_))
    }

    /// The change of the view, if the event makes one.
    pub fn view_change(&self) -> Option<&ViewChange> {
        match &self.action {
            Action::Rollback { change, .. } | Action::Rewrite { change } => Some(change),
            _ => None,
        }
    }
}

/// The text that the id of a fact is made from: one line a field, in a fixed order.
fn fact_text(action: &Action) -> String {
    match action {
        Action::Origin(origin) => {
            let how = match &origin.how {
                How::Captured => "captured".to_owned(),
                How::Created => "created".to_owned(),
                How::Imported { from } => format!("imported {from}"),
                How::Forked { from } => format!("forked {from}"),
            };
            let session = origin.session.as_deref().unwrap_or_default();
            format!("origin\n{}\n{session}\n{how}", origin.agent)
        }
        Action::Workspace { repository } => format!("workspace\n{repository}"),
        Action::Parent(link) => {
            let call = link.tool_call.as_deref().unwrap_or_default();
            format!("parent\n{}\n{call}\n{}", link.session, Value::from(link.native.clone()))
        }
        other => format!("{other:?}"),
    }
}
