//! Which workspaces sessions are about.

use rusqlite::Connection;
use rusqlite::Row;
use rusqlite::params;

/// How many folders of one repository are looked at.
const ROOTS: u64 = 100;

/// A workspace that sessions are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceCount {
    /// What its repository is known by.
    pub repository: Option<String>,
    /// The folder, as the sessions have it.
    pub root: Option<String>,
    /// How many sessions are about it.
    pub sessions: u64,
}

pub(super) fn workspaces(connection: &Connection) -> rusqlite::Result<Vec<WorkspaceCount>> {
    let mut statement = connection.prepare_cached(
        "SELECT repository, workspace, count(*) FROM sessions WHERE parent IS NULL
        GROUP BY repository, workspace ORDER BY max(modified) DESC, repository, workspace",
    )?;
    let row = |row: &Row<'_>| {
        let sessions: i64 = row.get(2)?;
        Ok(WorkspaceCount {
            repository: row.get(0)?,
            root: row.get(1)?,
            sessions: sessions.cast_unsigned(),
        })
    };
    statement.query_map([], row)?.collect()
}

pub(super) fn roots_of(connection: &Connection, repository: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT workspace FROM sessions WHERE repository = ?1 AND workspace IS NOT NULL
        GROUP BY workspace ORDER BY max(modified) DESC, workspace LIMIT ?2",
    )?;
    let limit = i64::try_from(ROOTS).unwrap_or(i64::MAX);
    statement.query_map(params![repository, limit], |row| row.get(0))?.collect()
}
