//! Writing the catalogue: what a portion of history did to it, in one transaction.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use rusqlite::named_params;
use rusqlite::params;

use crate::index::Error;
use crate::index::database::failed;
use crate::session::Head;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::Timestamp;
use crate::store::CommitEntry;
use crate::store::ObjectId;
use crate::store::SessionChange;

/// What became of a session in a commit.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    /// It is in this tree, with this head.
    Present(ObjectId, Box<Head>),
    /// It left the tip.
    Deleted,
    /// It is in this tree and cannot be read, and why.
    Damaged(ObjectId, String),
    /// What became of it cannot be read, and why: the last that is known of it stays.
    Hidden(String),
}

/// Commits, each behind its parents, and what they did.
#[derive(Debug, Default)]
pub(super) struct Portion {
    commits: Vec<Step>,
    changes: usize,
}

#[derive(Debug)]
struct Step {
    entry: CommitEntry,
    /// What is otherwise than in the commit before it in the list.
    states: States,
    /// What the commit did, if that is not the same: lines of history that were merged stand one
    /// behind the other.
    own: Option<States>,
}

/// How sessions stand after a commit.
#[derive(Debug, Default)]
pub(super) struct States {
    /// Those that are otherwise than before.
    pub(super) each: Vec<(SessionId, State)>,
    /// Of these, those that were not there before.
    pub(super) begun: Vec<SessionId>,
}

/// The last of a session that could be read: the tree that it was in, and its head.
type Readable<'h> = (ObjectId, &'h Head);

impl Portion {
    /// Adds the next commit: how the sessions stand after it, and, where that is not what the
    /// commit did, what it did.
    pub(super) fn push(&mut self, entry: CommitEntry, states: States, own: Option<States>) {
        self.changes += states.each.len() + own.as_ref().map_or(0, |own| own.each.len());
        self.commits.push(Step { entry, states, own });
    }

    /// How many changes of sessions it holds.
    pub(super) fn changes(&self) -> usize {
        self.changes
    }

    /// How many commits it holds.
    pub(super) fn commits(&self) -> usize {
        self.commits.len()
    }
}

/// The commit that the catalogue stands for.
pub(super) fn indexed(connection: &Connection) -> Result<Option<RevisionId>, Error> {
    stands_for(connection, "indexed")
}

/// The commit that a part of the index stands for.
pub(super) fn stands_for(connection: &Connection, part: &str) -> Result<Option<RevisionId>, Error> {
    let read = || {
        connection
            .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
            .query_row([part], |row| row.get::<_, String>(0))
            .optional()
    };
    let stands_for = read().map_err(failed("cannot read the index"))?;
    Ok(stands_for.and_then(|hex| RevisionId::parse(&hex)))
}

/// Says that a part of the index stands for a commit.
pub(super) fn stand_for(
    transaction: &Transaction<'_>,
    part: &str,
    revision: &RevisionId,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
        .execute([part, revision.as_str()])?;
    Ok(())
}

/// Whether the catalogue has taken in that commit; not, where that cannot be read.
pub(super) fn is_known(connection: &Connection, revision: &RevisionId) -> bool {
    let found = connection
        .prepare_cached("SELECT 1 FROM commits WHERE revision = ?1")
        .and_then(|mut statement| statement.exists([revision.as_str()]));
    found.unwrap_or(false)
}

/// Takes in a portion that follows `from`; false: the catalogue stands for another commit by now,
/// and nothing was changed.
pub(super) fn apply(
    connection: &mut Connection,
    from: Option<&RevisionId>,
    portion: &Portion,
) -> Result<bool, Error> {
    let doing = || failed("cannot write the index");
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(doing())?;
    if indexed(&transaction)?.as_ref() != from {
        return Ok(false);
    }
    write_portion(&transaction, portion).map_err(doing())?;
    transaction.commit().map_err(doing())?;
    Ok(true)
}

/// Empties the catalogue if it still stands for `from`.
pub(super) fn clear(connection: &mut Connection, from: Option<&RevisionId>) -> Result<(), Error> {
    let doing = || failed("cannot empty the index");
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(doing())?;
    if indexed(&transaction)?.as_ref() == from {
        transaction
            .execute_batch(
                "DELETE FROM meta; DELETE FROM names; DELETE FROM sessions; DELETE FROM heads;
                DELETE FROM models; DELETE FROM tags; DELETE FROM commits; DELETE FROM revisions;
                DELETE FROM authors;
                DELETE FROM folds; DELETE FROM tallies; DELETE FROM searched; DELETE FROM chunks;
                INSERT INTO texts (texts) VALUES ('delete-all');",
            )
            .map_err(doing())?;
    }
    transaction.commit().map_err(doing())
}

/// Changes in the order of the sessions' keys, in which their rows stand: at each row of the full
/// text that comes before the last one SQLite closes what it has gathered, and a first build of many
/// sessions is many times dearer.
pub(super) fn in_order_of_keys(
    connection: &Connection,
    changes: Vec<SessionChange>,
) -> Result<Vec<SessionChange>, Error> {
    let read = || -> rusqlite::Result<Vec<(Option<i64>, SessionChange)>> {
        let mut key = connection.prepare_cached("SELECT key FROM names WHERE id = ?1")?;
        let keyed = changes.into_iter().map(|change| {
            let key = key.query_row([digits(change.id)], |row| row.get(0)).optional()?;
            Ok((key, change))
        });
        keyed.collect()
    };
    let mut keyed = read().map_err(failed("cannot read the index"))?;
    keyed.sort_by_key(|(key, _)| *key);
    Ok(keyed.into_iter().map(|(_, change)| change).collect())
}

/// An id as the tables have it: 32 digits, no hyphens.
pub(super) fn digits(id: SessionId) -> String {
    id.to_string().replace('-', "")
}

/// A path as the tables have it: without `/` at its end.
pub(super) fn trimmed(path: &str) -> &str {
    path.trim_end_matches('/')
}

/// An instant as the tables have it.
pub(super) fn instant(text: Option<&str>) -> Option<i64> {
    text.and_then(Timestamp::parse).map(|at| at.instant().timestamp_micros())
}

fn write_portion(transaction: &Transaction<'_>, portion: &Portion) -> rusqlite::Result<()> {
    // Of a session that changed often only the last head is written, beside the last that could
    // be read: a deleted session is found by the agent's id in it.
    let mut latest: BTreeMap<SessionId, (Option<Readable<'_>>, &State)> = BTreeMap::new();
    for step in &portion.commits {
        for (id, state) in &step.states.each {
            let (head, last) = latest.entry(*id).or_insert((None, state));
            *last = state;
            if let State::Present(tree, present) = state {
                *head = Some((*tree, present));
            }
        }
    }
    let mut keys = BTreeMap::new();
    for (id, (head, state)) in latest {
        keys.insert(id, write_session(transaction, id, head, state)?);
    }
    for Step { entry, states, own } in &portion.commits {
        let number = write_commit(transaction, entry)?;
        let own = own.as_ref().unwrap_or(states);
        let is_known = |(_, state): &&(SessionId, State)| !matches!(state, State::Hidden(_));
        for (id, state) in own.each.iter().filter(is_known) {
            let key = match keys.get(id) {
                Some(key) => *key,
                None => known_key(transaction, *id)?,
            };
            let counts = match state {
                State::Present(_, head) => Some(to_json(&head.counts)),
                State::Deleted | State::Damaged(..) | State::Hidden(_) => None,
            };
            transaction
                .prepare_cached("INSERT OR REPLACE INTO revisions VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![key, number, *state == State::Deleted, counts])?;
            if own.begun.contains(id) {
                write_beginning(transaction, key, number)?;
            }
        }
    }
    if let Some(Step { entry, .. }) = portion.commits.last() {
        stand_for(transaction, "indexed", &entry.revision)?;
    }
    Ok(())
}

/// The key of a session that is as the commit before in the list had it: it has a name already,
/// but for one that every line of history knew only as deleted.
fn known_key(transaction: &Transaction<'_>, id: SessionId) -> rusqlite::Result<i64> {
    let digits = digits(id);
    let found = transaction
        .prepare_cached("SELECT key FROM names WHERE id = ?1")?
        .query_row([&digits], |row| row.get(0))
        .optional()?;
    found.map_or_else(|| write_session(transaction, id, None, &State::Deleted), Ok)
}

fn write_commit(transaction: &Transaction<'_>, entry: &CommitEntry) -> rusqlite::Result<i64> {
    if let Some(author) = &entry.author {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO authors (author, folded) VALUES (?1, ?2)")?
            .execute([author, &author.to_lowercase()])?;
    }
    transaction
        .prepare_cached(
            "INSERT INTO commits (revision, at, operation, author)
            VALUES (?1, ?2, ?3, (SELECT key FROM authors WHERE author = ?4))",
        )?
        .execute(params![
            entry.revision.as_str(),
            entry.at.timestamp_micros(),
            entry.operation,
            entry.author
        ])?;
    Ok(transaction.last_insert_rowid())
}

/// Notes that a session began in that commit, if no earlier one is known: machines that each had it
/// before they met come to the same.
fn write_beginning(transaction: &Transaction<'_>, key: i64, number: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE names SET begun = ?2 WHERE key = ?1 AND coalesce((
                SELECT (known.at, known.revision) > (new.at, new.revision)
                FROM commits AS known, commits AS new
                WHERE known.number = names.begun AND new.number = ?2), TRUE)",
        )?
        .execute([key, number])?;
    Ok(())
}

fn write_session(
    transaction: &Transaction<'_>,
    id: SessionId,
    head: Option<Readable<'_>>,
    state: &State,
) -> rusqlite::Result<i64> {
    let native = head.and_then(|(_, head)| head.agent.session.as_deref());
    let id_digits = digits(id);
    let reversed: String = id_digits.chars().rev().collect();
    let key = transaction
        .prepare_cached(
            "INSERT INTO names (id, reversed, native, is_deleted) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (id) DO UPDATE SET
                native = coalesce(excluded.native, native), is_deleted = excluded.is_deleted
            RETURNING key",
        )?
        .query_row(params![id_digits, reversed, native, *state == State::Deleted], |row| {
            row.get(0)
        })?;
    match (state, head) {
        (State::Deleted, _) => remove_session(transaction, key, &id_digits)?,
        (State::Present(tree, head), _) => {
            write_head(transaction, key, &id_digits, (head, &tree.to_string(), None))?;
        }
        (State::Damaged(tree, why), Some((_, head))) => {
            write_head(transaction, key, &id_digits, (head, &tree.to_string(), Some(why)))?;
        }
        (State::Hidden(why), Some((tree, head))) => {
            write_head(transaction, key, &id_digits, (head, &tree.to_string(), Some(why)))?;
        }
        (State::Hidden(why), None) => {
            transaction
                .prepare_cached("UPDATE heads SET damaged = ?2 WHERE key = ?1")?
                .execute(params![key, why])?;
        }
        (State::Damaged(tree, why), None) => {
            let tree = tree.to_string();
            let known = transaction
                .prepare_cached("UPDATE heads SET damaged = ?2, tree = ?3 WHERE key = ?1")?
                .execute(params![key, why, tree])?;
            if known == 0 {
                let head = Head::empty(id);
                write_head(transaction, key, &id_digits, (&head, &tree, Some(why)))?;
            }
        }
    }
    Ok(key)
}

fn remove_session(transaction: &Transaction<'_>, key: i64, id: &str) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM sessions WHERE key = ?1",
        "DELETE FROM heads WHERE key = ?1",
        "DELETE FROM models WHERE key = ?1",
        "DELETE FROM tags WHERE key = ?1",
        "DELETE FROM tallies WHERE key = ?1",
    ] {
        transaction.prepare_cached(sql)?.execute([key])?;
    }
    transaction.prepare_cached("DELETE FROM folds WHERE id = ?1")?.execute([id])?;
    Ok(())
}

pub(super) fn write_head(
    transaction: &Transaction<'_>,
    key: i64,
    id: &str,
    (head, tree, damaged): (&Head, &str, Option<&str>),
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO heads (key, head, damaged, tree) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![key, to_json(head), damaged, tree])?;
    let title = head.title.as_ref().or(head.preview.as_ref());
    let workspace = head.workspace.root.as_deref().map(trimmed);
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO sessions VALUES (:key, :id, :agent, :title, :created,
            :modified, :messages, :tokens, :size, :workspace, :repository, :branch, :parent)",
        )?
        .execute(named_params! {
            ":key": key,
            ":id": id,
            ":agent": head.agent.name,
            ":title": title.map(|title| title.to_lowercase()),
            ":created": instant(head.created.as_deref()),
            ":modified": instant(head.modified.as_deref()),
            ":messages": sortable(head.counts.messages),
            ":tokens": sortable(head.tokens.total),
            ":size": sortable(head.counts.bytes),
            ":workspace": workspace,
            ":repository": head.workspace.repository,
            ":branch": head.workspace.branch,
            ":parent": head.parent.as_ref().map(|parent| parent_digits(&parent.session)),
        })?;
    for sql in ["DELETE FROM models WHERE key = ?1", "DELETE FROM tags WHERE key = ?1"] {
        transaction.prepare_cached(sql)?.execute([key])?;
    }
    for model in &head.models {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO models VALUES (?1, ?2)")?
            .execute(params![key, model.0.to_lowercase()])?;
    }
    for tag in &head.tags {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO tags VALUES (?1, ?2)")?
            .execute(params![key, tag.to_lowercase()])?;
    }
    Ok(())
}

fn parent_digits(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), digits)
}

/// SQLite's numbers end at 63 bits; no session differs from another beyond them.
pub(super) fn sortable(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("heads and counts have string keys only")
}
