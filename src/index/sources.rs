//! `sources.db`: what capture has read of the agents' files. Losing it costs one re-read.
//!
//! It holds no content: of findings only the places, never the values; of a file's path, in which
//! a secret may stand too, only the hash.

use std::collections::HashMap;
use std::fs::Metadata;
use std::path::Path;
use std::path::PathBuf;

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::TransactionBehavior;
use rusqlite::params;
use rusqlite::types::Type;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::index::Error;
use crate::index::database;
use crate::index::database::Layout;
use crate::index::database::failed;
use crate::platform::FileStamp;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;

const LAYOUT: Layout = Layout {
    name: "sources.db",
    version: 5,
    // Session and stamp stand in the state too: to find what changed, only the narrow table is read.
    schema: "
CREATE TABLE stamps (
    file BLOB PRIMARY KEY, session BLOB NOT NULL, stamp BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE states (file BLOB PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
-- The revision that has all that was read.
CREATE TABLE taken_by (revision TEXT NOT NULL);
",
};

const READING: &str = "cannot read what was captured";
const WRITING: &str = "cannot note what was captured";

/// What was read of an agent's file, and how the file looked then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceState {
    /// How the file looked before it was read.
    pub stamp: FileStamp,
    /// The session in it.
    pub session: SessionId,
    /// Bytes read, up to the end of the last whole line.
    pub offset: u64,
    /// Lines read.
    pub lines: u64,
    /// The SHA-256 of those bytes, in hex.
    pub prefix: String,
    /// The session's tree then, if this is its only file. While the tip has it, what is appended
    /// to the file can be appended to the stream.
    pub tree: Option<String>,
    /// Keys of records in view that the file did not hold then: they came from elsewhere.
    #[serde(default)]
    pub foreign: Vec<RecordKey>,
    /// The lines in which something was redacted, by their first byte and the one behind the last.
    pub findings: Vec<(u64, u64)>,
    /// Whether the last line had no end.
    pub has_tail: bool,
    /// Whether annals itself wrote the file.
    pub is_restored: bool,
}

impl SourceState {
    /// Whether the file still looks as it did.
    pub fn is_unchanged(&self, metadata: &Metadata) -> bool {
        self.stamp == FileStamp::of(metadata)
    }
}

/// The SHA-256 of a file's path.
type FileKey = [u8; 32];

/// How all files that were read looked then.
#[derive(Debug)]
pub struct KnownSources(HashMap<FileKey, ([u8; 32], SessionId)>);

impl KnownSources {
    /// The session in a file that still looks as it did when it was read.
    pub fn find_unchanged(&self, path: &Path, metadata: &Metadata) -> Option<SessionId> {
        let (stamp, session) = self.0.get(&file_key(path))?;
        (*stamp == FileStamp::of(metadata).to_bytes()).then_some(*session)
    }
}

/// What capture has read so far.
#[derive(Debug)]
pub struct Sources {
    folder: PathBuf,
    connection: Connection,
}

impl Sources {
    /// Opens `sources.db` in the store's private folder; one that cannot be read is made anew, now
    /// or when that is first noticed.
    pub fn open(private_folder: &Path) -> Result<Self, Error> {
        let connection = database::open(private_folder, &LAYOUT)?;
        Ok(Self { folder: private_folder.to_owned(), connection })
    }

    /// How all files that were read looked then.
    pub fn load_all(&mut self) -> Result<KnownSources, Error> {
        let known = self.run(READING, |connection| {
            let mut statement =
                connection.prepare_cached("SELECT file, session, stamp FROM stamps")?;
            let rows = statement.query_map([], |row| {
                Ok((row.get(0)?, (row.get(2)?, SessionId::from_bytes(row.get(1)?))))
            })?;
            rows.collect()
        })?;
        Ok(KnownSources(known))
    }

    /// What was read of a file.
    pub fn find(&mut self, path: &Path) -> Result<Option<SourceState>, Error> {
        self.run(READING, |connection| {
            connection
                .prepare_cached("SELECT state FROM states WHERE file = ?1")?
                .query_row([file_key(path)], |row| read_state(0, row))
                .optional()
        })
    }

    /// How many bytes of the agents' files were read; of those that annals wrote itself, none.
    pub fn bytes_read(&mut self) -> Result<u64, Error> {
        self.run(READING, |connection| {
            let mut statement = connection.prepare_cached("SELECT state FROM states")?;
            let mut rows = statement.query([])?;
            let mut bytes: u64 = 0;
            while let Some(row) = rows.next()? {
                let state = read_state(0, row)?;
                bytes = bytes.saturating_add(if state.is_restored { 0 } else { state.offset });
            }
            Ok(bytes)
        })
    }

    /// The revision that has all that was read of the files, or had it; none: nothing was read.
    pub fn taken_by(&mut self) -> Result<Option<RevisionId>, Error> {
        let found: Option<String> = self.run(READING, |connection| {
            let mut statement = connection.prepare_cached("SELECT revision FROM taken_by")?;
            statement.query_row([], |row| row.get(0)).optional()
        })?;
        Ok(found.and_then(|text| RevisionId::parse(&text)))
    }

    /// Forgets what was read of the files of sessions that `revision` has not, so that it is read
    /// again; `revision` has all the rest.
    pub fn forget(
        &mut self,
        is_gone: &dyn Fn(SessionId) -> bool,
        revision: &RevisionId,
    ) -> Result<(), Error> {
        if database::is_read_only(&self.connection) {
            return Ok(());
        }
        self.run(WRITING, |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let read = |row: &Row<'_>| Ok((row.get::<_, FileKey>(0)?, row.get(1)?));
            let known: Vec<(FileKey, [u8; 16])> = transaction
                .prepare("SELECT file, session FROM stamps")?
                .query_map([], read)?
                .collect::<rusqlite::Result<_>>()?;
            for (file, session) in known {
                if is_gone(SessionId::from_bytes(session)) {
                    transaction.execute("DELETE FROM stamps WHERE file = ?1", [file])?;
                    transaction.execute("DELETE FROM states WHERE file = ?1", [file])?;
                }
            }
            note_revision(&transaction, revision)?;
            transaction.commit()
        })
    }

    /// Follows a rewriting of history: sessions' trees that became others. `revision`: the newest
    /// now.
    pub fn follow_rewriting(
        &mut self,
        trees: &HashMap<String, String>,
        revision: &RevisionId,
    ) -> Result<(), Error> {
        self.run(WRITING, |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let read = |row: &Row<'_>| Ok((row.get::<_, FileKey>(0)?, read_state(1, row)?));
            let states: Vec<(FileKey, SourceState)> = transaction
                .prepare("SELECT file, state FROM states")?
                .query_map([], read)?
                .collect::<rusqlite::Result<_>>()?;
            for (file, mut state) in states {
                let Some(new) = state.tree.as_ref().and_then(|tree| trees.get(tree)) else {
                    continue;
                };
                state.tree = Some(new.clone());
                transaction
                    .prepare_cached("UPDATE states SET state = ?2 WHERE file = ?1")?
                    .execute(params![file, state_text(&state)])?;
            }
            note_revision(&transaction, revision)?;
            transaction.commit()
        })
    }

    /// Notes what was read of some files, all or none; nowhere, where it cannot be written.
    /// `revision`: the newest, which has it.
    pub fn put_all(
        &mut self,
        states: &[(PathBuf, SourceState)],
        revision: &RevisionId,
    ) -> Result<(), Error> {
        if database::is_read_only(&self.connection) {
            return Ok(());
        }
        self.run(WRITING, |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (path, state) in states {
                let file = file_key(path);
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO stamps VALUES (?1, ?2, ?3)")?
                    .execute(params![file, state.session.to_bytes(), state.stamp.to_bytes()])?;
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO states VALUES (?1, ?2)")?
                    .execute(params![file, state_text(state)])?;
            }
            note_revision(&transaction, revision)?;
            transaction.commit()
        })
    }

    /// Reads or writes. A file that turns out to be damaged is made anew, for looking for damage
    /// beforehand would cost more than all the rest.
    fn run<T>(
        &mut self,
        doing: &'static str,
        step: impl Fn(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        match step(&mut self.connection) {
            Err(error) if database::is_damage(&error) => {
                // No connection may be open on a file that is made anew.
                self.connection = Connection::open_in_memory().map_err(failed(doing))?;
                self.connection = database::make_anew(&self.folder, &LAYOUT)?;
                step(&mut self.connection)
            }
            outcome => outcome,
        }
        .map_err(failed(doing))
    }
}

fn note_revision(connection: &Connection, revision: &RevisionId) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM taken_by", [])?;
    connection.execute("INSERT INTO taken_by VALUES (?1)", [revision.as_str()])?;
    Ok(())
}

fn state_text(state: &SourceState) -> String {
    serde_json::to_string(state).expect("numbers and texts become JSON")
}

fn read_state(column: usize, row: &Row<'_>) -> rusqlite::Result<SourceState> {
    parsed(column, serde_json::from_str(row.get_ref(column)?.as_str()?))
}

/// What cannot be parsed is damage to the file.
fn parsed<T, E: std::error::Error + Send + Sync + 'static>(
    column: usize,
    result: Result<T, E>,
) -> rusqlite::Result<T> {
    result.map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

fn file_key(path: &Path) -> FileKey {
    Sha256::digest(path.as_os_str().as_encoded_bytes()).into()
}
