//! Rows of lists: sorts as SQL, and the reading of rows.

use std::collections::HashSet;

use chrono::DateTime;
use chrono::Utc;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;
use rusqlite::params_from_iter;
use rusqlite::types::Type;
use rusqlite::types::Value;
use serde::de::DeserializeOwned;

use crate::index::Error;
use crate::index::Filter;
use crate::index::Page;
use crate::index::SortKey;
use crate::index::Summary;
use crate::index::conditions::Conditions;
use crate::index::database::failed;
use crate::index::rows::digits;
use crate::session::Counts;
use crate::session::RevisionId;
use crate::session::SessionId;

/// A revision of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionEntry {
    /// The commit.
    pub revision: RevisionId,
    /// Its time.
    pub at: DateTime<Utc>,
    /// What made it.
    pub operation: String,
    /// The session's counts then; none: it was deleted, or cannot be read there.
    pub counts: Option<Counts>,
    /// Whether this revision deleted it.
    pub is_deleted: bool,
}

pub(super) fn page(
    connection: &Connection,
    filter: &Filter,
    sort: SortKey,
    is_reversed: bool,
    page: Page,
) -> Result<(Vec<Summary>, u64), Error> {
    page_of(connection, filter, None, (sort, is_reversed), page)
}

/// As [`page`], of these sessions only.
pub(super) fn page_of(
    connection: &Connection,
    filter: &Filter,
    among: Option<&HashSet<i64>>,
    (sort, is_reversed): (SortKey, bool),
    page: Page,
) -> Result<(Vec<Summary>, u64), Error> {
    let mut conditions = Conditions::of(filter);
    if let Some(keys) = among {
        conditions.among(keys);
    }
    let read = || -> rusqlite::Result<_> {
        // Count and rows of one moment.
        let snapshot = connection.unchecked_transaction()?;
        let total = count(connection, &conditions)?;
        let keys = keys(connection, &conditions, order(sort, is_reversed), page)?;
        let rows: rusqlite::Result<Vec<Summary>> =
            keys.into_iter().map(|(key, id)| read_summary(connection, key, &id)).collect();
        snapshot.commit()?;
        Ok((rows?, total))
    };
    read().map_err(failed("cannot list the sessions"))
}

pub(super) fn first(
    connection: &Connection,
    filter: &Filter,
    sort: SortKey,
    is_reversed: bool,
    limit: u64,
) -> Result<Vec<Summary>, Error> {
    let read = || -> rusqlite::Result<_> {
        let page = Page { offset: 0, limit };
        let keys = keys(connection, &Conditions::of(filter), order(sort, is_reversed), page)?;
        keys.into_iter().map(|(key, id)| read_summary(connection, key, &id)).collect()
    };
    read().map_err(failed("cannot list the sessions"))
}

pub(super) fn matching(connection: &Connection, filter: &Filter) -> Result<Vec<SessionId>, Error> {
    let conditions = Conditions::of(filter);
    let all = Page { offset: 0, limit: u64::MAX };
    let read = || -> rusqlite::Result<_> {
        let keys = keys(connection, &conditions, order(SortKey::Modified, false), all)?;
        let id = |(_, id): (i64, String)| id.parse().map_err(|_| unreadable(1, "id"));
        keys.into_iter().map(id).collect()
    };
    read().map_err(failed("cannot list the sessions"))
}

/// Whether any session at all is left by a filter.
pub(super) fn is_any(connection: &Connection, filter: &Filter) -> rusqlite::Result<bool> {
    let conditions = Conditions::of(filter);
    let sql = format!("SELECT EXISTS (SELECT 1 FROM sessions WHERE {})", conditions.sql());
    connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(conditions.values()), |row| row.get(0))
}

pub(super) fn summary(connection: &Connection, id: SessionId) -> rusqlite::Result<Option<Summary>> {
    let id = digits(id);
    let key = connection
        .prepare_cached("SELECT key FROM sessions WHERE id = ?1")?
        .query_row([&id], |row| row.get(0))
        .optional()?;
    key.map(|key| read_summary(connection, key, &id)).transpose()
}

pub(super) fn summary_of(connection: &Connection, key: i64) -> rusqlite::Result<Summary> {
    let id: String = connection
        .prepare_cached("SELECT id FROM sessions WHERE key = ?1")?
        .query_row([key], |row| row.get(0))?;
    read_summary(connection, key, &id)
}

/// Whether a session is listed; not, where that cannot be read.
pub(super) fn is_listed(connection: &Connection, id: SessionId) -> bool {
    let found = connection
        .prepare_cached("SELECT 1 FROM sessions WHERE id = ?1")
        .and_then(|mut statement| statement.exists([digits(id)]));
    found.unwrap_or(false)
}

/// Who saved a session first.
pub(super) fn author(connection: &Connection, id: SessionId) -> rusqlite::Result<Option<String>> {
    let author = connection
        .prepare_cached(
            "SELECT authors.author FROM names JOIN commits ON number = begun
            JOIN authors ON authors.key = commits.author WHERE names.id = ?1",
        )?
        .query_row([digits(id)], |row| row.get(0))
        .optional()?;
    Ok(author)
}

/// When a session changed last, in microseconds.
pub(super) fn modified(connection: &Connection, key: i64) -> rusqlite::Result<Option<i64>> {
    let modified = connection
        .prepare_cached("SELECT modified FROM sessions WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(modified.flatten())
}

/// The keys of the sessions that match; none: all do.
pub(super) fn keys_that_match(
    connection: &Connection,
    filter: &Filter,
) -> rusqlite::Result<Option<HashSet<i64>>> {
    let conditions = Conditions::of(filter);
    if conditions.is_empty() {
        return Ok(None);
    }
    let sql = format!("SELECT key FROM sessions WHERE {}", conditions.sql());
    let mut statement = connection.prepare_cached(&sql)?;
    let keys = statement.query_map(params_from_iter(conditions.values()), |row| row.get(0))?;
    keys.collect::<rusqlite::Result<_>>().map(Some)
}

pub(super) fn revisions(
    connection: &Connection,
    id: SessionId,
) -> rusqlite::Result<Vec<RevisionEntry>> {
    let mut statement = connection.prepare_cached(
        "SELECT commits.revision, commits.at, commits.operation, revisions.counts,
            revisions.is_deleted
        FROM names JOIN revisions USING (key) JOIN commits USING (number)
        WHERE names.id = ?1 ORDER BY number DESC",
    )?;
    let rows = statement.query_map([digits(id)], |row| {
        let revision: String = row.get(0)?;
        let at = DateTime::<Utc>::from_timestamp_micros(row.get(1)?);
        let counts: Option<String> = row.get(3)?;
        Ok(RevisionEntry {
            revision: RevisionId::parse(&revision).ok_or_else(|| unreadable(0, "revision"))?,
            at: at.ok_or_else(|| unreadable(1, "time"))?,
            operation: row.get(2)?,
            counts: counts.map(|text| parse(3, &text)).transpose()?,
            is_deleted: row.get(4)?,
        })
    })?;
    rows.collect()
}

fn count(connection: &Connection, conditions: &Conditions) -> rusqlite::Result<u64> {
    let sql = format!("SELECT count(*) FROM sessions WHERE {}", conditions.sql());
    let count: i64 = connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(conditions.values()), |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

fn keys(
    connection: &Connection,
    conditions: &Conditions,
    order: &str,
    page: Page,
) -> rusqlite::Result<Vec<(i64, String)>> {
    let sql = format!(
        "SELECT key, id FROM sessions WHERE {} ORDER BY {order} LIMIT ? OFFSET ?",
        conditions.sql()
    );
    let bounds = [page.limit, page.offset]
        .map(|bound| Value::from(i64::try_from(bound).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare_cached(&sql)?;
    let values = params_from_iter(conditions.values().iter().chain(&bounds));
    let rows = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn read_summary(connection: &Connection, key: i64, id: &str) -> rusqlite::Result<Summary> {
    let mut statement = connection.prepare_cached(
        "SELECT head, damaged, (SELECT count(*) FROM sessions WHERE parent = ?2),
            (SELECT authors.author FROM names JOIN commits ON number = begun
            JOIN authors ON authors.key = commits.author WHERE names.key = ?1)
        FROM heads WHERE key = ?1",
    )?;
    statement.query_row(params![key, id], |row| {
        let head: String = row.get(0)?;
        let subagents: i64 = row.get(2)?;
        Ok(Summary {
            head: parse(0, &head)?,
            author: row.get(3)?,
            subagents: subagents.cast_unsigned(),
            damaged: row.get(1)?,
        })
    })
}

pub(super) fn parse<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

pub(super) fn unreadable(column: usize, name: &str) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(column, name.to_owned(), Type::Text)
}

/// An order that one of the catalogue's indexes has, forwards or backwards: so ties are turned
/// around with the rest.
pub(super) fn order(sort: SortKey, is_reversed: bool) -> &'static str {
    match (sort, is_reversed) {
        (SortKey::Modified, false) => "modified DESC, id",
        (SortKey::Modified, true) => "modified ASC NULLS LAST, id DESC",
        (SortKey::Created, false) => "created DESC, id",
        (SortKey::Created, true) => "created ASC NULLS LAST, id DESC",
        (SortKey::Messages, false) => "messages DESC, id",
        (SortKey::Messages, true) => "messages, id DESC",
        (SortKey::Tokens, false) => "tokens DESC, id",
        (SortKey::Tokens, true) => "tokens, id DESC",
        (SortKey::Size, false) => "size DESC, id",
        (SortKey::Size, true) => "size, id DESC",
        (SortKey::Title, false) => "title ASC NULLS LAST, id",
        (SortKey::Title, true) => "title DESC, id DESC",
    }
}
