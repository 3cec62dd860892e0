//! A whole session, read out of the store.

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::repository::Operation;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::repository::observing::observed;
use crate::session::Session;

impl Repository {
    /// The whole session, as it was at that revision.
    pub fn load(&self, at: &SessionAt) -> Result<Session> {
        observed(self, Operation::Load, &[at.id], |it| {
            let stored = it.stored(&at.revision, at.id)?;
            let records = it.store.records(&stored).map_err(Error::from);
            let records = records.inspect_err(|error| it.mark_if_damaged(at, error))?;
            Ok(Session { id: at.id, records: records.into_inner() })
        })
    }

    /// Has lists mark a session that turned out to be damaged.
    fn mark_if_damaged(&self, at: &SessionAt, error: &Error) {
        if error.kind() == ErrorKind::Corrupt && !at.is_past {
            // Where it cannot be noted, the next who reads it is told again.
            drop(self.index.mark_damaged(at.id, &error.to_string()));
        }
    }
}
