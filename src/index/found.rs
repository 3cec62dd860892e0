//! What a search is asked for, and what it finds.

use chrono::DateTime;
use chrono::Utc;

use crate::index::Filter;
use crate::index::Page;
use crate::index::Summary;
use crate::index::snippet::Snippet;
use crate::session::Part;

/// Which parts of sessions are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// All, talk outweighing tools.
    #[default]
    All,
    /// What was said and thought, and what is known of the session.
    Talk,
    /// What tools were given and gave.
    Tools,
}

impl Scope {
    /// Whether it takes in that part.
    pub(super) fn holds(self, part: Part) -> bool {
        match self {
            Self::All => true,
            Self::Talk => part != Part::Tools,
            Self::Tools => part == Part::Tools,
        }
    }
}

/// What is shown of what is found.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// Which parts are searched.
    pub scope: Scope,
    /// Which sessions are searched.
    pub filter: Filter,
    /// Which of the found sessions are shown.
    pub page: Page,
    /// The most hits of a session that are shown.
    pub hits: usize,
    /// The time that recent ones are close to.
    pub now: DateTime<Utc>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// How many sessions match.
    pub total: u64,
    /// The sessions of the page, the best first.
    pub sessions: Vec<FoundSession>,
}

/// A session that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSession {
    /// Its row.
    pub summary: Summary,
    /// How well it matches; only the order of scores means something.
    pub score: f64,
    /// Its best hits, the best first.
    pub hits: Vec<Hit>,
}

/// A place where a session matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The number of the message in the conversation, from 1; none: it is in the head.
    pub message: Option<u64>,
    /// The field of the head.
    pub field: Option<&'static str>,
    /// Which part it is in.
    pub part: Part,
    /// Whose message it is.
    pub role: Option<String>,
    /// When it was written.
    pub at: Option<String>,
    /// How well it matches.
    pub score: f64,
    /// The text around the matches.
    pub snippet: Snippet,
}
