//! Recovery: what a program that died had acknowledged and not committed.

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::observing::observed;
use crate::session::Head;
use crate::session::Record;
use crate::session::SessionId;
use crate::store::LeftJournal;

/// A session that was interrupted and is whole again.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveredSession {
    /// Its head now.
    pub head: Head,
    /// How many messages came out of the journal; 0: they were saved already.
    pub messages: u64,
    /// The time of its last record (RFC 3339).
    pub interrupted: Option<String>,
    /// Lines of the journal that cannot be read; they are kept beside it.
    pub unreadable: u64,
}

/// A journal whose records could not be committed. It is left as it is, and tried again when the
/// store is next opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    /// The session, where that is known.
    pub session: Option<SessionId>,
    /// What failed.
    pub reason: String,
}

/// What recovery found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovery {
    /// Sessions that are whole again.
    pub sessions: Vec<RecoveredSession>,
    /// What could not be recovered.
    pub left: Vec<LeftBehind>,
}

impl Recovery {
    /// Adds what came out of one journal; a session may have had several.
    fn add(&mut self, found: RecoveredSession) {
        let known = self.sessions.iter().position(|it| it.head.id == found.head.id);
        let Some(known) = known.map(|at| self.sessions.remove(at)) else {
            return self.sessions.push(found);
        };
        self.sessions.push(RecoveredSession {
            messages: known.messages + found.messages,
            unreadable: known.unreadable + found.unreadable,
            ..found
        });
    }
}

impl Repository {
    /// What was found and committed when the store was opened: sessions of programs that died.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Commits what dead owners left in their journals. A failure keeps nobody from his sessions.
    /// Who only reads a store of an older schema writes nothing into it: there they wait for the
    /// migration that comes before the first thing that is written.
    pub(super) fn recover(&mut self) {
        if self.is_to_be_migrated().unwrap_or(false) {
            return;
        }
        let (journals, errors) = self.store.journals().claim_left();
        let unread =
            errors.iter().map(|error| LeftBehind { session: None, reason: error.to_string() });
        self.recovery.left.extend(unread);
        if !journals.is_empty() || !errors.is_empty() {
            // What failed stands in the recovery.
            drop(observed(&mut *self, Operation::Recover, &[], |it| Ok(it.recover_all(journals))));
        }
        self.note_interrupted();
    }

    fn recover_all(&mut self, journals: Vec<LeftJournal>) -> Recovery {
        for journal in journals {
            let session = journal.session;
            match self.recover_one(journal) {
                Ok(Some(recovered)) => self.recovery.add(recovered),
                Ok(None) => {}
                Err(error) => {
                    let reason = error.to_string();
                    self.recovery.left.push(LeftBehind { session: Some(session), reason });
                }
            }
        }
        self.recovery.clone()
    }

    fn recover_one(&mut self, journal: LeftJournal) -> Result<Option<RecoveredSession>> {
        let LeftJournal { session: id, unreadable, .. } = journal;
        let records: Vec<_> = journal.records.clone().items().collect();
        let committed = match self.commit_records(id, &records, None, true) {
            // Nothing brings back nothing.
            Err(error) if error.kind() == ErrorKind::NotFound && records.is_empty() => None,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.recover_deleted(id, &records)?
            }
            committed => committed?,
        };
        let messages = records.iter().filter(|record| record.as_message().is_some()).count() as u64;
        let interrupted =
            records.iter().rev().find_map(|record| record.at()).map(ToString::to_string);
        journal.settle()?;
        // A journal without records is of a program that died with all saved; of one that had said
        // nothing there is nothing to go on with.
        let Some(stored) = self.store.session(&self.store.tip()?, id)? else { return Ok(None) };
        let head = self.store.head(&stored)?.into_inner();
        if committed.is_none() && unreadable == 0 && head.counts.messages == 0 {
            return Ok(None);
        }
        let interrupted = interrupted.or_else(|| head.modified.clone());
        let messages = if committed.is_some() { messages } else { 0 };
        Ok(Some(RecoveredSession { head, messages, interrupted, unreadable }))
    }

    /// The session is not at the tip: it was deleted meanwhile, or history knows nothing of it.
    fn recover_deleted(
        &mut self,
        id: SessionId,
        records: &[crate::redact::Clean<Record>],
    ) -> Result<Option<crate::session::RevisionId>> {
        match self.undelete(id) {
            Ok(_) => self.commit_records(id, records, None, true),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(self.save_clean(id, records)?.revision)
            }
            Err(error) => Err(Error::new(error.kind(), error.to_string())),
        }
    }
}
