//! The stream of a damaged session, gathered from its states in history.
//!
//! A stream only grows, and its records have keys. So what one state has lost may stand in an older
//! one, and goes behind the record that it follows there.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::error::Result;
use crate::format;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::store::ObjectId;
use crate::store::SessionRemains;
use crate::store::Store;

/// A record, and its files that are lost.
pub(super) struct Piece {
    pub(super) record: Record,
    pub(super) lost_files: Vec<String>,
}

/// A session's stream, as far as it can be read.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) pieces: Vec<Piece>,
    /// Where something is missing, as the places of the records behind.
    pub(super) gaps: Vec<usize>,
    /// How many older states gave something.
    pub(super) older: u64,
}

/// All that can be read of a session: what this state has, and what others have of the rest. A state
/// that is whole is asked for nothing else, unless `is_salvaged`: something was given up then, and
/// may have been found since.
pub(super) fn gather(
    store: &Store,
    id: SessionId,
    tree: ObjectId,
    remains: &SessionRemains,
    revisions: &[RevisionId],
    is_salvaged: bool,
) -> Result<Gathered> {
    let mut gathered = Gathered::of(remains);
    if gathered.gaps.is_empty() && !is_salvaged {
        return Ok(gathered);
    }
    let chunks_of = |remains: &SessionRemains| -> Vec<Option<ObjectId>> {
        remains.chunks.iter().map(|it| it.chunk.1).collect()
    };
    let mut seen: HashSet<Option<ObjectId>> = chunks_of(remains).into_iter().collect();
    for (_, older) in store.states(id, revisions).into_iter().filter(|(_, it)| *it != tree) {
        let older = store.session_remains(id, older)?;
        let chunks = chunks_of(&older);
        if chunks.iter().all(|chunk| seen.contains(chunk)) {
            continue;
        }
        seen.extend(chunks);
        gathered.add(Gathered::of(&older).pieces);
    }
    Ok(gathered)
}

impl Piece {
    /// Whether a word stands in it for a file that was lost.
    fn is_maimed(&self) -> bool {
        !self.lost_files.is_empty() || format::has_lost_file(&self.record)
    }
}

impl Gathered {
    pub(super) fn of(remains: &SessionRemains) -> Self {
        let mut gathered = Self::default();
        let is_torn = !remains.faults.iter().all(|fault| fault.starts_with("session.yaml"));
        for chunk in &remains.chunks {
            let start = gathered.pieces.len();
            let Ok(records) = &chunk.records else {
                if gathered.gaps.last() != Some(&start) {
                    gathered.gaps.push(start);
                }
                continue;
            };
            let pieces = records.iter().cloned();
            gathered.pieces.extend(pieces.map(|record| Piece { record, lost_files: Vec::new() }));
            for (place, name) in &chunk.lost_files {
                gathered.pieces[start + place].lost_files.push(name.clone());
            }
        }
        if is_torn {
            gathered.gaps.push(gathered.pieces.len());
        }
        gathered
    }

    /// Adds what another state has beyond it, each record behind the one that it follows there.
    pub(super) fn add(&mut self, other: Vec<Piece>) {
        let places: HashMap<RecordKey, usize> =
            (0..).zip(keys(&self.pieces)).map(|(at, key)| (key, at)).collect();
        let mut new: BTreeMap<usize, Vec<Piece>> = BTreeMap::new();
        let (other_keys, mut behind, mut is_mended) = (keys(&other), 0, false);
        for (key, piece) in other_keys.into_iter().zip(other) {
            match places.get(&key) {
                Some(place) => {
                    behind = place + 1;
                    let known = &mut self.pieces[*place];
                    if known.is_maimed() && !piece.is_maimed() {
                        *known = piece;
                        is_mended = true;
                    }
                }
                None => new.entry(behind).or_default().push(piece),
            }
        }
        self.older += u64::from(is_mended || !new.is_empty());
        if new.is_empty() {
            return;
        }
        for gap in &mut self.gaps {
            *gap += new.range(..=*gap).map(|(_, pieces)| pieces.len()).sum::<usize>();
        }
        let mut pieces = Vec::with_capacity(self.pieces.len());
        for (place, piece) in std::mem::take(&mut self.pieces).into_iter().enumerate() {
            pieces.extend(new.remove(&place).into_iter().flatten());
            pieces.push(piece);
        }
        pieces.extend(new.into_values().flatten());
        self.pieces = pieces;
    }
}

pub(super) fn keys(pieces: &[Piece]) -> Vec<RecordKey> {
    let mut keys = Keys::default();
    pieces.iter().map(|piece| keys.next(&piece.record)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Envelope;
    use crate::session::Message;

    fn piece(id: &str) -> Piece {
        let envelope = Envelope { id: Some(id.to_owned()), ..Envelope::default() };
        let message = Message { envelope, ..Message::new("user", id) };
        Piece { record: Record::Message(message), lost_files: Vec::new() }
    }

    fn gathered(ids: &str, gaps: &[usize]) -> Gathered {
        let pieces = ids.split_whitespace().map(piece).collect();
        Gathered { pieces, gaps: gaps.to_vec(), older: 0 }
    }

    fn added(tip: (&str, &[usize]), older: &str) -> (String, Vec<usize>) {
        let mut gathered = gathered(tip.0, tip.1);
        gathered.add(older.split_whitespace().map(piece).collect());
        let ids = keys(&gathered.pieces).into_iter().map(|key| key.0).collect::<Vec<_>>();
        (ids.join(" "), gathered.gaps)
    }

    #[test]
    fn what_an_older_state_has_goes_where_it_stood_there() {
        // The gap is behind what was found, and before what follows it.
        assert_eq!(added(("a b f g", &[2]), "a b c d"), ("a b c d f g".to_owned(), vec![4]));
        assert_eq!(added(("c d", &[0]), "a b c"), ("a b c d".to_owned(), vec![2]));
        assert_eq!(added(("a", &[1]), "a b"), ("a b".to_owned(), vec![2]));
        assert_eq!(added(("", &[0]), "a b"), ("a b".to_owned(), vec![2]));
        assert_eq!(added(("a d g", &[1, 2]), "a b d e"), ("a b d e g".to_owned(), vec![2, 4]));
        assert_eq!(added(("a b", &[2]), "a b"), ("a b".to_owned(), vec![2]));
    }
}
