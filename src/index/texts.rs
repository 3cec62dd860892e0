//! The full text in the index: which rows stand for which records, and writing them.
//!
//! A row of `texts` is a message, or a head; its number says where it stands. A long one has several, for
//! SQLite holds all the words of a row at once. The text itself is not kept, only its tokens; whoever
//! wants to see a hit reads the chunk it stands in. `chunks` knows of each chunk the blob it was made
//! from, so a session that grew is gone on with.

use std::hash::DefaultHasher;
use std::hash::Hasher;

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;

use crate::index::tokens::BORDER;
use crate::index::tokens::push_folded;
use crate::session::Head;
use crate::session::Message;
use crate::session::Part;
use crate::session::Record;

/// Bits of a row's number for the place of a record within its chunk: the last ones, so that rows that
/// follow one another take the least room.
const PLACE_BITS: u32 = 12;
/// Bits of it for the piece of a text.
const PIECE_BITS: u32 = 9;
/// Bits of it for the number of the chunk. What is left is for the session: 8 million of them.
const CHUNK_BITS: u32 = 19;
/// Bits of it below the session.
const WITHIN_BITS: u32 = PIECE_BITS + PLACE_BITS + CHUNK_BITS;
/// Bytes of a piece, without what it has from the one before it.
const PIECE: usize = 4 << 20;
/// Bytes of the piece before it that a piece begins with, so that a phrase across the border is found.
const OVERLAP: usize = 4 << 10;

/// Where a row's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Spot {
    /// The session, as the tables have it.
    pub(super) key: i64,
    /// The number of the chunk; 0: the head.
    pub(super) chunk: u32,
    /// The place of the record in the chunk.
    pub(super) place: usize,
}

impl Spot {
    /// The number of its first row; none: it is beyond all that numbers hold.
    pub(super) fn row(self) -> Option<i64> {
        let place = u32::try_from(self.place).ok().filter(|place| place >> PLACE_BITS == 0)?;
        let is_within = self.chunk >> CHUNK_BITS == 0;
        let within = (i64::from(self.chunk) << (PIECE_BITS + PLACE_BITS)) | i64::from(place);
        is_within.then(|| first_row(self.key) | within)
    }

    pub(super) fn of_row(row: i64) -> Self {
        let part = |shift: u32, bits: u32| (row >> shift) & ((1 << bits) - 1);
        Self {
            key: row >> WITHIN_BITS,
            chunk: u32::try_from(part(PIECE_BITS + PLACE_BITS, CHUNK_BITS)).unwrap_or_default(),
            place: usize::try_from(part(0, PLACE_BITS)).unwrap_or_default(),
        }
    }
}

/// The number of a session's first row, its head.
pub(super) fn first_row(key: i64) -> i64 {
    key << WITHIN_BITS
}

/// The first row of the message or head that a row is a piece of.
pub(super) fn whole_row(row: i64) -> i64 {
    row & !(((1 << PIECE_BITS) - 1) << PLACE_BITS)
}

/// What the index has of a session's text.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The tree it stands for; empty: for none yet.
    pub(super) tree: String,
    /// Whether nothing takes records out of the view, or moves them.
    pub(super) is_whole: bool,
    /// The print of what the head's row holds.
    pub(super) about: i64,
    pub(super) chunks: Vec<KnownChunk>,
}

/// What the index has of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownChunk {
    pub(super) number: u32,
    pub(super) blob: String,
    pub(super) records: u32,
    pub(super) messages: u64,
    /// The print of its records' texts.
    pub(super) print: i64,
}

/// What is known of a session's text.
pub(super) fn load(connection: &Connection, key: i64) -> rusqlite::Result<Option<Known>> {
    let known = connection
        .prepare_cached("SELECT tree, is_whole, about FROM searched WHERE key = ?1")?
        .query_row([key], |row| {
            let (tree, is_whole, about) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Known { tree, is_whole, about, chunks: Vec::new() })
        })
        .optional()?;
    let Some(mut known) = known else { return Ok(None) };
    let mut statement = connection.prepare_cached(
        "SELECT number, blob, records, messages, print FROM chunks WHERE key = ?1 ORDER BY number",
    )?;
    let chunks = statement.query_map([key], |row| {
        let messages: i64 = row.get(3)?;
        Ok(KnownChunk {
            number: row.get(0)?,
            blob: row.get(1)?,
            records: row.get(2)?,
            messages: messages.cast_unsigned(),
            print: row.get(4)?,
        })
    })?;
    known.chunks = chunks.collect::<rusqlite::Result<_>>()?;
    Ok(Some(known))
}

/// Says which tree the text of a session stands for.
pub(super) fn settle(connection: &Connection, key: i64, known: &Known) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO searched VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![key, known.tree, known.is_whole, known.about])?;
    Ok(())
}

pub(super) fn put_chunk(
    connection: &Connection,
    key: i64,
    chunk: &KnownChunk,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO chunks VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            key,
            chunk.number,
            chunk.blob,
            chunk.records,
            chunk.messages.cast_signed(),
            chunk.print
        ])?;
    Ok(())
}

/// Takes out all of a session's text.
pub(super) fn remove(connection: &Connection, key: i64) -> rusqlite::Result<()> {
    remove_rows(connection, first_row(key), first_row(key + 1))?;
    connection.prepare_cached("DELETE FROM chunks WHERE key = ?1")?.execute([key])?;
    connection.prepare_cached("DELETE FROM searched WHERE key = ?1")?.execute([key])?;
    Ok(())
}

/// Takes out the chunks of a session from that number on.
pub(super) fn remove_from(connection: &Connection, key: i64, chunk: u32) -> rusqlite::Result<()> {
    let first = Spot { key, chunk, place: 0 }.row().unwrap_or_else(|| first_row(key + 1));
    remove_rows(connection, first, first_row(key + 1))?;
    connection
        .prepare_cached("DELETE FROM chunks WHERE key = ?1 AND number >= ?2")?
        .execute(params![key, chunk])?;
    Ok(())
}

fn remove_rows(connection: &Connection, from: i64, to: i64) -> rusqlite::Result<()> {
    let rows: Vec<i64> = connection
        .prepare_cached("SELECT id FROM texts_docsize WHERE id >= ?1 AND id < ?2")?
        .query_map([from, to], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut delete = connection.prepare_cached("DELETE FROM texts WHERE rowid = ?1")?;
    for row in rows {
        delete.execute([row])?;
    }
    Ok(())
}

/// Makes rows of records, and remembers what they were made of.
#[derive(Debug, Default)]
pub(super) struct Writer {
    columns: [String; 3],
    /// How much text was read.
    pub(super) bytes: u64,
}

impl Writer {
    /// Writes a message's row; one without text has a row too: it says that it is in view.
    pub(super) fn message(
        &mut self,
        connection: &Connection,
        spot: Spot,
        message: &Message,
    ) -> rusqlite::Result<()> {
        message.each_searched(&mut |part, text| self.push(part, text));
        self.put(connection, spot)
    }

    /// Writes a head's row, unless it is the one of that print; returns its print.
    pub(super) fn head(
        &mut self,
        connection: &Connection,
        key: i64,
        head: &Head,
        before: Option<i64>,
    ) -> rusqlite::Result<i64> {
        let mut hasher = DefaultHasher::new();
        head.each_searched(&mut |_, text| hash(&mut hasher, text));
        let print = hasher.finish().cast_signed();
        if before == Some(print) {
            return Ok(print);
        }
        let row = first_row(key);
        remove_rows(connection, row, row + (1 << (PIECE_BITS + PLACE_BITS)))?;
        head.each_searched(&mut |_, text| self.push(Part::About, text));
        self.put(connection, Spot { key, chunk: 0, place: 0 })?;
        Ok(print)
    }

    fn push(&mut self, part: Part, text: &str) {
        self.bytes += text.len() as u64;
        let column = &mut self.columns[part as usize];
        if !column.is_empty() {
            column.push(BORDER);
            column.push(' ');
        }
        push_folded(text, column);
    }

    fn put(&mut self, connection: &Connection, spot: Spot) -> rusqlite::Result<()> {
        if let Some(first) = spot.row() {
            let mut insert = connection.prepare_cached(
                "INSERT INTO texts (rowid, about, talk, tools) VALUES (?1, ?2, ?3, ?4)",
            )?;
            let mut pieces = self.columns.each_ref().map(|column| pieces(column));
            for piece in 0..1 << PIECE_BITS {
                let [about, talk, tools] = pieces.each_mut().map(Iterator::next);
                if piece > 0 && about.is_none() && talk.is_none() && tools.is_none() {
                    break;
                }
                let [about, talk, tools] = [about, talk, tools].map(Option::unwrap_or_default);
                insert.execute(params![first | (piece << PLACE_BITS), about, talk, tools])?;
            }
        }
        self.columns.iter_mut().for_each(String::clear);
        Ok(())
    }
}

/// The pieces of a column's tokens, each token whole.
fn pieces(column: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = column.get(start..).filter(|rest| !rest.is_empty())?;
        let cut = |at: usize| column.as_bytes()[..at].iter().rposition(|byte| *byte == b' ');
        let from =
            if start > OVERLAP { cut(start - OVERLAP).map_or(0, |at| at + 1) } else { start };
        let end = if rest.len() > PIECE { cut(start + PIECE).map(|at| at + 1) } else { None };
        let end = end.filter(|end| *end > start).unwrap_or(column.len());
        start = end;
        Some(&column[from..end])
    })
}

/// The print of some records' texts.
pub(super) fn print_of(records: &[Record]) -> i64 {
    let mut hasher = DefaultHasher::new();
    for record in records {
        hasher.write_u8(0);
        if let Record::Message(message) = record {
            message.each_searched(&mut |part, text| {
                hasher.write_u8(part as u8);
                hash(&mut hasher, text);
            });
        }
    }
    hasher.finish().cast_signed()
}

fn hash(hasher: &mut DefaultHasher, text: &str) {
    hasher.write(text.as_bytes());
    hasher.write_u8(0xff);
}
