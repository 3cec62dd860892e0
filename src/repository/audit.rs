//! The audit log of a store: reading it, and taking out of it what history must not hold.

use std::collections::HashSet;
use std::path::PathBuf;

use uuid::Uuid;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::observe::CleanLine;
use crate::observe::Recorded;
use crate::redact::Clean;
use crate::repository::Repository;
use crate::repository::observing::uuid;
use crate::session::SessionId;

pub use crate::observe::AuditFilter;
pub use crate::observe::AuditReading;
pub use crate::observe::Recorded as AuditEntry;
pub use crate::observe::RecordedFailure as AuditFailure;

/// The state of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditState {
    /// Whether operations are written down.
    pub is_on: bool,
    /// Its folder.
    pub folder: PathBuf,
}

impl Repository {
    /// The latest lines of the audit log that are wanted, at most `limit`, the latest first.
    ///
    /// # Errors
    /// `Invalid`: a setting of `audit` cannot be used. `Io` or `Denied`: it cannot be read.
    pub fn audit(&self, filter: &AuditFilter, limit: usize) -> Result<AuditReading> {
        let log = self.observer.log()?;
        log.read(filter, limit).map_err(|error| {
            let message = format!("the audit log in {} cannot be read", log.folder().display());
            Error::new(kind_of(&error), message).because(error)
        })
    }

    /// Whether there is an audit log, and where.
    ///
    /// # Errors
    /// `Invalid`: a setting of `audit` cannot be used.
    pub fn audit_state(&self) -> Result<AuditState> {
        let folder = self.observer.log()?.folder().to_owned();
        Ok(AuditState { is_on: self.observer.is_auditing(), folder })
    }

    /// Takes what `clean` finds out of the audit log. Before history is rewritten: what cannot be
    /// cleaned stops that.
    pub(super) fn clean_audit_log(&self, clean: &CleanLine<'_>) -> Result<()> {
        for log in self.observer.logs()? {
            log.rewrite(clean).map_err(|error| {
                let folder = log.folder().display();
                let message =
                    format!("the audit log in {folder} cannot be cleaned, so nothing was changed");
                Error::new(kind_of(&error), message).because(error)
            })?;
        }
        Ok(())
    }

    /// Takes out of the audit log what errors said of sessions. That something was done to them
    /// stays.
    pub(super) fn silence_in_audit_log(&self, sessions: &[SessionId]) -> Result<()> {
        let ids: HashSet<String> =
            sessions.iter().map(|id| uuid(id).as_hyphenated().to_string()).collect();
        self.clean_audit_log(&|line| silenced(line, &ids))
    }

    /// The session of an id that history may not know any more.
    pub fn audited_session(&mut self, text: &str, here: Option<&std::path::Path>) -> Result<Uuid> {
        let known = match self.resolve(text, here) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.resolve_deleted(text),
            resolved => resolved.map(|at| at.id),
        };
        match known {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Uuid::try_parse(text).map_err(|_| error)
            }
            known => known.map(|id| uuid(&id)),
        }
    }
}

/// A line about one of the sessions without what the error said; none: it says nothing of them.
fn silenced(line: &[u8], ids: &HashSet<String>) -> Option<Clean<Vec<u8>>> {
    let text = String::from_utf8_lossy(line);
    if !ids.iter().any(|id| text.contains(id)) {
        return None;
    }
    let Ok(mut entry) = serde_json::from_str::<Recorded>(text.trim()) else {
        // It is torn: nobody can say what else is in it.
        return Some(Clean::stored(b"\n".to_vec()));
    };
    entry.error.as_mut()?.message.take()?;
    let mut line = serde_json::to_vec(&entry).expect("what was read becomes JSON");
    line.push(b'\n');
    Some(Clean::stored(line))
}

fn kind_of(error: &std::io::Error) -> ErrorKind {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            ErrorKind::Denied
        }
        std::io::ErrorKind::WouldBlock => ErrorKind::Locked,
        _ => ErrorKind::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_errors_said_of_a_session_goes_and_the_rest_stays() {
        let id = "01890000-0000-7000-8000-00005e550011";
        let ids = HashSet::from([id.to_owned()]);
        let line = |error: &str| {
            let rest = r#""level":"error","operation":"load","outcome":"failed","ms":1.5"#;
            format!(r#"{{"time":"2026-11-22T12:00:00Z",{rest},"sessions":["{id}"]{error}}}"#)
        };
        let failed = line(r#","error":{"kind":"io","message":"cannot read Plan B"}"#);
        let left = silenced(failed.as_bytes(), &ids).expect("it changes").into_inner();
        let left: Recorded = serde_json::from_slice(&left).expect("it is a line");
        assert_eq!(left.error.map(|error| (error.kind, error.message)), Some(("io".into(), None)));
        assert_eq!(silenced(line("").as_bytes(), &ids), None, "it said nothing");
        assert_eq!(silenced(failed.as_bytes(), &HashSet::new()), None, "it is about another one");
        let torn = &failed.as_bytes()[..failed.len() - 9];
        assert_eq!(silenced(torn, &ids).map(Clean::into_inner), Some(b"\n".to_vec()));
    }
}
