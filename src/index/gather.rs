//! Following main with the full text: what changed is read from the store and written, session by
//! session, in transactions of bounded size.
//!
//! The text may be behind the catalogue, which is light: only a search, and a capture, wait for it.
//! Each transaction leaves a state to go on from, so a long first build can be interrupted, and
//! several processes may build at once: what one has done the others find done.

use std::collections::HashSet;

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Transaction;
use rusqlite::TransactionBehavior;

use crate::index::Error;
use crate::index::Index;
use crate::index::database::failed;
use crate::index::rows;
use crate::index::texts;
use crate::index::texts::Known;
use crate::index::texts::KnownChunk;
use crate::index::texts::Spot;
use crate::index::texts::Writer;
use crate::session::Head;
use crate::session::Record;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::places_in_view;
use crate::store;
use crate::store::ObjectId;
use crate::store::SessionChange;
use crate::store::Store;
use crate::store::StoredSession;

/// What the commit is called in the table that the full text stands for.
const SEARCHED: &str = "searched";
/// A transaction is closed after so much text: memory stays bounded, and others get to write.
const BATCH_BYTES: u64 = 8 << 20;

/// How far a session's text has come.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Done,
    /// The transaction is large enough; the rest comes in the next one.
    More,
}

impl Index {
    /// Brings catalogue and full text up to the tip. `progress` hears how many of the sessions that
    /// changed are done, and how many there are.
    pub fn refresh_texts(
        &mut self,
        store: &Store,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Error> {
        self.bring_up(store, SEARCHED, &mut |index, (from, tip), changes| {
            index.gather(store, from, tip, changes, progress)
        })
    }

    /// Writes the changes, transaction by transaction, until another process moved the catalogue.
    fn gather(
        &mut self,
        store: &Store,
        from: Option<&RevisionId>,
        tip: &RevisionId,
        changes: &[SessionChange],
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Error> {
        let doing = || failed("cannot write the index");
        let mut done = 0;
        loop {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(doing())?;
            let is_same = searched(&transaction)?.as_ref() == from
                && rows::indexed(&transaction)?.as_ref() == Some(tip);
            if !is_same {
                return Ok(());
            }
            let mut writer = Writer::default();
            while let Some(change) = changes.get(done).filter(|_| writer.bytes < BATCH_BYTES) {
                let bring = Bring { transaction: &transaction, store, id: change.id };
                if bring.up_to(change.tree, &mut writer)? == Progress::Done {
                    done += 1;
                }
            }
            let is_end = done == changes.len();
            if is_end {
                finish(&transaction, from, tip, changes).map_err(doing())?;
            }
            transaction.commit().map_err(doing())?;
            progress(done as u64, changes.len() as u64);
            if is_end {
                return Ok(());
            }
        }
    }
}

/// The commit that the full text stands for.
pub(super) fn searched(connection: &Connection) -> Result<Option<RevisionId>, Error> {
    rows::stands_for(connection, SEARCHED)
}

/// Says that the text stands for the tip. Where it stood for nothing, sessions that it still has
/// and the tip does not go.
fn finish(
    transaction: &Transaction<'_>,
    from: Option<&RevisionId>,
    tip: &RevisionId,
    changes: &[SessionChange],
) -> rusqlite::Result<()> {
    if from.is_none() {
        let present: HashSet<String> =
            changes.iter().map(|change| rows::digits(change.id)).collect();
        let mut statement =
            transaction.prepare("SELECT key, id FROM searched LEFT JOIN names USING (key)")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let known: Vec<(i64, Option<String>)> = rows.collect::<rusqlite::Result<_>>()?;
        for (key, id) in known {
            if !id.is_some_and(|id| present.contains(&id)) {
                texts::remove(transaction, key)?;
            }
        }
    }
    rows::stand_for(transaction, SEARCHED, tip)
}

/// Brings one session's text to a state.
struct Bring<'t> {
    transaction: &'t Transaction<'t>,
    store: &'t Store,
    id: SessionId,
}

impl Bring<'_> {
    /// Up to the state of that tree; none: it is gone.
    fn up_to(&self, tree: Option<ObjectId>, writer: &mut Writer) -> Result<Progress, Error> {
        let doing = || failed("cannot write the index");
        let Some((key, head)) = self.row().map_err(doing())? else {
            return Ok(Progress::Done);
        };
        let Some(tree) = tree else {
            texts::remove(self.transaction, key).map_err(doing())?;
            return Ok(Progress::Done);
        };
        let tree = tree.to_string();
        let known = texts::load(self.transaction, key).map_err(doing())?;
        if known.as_ref().is_some_and(|known| known.tree == tree) {
            return Ok(Progress::Done);
        }
        let stored = match self.store.session_of_tree(self.id, &tree) {
            Ok(stored) => stored,
            // `list` marks what is damaged; what can be read of it cannot be found.
            Err(store::Error::Corrupt { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let before = known.as_ref().map(|known| known.about);
        if known.as_ref().is_some_and(|known| !known.is_whole) {
            texts::remove_from(self.transaction, key, 1).map_err(doing())?;
        }
        let mut state = known
            .filter(|known| known.is_whole)
            .unwrap_or(Known { is_whole: true, ..Known::default() });
        if let Some(head) = head {
            state.about = writer.head(self.transaction, key, &head, before).map_err(doing())?;
        }
        let progress = match stored {
            Some(stored) => self.chunks(key, &stored, &mut state, writer)?,
            None => {
                texts::remove_from(self.transaction, key, 1).map_err(doing())?;
                Progress::Done
            }
        };
        state.tree = if progress == Progress::Done { tree } else { String::new() };
        texts::settle(self.transaction, key, &state).map_err(doing())?;
        Ok(progress)
    }

    /// The session's key and head, as the catalogue has it.
    fn row(&self) -> rusqlite::Result<Option<(i64, Option<Head>)>> {
        let row = self
            .transaction
            .prepare_cached(
                "SELECT key, head FROM names LEFT JOIN heads USING (key) WHERE id = ?1",
            )?
            .query_row([rows::digits(self.id)], |row| {
                Ok((row.get(0)?, row.get::<_, Option<String>>(1)?))
            })
            .optional()?;
        let parse = |text: String| serde_json::from_str(&text).ok();
        Ok(row.map(|(key, head)| (key, head.and_then(parse))))
    }

    /// The chunks that are not known as they are; all, where the view is not the whole stream.
    fn chunks(
        &self,
        key: i64,
        stored: &StoredSession,
        state: &mut Known,
        writer: &mut Writer,
    ) -> Result<Progress, Error> {
        let doing = || failed("cannot write the index");
        let pairs = stored.chunks.iter().zip(&state.chunks);
        let same = |((number, blob), known): &(&(u32, ObjectId), &KnownChunk)| {
            *number == known.number && blob.to_string() == known.blob
        };
        let first = pairs.take_while(same).count();
        let mut grown = state.chunks.get(first).cloned();
        for (place, (number, blob)) in stored.chunks.iter().enumerate().skip(first) {
            let records = self.read(stored, (*number, *blob))?;
            if records.iter().any(Record::changes_view) {
                state.is_whole = false;
                return self.viewed(key, stored, writer);
            }
            let mut start = 0;
            if let Some(grown) = grown.take() {
                let count = grown.records as usize;
                let is_longer = grown.number == *number
                    && records.get(..count).map(texts::print_of) == Some(grown.print);
                start = if is_longer { count } else { 0 };
                let from = if is_longer { number + 1 } else { *number };
                texts::remove_from(self.transaction, key, from).map_err(doing())?;
            }
            self.write(key, (*number, *blob), &records, start, writer).map_err(doing())?;
            if writer.bytes >= BATCH_BYTES && place + 1 < stored.chunks.len() {
                return Ok(Progress::More);
            }
        }
        let end = stored.chunks.last().map_or(1, |(number, _)| number + 1);
        if state.chunks.last().is_some_and(|last| last.number >= end) {
            texts::remove_from(self.transaction, key, end).map_err(doing())?;
        }
        Ok(Progress::Done)
    }

    /// The records in view of a session that others left.
    fn viewed(
        &self,
        key: i64,
        stored: &StoredSession,
        writer: &mut Writer,
    ) -> Result<Progress, Error> {
        let doing = || failed("cannot write the index");
        texts::remove_from(self.transaction, key, 1).map_err(doing())?;
        let mut stream = Vec::new();
        let mut spots = Vec::new();
        for chunk in &stored.chunks {
            let records = self.read(stored, *chunk)?;
            spots.extend((0..records.len()).map(|place| Spot { key, chunk: chunk.0, place }));
            let known = KnownChunk {
                number: chunk.0,
                blob: chunk.1.to_string(),
                records: count(records.len()),
                messages: 0,
                print: 0,
            };
            texts::put_chunk(self.transaction, key, &known).map_err(doing())?;
            stream.extend(records);
        }
        for place in places_in_view(&stream) {
            if let Record::Message(message) = &stream[place] {
                writer.message(self.transaction, spots[place], message).map_err(doing())?;
            }
        }
        Ok(Progress::Done)
    }

    fn write(
        &self,
        key: i64,
        (number, blob): (u32, ObjectId),
        records: &[Record],
        start: usize,
        writer: &mut Writer,
    ) -> rusqlite::Result<()> {
        for (place, record) in records.iter().enumerate().skip(start) {
            if let Record::Message(message) = record {
                let spot = Spot { key, chunk: number, place };
                writer.message(self.transaction, spot, message)?;
            }
        }
        let messages = records.iter().filter(|record| record.as_message().is_some()).count();
        let known = KnownChunk {
            number,
            blob: blob.to_string(),
            records: count(records.len()),
            messages: messages as u64,
            print: texts::print_of(records),
        };
        texts::put_chunk(self.transaction, key, &known)
    }

    /// The records of a chunk; none where it is damaged: the others must be found.
    fn read(&self, stored: &StoredSession, chunk: (u32, ObjectId)) -> Result<Vec<Record>, Error> {
        match self.store.chunk_records(stored.id, stored.tree, chunk) {
            Ok(records) => Ok(records.into_inner()),
            Err(store::Error::Corrupt { .. }) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}

fn count(records: usize) -> u32 {
    u32::try_from(records).unwrap_or(u32::MAX)
}
