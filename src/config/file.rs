//! Changing `config.toml`: what else stands there stays as it is, comments and all.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use toml_edit::Array;
use toml_edit::ArrayOfTables;
use toml_edit::DocumentMut;
use toml_edit::InlineTable;
use toml_edit::Item;
use toml_edit::Table;
use toml_edit::Value;

use crate::config::AllowEntry;
use crate::config::Error;
use crate::config::FILE;
use crate::config::Section;
use crate::config::Settings;
use crate::platform;
use crate::platform::FileLock;

/// How long another process is waited for that changes the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of a value that is to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The file.
    pub path: PathBuf,
    /// Whether it was added; else it stood there.
    pub is_new: bool,
}

/// Adds values to `redact.allow`. `digests`: their SHA-256, in hex; `comment`: what is said above
/// them. `folder`, `home`: as for [`Settings::load`]. The file is made if there is none, and
/// replaced whole, with mode 0600.
///
/// # Errors
/// The file cannot be written, or something is wrong in it: then it stays as it is.
pub fn allow(
    folder: &Path,
    home: &Path,
    digests: &[String],
    comment: &str,
) -> Result<Allowed, Error> {
    let path = folder.join(FILE);
    let failed = |error: io::Error| Error::Write { path: path.clone(), cause: error.to_string() };
    if let Some(folder) = path.parent() {
        platform::create_private_folder(folder).map_err(failed)?;
    }
    // A link stays one: the file that it leads to is changed.
    let target = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
    let _lock = lock(&target).map_err(failed)?;
    let settings = Settings::load(folder, home);
    Section::ALL.into_iter().try_for_each(|section| settings.check(section))?;
    let known = &settings.redact.allow;
    let is_new = |digest: &&String| !known.iter().any(|entry| names_only(&entry.value, digest));
    let digests: Vec<&String> = digests.iter().filter(is_new).collect();
    if digests.is_empty() {
        return Ok(Allowed { path, is_new: false });
    }
    let text = fs::read_to_string(&target).map_err(failed)?;
    let text = digests.iter().try_fold(text, |text, digest| with_allowed(&text, digest, comment));
    let entries = text.as_ref().map(|text| Settings::parse(text, &path, home).redact.allow.len());
    match text {
        Some(text) if entries == Some(known.len() + digests.len()) => {
            platform::write_atomic(&target, text.as_bytes()).map_err(failed)?;
            Ok(Allowed { path, is_new: true })
        }
        _ => Err(failed(io::Error::other("nothing can be added to redact.allow"))),
    }
}

/// Locks the file, which is made if there is none, against others who change it this way.
fn lock(path: &Path) -> io::Result<FileLock> {
    let lock = FileLock::acquire(path, PATIENCE)?;
    lock.ok_or_else(|| io::Error::other("another process is changing it"))
}

/// Whether the entry names that value, and nothing else limits it.
fn names_only(entry: &AllowEntry, digest: &str) -> bool {
    let AllowEntry { sha256: Some(of), pattern: None, name: None, rule: None } = entry else {
        return false;
    };
    of.eq_ignore_ascii_case(digest)
}

/// The text with one more entry. None: there is something else in its place.
fn with_allowed(text: &str, digest: &str, comment: &str) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let section = document.entry(Section::Redact.name()).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let is_inline = section.is_inline_table();
    let list = section.as_table_like_mut()?.entry("allow").or_insert_with(|| {
        if is_inline {
            Item::Value(Value::Array(Array::new()))
        } else {
            Item::ArrayOfTables(ArrayOfTables::new())
        }
    });
    let gap = if text.trim().is_empty() { "" } else { "\n" };
    match list {
        Item::ArrayOfTables(tables) => {
            let mut entry = Table::new();
            entry.insert("sha256", digest.into());
            entry.decor_mut().set_prefix(format!("{gap}# {comment}\n"));
            tables.push(entry);
        }
        Item::Value(Value::Array(values)) => {
            let mut entry = InlineTable::new();
            entry.insert("sha256", digest.into());
            values.push(entry);
        }
        _ => return None,
    }
    let text = document.to_string();
    let entry = format!("{gap}# {comment}\n[[redact.allow]]\nsha256 = \"{digest}\"\n");
    // What was said at the end of the file stays before what came behind it.
    let end = document.trailing().as_str().unwrap_or_default();
    let head = text.strip_suffix(end).and_then(|head| head.strip_suffix(entry.as_str()));
    Some(head.map_or_else(|| text.clone(), |head| format!("{head}{end}{entry}")))
}
