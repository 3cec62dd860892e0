//! What a capture adds: an agent's file, as it stands now, against what the stream holds.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::ViewChange;
use crate::session::id::event_id;
use crate::session::key::base_key;
use crate::session::redacted::has_more_redactions;
use crate::session::redacted::is_same;
use crate::session::view::plan_view_change;
use crate::session::view::view;

/// What must happen to a stream, so that its view is again the agent's file, record for record.
#[derive(Debug, Default, PartialEq)]
pub struct Alignment {
    /// Records of the stream to be replaced by the same with more redactions, by place.
    pub replaced: Vec<(usize, Record)>,
    /// The unterminated last line of the last capture, which the file no longer ends with.
    pub dropped_tail: Option<usize>,
    /// Records to be added at the end of the stream; the last one says what that does to the view,
    /// if it does anything.
    pub added: Vec<Record>,
}

impl Alignment {
    /// Whether nothing happens to the records that the stream has.
    pub fn is_append(&self) -> bool {
        self.replaced.is_empty() && self.dropped_tail.is_none()
    }

    /// Does it to the stream.
    pub fn apply(mut self, stream: &mut Vec<Record>) {
        for (place, record) in self.replaced {
            stream[place] = record;
        }
        if let Some(place) = self.dropped_tail {
            stream.remove(place);
        }
        stream.append(&mut self.added);
    }
}

/// Compares an agent's file with the stream, record by record, as it is read. What the stream has
/// already is not kept.
#[derive(Debug)]
pub struct Aligner<'s> {
    stream: &'s [Record],
    keys: &'s [RecordKey],
    in_view: Vec<usize>,
    /// The places of records that the file has not shown yet, by the base of their key.
    places: HashMap<&'s str, VecDeque<usize>>,
    /// The base of the key of the file's record before the next.
    before: String,
    file: Vec<Seen>,
}

/// A record of the file.
#[derive(Debug)]
enum Seen {
    /// The stream has it, at this place.
    Known(usize),
    /// The stream has it, with fewer redactions.
    Redacted(usize, Record),
    /// The stream does not have it; with the base of its key.
    New(Record, String),
}

impl Seen {
    fn place(&self) -> Option<usize> {
        match self {
            Self::Known(place) | Self::Redacted(place, _) => Some(*place),
            Self::New(..) => None,
        }
    }
}

impl<'s> Aligner<'s> {
    /// `keys`: those of the stream.
    pub fn new(stream: &'s [Record], keys: &'s [RecordKey]) -> Self {
        let in_view: Vec<usize> = view(stream, keys);
        let mut places: HashMap<&str, VecDeque<usize>> = HashMap::new();
        let seen: HashSet<usize> = in_view.iter().copied().collect();
        let hidden = (0..stream.len()).filter(|place| !seen.contains(place));
        for place in in_view.iter().copied().chain(hidden) {
            places.entry(keys[place].base()).or_default().push_back(place);
        }
        Self { stream, keys, in_view, places, before: String::new(), file: Vec::new() }
    }

    /// Takes in the next record of the file.
    pub fn take(&mut self, record: Record) {
        self.before = base_key(&record, &self.before);
        let candidates = self.places.get_mut(self.before.as_str());
        let found = candidates.and_then(|candidates| {
            let is_it = |place: &usize| is_same(&self.stream[*place], &record);
            let index = candidates.iter().position(is_it)?;
            candidates.remove(index)
        });
        self.file.push(match found {
            Some(place) if has_more_redactions(&record, &self.stream[place]) => {
                Seen::Redacted(place, record)
            }
            Some(place) => Seen::Known(place),
            None => Seen::New(record, self.before.clone()),
        });
    }

    /// What must happen, now that the file is read. `foreign`: records that never stood in this
    /// file; they stay in view though it does not hold them.
    ///
    /// After a rollback the file still holds what was taken back: it is left alone until it has a
    /// record that the stream does not know.
    pub fn finish(self, foreign: &HashSet<RecordKey>) -> Alignment {
        let is_agents = |place: &&usize| !matches!(self.stream[**place], Record::Annals(_));
        let current: Vec<usize> = self.in_view.iter().filter(is_agents).copied().collect();
        let known: HashSet<usize> = self.file.iter().filter_map(Seen::place).collect();
        let is_covered = current
            .iter()
            .all(|place| known.contains(place) || foreign.contains(&self.keys[*place]));
        let is_left_alone = is_covered
            && known.len() == self.file.len()
            && is_rolled_back(self.stream, self.keys, &current, &known);
        if is_left_alone { Alignment::default() } else { self.assemble(current, &known, foreign) }
    }

    fn assemble(
        self,
        mut current: Vec<usize>,
        known: &HashSet<usize>,
        foreign: &HashSet<RecordKey>,
    ) -> Alignment {
        let Self { stream, keys, file, .. } = self;
        let is_tail = |place: &usize| {
            matches!(&stream[*place], Record::Unreadable(it) if it.is_tail)
                && !known.contains(place)
        };
        let dropped_tail = current.pop_if(|place| is_tail(place));
        let mut alignment = Alignment { dropped_tail, ..Alignment::default() };
        let stays = |place: &usize| Some(*place) != dropped_tail;

        let mut numbering = Keys::default();
        for place in (0..stream.len()).filter(stays) {
            numbering.next(&stream[place]);
        }
        let is_agents = |place: &usize| !matches!(stream[*place], Record::Annals(_));
        let last = (0..stream.len()).rev().find(|place| is_agents(place) && stays(place));
        let mut last = last.map(|place| keys[place].clone());
        let mut target: Vec<RecordKey> = Vec::with_capacity(file.len());
        let mut view: Vec<RecordKey> = current.iter().map(|place| keys[*place].clone()).collect();
        for seen in file {
            match seen {
                Seen::Known(place) => target.push(keys[place].clone()),
                Seen::Redacted(place, mut record) => {
                    target.push(keys[place].clone());
                    record.set_after(stream[place].after().cloned());
                    alignment.replaced.push((place, record));
                }
                Seen::New(mut record, base) => {
                    let before: Option<RecordKey> = target.last().cloned();
                    if before != last {
                        // An empty key: it opens the file.
                        record.set_after(Some(before.unwrap_or(RecordKey(String::new()))));
                    }
                    let key = numbering.numbered(&base);
                    last = Some(key.clone());
                    target.push(key.clone());
                    view.push(key);
                    alignment.added.push(record);
                }
            }
        }
        let stays = |place: &&usize| !known.contains(place) && foreign.contains(&keys[**place]);
        let foreign: HashSet<&RecordKey> =
            current.iter().filter(stays).map(|place| &keys[*place]).collect();
        keep_foreign(&view, &foreign, &mut target);
        alignment.added.extend(rewrite(plan_view_change(&view, &target)));
        alignment
    }
}

/// A change of the view as an event, whose id is made from its content: the same change is the
/// same event on every machine.
fn rewrite(change: ViewChange) -> Option<Record> {
    let id = event_id(&format!("rewrite\n{change:?}"));
    let is_empty = change.is_empty();
    let event = AnnalsEvent { id, at: None, action: Action::Rewrite { change } };
    (!is_empty).then_some(Record::Annals(event))
}

/// Puts what stays in view though the file does not hold it behind the record that it follows in
/// the present view.
fn keep_foreign(view: &[RecordKey], foreign: &HashSet<&RecordKey>, target: &mut Vec<RecordKey>) {
    if foreign.is_empty() {
        return;
    }
    let wanted: HashSet<&RecordKey> = target.iter().collect();
    let mut followers: HashMap<Option<&RecordKey>, Vec<&RecordKey>> = HashMap::new();
    let mut anchor = None;
    for key in view {
        if foreign.contains(key) {
            followers.entry(anchor).or_default().push(key);
        } else if wanted.contains(key) {
            anchor = Some(key);
        }
    }
    let mut joined: Vec<RecordKey> = Vec::with_capacity(target.len() + foreign.len());
    let starts = [None].into_iter().chain(target.iter().map(Some));
    for anchor in starts {
        joined.extend(anchor.cloned());
        joined.extend(followers.get(&anchor).into_iter().flatten().map(|key| (*key).clone()));
    }
    *target = joined;
}

/// Whether all that the file has beyond the view was taken back by rollbacks.
fn is_rolled_back(
    stream: &[Record],
    keys: &[RecordKey],
    current: &[usize],
    known: &HashSet<usize>,
) -> bool {
    let mut taken_back: HashSet<&RecordKey> = HashSet::new();
    for record in stream {
        let Record::Annals(event) = record else {
            continue;
        };
        let Some(change) = event.view_change() else {
            continue;
        };
        for key in &change.removed {
            if matches!(event.action, Action::Rollback { .. }) {
                taken_back.insert(key);
            } else {
                taken_back.remove(key);
            }
        }
        for placement in &change.placed {
            taken_back.remove(&placement.key);
        }
    }
    let seen: HashSet<&usize> = current.iter().collect();
    let mut beyond = known.iter().filter(|place| !seen.contains(place)).peekable();
    beyond.peek().is_some() && beyond.all(|place| taken_back.contains(&keys[*place]))
}
