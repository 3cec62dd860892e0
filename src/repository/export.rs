//! Exporting: sessions as files in other forms.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::exchange;
use crate::exchange::ExportFormat;
use crate::exchange::Outgoing;
use crate::platform;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::observing::ids;
use crate::repository::observing::observed;
use crate::session::Head;

/// How an export works.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// The form.
    pub format: ExportFormat,
    /// Where to.
    pub target: ExportTarget,
    /// Write over files that are there.
    pub force: bool,
}

/// Where an export goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportTarget {
    /// One file with all sessions: several only as JSON.
    File(PathBuf),
    /// A file a session in this folder, named after the session.
    Folder(PathBuf),
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportOutcome {
    /// The files.
    pub files: Vec<PathBuf>,
    /// What was redacted that the store still has, by rule.
    pub redactions: BTreeMap<String, u64>,
}

/// An export that is not written to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportText {
    /// The text.
    pub text: String,
    /// What was redacted that the store still has, by rule.
    pub redactions: BTreeMap<String, u64>,
}

/// The longest part of a file's name that is made from the title, in characters.
const MAX_SLUG: usize = 48;

impl Repository {
    /// Sessions as one text of that form.
    ///
    /// # Errors
    /// `Invalid`: there are several, and the form holds one.
    pub fn export_text(&self, sessions: &[SessionAt], format: ExportFormat) -> Result<ExportText> {
        observed(self, Operation::Export, &ids(sessions), |it| it.render_all(sessions, format))
    }

    fn render_all(&self, sessions: &[SessionAt], format: ExportFormat) -> Result<ExportText> {
        let sessions: Vec<Outgoing> =
            sessions.iter().map(|at| self.outgoing(at)).collect::<Result<_>>()?;
        let mut redactions = BTreeMap::new();
        sessions.iter().for_each(|session| add(&mut redactions, session));
        let text = match sessions.as_slice() {
            [session] => session.render(format),
            several if format == ExportFormat::Json => exchange::render_together(several),
            _ => return Err(holds_one()),
        };
        Ok(ExportText { text, redactions })
    }

    /// Writes sessions to files that only their owner may read, each whole or not at all.
    ///
    /// # Errors
    /// `Conflict`: a file is there already; then nothing is written. `Invalid`: several sessions
    /// are to go into one file, and the form holds one.
    pub fn export(&self, sessions: &[SessionAt], options: &ExportOptions) -> Result<ExportOutcome> {
        observed(self, Operation::Export, &ids(sessions), |it| it.write_all(sessions, options))
    }

    fn write_all(&self, sessions: &[SessionAt], options: &ExportOptions) -> Result<ExportOutcome> {
        let folder = match &options.target {
            ExportTarget::File(path) => {
                if sessions.len() > 1 && options.format != ExportFormat::Json {
                    return Err(holds_one());
                }
                check(path, options.force)?;
                let ExportText { text, redactions } = self.export_text(sessions, options.format)?;
                write(path, text.as_bytes(), options.force)?;
                return Ok(ExportOutcome { files: vec![path.clone()], redactions });
            }
            ExportTarget::Folder(folder) => folder,
        };
        let mut files = Vec::new();
        for at in sessions {
            let path = folder.join(file_name(&self.load(at)?.head(), at, options.format));
            check(&path, options.force)?;
            files.push(path);
        }
        platform::create_private_folder(folder).map_err(|error| failed(folder, error))?;
        let mut redactions = BTreeMap::new();
        for (at, path) in sessions.iter().zip(&files) {
            let session = self.outgoing(at)?;
            write(path, session.render(options.format).as_bytes(), options.force)?;
            add(&mut redactions, &session);
        }
        Ok(ExportOutcome { files, redactions })
    }

    fn outgoing(&self, at: &SessionAt) -> Result<Outgoing> {
        Ok(Outgoing::new(self.load(at)?, self.rules()?))
    }
}

fn add(redactions: &mut BTreeMap<String, u64>, session: &Outgoing) {
    for (rule, count) in session.redactions() {
        *redactions.entry(rule.clone()).or_default() += count;
    }
}

fn holds_one() -> Error {
    let message = "only JSON holds several sessions in one file: name a folder";
    Error::new(ErrorKind::Invalid, message)
}

/// Refuses to write over what is there.
pub(super) fn check(path: &Path, force: bool) -> Result<()> {
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(());
    };
    if !metadata.is_file() {
        let message = format!("{} is no plain file", path.display());
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    if force { Ok(()) } else { Err(taken(path)) }
}

fn taken(path: &Path) -> Error {
    Error::new(ErrorKind::Conflict, format!("{} is there already", path.display()))
}

pub(super) fn write(path: &Path, bytes: &[u8], force: bool) -> Result<()> {
    let write = if force { platform::write_atomic } else { platform::write_new };
    write(path, bytes).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(path),
        _ => failed(path, error),
    })
}

fn failed(path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Io,
    };
    Error::new(kind, format!("cannot write {}", path.display())).because(error)
}

/// The title, the short id, for a past revision its id, and the ending.
fn file_name(head: &Head, at: &SessionAt, format: ExportFormat) -> String {
    let title = head.title.as_deref().or(head.preview.as_deref());
    let mut parts = vec![slug(title.unwrap_or_default()), head.id.short()];
    if at.is_past {
        parts.push(at.revision.short().to_owned());
    }
    parts.retain(|part| !part.is_empty());
    format!("{}.{}", parts.join("-"), format.extension())
}

/// The letters and digits of a title, its words joined by hyphens.
pub(super) fn slug(title: &str) -> String {
    let lower = title.to_lowercase();
    let words = lower.split(|character: char| !character.is_alphanumeric());
    let mut slug = String::new();
    let mut length = 0;
    for word in words.filter(|word| !word.is_empty()) {
        length += word.chars().count() + 1;
        if length > MAX_SLUG && !slug.is_empty() {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.extend(word.chars().take(MAX_SLUG));
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_letters_and_digits() {
        assert_eq!(slug("Fix the login: redirect!"), "fix-the-login-redirect");
        assert_eq!(slug("../../etc/passwd\0\n\u{202e}x"), "etc-passwd-x");
        assert_eq!(slug("Größe prüfen 日本語"), "größe-prüfen-日本語");
        assert_eq!(slug("…"), "");
        assert_eq!(slug(&"a".repeat(300)).len(), MAX_SLUG);
        assert!(slug(&"word ".repeat(300)).len() <= MAX_SLUG);
    }
}
