//! What the picker wants done, and what it is told; the two sides of its state.

use std::ops::Range;

use ratatui::text::Line;

use crate::cli::picker::keys::Key;
use crate::cli::picker::row::Row;
use crate::repository::Hit;
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
    /// A part of a session, as it was asked for.
    Preview(View, Text),
    /// What a search found, and how many sessions match in all.
    Found(Asked, Vec<Found>, u64),
    /// What was asked for cannot be searched.
    Refused(Asked, Refusal),
    /// How far a search is.
    Searching(String),
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
    /// The lines above the first that is to be seen.
    pub(super) start: usize,
}

/// The part of a session that the preview shows, and for how many columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub(super) id: SessionId,
    pub(super) width: u16,
    /// The hit that it shows; without one, the beginning.
    pub(super) spot: Option<Spot>,
}

/// A hit of a search.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spot {
    /// What was searched for.
    pub(super) query: String,
    /// The number of the message; none: it is in the head.
    pub(super) message: Option<u64>,
}

/// What is searched for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Asked {
    /// In the language of `annals search`.
    pub(super) query: String,
    /// Whether other folders are left out.
    pub(super) only_here: bool,
    /// How many of the best are there already.
    pub(super) offset: u64,
}

/// A session that was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) row: Row,
    /// Its best hits, in the order of the conversation.
    pub(super) hits: Vec<Hit>,
    /// The place of the best of them.
    pub(super) best: usize,
}

/// Why something cannot be searched for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) why: String,
    /// The characters of the query that it is about.
    pub(super) span: Range<usize>,
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
    /// Set a part of a session.
    Preview(View),
    /// Search the texts.
    Search(Asked),
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
