//! The beginning of a session, for a glance at it.

use crate::error::Result;
use crate::repository::Repository;
use crate::repository::SessionAt;
use crate::session::Head;
use crate::session::Record;
use crate::session::places_in_view;

/// The chunks that are read at most.
const CHUNKS: usize = 3;

/// How a session begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Beginning {
    /// The head of all of it.
    pub head: Head,
    /// The first records.
    pub records: Vec<Record>,
    /// Whether there are no others.
    pub is_whole: bool,
}

impl Beginning {
    /// The records that are seen, in the order of the view.
    pub fn view(&self) -> impl Iterator<Item = &Record> {
        places_in_view(&self.records).into_iter().map(|place| &self.records[place])
    }
}

impl Repository {
    /// The beginning of a session, however long it is. What a rollback took out of view is known
    /// only where that is all of it.
    pub fn beginning(&self, at: &SessionAt) -> Result<Beginning> {
        let stored = self.stored(&at.revision, at.id)?;
        let head = self.store.head(&stored)?.into_inner();
        let records = self.store.first_records(&stored, CHUNKS)?.into_inner();
        let is_whole = stored.chunks.len() <= CHUNKS;
        Ok(Beginning { head, records, is_whole })
    }
}
