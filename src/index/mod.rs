//! Catalogue and full-text search, derived from the store, and `sources.db`, what capture has read
//! of the agents' files; each may be deleted at any moment.
//!
//! The catalogue stands for one commit of main and says which; it follows main commit by commit,
//! and rows and commit move in one transaction. So it is right or behind, never wrong: a refresh
//! makes up for whatever did not reach it. A file that is damaged, of another version or of
//! another history is made anew without a word, and one that is behind on a read-only medium in
//! memory.
//!
//! The full text of messages and heads lies in the same file, as tokens only (`tokens`, `texts`): it
//! follows main too, but may be further behind (`gather`), for only a search needs it. What matches
//! is said by `query` and `terms`, what is found and in which order by `search`, which reads from
//! the store what it shows, and what the index cannot know (`scan`).
//!
//! Messages and tokens by day and model are kept the same way (`tallies`), for `totals`: only they
//! need the records.
//!
//! Limits: times are compared to the microsecond, counts above 63 bits are sorted as equal.

mod conditions;
mod damage;
mod database;
mod dates;
mod family;
mod filter;
mod find;
mod folds;
mod found;
mod gather;
mod list;
mod query;
mod refresh;
mod row_reader;
mod rows;
mod scan;
mod schema;
mod search;
mod snippet;
mod sources;
mod tallies;
mod terms;
#[cfg(test)]
mod tests;
mod texts;
mod tokens;
mod totals;
mod trees;
mod unmatched;
mod workspaces;

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use chrono::DateTime;
use chrono::Utc;
use rusqlite::Connection;

use crate::index::database::failed;
use crate::index::rows::Portion;
use crate::index::rows::State;
use crate::index::rows::States;
use crate::session::Head;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::CommitEntry;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::repository_of;

pub use crate::index::dates::DateError;
pub use crate::index::dates::parse_date;
pub use crate::index::dates::parse_span;
pub use crate::index::filter::Filter;
pub use crate::index::filter::FilterError;
pub use crate::index::filter::FilterField;
pub use crate::index::filter::FilterInput;
pub use crate::index::found::Found;
pub use crate::index::found::FoundSession;
pub use crate::index::found::Hit;
pub use crate::index::found::Scope;
pub use crate::index::found::SearchOptions;
pub use crate::index::list::RevisionEntry;
pub use crate::index::query::Clause;
pub use crate::index::query::Field;
pub use crate::index::query::Problem;
pub use crate::index::query::Query;
pub use crate::index::query::QueryError;
pub use crate::index::refresh::Refreshed;
pub use crate::index::snippet::Snippet;
pub use crate::index::sources::KnownSources;
pub use crate::index::sources::SourceState;
pub use crate::index::sources::Sources;
pub use crate::index::terms::Term;
pub use crate::index::totals::Day;
pub use crate::index::totals::DayOf;
pub use crate::index::totals::Group;
pub use crate::index::totals::Totals;
pub use crate::index::unmatched::Unmatched;
pub use crate::index::workspaces::WorkspaceCount;

/// What can go wrong with the index.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite failed.
    #[error("{doing}: {source}")]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: rusqlite::Error,
    },
    /// A file of the index could not be made or removed.
    #[error("cannot {verb} {}: {source}", .path.display())]
    Io {
        /// What was to be done with it.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

impl Error {
    /// Whether the index's own file is damaged: [`Index::rebuild`] helps.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Sqlite { source, .. } if database::is_damage(source))
    }

    /// Whether another process kept on writing to it.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite { source, .. }
            if source.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy))
    }
}

/// What a list is sorted by. What has no such value comes last, also in reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// Latest change first.
    #[default]
    Modified,
    /// Latest beginning first.
    Created,
    /// Most messages first.
    Messages,
    /// Most tokens first.
    Tokens,
    /// Largest first.
    Size,
    /// By title, or preview, in alphabetical order.
    Title,
}

/// A half-open span of time: from, up to; none: without that end.
pub type TimeSpan = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// A page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Rows to skip.
    pub offset: u64,
    /// The most rows.
    pub limit: u64,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The head.
    pub head: Head,
    /// Who saved it first, `name <address>`; none: his git did not say.
    pub author: Option<String>,
    /// How many sub-agents' sessions it has.
    pub subagents: u64,
    /// Whether the session cannot be read, and why.
    pub damaged: Option<String>,
}

/// The catalogue, and the full text.
#[derive(Debug)]
pub struct Index {
    folder: PathBuf,
    connection: Connection,
    unread: Option<String>,
}

impl Index {
    /// Opens the index in the store's private folder; one that cannot be read, or is of another
    /// version, is made anew; in memory, where the folder cannot be written.
    pub fn open(private_folder: &Path) -> Result<Self, Error> {
        let connection = database::open(private_folder, &schema::LAYOUT)?;
        Ok(Self { folder: private_folder.to_owned(), connection, unread: None })
    }

    /// Makes a damaged index anew, empty; the next refresh fills it.
    pub fn rebuild(&mut self) -> Result<(), Error> {
        // The old connection must be closed before its file goes.
        self.connection = Connection::open_in_memory().map_err(failed("cannot close the index"))?;
        self.connection = database::make_anew(&self.folder, &schema::LAYOUT)?;
        Ok(())
    }

    /// Removes the index from the disk with all that it held, and makes an empty one.
    pub fn forget(&mut self) -> Result<(), Error> {
        self.connection = Connection::open_in_memory().map_err(failed("cannot close the index"))?;
        database::remove(&self.folder, &schema::LAYOUT)?;
        self.connection = database::open(&self.folder, &schema::LAYOUT)?;
        Ok(())
    }

    /// Follows main up to the tip. Nothing to do: one read of the ref. Where the tip cannot be read, the
    /// index stays where it is, and one that is empty follows to the newest revision that can be read;
    /// [`Index::unread`] says so.
    pub fn refresh(&mut self, store: &Store) -> Result<Refreshed, Error> {
        self.follow(store)
    }

    /// Takes in a commit by those who made it, without reading the store: for each session that
    /// it changed the new head and the tree it is in, or none if it was deleted. False, and nothing was done: the index
    /// does not stand for the commit's first parent; the next refresh takes the commit in.
    pub fn note_commit(
        &mut self,
        entry: &CommitEntry,
        changes: &[(SessionId, Option<(&Head, ObjectId)>)],
    ) -> Result<bool, Error> {
        let states = changes.iter().map(|(id, saved)| match saved {
            Some((head, tree)) => (*id, State::Present(*tree, Box::new((*head).clone()))),
            None => (*id, State::Deleted),
        });
        let is_begun = |(id, saved): &(SessionId, Option<(&Head, ObjectId)>)| {
            saved.is_some() && !list::is_listed(&self.connection, *id)
        };
        let begun = changes.iter().filter(|it| is_begun(it)).map(|(id, _)| *id).collect();
        let mut portion = Portion::default();
        portion.push(entry.clone(), States { each: states.collect(), begun }, None);
        // A catalogue that stands for nothing lacks even the first commit's parents.
        match entry.parents.first() {
            Some(parent) => rows::apply(&mut self.connection, Some(parent), &portion),
            None => Ok(false),
        }
    }

    /// A page of the sessions that match, and how many match.
    pub fn list(
        &self,
        filter: &Filter,
        sort: SortKey,
        is_reversed: bool,
        page: Page,
    ) -> Result<(Vec<Summary>, u64), Error> {
        list::page(&self.connection, filter, sort, is_reversed, page)
    }

    /// The first of the sessions that match: a page without the count, which reads every row.
    pub fn first(
        &self,
        filter: &Filter,
        sort: SortKey,
        is_reversed: bool,
        limit: u64,
    ) -> Result<Vec<Summary>, Error> {
        list::first(&self.connection, filter, sort, is_reversed, limit)
    }

    /// Sums over the sessions that match. Those by day and model are as far as
    /// [`Index::refresh_tallies`] has brought them.
    pub fn totals(&self, filter: &Filter, day_of: &DayOf<'_>) -> Result<Totals, Error> {
        totals::totals(&self.connection, filter, day_of)
    }

    /// Whether a revision is part of the history that was followed.
    pub fn is_followed(&self, revision: &RevisionId) -> bool {
        rows::is_known(&self.connection, revision)
    }

    /// The ids of the sessions that match, the latest change first.
    pub fn matching(&self, filter: &Filter) -> Result<Vec<SessionId>, Error> {
        list::matching(&self.connection, filter)
    }

    /// The sessions that match and can be read, with those of their sub-agents, whatever these
    /// would match. `also`: deleted sessions, as they last were, looked at as if they were there.
    pub fn family(&self, filter: &Filter, also: &[Head]) -> Result<BTreeSet<SessionId>, Error> {
        family::family(&self.connection, filter, also)
            .map_err(failed("cannot compare the filter with the index"))
    }

    /// The values of a filter that no session has, one by one, sub-agents' sessions counted in.
    /// Dates and branches by pattern are none of these.
    pub fn unmatched(&self, filter: &Filter) -> Result<Vec<Unmatched>, Error> {
        unmatched::unmatched(&self.connection, filter)
            .map_err(failed("cannot compare the filter with the index"))
    }

    /// One session's row.
    pub fn summary(&self, id: SessionId) -> Result<Option<Summary>, Error> {
        list::summary(&self.connection, id).map_err(failed("cannot read the index"))
    }

    /// The sessions that `text` may mean: a beginning or ending of at least 4 characters of the id
    /// (hyphens or not), or a beginning of at least 4 characters of the agent's own id, or the
    /// whole of one of them, which then outdoes all beginnings. Ordered by id, at most `limit`;
    /// deleted ones too when asked.
    pub fn find(
        &self,
        text: &str,
        limit: usize,
        with_deleted: bool,
    ) -> Result<Vec<SessionId>, Error> {
        find::find(&self.connection, text, limit, with_deleted)
            .map_err(failed("cannot search the index for an id"))
    }

    /// The `n`th newest session, from 1, among those in the folder `here` or below and those of its
    /// repository, or among all; sub-agents' sessions do not count.
    pub fn newest(&self, n: u64, here: Option<&Path>) -> Result<Option<SessionId>, Error> {
        let Some(offset) = n.checked_sub(1) else {
            return Ok(None);
        };
        let repository = here.and_then(repository_of).map(|it| it.identity);
        let here = here.map(|here| here.to_string_lossy().into_owned());
        find::newest(&self.connection, offset, here.as_deref(), repository.as_deref())
            .map_err(failed("cannot read the index"))
    }

    /// Who saved a session first; a deleted one too.
    pub fn author(&self, id: SessionId) -> Result<Option<String>, Error> {
        list::author(&self.connection, id).map_err(failed("cannot read the index"))
    }

    /// The workspaces that sessions are about, the latest first; sub-agents' sessions do not count.
    pub fn workspaces(&self) -> Result<Vec<WorkspaceCount>, Error> {
        workspaces::workspaces(&self.connection).map_err(failed("cannot read the index"))
    }

    /// The folders of the sessions of a repository, the latest first.
    pub fn roots_of(&self, repository: &str) -> Result<Vec<String>, Error> {
        workspaces::roots_of(&self.connection, repository).map_err(failed("cannot read the index"))
    }

    /// The sub-agents' sessions of a session, in the order of their creation.
    pub fn subagents(&self, id: SessionId) -> Result<Vec<SessionId>, Error> {
        find::subagents(&self.connection, id).map_err(failed("cannot read the index"))
    }

    /// The other sessions that are deleted and went in the commit that deleted this one.
    pub fn deleted_with(&self, id: SessionId) -> Result<Vec<SessionId>, Error> {
        find::deleted_with(&self.connection, id).map_err(failed("cannot read the index"))
    }

    /// The sessions that are deleted and have revisions.
    pub fn deleted(&self) -> Result<Vec<SessionId>, Error> {
        find::deleted(&self.connection).map_err(failed("cannot read the index"))
    }

    /// The sessions that a revision deleted and that are still so.
    pub fn deleted_in(&self, revision: &RevisionId) -> Result<Vec<SessionId>, Error> {
        find::deleted_in(&self.connection, revision).map_err(failed("cannot read the index"))
    }

    /// The revisions of a session, newest first; those of a deleted one too.
    pub fn revisions(&self, id: SessionId) -> Result<Vec<RevisionEntry>, Error> {
        list::revisions(&self.connection, id).map_err(failed("cannot read the index"))
    }
}
