//! Adding to `redact.allow` in `config.toml`.

use std::path::Path;
use std::path::PathBuf;

use toml_edit::Array;
use toml_edit::ArrayOfTables;
use toml_edit::DocumentMut;
use toml_edit::InlineTable;
use toml_edit::Item;
use toml_edit::Table;
use toml_edit::Value;

use crate::config::AllowEntry;
use crate::config::Error;
use crate::config::Section;
use crate::config::Settings;
use crate::config::file::LockedFile;

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
    let file = LockedFile::open(folder)?;
    let path = file.path.clone();
    let settings = Settings::parse(&file.text, &path, home);
    settings.faults().next().map_or(Ok(()), |fault| Err(fault.clone()))?;
    let known = &settings.redact.allow;
    let is_new = |digest: &&String| !known.iter().any(|entry| names_only(&entry.value, digest));
    let digests: Vec<&String> = digests.iter().filter(is_new).collect();
    if digests.is_empty() {
        return Ok(Allowed { path, is_new: false });
    }
    let text = file.text.clone();
    let text = digests.iter().try_fold(text, |text, digest| with_allowed(&text, digest, comment));
    let entries = text.as_ref().map(|text| Settings::parse(text, &path, home).redact.allow.len());
    match text {
        Some(text) if entries == Some(known.len() + digests.len()) => {
            file.write(&text)?;
            Ok(Allowed { path, is_new: true })
        }
        _ => {
            let cause = "nothing can be added to redact.allow".to_owned();
            Err(Error::Write { path, cause })
        }
    }
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
