//! `machine.toml` in the store: what is true on this machine alone. Where the repositories that
//! sessions are about lie here, which folders were moved, and the id of the store that this
//! machine began with.
//!
//! It is no setting and lies beside the store, but it is a file that people may read and edit, and
//! it is changed as the configuration is: under a lock, in one step, and what else stands there
//! stays, comments and unknown keys too. So it belongs to the module that knows how to do that.
//! What a repository is known by, and whether a folder is still what it was, is not known here.
//!
//! An entry that cannot be used is passed over and told; it hides no other one. Limits: a file of
//! 1 MiB; sixteen places of one repository, of which the one that was seen least lately goes.
//!
//! ```toml
//! store = "01900000-0000-7000-8000-000000000001"
//!
//! [[place]]
//! repository = "github.com/kim/shop"
//! folder = "/home/kim/src/shop"
//! seen = 2026-11-28T12:00:00Z
//!
//! [[moved]]
//! from = "/home/kim/old"
//! to = "/home/kim/src/new"
//! ```

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;

use chrono::DateTime;
use chrono::TimeDelta;
use chrono::Utc;
use toml_edit::ArrayOfTables;
use toml_edit::Document;
use toml_edit::DocumentMut;
use toml_edit::Item;
use toml_edit::Table;

use crate::config::Error;
use crate::config::FILE_LIMIT;
use crate::config::file::LockedFile;
use crate::config::line_at;
use crate::platform;

/// Its name, in the folder for what is never committed.
const FILE: &str = "machine.toml";

/// How many places of one repository are kept.
const PLACES: usize = 16;

/// A place that was seen so lately need not be noted again.
const FRESH: TimeDelta = TimeDelta::hours(12);

/// What a new file begins with.
const HEADER: &str = "\
# Where the workspaces of sessions lie on this machine. `annals workspace` shows and changes it.
";

/// What is known of this machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Machine {
    /// The id of the store that it began with.
    pub store: Option<String>,
    /// Where repositories lie, those seen last first.
    pub places: Vec<KnownPlace>,
    /// Folders that lie elsewhere now.
    pub moved: Vec<MovedRoot>,
    /// What cannot be used of the file.
    pub faults: Vec<Error>,
}

/// A folder in which a repository was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPlace {
    /// What the repository is known by.
    pub repository: String,
    /// The top folder.
    pub folder: PathBuf,
    /// When it was seen there.
    pub seen: Option<DateTime<Utc>>,
}

/// A folder that lies elsewhere now, with all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedRoot {
    /// As sessions have it; it may be another machine's.
    pub from: String,
    /// The folder here.
    pub to: PathBuf,
}

/// A change of what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineEdit {
    /// The store that it began with, unless that is known.
    Began(String),
    /// A repository was seen in a folder, which is no other one's then.
    Seen(KnownPlace),
    /// A folder lies elsewhere now.
    Moved(MovedRoot),
    /// Nothing is to be known of a repository.
    ForgetRepository(String),
    /// Nothing is to be known of a folder, here or as sessions have it.
    ForgetFolder(String),
}

impl Machine {
    /// What the file in `folder` says; nothing, if there is none. What is wrong in it is among the
    /// faults.
    pub fn load(folder: &Path) -> Self {
        let path = folder.join(FILE);
        match read(&path) {
            Ok(text) => Self::parse(&text, &path),
            Err(error) => Self { faults: vec![error], ..Self::default() },
        }
    }

    /// Whether the file in `folder` was written already.
    pub fn is_begun(folder: &Path) -> bool {
        fs::symlink_metadata(folder.join(FILE)).is_ok_and(|it| !it.is_file() || it.len() > 0)
    }

    /// Whether a place need not be noted: it was lately, and as the latest of its repository.
    pub fn knows(&self, place: &KnownPlace) -> bool {
        let latest = self.places.iter().find(|it| it.repository == place.repository);
        let latest = latest.filter(|it| it.folder == place.folder).and_then(|it| it.seen);
        latest.is_some_and(|seen| {
            place.seen.is_none_or(|now| seen <= now + FRESH && now - seen < FRESH)
        })
    }

    /// Makes changes. Whether there was anything to change.
    ///
    /// # Errors
    /// The file cannot be read or written: then it stays as it is.
    pub fn change(folder: &Path, edits: &[MachineEdit]) -> Result<bool, Error> {
        let path = folder.join(FILE);
        let before = read(&path)?;
        // Most are known already, and then nobody is to be waited for.
        if edited(&before, edits, &path)? == before {
            return Ok(false);
        }
        let file = LockedFile::at(path.clone())?;
        let text = edited(&file.text, edits, &path)?;
        let is_new = text != file.text;
        if is_new {
            file.write(&text)?;
        }
        Ok(is_new)
    }

    fn parse(text: &str, path: &Path) -> Self {
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let line = line_at(text, error.span().map(|span| span.start));
                let fault = fault(path, Some(line), error.message().trim());
                return Self { faults: vec![fault], ..Self::default() };
            }
        };
        let mut machine = Self::default();
        let mut wrong = |span: Option<Range<usize>>, cause: &str| {
            let line = span.map(|span| line_at(text, Some(span.start)));
            machine.faults.push(fault(path, line, cause));
        };
        match document.get("store").map(|item| (item, item.as_str())) {
            Some((_, Some(store))) => machine.store = Some(store.to_owned()),
            Some((item, None)) => wrong(item.span(), "`store` must be a text"),
            None => {}
        }
        let mut entries = |name: &str, take: &mut dyn FnMut(&Table) -> Result<(), String>| {
            let Some(item) = document.get(name) else { return };
            let Some(list) = item.as_array_of_tables() else {
                return wrong(item.span(), &format!("`{name}` must be written as [[{name}]]"));
            };
            for table in list {
                take(table).unwrap_or_else(|cause| wrong(table.span(), &cause));
            }
        };
        entries("place", &mut |table| place(table).map(|place| machine.places.push(place)));
        entries("moved", &mut |table| moved(table).map(|moved| machine.moved.push(moved)));
        machine.places.sort_by_key(|place| Reverse(place.seen));
        machine
    }
}

/// The text of the file; empty, if there is none.
fn read(path: &Path) -> Result<String, Error> {
    match platform::read_text_within(path, FILE_LIMIT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| fault(path, None, &error.to_string())),
    }
}

fn fault(path: &Path, line: Option<usize>, cause: &str) -> Error {
    Error::Machine { path: path.to_owned(), line, cause: cause.to_owned() }
}

fn place(table: &Table) -> Result<KnownPlace, String> {
    let seen = match table.get("seen") {
        None => None,
        Some(item) => {
            let text = item.as_datetime().map(ToString::to_string);
            let text = text.or_else(|| item.as_str().map(str::to_owned)).unwrap_or_default();
            let at = DateTime::parse_from_rfc3339(&text).map_err(|_| "`seen` must be a time")?;
            Some(at.with_timezone(&Utc))
        }
    };
    Ok(KnownPlace {
        repository: text(table, "repository")?,
        folder: folder(table, "folder")?,
        seen,
    })
}

fn moved(table: &Table) -> Result<MovedRoot, String> {
    Ok(MovedRoot { from: text(table, "from")?, to: folder(table, "to")? })
}

fn text(table: &Table, key: &str) -> Result<String, String> {
    let text = table.get(key).and_then(Item::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| format!("`{key}` must be a text"))
}

fn folder(table: &Table, key: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text(table, key)?);
    if path.is_absolute() { Ok(path) } else { Err(format!("`{key}` must be a whole path")) }
}

/// The text after some changes.
fn edited(text: &str, edits: &[MachineEdit], path: &Path) -> Result<String, Error> {
    let is_empty = text.trim().is_empty();
    let text = if is_empty { HEADER } else { text };
    let document = text.parse::<DocumentMut>();
    let mut document = document.map_err(|error| {
        let line = line_at(text, error.span().map(|span| span.start));
        fault(path, Some(line), error.message().trim())
    })?;
    let known = Machine::parse(text, path);
    for edit in edits {
        apply(&mut document, edit, &known).map_err(|cause| fault(path, None, &cause))?;
    }
    let edited = document.to_string();
    // Nothing is made of nothing.
    Ok(if is_empty && edited == HEADER { String::new() } else { edited })
}

fn apply(document: &mut DocumentMut, edit: &MachineEdit, known: &Machine) -> Result<(), String> {
    match edit {
        MachineEdit::Began(_) if known.store.is_some() => {}
        MachineEdit::Began(store) => {
            // What a file begins with stands above its first key.
            let first = document.as_table().is_empty();
            document.insert("store", toml_edit::value(store));
            let header = document.trailing().as_str().filter(|_| first).map(str::to_owned);
            if let (Some(header), Some(mut key)) = (header, document.key_mut("store")) {
                key.leaf_decor_mut().set_prefix(format!("{header}\n"));
                document.set_trailing("");
            }
        }
        MachineEdit::Seen(place) if known.knows(place) => {}
        MachineEdit::Seen(place) => note(list(document, "place")?, place, known),
        MachineEdit::Moved(moved) => {
            let list = list(document, "moved")?;
            let to = moved.to.to_string_lossy();
            let known = list.iter_mut().find(|table| is_text(table, "from", &moved.from));
            if let Some(table) = known {
                if !is_text(table, "to", &to) {
                    table.insert("to", toml_edit::value(to.as_ref()));
                }
            } else {
                let mut table = Table::new();
                table.insert("from", toml_edit::value(&moved.from));
                table.insert("to", toml_edit::value(to.as_ref()));
                list.push(table);
            }
        }
        MachineEdit::ForgetRepository(repository) => {
            forget(document, "place", |table| is_text(table, "repository", repository));
        }
        MachineEdit::ForgetFolder(folder) => {
            forget(document, "place", |table| is_text(table, "folder", folder));
            forget(document, "moved", |table| is_text(table, "from", folder));
        }
    }
    Ok(())
}

/// Notes a place, as the latest of its repository, whatever the clock says.
fn note(list: &mut ArrayOfTables, place: &KnownPlace, known: &Machine) {
    let folder = place.folder.to_string_lossy();
    // A folder that another repository lies in by now.
    list.retain(|it| {
        !is_text(it, "folder", &folder) || is_text(it, "repository", &place.repository)
    });
    let others = known.places.iter().filter(|it| it.repository == place.repository);
    let latest = others.filter(|it| it.folder != place.folder).filter_map(|it| it.seen).max();
    let next = latest.and_then(|seen| seen.checked_add_signed(TimeDelta::seconds(1)));
    let seen = place.seen.max(next);
    let index = list.iter().position(|it| is_text(it, "folder", &folder));
    let mut new = Table::new();
    let is_new = index.is_none();
    let table = index.and_then(|index| list.get_mut(index)).unwrap_or(&mut new);
    if is_new {
        table.insert("repository", toml_edit::value(&place.repository));
        table.insert("folder", toml_edit::value(folder.as_ref()));
    }
    if let Some(seen) = seen {
        table.insert("seen", time(seen));
    }
    if is_new {
        list.push(new);
        drop_oldest(list, &place.repository);
    }
}

fn list<'d>(document: &'d mut DocumentMut, name: &str) -> Result<&'d mut ArrayOfTables, String> {
    let list = document.entry(name).or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    list.as_array_of_tables_mut().ok_or_else(|| format!("`{name}` must be written as [[{name}]]"))
}

/// Takes entries out of a list, if it is there.
fn forget(document: &mut DocumentMut, name: &str, is_meant: impl Fn(&Table) -> bool) {
    if let Some(list) = document.get_mut(name).and_then(Item::as_array_of_tables_mut) {
        list.retain(|table| !is_meant(table));
    }
}

/// Lets the place of a repository go that was seen least lately, if there are too many.
fn drop_oldest(list: &mut ArrayOfTables, repository: &str) {
    let own = list.iter().enumerate().filter(|(_, it)| is_text(it, "repository", repository));
    let seen = own.map(|(index, table)| (place(table).ok().and_then(|place| place.seen), index));
    let seen: Vec<_> = seen.collect();
    if let Some((_, index)) = seen.iter().min().filter(|_| seen.len() > PLACES) {
        list.remove(*index);
    }
}

fn is_text(table: &Table, key: &str, text: &str) -> bool {
    table.get(key).and_then(Item::as_str) == Some(text)
}

/// A time as TOML has it, to the second.
fn time(at: DateTime<Utc>) -> Item {
    let text = at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    match text.parse::<toml_edit::Datetime>() {
        Ok(time) => toml_edit::value(time),
        Err(_) => toml_edit::value(text),
    }
}

#[cfg(test)]
mod tests;
