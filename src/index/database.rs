//! One derived SQLite file: opened when it is what this program wrote, made anew otherwise.
//!
//! The files have mode 0600. Two processes that find a file damaged do not delete each other's
//! new one: making anew happens under a file lock, and the file is looked at again inside it.
//!
//! In a folder that cannot be written, on a read-only medium say, the file is read as it is; what
//! cannot be used as it is is made anew in memory, and gone with the process.

use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::ErrorCode;
use rusqlite::MAIN_DB;
use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;

use crate::index::Error;
use crate::platform;

/// How long a write waits for another process's.
const PATIENCE: Duration = Duration::from_secs(10);

/// Marks a SQLite file as one of ours: the letters `anls`.
const APPLICATION: i64 = 0x616e_6c73;

/// What a database file is called and what it holds.
#[derive(Debug)]
pub(super) struct Layout {
    /// The name of the file.
    pub name: &'static str,
    /// The version of the schema: a file of any other is made anew.
    pub version: i64,
    /// The statements that make the tables.
    pub schema: &'static str,
}

/// Opens the database in `folder`; one that is missing, damaged or of another version is made
/// anew.
pub(super) fn open(folder: &Path, layout: &Layout) -> Result<Connection, Error> {
    if !platform::is_writable(folder) {
        return open_unwritable(folder, layout);
    }
    match open_existing(&folder.join(layout.name), layout) {
        Ok(Some(connection)) => Ok(connection),
        Ok(None) => make(folder, layout, false),
        // Somebody else's file, say: what it holds can be derived again.
        Err(error) if is_locked_out(&error) => open_unwritable(folder, layout),
        Err(error) => Err(error),
    }
}

/// Whether the system does not let us at the file.
fn is_locked_out(error: &Error) -> bool {
    let Error::Sqlite { source, .. } = error else {
        return false;
    };
    matches!(source.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied))
}

/// As [`open`], where nothing can be written.
pub(super) fn open_unwritable(folder: &Path, layout: &Layout) -> Result<Connection, Error> {
    match read_as_it_is(&folder.join(layout.name), layout) {
        Some(connection) => Ok(connection),
        None => make_in_memory(layout),
    }
}

/// Makes a database anew that turned out to be damaged, unless another process did so meanwhile.
/// No connection of this process may be open on it.
pub(super) fn make_anew(folder: &Path, layout: &Layout) -> Result<Connection, Error> {
    if platform::is_writable(folder) { make(folder, layout, true) } else { make_in_memory(layout) }
}

/// Whether the database can only be read.
pub(super) fn is_read_only(connection: &Connection) -> bool {
    connection.is_readonly(MAIN_DB).unwrap_or(false)
}

/// Removes a database and its log, whatever they hold. Who has it open keeps what he has.
pub(super) fn remove(folder: &Path, layout: &Layout) -> Result<(), Error> {
    let path = folder.join(layout.name);
    let _lock = lock(&path)?;
    remove_files(&path)
}

/// Whether the error says that the file itself is not sound.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::FromSqlConversionFailure;
    use rusqlite::Error::IntegralValueOutOfRange;
    use rusqlite::Error::InvalidColumnType;
    match error {
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) => true,
        other => matches!(
            other.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ),
    }
}

/// Says what was being done when SQLite failed.
pub(super) fn failed(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> Error {
    move |source| Error::Sqlite { doing, source }
}

fn open_existing(path: &Path, layout: &Layout) -> Result<Option<Connection>, Error> {
    // A link would have another file changed, and a pipe be waited for.
    match path.symlink_metadata() {
        Ok(found) if found.is_file() || found.is_dir() => {}
        _ => return Ok(None),
    }
    match connect(path).and_then(|it| Ok((is_ours(&it, layout)?, it))) {
        Ok((true, connection)) => Ok(Some(connection)),
        Ok((false, _)) => Ok(None),
        Err(error) if is_damage(&error) => Ok(None),
        Err(source) => Err(failed("cannot open the index")(source)),
    }
}

/// A sound database of ours whose file says all: what stands in a write-ahead log beside it can't
/// be taken in without writing.
fn read_as_it_is(path: &Path, layout: &Layout) -> Option<Connection> {
    let log = with_suffix(path, "-wal");
    if log.metadata().is_ok_and(|log| log.len() > 0) {
        return None;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Without this SQLite wants to make files beside it.
    let connection = Connection::open_with_flags(uri(path) + "?immutable=1", flags).ok()?;
    distrust(&connection).ok()?;
    connection.set_prepared_statement_cache_capacity(64);
    is_ours(&connection, layout).is_ok_and(|is_ours| is_ours).then_some(connection)
}

/// A path in SQLite's way to write it with parameters.
fn uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            _ => uri.extend(['%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
    uri
}

fn make_in_memory(layout: &Layout) -> Result<Connection, Error> {
    let make = || {
        let mut connection = Connection::open_in_memory()?;
        lay_out(&mut connection, layout)?;
        Ok(connection)
    };
    make().map_err(failed("cannot make an index in memory"))
}

fn lay_out(connection: &mut Connection, layout: &Layout) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(layout.schema)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", layout.version)?;
    transaction.commit()
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NOFOLLOW)?;
    distrust(&connection)?;
    connection.busy_timeout(PATIENCE)?;
    // All here can be derived again, so losing the last transactions to a power cut is fine.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Has SQLite run nothing that stands in the file itself, which may come from anybody.
fn distrust(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map(drop)
}

fn is_ours(connection: &Connection, layout: &Layout) -> rusqlite::Result<bool> {
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    if read("application_id")? != APPLICATION || read("user_version")? != layout.version {
        return Ok(false);
    }
    // We write neither.
    let others = "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')";
    Ok(connection.query_row(others, [], |row| row.get::<_, i64>(0))? == 0)
}

fn is_sound(connection: &Connection) -> bool {
    connection
        .pragma_query_value(None, "quick_check", |row| row.get::<_, String>(0))
        .is_ok_and(|verdict| verdict == "ok")
}

fn make(folder: &Path, layout: &Layout, is_damaged: bool) -> Result<Connection, Error> {
    make_folder(folder).map_err(at("make", folder))?;
    let path = folder.join(layout.name);
    let _lock = lock(&path)?;
    if let Some(connection) = open_existing(&path, layout)?
        && (!is_damaged || is_sound(&connection))
    {
        return Ok(connection);
    }
    remove_files(&path)?;
    open_private(&path, true).map_err(at("make", &path))?;
    let make = || {
        let mut connection = connect(&path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        lay_out(&mut connection, layout)?;
        Ok(connection)
    };
    make().map_err(failed("cannot make the index"))
}

/// Keeps other processes from making the database anew, or removing it, at the same time.
fn lock(path: &Path) -> Result<File, Error> {
    let lock = with_suffix(path, ".lock");
    let file = open_private(&lock, false).map_err(at("open", &lock))?;
    file.lock().map_err(at("lock", path))?;
    Ok(file)
}

/// A write-ahead log that outlives its database would be played into the next one.
fn remove_files(path: &Path) -> Result<(), Error> {
    for file in ["-wal", "-shm", ""].map(|suffix| with_suffix(path, suffix)) {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(at("remove", &file)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn at(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { verb, path, source }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn open_private(path: &Path, is_new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).create_new(is_new);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
