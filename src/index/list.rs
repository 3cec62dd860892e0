//! Rows of lists: filters and sorts as SQL with bound values, and the reading of rows.

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
use crate::index::database::failed;
use crate::index::rows::digits;
use crate::index::rows::trimmed;
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
        .query_row(params_from_iter(&conditions.values), |row| row.get(0))
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
    if conditions.clauses.is_empty() {
        return Ok(None);
    }
    let sql = format!("SELECT key FROM sessions WHERE {}", conditions.sql());
    let mut statement = connection.prepare_cached(&sql)?;
    let keys = statement.query_map(params_from_iter(&conditions.values), |row| row.get(0))?;
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
        .query_row(params_from_iter(&conditions.values), |row| row.get(0))?;
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
    let values = params_from_iter(conditions.values.iter().chain(&bounds));
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

/// What a row must fulfil: pieces of SQL that hold no text of the user's, and the values they
/// are bound to.
#[derive(Default)]
pub(super) struct Conditions {
    clauses: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    pub(super) fn of(filter: &Filter) -> Self {
        let mut all = Self::default();
        if !filter.with_subagents {
            all.clauses.push("parent IS NULL".to_owned());
        }
        all.fields(filter, Self::any_of);
        if let Some(without) = &filter.without {
            all.fields(without, Self::none_of);
        }
        all
    }

    /// What the fields of a filter ask for; `join`: what becomes of the alternatives of one.
    fn fields(&mut self, filter: &Filter, join: fn(&[&str]) -> String) {
        let all = &mut Asked { conditions: self, join };
        all.any(&filter.agents, |name| agent(name));
        all.any(&filter.branches, |name| branch(name));
        all.any(&filter.tags, |tag| {
            let sql = "EXISTS (SELECT 1 FROM tags WHERE tags.key = sessions.key AND tag = ?)";
            (sql, vec![text(&tag.to_lowercase())])
        });
        all.any(&filter.models, |model| {
            let sql = "EXISTS (SELECT 1 FROM models
                WHERE models.key = sessions.key AND instr(folded, ?) > 0)";
            (sql, vec![text(&model.to_lowercase())])
        });
        all.any(&filter.authors, |author| {
            let sql = "EXISTS (SELECT 1 FROM names JOIN commits ON number = begun
                JOIN authors ON authors.key = commits.author
                WHERE names.key = sessions.key AND instr(folded, ?) > 0)";
            (sql, vec![text(&author.to_lowercase())])
        });
        let places: Vec<(&str, bool)> = filter.places().collect();
        all.any(&places, |(place, is_repository)| match is_repository {
            true => ("repository = ?", vec![text(place)]),
            false => workspace(place),
        });
        all.any(&filter.spans, |span| touches(*span));
    }

    /// One of these must hold.
    fn any_of(clauses: &[&str]) -> String {
        format!("({})", clauses.join(" OR "))
    }

    /// None of these may hold; what is not known does not.
    fn none_of(clauses: &[&str]) -> String {
        format!("NOT coalesce(({}), FALSE)", clauses.join(" OR "))
    }

    fn among(&mut self, keys: &HashSet<i64>) {
        let keys = serde_json::to_string(keys).expect("numbers are JSON");
        self.clauses.push("key IN (SELECT value FROM json_each(?))".to_owned());
        self.values.push(Value::from(keys));
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    pub(super) fn sql(&self) -> String {
        if self.clauses.is_empty() {
            return "TRUE".to_owned();
        }
        self.clauses.join(" AND ")
    }
}

/// Conditions, and how the alternatives of a field are joined.
struct Asked<'c> {
    conditions: &'c mut Conditions,
    join: fn(&[&str]) -> String,
}

impl Asked<'_> {
    /// Adds the alternatives of one field; none given: nothing is asked.
    fn any<T>(&mut self, alternatives: &[T], clause: impl Fn(&T) -> (&'static str, Vec<Value>)) {
        let mut clauses = Vec::with_capacity(alternatives.len());
        for alternative in alternatives {
            let (sql, values) = clause(alternative);
            clauses.push(sql);
            self.conditions.values.extend(values);
        }
        if !clauses.is_empty() {
            self.conditions.clauses.push((self.join)(&clauses));
        }
    }
}

fn text(text: &str) -> Value {
    Value::from(text.to_owned())
}

/// The name, or its first words: `claude` is the beginning of `claude-code`.
fn agent(name: &str) -> (&'static str, Vec<Value>) {
    let sql = "(agent = ? COLLATE NOCASE OR substr(agent, 1, length(?)) = ? COLLATE NOCASE)";
    let beginning = format!("{name}-");
    (sql, vec![text(name), text(&beginning), text(&beginning)])
}

fn branch(name: &str) -> (&'static str, Vec<Value>) {
    if !name.contains(['*', '?']) {
        return ("branch = ?", vec![text(name)]);
    }
    // Brackets are no pattern here: one stands for itself inside of others.
    ("branch GLOB ?", vec![Value::from(name.replace('[', "[[]"))])
}

fn workspace(path: &str) -> (&'static str, Vec<Value>) {
    if path.starts_with('/') {
        // What lies below begins with `path/`; `0` is the character behind `/`.
        let path = trimmed(path);
        return (
            "(workspace = ? OR (workspace >= ? AND workspace < ?))",
            vec![text(path), Value::from(format!("{path}/")), Value::from(format!("{path}0"))],
        );
    }
    let end = format!("/{path}");
    (
        "(substr(workspace, -length(?)) = ? OR repository = ?
        OR substr(repository, -length(?)) = ?)",
        vec![text(&end), text(&end), text(path), text(&end), text(&end)],
    )
}

fn touches(
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> (&'static str, Vec<Value>) {
    let bound = |at: Option<DateTime<Utc>>, open: i64| {
        Value::from(at.map_or(open, |at| at.timestamp_micros()))
    };
    (
        "(coalesce(modified, created) >= ? AND coalesce(created, modified) < ?)",
        vec![bound(from, i64::MIN), bound(to, i64::MAX)],
    )
}
