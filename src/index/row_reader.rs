//! Reading what stands at the rows of the index: the texts themselves lie in the store.

use std::cell::RefCell;
use std::rc::Rc;

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;

use crate::index::Error;
use crate::index::database::failed;
use crate::index::list;
use crate::index::texts::Spot;
use crate::session::Head;
use crate::session::Message;
use crate::session::Part;
use crate::session::Record;
use crate::session::SessionId;
use crate::session::places_in_view;
use crate::store;
use crate::store::ObjectId;
use crate::store::Store;
use crate::store::StoredChunk;

/// So many chunks are kept while their hits are looked at.
const KEPT_CHUNKS: usize = 32;

/// Where the store has a chunk: its session, that one's tree, its number and id.
type ChunkPlace = (SessionId, ObjectId, (u32, ObjectId));

/// A session and the number of a chunk of it.
type ChunkKey = (i64, u32);

/// Reads the texts of rows. A chunk that cannot be read has none: the others must be found.
pub(super) struct RowReader<'i> {
    connection: &'i Connection,
    store: &'i Store,
    chunks: RefCell<Vec<(ChunkKey, Option<Rc<StoredChunk>>)>>,
}

impl<'i> RowReader<'i> {
    pub(super) fn new(connection: &'i Connection, store: &'i Store) -> Self {
        Self { connection, store, chunks: RefCell::default() }
    }

    /// Shows each text of a row: its part, and the field if it is a head's.
    pub(super) fn each_text(
        &self,
        spot: Spot,
        see: &mut dyn FnMut(Part, Option<&'static str>, &str),
    ) -> Result<(), Error> {
        if spot.chunk > 0 {
            return self.each_text_of_message(spot, see);
        }
        let summary = list::summary_of(self.connection, spot.key).map_err(reading())?;
        self.each_text_of(spot, &summary.head, see)
    }

    /// As [`Self::each_text`], with the head of the row's session at hand.
    pub(super) fn each_text_of(
        &self,
        spot: Spot,
        head: &Head,
        see: &mut dyn FnMut(Part, Option<&'static str>, &str),
    ) -> Result<(), Error> {
        if spot.chunk > 0 {
            return self.each_text_of_message(spot, see);
        }
        head.each_searched(&mut |field, text| see(Part::About, Some(field), text));
        Ok(())
    }

    fn each_text_of_message(
        &self,
        spot: Spot,
        see: &mut dyn FnMut(Part, Option<&'static str>, &str),
    ) -> Result<(), Error> {
        if let Some(message) = self.message(spot)? {
            message.each_searched(&mut |part, text| see(part, None, text));
        }
        Ok(())
    }

    /// The message at that row; none where it cannot be read any more.
    pub(super) fn message(&self, spot: Spot) -> Result<Option<Message>, Error> {
        let Some(chunk) = self.chunk(spot)? else { return Ok(None) };
        match self.store.record_in(&chunk, spot.place) {
            Ok(record) => Ok(record.and_then(|record| match record.into_inner() {
                Record::Message(message) => Some(message),
                _ => None,
            })),
            Err(store::Error::Corrupt { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The chunk of that row; none where it cannot be read any more.
    fn chunk(&self, spot: Spot) -> Result<Option<Rc<StoredChunk>>, Error> {
        let wanted = (spot.key, spot.chunk);
        let mut kept = self.chunks.borrow_mut();
        if let Some((_, chunk)) = kept.iter().find(|(chunk, _)| *chunk == wanted) {
            return Ok(chunk.clone());
        }
        let chunk = self.read(spot)?.map(Rc::new);
        if kept.len() == KEPT_CHUNKS {
            kept.remove(0);
        }
        kept.push((wanted, chunk.clone()));
        Ok(chunk)
    }

    fn read(&self, spot: Spot) -> Result<Option<StoredChunk>, Error> {
        let found = self.place_of(spot)?;
        let Some((id, tree, chunk)) = found else { return Ok(None) };
        match self.store.chunk(id, tree, chunk) {
            Ok(chunk) => Ok(Some(chunk)),
            Err(store::Error::Corrupt { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Where the store has the chunk of that row.
    fn place_of(&self, spot: Spot) -> Result<Option<ChunkPlace>, Error> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT id, tree, blob FROM chunks JOIN searched USING (key)
                    JOIN names USING (key) WHERE key = ?1 AND number = ?2",
                )?
                .query_row(params![spot.key, spot.chunk], |row| {
                    Ok((
                        row.get::<_, String>(0)?,
                        row.get::<_, String>(1)?,
                        row.get::<_, String>(2)?,
                    ))
                })
                .optional()
        };
        let Some((id, tree, blob)) = read().map_err(reading())? else { return Ok(None) };
        let parsed = (id.parse().ok(), ObjectId::parse(&tree), ObjectId::parse(&blob));
        let (Some(id), Some(tree), Some(blob)) = parsed else { return Ok(None) };
        Ok(Some((id, tree, (spot.chunk, blob))))
    }

    /// The number of the message at that row, as `show` counts.
    pub(super) fn message_number(&self, spot: Spot) -> Result<Option<u64>, Error> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT is_whole, (SELECT coalesce(sum(messages), 0) FROM chunks
                        WHERE key = ?1 AND number < ?2) FROM searched WHERE key = ?1",
                )?
                .query_row(params![spot.key, spot.chunk], |row| {
                    Ok((row.get::<_, bool>(0)?, row.get::<_, i64>(1)?))
                })
        };
        let (is_whole, before) = read().map_err(reading())?;
        if is_whole {
            let within = self.chunk(spot)?.map(|chunk| chunk.messages_among(spot.place + 1));
            return Ok(within.map(|within| before.cast_unsigned() + within));
        }
        self.number_in_view(spot)
    }

    /// The same where the view is not the whole stream.
    fn number_in_view(&self, spot: Spot) -> Result<Option<u64>, Error> {
        let numbers = || -> rusqlite::Result<Vec<u32>> {
            let mut statement = self
                .connection
                .prepare_cached("SELECT number FROM chunks WHERE key = ?1 ORDER BY number")?;
            statement.query_map([spot.key], |row| row.get(0))?.collect()
        };
        let mut stream = Vec::new();
        let mut wanted = None;
        for chunk in numbers().map_err(reading())? {
            if chunk == spot.chunk {
                wanted = Some(stream.len() + spot.place);
            }
            if let Some((id, tree, chunk)) = self.place_of(Spot { chunk, ..spot })? {
                stream.extend(self.store.chunk_records(id, tree, chunk)?.into_inner());
            }
        }
        let mut number = 0;
        for place in places_in_view(&stream) {
            number += u64::from(stream[place].as_message().is_some());
            if Some(place) == wanted {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

fn reading() -> impl FnOnce(rusqlite::Error) -> Error {
    failed("cannot search the index")
}
