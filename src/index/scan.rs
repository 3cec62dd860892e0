//! Looking through every text, in parallel: for what the index does not know.
//!
//! Each session is read chunk by chunk, so memory is bounded by the number of threads.

use std::collections::HashSet;

use rayon::iter::IntoParallelRefIterator;
use rayon::iter::ParallelIterator;
use rusqlite::Connection;

use crate::index::Error;
use crate::index::database::failed;
use crate::index::found::Scope;
use crate::index::search::WEIGHTS;
use crate::index::terms::Matcher;
use crate::index::texts::Spot;
use crate::index::texts::first_row;
use crate::session::Head;
use crate::session::Part;
use crate::session::Record;
use crate::session::SessionId;
use crate::store;
use crate::store::ObjectId;
use crate::store::Store;

/// The most rows of one session that are told: more hits of one session nobody reads.
const MOST_ROWS: usize = 200;
/// So many matches of a text are counted.
const MOST_MATCHES: usize = 16;

/// A session to be looked through.
struct Shelf {
    key: i64,
    id: SessionId,
    tree: ObjectId,
    head: Option<Head>,
    chunks: Vec<(u32, ObjectId)>,
    /// The rows in view; none: all.
    in_view: Option<HashSet<i64>>,
}

/// The rows of all sessions, or of those in `left`, that hold what is looked for, with scores.
pub(super) fn scan(
    connection: &Connection,
    store: &Store,
    matcher: &Matcher,
    scope: Scope,
    left: Option<&HashSet<i64>>,
) -> Result<Vec<(i64, f64)>, Error> {
    let mut shelves = shelves(connection).map_err(failed("cannot read the index"))?;
    shelves.retain(|shelf| left.is_none_or(|left| left.contains(&shelf.key)));
    let path = store.path();
    // It is open already: whether its newest revision can be read does not matter here.
    let open = || Store::open_damaged(path);
    let found: Result<Vec<Vec<(i64, f64)>>, Error> = shelves
        .par_iter()
        .map_init(open, |store, shelf| match store {
            Ok(store) => Scan { store, matcher, scope }.rows_of(shelf),
            Err(_) => Err(Store::open_damaged(path).err().map_or(
                Error::Store(store::Error::Missing { path: path.to_owned() }),
                Error::Store,
            )),
        })
        .collect();
    let mut rows: Vec<(i64, f64)> = found?.into_iter().flatten().collect();
    rows.sort_by_key(|(row, _)| *row);
    Ok(rows)
}

fn shelves(connection: &Connection) -> rusqlite::Result<Vec<Shelf>> {
    let mut statement = connection.prepare_cached(
        "SELECT key, names.id, searched.tree, is_whole, head FROM searched JOIN names USING (key)
        LEFT JOIN heads USING (key)",
    )?;
    let mut chunks_of = connection
        .prepare_cached("SELECT number, blob FROM chunks WHERE key = ?1 ORDER BY number")?;
    let mut in_view =
        connection.prepare_cached("SELECT id FROM texts_docsize WHERE id >= ?1 AND id < ?2")?;
    let mut shelves = Vec::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, id, tree): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let head: Option<String> = row.get(4)?;
        let (Ok(id), Some(tree)) = (id.parse(), ObjectId::parse(&tree)) else { continue };
        let chunks = chunks_of.query_map([key], |row| {
            Ok((row.get::<_, u32>(0)?, ObjectId::parse(&row.get::<_, String>(1)?)))
        })?;
        let chunks: Vec<(u32, Option<ObjectId>)> = chunks.collect::<rusqlite::Result<_>>()?;
        let is_whole: bool = row.get(3)?;
        let view = if is_whole {
            None
        } else {
            let ids = in_view
                .query_map([first_row(key), first_row(key + 1)], |row| row.get::<_, i64>(0))?;
            Some(ids.collect::<rusqlite::Result<_>>()?)
        };
        shelves.push(Shelf {
            key,
            id,
            tree,
            head: head.and_then(|head| serde_json::from_str(&head).ok()),
            chunks: chunks.into_iter().filter_map(|(n, blob)| blob.map(|it| (n, it))).collect(),
            in_view: view,
        });
    }
    Ok(shelves)
}

struct Scan<'s> {
    store: &'s Store,
    matcher: &'s Matcher,
    scope: Scope,
}

impl Scan<'_> {
    fn rows_of(&self, shelf: &Shelf) -> Result<Vec<(i64, f64)>, Error> {
        let mut rows = Vec::new();
        if let Some(head) = &shelf.head {
            let mut score = 0.0;
            head.each_searched(&mut |_, text| score += self.score(Part::About, text));
            if score > 0.0 {
                rows.push((first_row(shelf.key), score));
            }
        }
        for chunk in &shelf.chunks {
            let records = match self.store.chunk_records(shelf.id, shelf.tree, *chunk) {
                Ok(records) => records,
                Err(store::Error::Corrupt { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            for (place, record) in records.iter().enumerate() {
                let Record::Message(message) = record else { continue };
                let spot = Spot { key: shelf.key, chunk: chunk.0, place };
                let is_seen =
                    |row: &i64| shelf.in_view.as_ref().is_none_or(|in_view| in_view.contains(row));
                let Some(row) = spot.row().filter(is_seen) else { continue };
                let mut score = 0.0;
                message.each_searched(&mut |part, text| score += self.score(part, text));
                if score > 0.0 {
                    rows.push((row, score));
                }
            }
            if rows.len() >= MOST_ROWS {
                break;
            }
        }
        Ok(rows)
    }

    fn score(&self, part: Part, text: &str) -> f64 {
        if !self.scope.holds(part) {
            return 0.0;
        }
        let count = u32::try_from(self.matcher.find(text, MOST_MATCHES).len());
        let count = f64::from(count.unwrap_or(u32::MAX));
        WEIGHTS[part as usize] * count.ln_1p()
    }
}
