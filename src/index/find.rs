//! Which sessions a text may mean, which is the newest, which belong to another.

use rusqlite::Connection;
use rusqlite::Row;
use rusqlite::params;
use rusqlite::types::Type;

use crate::index::rows::digits;
use crate::index::rows::trimmed;
use crate::session::RevisionId;
use crate::session::SessionId;

/// The shortest beginning or ending of an id that is looked for.
const SHORTEST: usize = 4;

/// How many digits of an id, its last ones, lists show. A beginning of these is looked for too.
const SHORT: usize = 8;

pub(super) fn find(
    connection: &Connection,
    text: &str,
    limit: usize,
    with_deleted: bool,
) -> rusqlite::Result<Vec<SessionId>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // Text that can be no part of an id is looked for as one that no row has.
    let hex = as_digits(text).unwrap_or_default();
    let mut whole = connection.prepare_cached(
        "SELECT id FROM names WHERE (id = ?1 OR native = ?2) AND (?3 OR NOT is_deleted)
        ORDER BY id LIMIT ?4",
    )?;
    let found = ids(&mut whole, params![hex, text, with_deleted, limit])?;
    if !found.is_empty() || text.chars().count() < SHORTEST {
        return Ok(found);
    }
    let is_part = (SHORTEST..32).contains(&hex.len());
    let reversed: String = hex.chars().rev().collect();
    let mut parts = connection.prepare_cached(
        "SELECT id FROM names WHERE (
            (?5 AND id >= ?1 AND id < ?1 || 'g')
            OR (?5 AND reversed >= ?6 AND reversed < ?6 || 'g')
            OR (native >= ?2 AND native < ?2 || char(1114111))
        ) AND (?3 OR NOT is_deleted)
        ORDER BY id LIMIT ?4",
    )?;
    let mut found = ids(&mut parts, params![hex, text, with_deleted, limit, is_part, reversed])?;
    if (SHORTEST..SHORT).contains(&hex.len()) {
        let mut shown = connection.prepare_cached(
            "SELECT id FROM names WHERE substr(id, -8, length(?1)) = ?1
            AND (?2 OR NOT is_deleted) ORDER BY id LIMIT ?3",
        )?;
        let begun = ids(&mut shown, params![hex, with_deleted, limit])?;
        found.extend(begun);
        found.sort();
        found.dedup();
    }
    Ok(found)
}

/// The digits of an id, or of a part of one, that was typed.
fn as_digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|it| *it != '-').collect();
    let is_hex = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    (is_hex && digits.len() <= 32).then(|| digits.to_ascii_lowercase())
}

pub(super) fn newest(
    connection: &Connection,
    offset: u64,
    here: Option<&str>,
    repository: Option<&str>,
) -> rusqlite::Result<Option<SessionId>> {
    let sql = match here {
        Some(_) => {
            "SELECT id FROM sessions WHERE parent IS NULL
            AND (workspace = ?2 OR (workspace >= ?2 || '/' AND workspace < ?2 || '0')
                OR repository = ?3)
            ORDER BY modified DESC, id LIMIT 1 OFFSET ?1"
        }
        None => {
            "SELECT id FROM sessions WHERE parent IS NULL AND ?2 IS NULL AND ?3 IS NULL
            ORDER BY modified DESC, id LIMIT 1 OFFSET ?1"
        }
    };
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let found = ids(&mut statement, params![offset, here.map(trimmed), repository])?;
    Ok(found.first().copied())
}

pub(super) fn subagents(
    connection: &Connection,
    id: SessionId,
) -> rusqlite::Result<Vec<SessionId>> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM sessions WHERE parent = ?1 ORDER BY created IS NULL, created, id",
    )?;
    ids(&mut statement, params![digits(id)])
}

pub(super) fn deleted_with(
    connection: &Connection,
    id: SessionId,
) -> rusqlite::Result<Vec<SessionId>> {
    let mut statement = connection.prepare_cached(
        "SELECT names.id FROM names JOIN revisions USING (key)
        WHERE names.is_deleted AND revisions.is_deleted AND names.id <> ?1 AND number = (
            SELECT max(number) FROM names JOIN revisions USING (key) WHERE names.id = ?1
        )
        ORDER BY names.id",
    )?;
    ids(&mut statement, params![digits(id)])
}

pub(super) fn deleted(connection: &Connection) -> rusqlite::Result<Vec<SessionId>> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM names WHERE is_deleted AND EXISTS (
            SELECT 1 FROM revisions WHERE revisions.key = names.key AND counts IS NOT NULL
        ) ORDER BY id",
    )?;
    ids(&mut statement, [])
}

pub(super) fn deleted_in(
    connection: &Connection,
    revision: &RevisionId,
) -> rusqlite::Result<Vec<SessionId>> {
    let mut statement = connection.prepare_cached(
        "SELECT names.id FROM names JOIN revisions USING (key) JOIN commits USING (number)
        WHERE names.is_deleted AND revisions.is_deleted AND commits.revision = ?1
        ORDER BY names.id",
    )?;
    ids(&mut statement, params![revision.to_string()])
}

fn ids(
    statement: &mut rusqlite::Statement<'_>,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<SessionId>> {
    statement.query_map(values, session_id)?.collect()
}

fn session_id(row: &Row<'_>) -> rusqlite::Result<SessionId> {
    let text: String = row.get(0)?;
    text.parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
}
