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
    /// How many messages came out of the journal.
    pub messages: u64,
    /// The time of the last record there (RFC 3339).
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

impl Repository {
    /// What was found and committed when the store was opened: sessions of programs that died.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Commits what dead owners left in their journals. A failure keeps nobody from his sessions.
    pub(super) fn recover(&mut self) {
        let (journals, errors) = self.store.journals().claim_left();
        if journals.is_empty() && errors.is_empty() {
            return;
        }
        let unread =
            errors.iter().map(|error| LeftBehind { session: None, reason: error.to_string() });
        self.recovery.left.extend(unread);
        // What failed stands in the recovery.
        drop(observed(self, Operation::Recover, &[], |it| Ok(it.recover_all(journals))));
    }

    fn recover_all(&mut self, journals: Vec<LeftJournal>) -> Recovery {
        for journal in journals {
            let session = journal.session;
            match self.recover_one(journal) {
                Ok(recovered) => self.recovery.sessions.extend(recovered),
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
            Err(error) if error.kind() == ErrorKind::NotFound => self.recover_deleted(id, &records),
            committed => committed,
        }?;
        let messages = records.iter().filter(|record| record.as_message().is_some()).count() as u64;
        let interrupted =
            records.iter().rev().find_map(|record| record.at()).map(ToString::to_string);
        journal.settle()?;
        if committed.is_none() && unreadable == 0 {
            return Ok(None);
        }
        let stored = self.stored(&self.store.tip()?, id)?;
        let head = self.store.head(&stored)?.into_inner();
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
