//! Reading the files of records, whole or a record at a time.

use std::ops::ControlFlow;

use crate::format;
use crate::format::ChunkText;
use crate::redact::Clean;
use crate::session::HeadFold;
use crate::session::Record;
use crate::session::SessionId;
use crate::session::StreamFold;
use crate::store::Error;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::StoredSession;
use crate::store::layout;
use crate::store::objects::corrupt;
use crate::store::sessions::unreadable;

/// The text of a chunk, to read single records of it.
#[derive(Debug)]
pub struct StoredChunk {
    pub(super) id: SessionId,
    pub(super) tree: ObjectId,
    pub(super) number: u32,
    pub(super) chunk: ObjectId,
    pub(super) text: ChunkText,
}

impl StoredChunk {
    /// How many messages stand among its first `count` records.
    pub fn messages_among(&self, count: usize) -> u64 {
        self.text.messages_among(count)
    }
}

impl Store {
    /// The records of one of its chunks, by number and id.
    pub fn chunk_records(
        &self,
        id: SessionId,
        tree: ObjectId,
        (number, chunk): (u32, ObjectId),
    ) -> Result<Clean<Vec<Record>>, Error> {
        if chunk == tree {
            return Ok(self.migrated(id, tree)?.records.clone());
        }
        let name = layout::chunk_name(id, number);
        let what = format_args!("{name} of session {id}");
        let text = self.read_text(chunk.0, &what)?;
        let mut failed = None;
        let parsed = format::parse_chunk(&text, &mut |file| {
            self.file(id, tree, file).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        match (failed, parsed) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(unreadable(chunk.0, &what, error)),
            (None, Ok(records)) => Ok(Clean::stored(records)),
        }
    }

    /// Hands on its records, until no more are wanted. Those of one chunk are in memory at a time.
    pub fn each_record(
        &self,
        session: &StoredSession,
        take: &mut dyn FnMut(&Record) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        for chunk in &session.chunks {
            let records = self.chunk_records(session.id, session.tree, *chunk)?;
            if records.iter().try_for_each(&mut *take).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What its records fold to. They are read whole only where their view is not the stream as it
    /// stands.
    pub fn fold(&self, session: &StoredSession) -> Result<HeadFold, Error> {
        let mut fold = StreamFold::of(session.id);
        let passed = self.each_record(session, &mut |record| {
            if fold.add(record) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if passed.is_continue() {
            return Ok(fold.finish());
        }
        Ok(HeadFold::of_stream(session.id, &self.records(session)?))
    }

    /// The text of one of its chunks, whose records are then read one at a time.
    pub fn chunk(
        &self,
        id: SessionId,
        tree: ObjectId,
        (number, chunk): (u32, ObjectId),
    ) -> Result<StoredChunk, Error> {
        if chunk == tree {
            return self.migrated_chunk(id, tree);
        }
        let name = layout::chunk_name(id, number);
        let what = format_args!("{name} of session {id}");
        let text = self.read_text_to_search(chunk.0, &what)?;
        let cause = || "it is not in the form that annals writes".to_owned();
        let text = format::ChunkText::of(text).ok_or_else(|| corrupt(chunk.0, &what, cause()))?;
        Ok(StoredChunk { id, tree, number, chunk, text })
    }

    /// A record of a chunk, without the fields that it shares with others there; none: there are
    /// not so many.
    pub fn record_in(
        &self,
        chunk: &StoredChunk,
        place: usize,
    ) -> Result<Option<Clean<Record>>, Error> {
        let mut failed = None;
        let record = chunk.text.record(place, &mut |file| {
            self.file(chunk.id, chunk.tree, file).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        match (failed, record) {
            (Some(error), _) => Err(error),
            (None, Ok(record)) => Ok(record.map(Clean::stored)),
            (None, Err(error)) => {
                let name = layout::chunk_name(chunk.id, chunk.number);
                let what = format_args!("{name} of session {}", chunk.id);
                Err(unreadable(chunk.chunk.0, &what, error))
            }
        }
    }
}
