//! Changing `config.toml`: what else stands there stays as it is, comments and all.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use toml_edit::Document;
use toml_edit::DocumentMut;
use toml_edit::Item;
use toml_edit::Table;

use crate::config::Error;
use crate::config::FILE;
use crate::config::FILE_LIMIT;
use crate::config::KEYS;
use crate::config::Key;
use crate::config::Kind;
use crate::config::Settings;
use crate::platform;
use crate::platform::FileLock;

/// How long another process is waited for that changes the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// What changing the file did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The file.
    pub path: PathBuf,
    /// Whether it says something else now.
    pub is_new: bool,
}

/// Gives a key a value, as somebody typed it. `folder`, `home`: as for [`Settings::load`]. The
/// file is made if there is none, and replaced whole, with mode 0600.
///
/// # Errors
/// The value cannot be one of this key, or the file cannot be read or written: then it stays as it
/// is. What is wrong elsewhere in it does not matter.
pub fn set(folder: &Path, home: &Path, name: &str, typed: &str) -> Result<Changed, Error> {
    let key = single(name)?;
    let value = key.kind.typed(typed);
    let wrong = |cause| Error::Value { key: name.to_owned(), cause };
    key.check(&Item::Value(value.clone()), home).map_err(wrong)?;
    let file = LockedFile::open(folder)?;
    let mut document = file.document(home)?;
    let (section, name) = key.place();
    if !document.contains_key(section) {
        append_section(&mut document, section);
    }
    let table = document.get_mut(section).and_then(Item::as_table_like_mut);
    let table = table.ok_or_else(|| wrong(format!("cannot be set: `{section}` is no section")))?;
    match table.get_mut(name).and_then(Item::as_value_mut) {
        // What is said behind it stays.
        Some(old) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(name, Item::Value(value));
        }
    }
    file.change(&document)
}

/// Takes the value of a key away, so that its default holds.
///
/// # Errors
/// The file cannot be read or written: then it stays as it is.
pub fn unset(folder: &Path, home: &Path, name: &str) -> Result<Changed, Error> {
    let (section, name) = single(name)?.place();
    if !folder.join(FILE).exists() {
        return Ok(Changed { path: folder.join(FILE), is_new: false });
    }
    let file = LockedFile::open(folder)?;
    let mut document = file.document(home)?;
    if let Some(lines) = lines_of(&file.text, section, name) {
        // Only its own lines go: what is said above them may be about more than this key.
        let text = [&file.text[..lines.start], &file.text[lines.end..]].concat();
        return file.put(&text);
    }
    if let Some(table) = document.get_mut(section).and_then(Item::as_table_like_mut) {
        table.remove(name);
    }
    file.change(&document)
}

/// The bytes of the whole lines on which a key stands with its value; none: it does not stand on
/// lines of its own.
fn lines_of(text: &str, section: &str, name: &str) -> Option<Range<usize>> {
    let document = Document::parse(text).ok()?;
    let table = document.get(section)?.as_table()?;
    let (key, value) = table.get_key_value(name)?;
    let (start, end) = (key.span()?.start, value.span()?.end);
    let start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    Some(start..end)
}

/// Puts a text in the place of the one that was read before.
///
/// # Errors
/// The file says something else by now, or cannot be written: then it stays as it is.
pub fn replace(folder: &Path, before: &str, text: &str) -> Result<Changed, Error> {
    let file = LockedFile::open(folder)?;
    if file.text != before {
        return Err(Error::Changed { path: file.path });
    }
    file.put(text)
}

/// What a file may begin as that is not there yet: every key that holds one value, switched off.
pub fn template() -> String {
    let begin = "# The configuration of annals. `annals config list` shows what holds.\n";
    let mut parts = vec![begin.to_owned()];
    let mut last = "";
    for key in KEYS.iter().filter(|key| key.kind != Kind::List) {
        let (section, name) = key.place();
        if section != last {
            parts.push(format!("\n[{section}]\n"));
            last = section;
        }
        let value = match key.default() {
            Value::Null => "…".to_owned(),
            value => value.to_string(),
        };
        parts.push(format!("# {name} = {value}  # {}\n", key.about));
    }
    parts.concat()
}

/// The key of that name, which holds one value.
fn single(name: &str) -> Result<&'static Key, Error> {
    match Key::find(name)? {
        Key { kind: Kind::List, .. } => Err(Error::Value {
            key: name.to_owned(),
            cause: "is a list; `annals config edit` changes it".to_owned(),
        }),
        key => Ok(key),
    }
}

/// Adds a section behind all others. What was said at the end of the file stays before it.
fn append_section(document: &mut DocumentMut, section: &str) {
    let end = document.trailing().as_str().unwrap_or_default().to_owned();
    let is_first = document.is_empty() && end.trim().is_empty();
    let mut table = Table::new();
    table.decor_mut().set_prefix(if is_first { end } else { format!("{end}\n") });
    document.set_trailing("");
    document.insert(section, Item::Table(table));
}

/// The file, locked against others who change it this way.
pub(super) struct LockedFile {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// What it says.
    pub(super) text: String,
    target: PathBuf,
    _lock: FileLock,
}

impl LockedFile {
    /// Locks the configuration, which is made if there is none, and reads it.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        Self::at(folder.join(FILE))
    }

    /// Locks a file, which is made if there is none, and reads it.
    pub(super) fn at(path: PathBuf) -> Result<Self, Error> {
        let open = || {
            if let Some(folder) = path.parent() {
                platform::create_private_folder(folder)?;
            }
            // A link stays one: the file that it leads to is changed.
            let target = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            let lock = FileLock::acquire(&target, PATIENCE)?;
            let lock = lock.ok_or_else(|| io::Error::other("another process is changing it"))?;
            Ok((platform::read_text_within(&target, FILE_LIMIT)?, target, lock))
        };
        match open() {
            Ok((text, target, lock)) => Ok(Self { path, text, target, _lock: lock }),
            Err(error) => Err(write_failed(path, &error)),
        }
    }

    /// Replaces it whole.
    pub(super) fn write(&self, text: &str) -> Result<(), Error> {
        let written = platform::write_atomic(&self.target, text.as_bytes());
        written.map_err(|error| write_failed(self.path.clone(), &error))
    }

    /// What it says, to be changed.
    fn document(&self, home: &Path) -> Result<DocumentMut, Error> {
        self.text.parse().map_err(|_| {
            let settings = Settings::parse(&self.text, &self.path, home);
            let fault = settings.faults().next().cloned();
            fault.unwrap_or_else(|| Error::Changed { path: self.path.clone() })
        })
    }

    fn change(self, document: &DocumentMut) -> Result<Changed, Error> {
        self.put(&document.to_string())
    }

    fn put(self, text: &str) -> Result<Changed, Error> {
        let is_new = text != self.text;
        if is_new {
            self.write(text)?;
        }
        Ok(Changed { path: self.path, is_new })
    }
}

fn write_failed(path: PathBuf, error: &io::Error) -> Error {
    Error::Write { path, cause: error.to_string() }
}
