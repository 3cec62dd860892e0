//! What the picker wants done, and what it is told; the two sides of its state.

use ratatui::text::Line;

use crate::cli::picker::keys::Key;
use crate::cli::picker::row::Row;
use crate::session::SessionId;

/// Something that happened.
#[derive(Debug)]
pub(super) enum Input {
    /// A key was pressed.
    Key(Key),
    /// A text was pasted.
    Pasted(String),
    /// The terminal has so many columns and lines.
    Resized(u16, u16),
    /// There are these rows too.
    Rows(Vec<Row>),
    /// There are no other rows.
    AllRows,
    /// The preview of a session, set for so many columns.
    Preview(SessionId, Text),
    /// A text to read.
    Text(String, Text),
    /// Something was done, and changed these rows.
    Done(String, Vec<Row>),
    /// These sessions were deleted.
    Deleted(Vec<SessionId>),
    /// These sessions were brought back.
    Undeleted(Vec<Row>),
    /// Something was not done, and why.
    Failed(String),
}

/// A text, set for so many columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Text {
    pub(super) width: u16,
    pub(super) lines: Vec<Line<'static>>,
}

/// What is to be done because of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    /// Something that takes time, and is told about when it is done.
    Do(Job),
    /// The picker has an outcome.
    End(Ending),
}

/// Something that takes time.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Job {
    /// Set the beginning of a session for so many columns.
    Preview { id: SessionId, width: u16 },
    /// Compare two sessions, and set the difference for so many columns.
    Compare { left: SessionId, right: SessionId, width: u16 },
    /// Put tags on, and take others off.
    Tag { ids: Vec<SessionId>, put: Vec<String>, taken: Vec<String> },
    /// Pin, or unpin.
    Pin { ids: Vec<SessionId>, is_pinned: bool },
    /// Write files into the current folder.
    Export { ids: Vec<SessionId> },
    /// Delete.
    Delete { ids: Vec<SessionId> },
    /// Bring back.
    Undelete { ids: Vec<SessionId> },
}

/// What the picker comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing was chosen.
    Cancelled,
    /// A session is to be resumed, in another agent if one is named.
    Resume {
        /// The session.
        id: SessionId,
        /// The other agent.
        agent: Option<String>,
    },
}
