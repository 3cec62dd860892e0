//! The view: which records of the stream are seen, and in which order.
//!
//! A record is in the view where the stream has it, until an event names it: rollbacks and
//! rewrites take records out, bring them back, and say where a record stands that does not stand
//! where the stream has it. A record that no event names stays, so what another machine wrote
//! meanwhile is never hidden.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::session::Keys;
use crate::session::Placement;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::ViewChange;

/// The places in the stream of the records that are in view, in the order of the view. Annals'
/// own events count as in view until a rollback takes back what they did.
pub fn view(records: &[Record], keys: &[RecordKey]) -> Vec<usize> {
    if is_whole(records) {
        return (0..records.len()).collect();
    }
    let mut view = Vec::with_capacity(records.len());
    let places: HashMap<&RecordKey, usize> =
        keys.iter().enumerate().map(|(place, key)| (key, place)).collect();
    for (place, record) in records.iter().enumerate() {
        view.push(place);
        if let Some(change) = change_of(record) {
            // What stands behind the event is none of its business: it would be seen twice.
            let place_of = |key: &RecordKey| places.get(key).copied().filter(|it| *it < place);
            apply(change, &place_of, &mut view);
        }
    }
    view
}

/// As [`view`], for those who have no use for the keys: they are made only where they decide.
pub fn places_in_view(records: &[Record]) -> Vec<usize> {
    if is_whole(records) { (0..records.len()).collect() } else { view(records, &Keys::of(records)) }
}

/// Whether nothing takes records out of the view, or moves them.
fn is_whole(records: &[Record]) -> bool {
    !records.iter().any(Record::changes_view)
}

impl Record {
    /// Whether it takes other records out of the view, or moves them: a stream without such a record
    /// is in view as it stands.
    pub fn changes_view(&self) -> bool {
        change_of(self).is_some()
    }
}

/// The change that turns the view `current` into `target`; both hold every key once.
///
/// Records of `target` that `current` does not have must stand in the stream, out of view.
pub fn plan_view_change(current: &[RecordKey], target: &[RecordKey]) -> ViewChange {
    let wanted: HashSet<&RecordKey> = target.iter().collect();
    let removed = current.iter().filter(|key| !wanted.contains(key)).cloned().collect();
    let kept: HashMap<&RecordKey, usize> = current
        .iter()
        .filter(|key| wanted.contains(key))
        .enumerate()
        .map(|(place, key)| (key, place))
        .collect();
    let order: Vec<(usize, usize)> = target
        .iter()
        .enumerate()
        .filter_map(|(position, key)| kept.get(key).map(|place| (position, *place)))
        .collect();
    let settled = longest_rising(&order);
    let mut placed = Vec::new();
    for (position, key) in target.iter().enumerate() {
        if !settled.contains(&position) {
            let after = position.checked_sub(1).map(|previous| target[previous].clone());
            placed.push(Placement { key: key.clone(), after });
        }
    }
    ViewChange { removed, placed }
}

fn change_of(record: &Record) -> Option<&ViewChange> {
    match record {
        Record::Annals(event) => event.view_change(),
        _ => None,
    }
}

fn apply(
    change: &ViewChange,
    place_of: &dyn Fn(&RecordKey) -> Option<usize>,
    view: &mut Vec<usize>,
) {
    let moved = change.placed.iter().map(|placement| &placement.key);
    let leaving: HashSet<usize> = change.removed.iter().chain(moved).filter_map(place_of).collect();
    view.retain(|place| !leaving.contains(place));
    if change.placed.is_empty() {
        return;
    }
    // Linked by place, so that many moved records cost no more than few. None is the beginning.
    let mut next: HashMap<Option<usize>, usize> = HashMap::with_capacity(view.len() + 1);
    let mut linked: HashSet<usize> = view.iter().copied().collect();
    let mut previous = None;
    for &place in view.iter() {
        next.insert(previous, place);
        previous = Some(place);
    }
    for Placement { key, after } in &change.placed {
        let Some(place) = place_of(key) else {
            continue;
        };
        let anchor = after.as_ref().and_then(place_of);
        // An anchor that is gone, or a second placement of one record, must not break the chain.
        if !linked.insert(place) {
            continue;
        }
        let anchor = anchor.filter(|anchor| *anchor != place && linked.contains(anchor));
        if let Some(follower) = next.insert(anchor, place) {
            next.insert(Some(place), follower);
        }
    }
    view.clear();
    let mut cursor = None;
    while let Some(&place) = next.get(&cursor) {
        view.push(place);
        cursor = Some(place);
    }
}

/// The positions of a longest subsequence whose places rise (patience sorting).
pub(super) fn longest_rising(order: &[(usize, usize)]) -> HashSet<usize> {
    let mut piles: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; order.len()];
    for (index, (_, place)) in order.iter().enumerate() {
        let pile = piles.partition_point(|top| order[*top].1 < *place);
        before[index] = pile.checked_sub(1).map(|left| piles[left]);
        if pile == piles.len() {
            piles.push(index);
        } else {
            piles[pile] = index;
        }
    }
    let mut settled = HashSet::with_capacity(piles.len());
    let mut cursor = piles.last().copied();
    while let Some(index) = cursor {
        settled.insert(order[index].0);
        cursor = before[index];
    }
    settled
}
