//! Merge of two streams of one session: one stream that holds the records of both, each once.
//!
//! A function of the two streams alone: it needs no clock and no common ancestor. It is
//! commutative, associative and idempotent, and keeps the order that each side has: whatever
//! machines exchange, in whatever order, they come to the same bytes (see [`weave`](weave::weave)
//! for why). Sides that know the same records in different orders come to one order too, though it
//! may be neither's.
//!
//! - Records that say which record they answer are woven by time. What others the sides wrote apart
//!   from each other are branches, and each stays in one piece, the later first.
//! - Annals' own events stand behind the agent's record that they followed.
//! - Of one record in two forms the one with more redactions stays, then the longer, then the
//!   greater.
//! - A record that no longer follows the one that it followed says so in its `after`, on which its
//!   key may rest.

mod weave;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::HashSet;

use chrono::DateTime;
use chrono::Utc;

use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::Timestamp;
use crate::session::redacted::redactions;
use weave::weave;

/// The stream that holds all records of both.
pub fn merge(left: &[Record], right: &[Record]) -> Vec<Record> {
    let mut union = Union::default();
    let sides = [union.take(left), union.take(right)];
    union.flatten(&sides)
}

/// A record of either side, or of both.
struct Spot {
    key: RecordKey,
    record: Record,
    /// The record that it follows in the agent's file; none: it opens the file, or is no record
    /// of the agent's.
    follows: Option<RecordKey>,
}

/// One side, as places in the union.
#[derive(Default)]
struct Side {
    agents: Vec<usize>,
    /// Annals' own events, each with the agent's record before it.
    events: Vec<(usize, Option<usize>)>,
}

#[derive(Default)]
struct Union {
    spots: Vec<Spot>,
    places: HashMap<RecordKey, usize>,
}

impl Union {
    /// Takes in the records of a side.
    fn take(&mut self, records: &[Record]) -> Side {
        let mut side = Side::default();
        let mut last: Option<RecordKey> = None;
        for (record, key) in records.iter().zip(Keys::of(records)) {
            if matches!(record, Record::Annals(_)) {
                let place = self.add(key, record, None);
                side.events.push((place, side.agents.last().copied()));
            } else {
                let follows = match record.after() {
                    Some(after) => Some(after.clone()).filter(|after| !after.0.is_empty()),
                    None => last.take(),
                };
                side.agents.push(self.add(key.clone(), record, follows));
                last = Some(key);
            }
        }
        side
    }

    /// The place of a record that one side has, the other perhaps too.
    fn add(&mut self, key: RecordKey, record: &Record, follows: Option<RecordKey>) -> usize {
        let Some(&place) = self.places.get(&key) else {
            self.places.insert(key.clone(), self.spots.len());
            self.spots.push(Spot { key, record: record.clone(), follows });
            return self.spots.len() - 1;
        };
        let spot = &mut self.spots[place];
        spot.follows = spot.follows.take().max(follows);
        if is_preferred(record, &spot.record) {
            spot.record = record.clone();
        }
        place
    }

    fn flatten(mut self, sides: &[Side; 2]) -> Vec<Record> {
        let [left, right] = sides;
        let order = self.weave(&left.agents, &right.agents);
        let mut runs = self.runs(&order, sides);
        let overtaken = self.overtaken_tails(&order);
        let mut spots: Vec<Option<Spot>> =
            std::mem::take(&mut self.spots).into_iter().map(Some).collect();
        let mut merged = Vec::with_capacity(spots.len());
        let mut before: Option<RecordKey> = None;
        for anchor in std::iter::once(None).chain(order.into_iter().map(Some)) {
            if let Some(spot) = anchor.and_then(|place| spots[place].take())
                && !overtaken.contains(&anchor)
            {
                let Spot { key, mut record, follows } = spot;
                let is_next = follows == before;
                record.set_after((!is_next).then(|| follows.unwrap_or(RecordKey(String::new()))));
                merged.push(record);
                before = Some(key);
            }
            let run = runs.remove(&anchor).unwrap_or_default();
            merged.extend(
                run.into_iter().filter_map(|place| spots[place].take()).map(|it| it.record),
            );
        }
        merged
    }

    /// Unfinished lines in whose place another record stands: it was written to its end.
    fn overtaken_tails(&self, order: &[usize]) -> HashSet<Option<usize>> {
        let spots = || order.iter().map(|place| (*place, &self.spots[*place]));
        let finished = spots().filter(|(_, spot)| !is_tail(&spot.record));
        let followed: HashSet<&Option<RecordKey>> =
            finished.map(|(_, spot)| &spot.follows).collect();
        let overtaken =
            spots().filter(|(_, spot)| is_tail(&spot.record) && followed.contains(&spot.follows));
        overtaken.map(|(place, _)| Some(place)).collect()
    }

    /// Annals' own events, in order, by the agent's record that they stand behind. What both sides
    /// have, behind different records, stands behind the later: what an event names stands before it.
    fn runs(&self, order: &[usize], sides: &[Side; 2]) -> HashMap<Option<usize>, Vec<usize>> {
        let rank: HashMap<usize, usize> =
            order.iter().enumerate().map(|(rank, place)| (*place, rank)).collect();
        let mut anchors: HashMap<usize, Option<usize>> = HashMap::new();
        for (event, anchor) in sides.iter().flat_map(|side| &side.events) {
            let found = anchors.entry(*event).or_insert(*anchor);
            let both = [*found, *anchor];
            *found = both.into_iter().max_by_key(|it| it.map(|it| rank[&it])).flatten();
        }
        let mut runs: HashMap<Option<usize>, [Vec<usize>; 2]> = HashMap::new();
        for (side, sequence) in sides.iter().enumerate() {
            for (event, _) in &sequence.events {
                runs.entry(anchors[event]).or_default()[side].push(*event);
            }
        }
        let weave =
            |(anchor, [left, right]): (_, [Vec<usize>; 2])| (anchor, self.weave(&left, &right));
        runs.into_iter().map(weave).collect()
    }

    /// Weaves places of the union.
    fn weave(&self, left: &[usize], right: &[usize]) -> Vec<usize> {
        let mut union: Vec<usize> = left.iter().chain(right).copied().collect();
        union.sort_unstable();
        union.dedup();
        union.sort_by_cached_key(|place| self.spots[*place].weight());
        let weight: HashMap<usize, usize> =
            union.iter().enumerate().map(|(weight, place)| (*place, weight)).collect();
        let weigh = |side: &[usize]| side.iter().map(|place| weight[place]).collect::<Vec<_>>();
        let woven = weave(&weigh(left), &weigh(right), union.len());
        woven.into_iter().map(|weight| union[weight]).collect()
    }
}

/// What [`weave()`] orders by; it rests on the record alone.
type Weight = (bool, Option<DateTime<Utc>>, Reverse<Option<DateTime<Utc>>>, RecordKey);

impl Spot {
    /// What says which record it answers, and what people did, goes by time. The rest is lighter,
    /// and the lighter the later: it hangs below the record that it follows, and what follows that
    /// on one side only stays in one piece.
    fn weight(&self) -> Weight {
        let at = self.record.at().map(Timestamp::instant);
        let is_linked = match &self.record {
            Record::Annals(_) => true,
            record => record.envelope().is_some_and(|envelope| envelope.parent.is_some()),
        };
        let (rising, falling) = if is_linked { (at, None) } else { (None, at) };
        (is_linked, rising, Reverse(falling), self.key.clone())
    }
}

fn is_tail(record: &Record) -> bool {
    matches!(record, Record::Unreadable(unreadable) if unreadable.is_tail)
}

/// Whether one form of a record is kept rather than another.
fn is_preferred(record: &Record, other: &Record) -> bool {
    if record == other {
        return false;
    }
    let weigh = |record: &Record| {
        let mut record = record.clone();
        record.set_after(None);
        let text = format!("{record:?}");
        (redactions(&record), text.len(), text)
    };
    weigh(record) > weigh(other)
}
