//! What a capture adds: an agent's file, as it stands now, against what the stream holds.

use std::collections::HashMap;
use std::collections::HashSet;

use serde_json::Value;

use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Keys;
use crate::session::Native;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::TextVisitor;
use crate::session::ViewChange;
use crate::session::fold::REDACTION_MARK;
use crate::session::id::event_id;
use crate::session::key::base_key;
use crate::session::view::plan_view_change;
use crate::session::view::view;

/// What must happen to a stream, so that its view is again the agent's file, record for record.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Alignment {
    /// Records of the stream to be replaced by the same with more redactions, by place.
    pub replaced: Vec<(usize, Record)>,
    /// The unterminated last line of the last capture, which the file no longer ends with.
    pub dropped_tail: Option<usize>,
    /// Records to be added at the end of the stream.
    pub added: Vec<Record>,
    /// The change of the view that follows them.
    pub change: ViewChange,
}

/// A stream after a capture.
#[derive(Debug, PartialEq)]
pub enum NextStream {
    /// It is as before.
    Same,
    /// These records follow what was there.
    Longer(Vec<Record>),
    /// It changed before its end too.
    Changed {
        /// All of it.
        records: Vec<Record>,
        /// How many of its records were replaced by the same with more redactions.
        replaced: usize,
    },
}

impl NextStream {
    /// All records, given the stream as it was before.
    #[must_use]
    pub fn whole(self, mut before: Vec<Record>) -> Vec<Record> {
        match self {
            Self::Same => before,
            Self::Longer(mut added) => {
                before.append(&mut added);
                before
            }
            Self::Changed { records, .. } => records,
        }
    }
}

/// The stream after a capture of `file`. `facts`: what is known of the session beside it; those
/// that the stream does not have come to stand before its first record. `foreign`: records that
/// never stood in this file; they stay in view though it does not hold them.
pub(crate) fn next_stream(
    mut stream: Vec<Record>,
    facts: Vec<Record>,
    file: Vec<Record>,
    foreign: &HashSet<RecordKey>,
) -> NextStream {
    let alignment = align(&stream, file, foreign);
    let facts: Vec<Record> = facts.into_iter().filter(|fact| !stream.contains(fact)).collect();
    if facts.is_empty() {
        return alignment.apply(stream);
    }
    let replaced = alignment.replaced.len();
    stream = alignment.apply(stream.clone()).whole(stream);
    NextStream::Changed { records: facts.into_iter().chain(stream).collect(), replaced }
}

/// The records of two files of one session: the first's, then what the other has beyond.
pub fn join_files(mut first: Vec<Record>, second: Vec<Record>) -> Vec<Record> {
    let known: HashSet<RecordKey> = Keys::of(&first).into_iter().collect();
    let keys = Keys::of(&second);
    first.extend(second.into_iter().zip(keys).filter(|it| !known.contains(&it.1)).map(|it| it.0));
    first
}

impl Alignment {
    /// The stream that it makes of `stream`. A change of the view becomes an event at its end,
    /// whose id is made from its content: the same change is the same event on every machine.
    fn apply(mut self, mut stream: Vec<Record>) -> NextStream {
        let mut added = std::mem::take(&mut self.added);
        if !self.change.is_empty() {
            let id = event_id(&format!("rewrite\n{:?}", self.change));
            let action = Action::Rewrite { change: self.change };
            added.push(Record::Annals(AnnalsEvent { id, at: None, action }));
        }
        if self.replaced.is_empty() && self.dropped_tail.is_none() {
            return if added.is_empty() { NextStream::Same } else { NextStream::Longer(added) };
        }
        let replaced = self.replaced.len();
        for (place, record) in self.replaced {
            stream[place] = record;
        }
        if let Some(place) = self.dropped_tail {
            stream.remove(place);
        }
        stream.append(&mut added);
        NextStream::Changed { records: stream, replaced }
    }
}

/// Compares the agent's file with the stream.
///
/// After a rollback the file still holds what was taken back: it is left alone until it has a
/// record that the stream does not know.
fn align(stream: &[Record], file: Vec<Record>, foreign: &HashSet<RecordKey>) -> Alignment {
    let keys = Keys::of(stream);
    let in_view: Vec<usize> = view(stream, &keys);
    let matched = match_records(stream, &keys, &in_view, &file);
    let is_agents = |place: &&usize| !matches!(stream[**place], Record::Annals(_));
    let current: Vec<usize> = in_view.iter().filter(is_agents).copied().collect();
    let known: HashSet<usize> = matched.iter().flatten().copied().collect();
    let is_covered =
        current.iter().all(|place| known.contains(place) || foreign.contains(&keys[*place]));
    if is_covered && known.len() == file.len() && is_rolled_back(stream, &keys, &current, &known) {
        return Alignment::default();
    }
    assemble(stream, &keys, &current, &matched, file, foreign)
}

fn assemble(
    stream: &[Record],
    keys: &[RecordKey],
    current: &[usize],
    matched: &[Option<usize>],
    file: Vec<Record>,
    foreign: &HashSet<RecordKey>,
) -> Alignment {
    let mut alignment = Alignment::default();
    let known: HashSet<usize> = matched.iter().flatten().copied().collect();
    alignment.dropped_tail = current.last().copied().filter(|place| {
        matches!(&stream[*place], Record::Unreadable(it) if it.is_tail) && !known.contains(place)
    });
    let current: Vec<usize> =
        current.iter().copied().filter(|place| Some(*place) != alignment.dropped_tail).collect();

    let mut numbering = Keys::default();
    for (place, record) in stream.iter().enumerate() {
        if Some(place) != alignment.dropped_tail {
            numbering.next(record);
        }
    }
    let mut target = Vec::with_capacity(file.len());
    let mut view: Vec<RecordKey> = current.iter().map(|place| keys[*place].clone()).collect();
    let mut last = stream
        .iter()
        .enumerate()
        .rev()
        .find(|(place, it)| {
            !matches!(it, Record::Annals(_)) && Some(*place) != alignment.dropped_tail
        })
        .map(|(place, _)| keys[place].clone());
    for (mut record, place) in file.into_iter().zip(matched) {
        if let Some(place) = *place {
            target.push(keys[place].clone());
            if redactions(&record) > redactions(&stream[place]) {
                record.set_after(stream[place].after().cloned());
                alignment.replaced.push((place, record));
            }
        } else {
            let before: Option<RecordKey> = target.last().cloned();
            if before != last {
                // An empty key: it opens the file.
                record.set_after(Some(before.unwrap_or(RecordKey(String::new()))));
            }
            let key = numbering.next(&record);
            last = Some(key.clone());
            target.push(key.clone());
            view.push(key);
            alignment.added.push(record);
        }
    }
    let stays = |place: &&usize| !known.contains(place) && foreign.contains(&keys[**place]);
    let foreign: HashSet<&RecordKey> =
        current.iter().filter(stays).map(|place| &keys[*place]).collect();
    keep_foreign(&view, &foreign, &mut target);
    alignment.change = plan_view_change(&view, &target);
    alignment
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

/// For each record of the file its place in the stream, if the stream has it.
fn match_records(
    stream: &[Record],
    keys: &[RecordKey],
    in_view: &[usize],
    file: &[Record],
) -> Vec<Option<usize>> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    let seen: HashSet<usize> = in_view.iter().copied().collect();
    let hidden = (0..stream.len()).filter(|place| !seen.contains(place));
    for place in in_view.iter().copied().chain(hidden) {
        places.entry(keys[place].base()).or_default().push(place);
    }
    let mut before = String::new();
    let mut matched = Vec::with_capacity(file.len());
    for record in file {
        before = base_key(record, &before);
        let candidates = places.get_mut(before.as_str());
        let found = candidates.and_then(|candidates| {
            let index = candidates.iter().position(|place| is_same(&stream[*place], record))?;
            Some(candidates.remove(index))
        });
        matched.push(found);
    }
    matched
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

/// Whether two records are the same but for redactions.
fn is_same(stored: &Record, read: &Record) -> bool {
    if stored.after().is_none() && read.after().is_none() && stored == read {
        return true;
    }
    let (stored, stored_values) = Skeleton::of(stored);
    let (read, read_values) = Skeleton::of(read);
    stored == read
        && stored_values.len() == read_values.len()
        && stored_values.iter().zip(&read_values).all(|(a, b)| is_redacted_value(a, b))
}

/// Whether two values are the same but for redactions, in keys too. The order of keys is not the
/// same in the agent's file and in ours.
fn is_redacted_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => is_redacted_form(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_redacted_value(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let mut unmatched: Vec<(&String, &Value)> =
                b.iter().filter(|(key, _)| !a.contains_key(*key)).collect();
            a.len() == b.len()
                && a.iter().all(|(key, value)| match b.get(key) {
                    Some(other) => is_redacted_value(value, other),
                    None => unmatched
                        .iter()
                        .position(|(name, other)| {
                            is_redacted_form(key, name) && is_redacted_value(value, other)
                        })
                        .map(|place| unmatched.swap_remove(place))
                        .is_some(),
                })
        }
        (a, b) => a == b,
    }
}

/// Whether one of two texts is the other with redactions in it.
fn is_redacted_form(a: &str, b: &str) -> bool {
    a == b || fits(a, b) || fits(b, a)
}

/// Whether `text` is what stood in `redacted` before: the pieces between the redactions, in order.
fn fits(redacted: &str, text: &str) -> bool {
    let mut pieces = redacted.split(REDACTION_MARK);
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces = pieces.map(|it| it.split_once(']').map_or(it, |(_, piece)| piece)).peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(start) = rest.find(piece) else {
            return false;
        };
        rest = &rest[start + piece.len()..];
    }
    true
}

fn redactions(record: &Record) -> usize {
    let values = Skeleton::of(record).1;
    values.iter().map(|value| value.to_string().matches(REDACTION_MARK).count()).sum()
}

/// Takes the texts and values out of a record, so that they can be compared by themselves.
#[derive(Default)]
struct Skeleton {
    values: Vec<Value>,
}

impl Skeleton {
    fn of(record: &Record) -> (Record, Vec<Value>) {
        let mut record = record.clone();
        record.set_after(None);
        let mut skeleton = Self::default();
        record.visit_texts(&mut skeleton);
        (record, skeleton.values)
    }
}

impl TextVisitor for Skeleton {
    fn text(&mut self, _field: &str, text: &mut String) {
        self.values.push(Value::String(std::mem::take(text)));
    }

    fn value(&mut self, _field: &str, value: &mut Value) {
        self.values.push(std::mem::take(value));
    }

    fn native(&mut self, native: &mut Native) {
        self.values.push(Value::Object(std::mem::take(native)));
    }

    fn bytes(&mut self, bytes: &mut Vec<u8>) {
        let bytes = std::mem::take(bytes);
        self.values.push(Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    }
}
