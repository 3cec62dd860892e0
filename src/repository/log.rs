//! The revisions of a session, each with what it changed.

use std::collections::HashSet;

use crate::error::ErrorKind;
use crate::error::Result;
use crate::index::RevisionEntry;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::observing::observed;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::SessionId;
use crate::session::view;

/// A revision of a session, and what it changed.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// The revision.
    pub entry: RevisionEntry,
    /// Messages that came with it.
    pub added: u64,
    /// Messages that went with it.
    pub removed: u64,
    /// Why the session cannot be read there, if it cannot; what came and went is then told of the
    /// next revision that can.
    pub damaged: Option<String>,
}

impl Repository {
    /// The revisions of a session, newest first; those that cannot be read say why.
    pub fn log(&mut self, id: SessionId) -> Result<Vec<LogEntry>> {
        observed(self, Operation::Log, &[id], |it| it.revisions_of(id))
    }

    fn revisions_of(&mut self, id: SessionId) -> Result<Vec<LogEntry>> {
        let revisions = self.index(|index| index.revisions(id))?;
        let mut entries = Vec::with_capacity(revisions.len());
        let mut before: HashSet<RecordKey> = HashSet::new();
        // Oldest first, so that each revision is read once.
        for entry in revisions.into_iter().rev() {
            let now =
                if entry.is_deleted { Ok(HashSet::new()) } else { self.messages_in(&entry, id) };
            // One that is damaged does not hide the others.
            let damaged = match &now {
                Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::TooNew) => {
                    Some(error.to_string())
                }
                _ => None,
            };
            let now = if damaged.is_some() { before.clone() } else { now? };
            let added = now.difference(&before).count() as u64;
            let removed = before.difference(&now).count() as u64;
            entries.push(LogEntry { entry, added, removed, damaged });
            before = now;
        }
        entries.reverse();
        Ok(entries)
    }

    fn messages_in(&self, entry: &RevisionEntry, id: SessionId) -> Result<HashSet<RecordKey>> {
        let stored = self.stored(&entry.revision, id)?;
        let stream = self.store.records(&stored)?;
        Ok(messages(&stream))
    }
}

fn messages(stream: &[Record]) -> HashSet<RecordKey> {
    let keys = Keys::of(stream);
    view(stream, &keys)
        .into_iter()
        .filter(|place| stream[*place].as_message().is_some())
        .map(|place| keys[place].clone())
        .collect()
}
