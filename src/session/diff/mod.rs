//! What differs between two conversations, record by record, and between two texts, word by word.
//!
//! Records of one id are the same record, equal or changed: revisions and forks share their ids.
//! Where there are no ids, or none in common, records are matched by who says what. A record that moved is
//! removed and added. The work is bounded, without a clock: the outcome is the same each time.

mod sequence;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashMap;
use std::collections::HashSet;

use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Native;
use crate::session::Raw;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::diff::sequence::Numbers;
use crate::session::diff::sequence::common;
use crate::session::key::base_key;
use serde_json::Value;

pub use crate::session::diff::words::TextChange;
pub use crate::session::diff::words::words;

/// So many different contents of one id are told apart to the last field; further ones, as only a
/// broken file has, by who says what.
const CONTENTS: usize = 8;

/// One step from the left conversation to the right one. Numbers are places in what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffStep {
    /// This many records are equal.
    Equal(usize),
    /// A record that only the right side has.
    Added(usize),
    /// A record that only the left side has.
    Removed(usize),
    /// The same record with another content: its place on the left and on the right.
    Changed(usize, usize),
}

/// A step, and whether it is about messages: the agent's events are compared too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordDiff {
    /// The step.
    pub step: DiffStep,
    /// Whether it is about messages. No step is about both messages and other records, but for a
    /// record that turned from one into the other.
    pub is_message: bool,
}

/// The steps from one conversation to another, in the order of the conversation; annals' own
/// events are passed over and counted nowhere.
pub fn diff(left: &[&Record], right: &[&Record]) -> Vec<RecordDiff> {
    let left = Side::of(left);
    let right = Side::of(right);
    let (left_tokens, right_tokens) = tokens(&left.records, &right.records);
    let equal = common(&left_tokens, &right_tokens);
    let pairs = pair_changed(&left.records, &right.records, &equal);
    let mut steps = Steps::default();
    let mut next = (0, 0);
    for (l, r, is_equal) in pairs {
        steps.replace(&left, &right, next, (l, r));
        let is_message = left.is_message(l) || right.is_message(r);
        if is_equal {
            steps.push_equal(is_message);
        } else {
            steps.push(DiffStep::Changed(left.places[l], right.places[r]), is_message);
        }
        next = (l + 1, r + 1);
    }
    let end = (left.records.len(), right.records.len());
    steps.replace(&left, &right, next, end);
    steps.0
}

/// The steps that are about messages.
pub fn message_steps(diff: &[RecordDiff]) -> Vec<DiffStep> {
    let mut steps: Vec<DiffStep> = Vec::new();
    for RecordDiff { step, .. } in diff.iter().filter(|it| it.is_message) {
        match (steps.last_mut(), step) {
            (Some(DiffStep::Equal(count)), DiffStep::Equal(more)) => *count += more,
            _ => steps.push(*step),
        }
    }
    steps
}

/// The records of one side that are compared, and their places in what was given.
struct Side<'a> {
    records: Vec<&'a Record>,
    places: Vec<usize>,
}

impl<'a> Side<'a> {
    fn of(given: &[&'a Record]) -> Self {
        let (places, records) = given
            .iter()
            .enumerate()
            .filter(|(_, record)| !matches!(record, Record::Annals(_)))
            .unzip();
        Self { records, places }
    }

    fn is_message(&self, index: usize) -> bool {
        matches!(self.records[index], Record::Message(_))
    }
}

#[derive(Default)]
struct Steps(Vec<RecordDiff>);

impl Steps {
    fn push(&mut self, step: DiffStep, is_message: bool) {
        self.0.push(RecordDiff { step, is_message });
    }

    fn push_equal(&mut self, is_message: bool) {
        match self.0.last_mut() {
            Some(RecordDiff { step: DiffStep::Equal(count), is_message: same })
                if *same == is_message =>
            {
                *count += 1;
            }
            _ => self.push(DiffStep::Equal(1), is_message),
        }
    }

    /// What stands between two pairs goes on the left and comes on the right.
    fn replace(&mut self, left: &Side, right: &Side, from: (usize, usize), to: (usize, usize)) {
        for l in from.0..to.0 {
            self.push(DiffStep::Removed(left.places[l]), left.is_message(l));
        }
        for r in from.1..to.1 {
            self.push(DiffStep::Added(right.places[r]), right.is_message(r));
        }
    }
}

/// Numbers for the records of both sides, equal where the records are: by id and content, and
/// where there is no id, or the sides have none in common, by who says what.
fn tokens(left: &[&Record], right: &[&Record]) -> (Vec<u32>, Vec<u32>) {
    let known: HashSet<&str> = left.iter().filter_map(|it| native_id(it)).collect();
    let mut ids = right.iter().filter_map(|it| native_id(it));
    let mut tokens = Tokens {
        share_ids: ids.any(|id| known.contains(id)),
        contents: HashMap::new(),
        numbers: Numbers::default(),
    };
    let left = left.iter().map(|record| tokens.of(record)).collect();
    let right = right.iter().map(|record| tokens.of(record)).collect();
    (left, right)
}

struct Tokens<'a> {
    share_ids: bool,
    /// The different contents met under an id.
    contents: HashMap<&'a str, Vec<&'a Record>>,
    numbers: Numbers<Token<'a>>,
}

#[derive(PartialEq, Eq, Hash)]
enum Token<'a> {
    Known(&'a str, usize),
    Repeated(&'a str, Said<'a>),
    Said(Said<'a>),
}

impl<'a> Tokens<'a> {
    fn of(&mut self, record: &'a Record) -> u32 {
        let Some(id) = native_id(record).filter(|_| self.share_ids) else {
            return self.numbers.of(Token::Said(Said::of(record)));
        };
        let contents = self.contents.entry(id).or_default();
        let content = contents.iter().position(|it| has_same_content(it, record));
        let token = match content {
            Some(content) => Token::Known(id, content),
            None if contents.len() < CONTENTS => {
                contents.push(record);
                Token::Known(id, contents.len() - 1)
            }
            None => Token::Repeated(id, Said::of(record)),
        };
        self.numbers.of(token)
    }
}

fn native_id(record: &Record) -> Option<&str> {
    record.envelope().and_then(|it| it.id.as_deref())
}

/// Whether two records are the same but for the place in the stream.
fn has_same_content(a: &Record, b: &Record) -> bool {
    if a.after() == b.after() {
        return a == b;
    }
    let mut a = a.clone();
    a.set_after(b.after().cloned());
    a == *b
}

/// Who says what: what can be equal in conversations that share no ids.
#[derive(PartialEq, Eq, Hash)]
struct Said<'a> {
    kind: &'static str,
    who: &'a str,
    parts: Vec<Part<'a>>,
}

#[derive(PartialEq, Eq, Hash)]
enum Part<'a> {
    Text(&'a str),
    Thinking(&'a str),
    Call(&'a str, Option<&'a Value>),
    Output(Vec<Part<'a>>, Option<bool>),
    Bytes(&'a [u8]),
    Native(&'a Native),
    Value(&'a Value),
}

impl<'a> Said<'a> {
    fn of(record: &'a Record) -> Self {
        let (kind, who, parts) = match record {
            Record::Message(it) => ("message", it.role.as_str(), Part::all(&it.content)),
            Record::Event(it) => ("event", it.name.as_str(), vec![Part::Value(&it.native)]),
            Record::Annals(it) => ("annals", it.id.as_str(), Vec::new()),
            Record::Unreadable(it) => {
                let part = match &it.raw {
                    Raw::Text(text) => Part::Text(text),
                    Raw::Bytes(bytes) => Part::Bytes(bytes),
                };
                ("unreadable", "", vec![part])
            }
        };
        Self { kind, who, parts }
    }
}

impl<'a> Part<'a> {
    fn all(content: &'a Content) -> Vec<Self> {
        match content {
            Content::Text(text) => vec![Self::Text(text)],
            Content::Blocks(blocks) => blocks
                .iter()
                .map(|block| match &block.kind {
                    BlockKind::Text { text } => Self::Text(text),
                    BlockKind::Thinking { text } => Self::Thinking(text),
                    BlockKind::ToolCall { name, input, .. } => Self::Call(name, input.as_ref()),
                    BlockKind::ToolResult { output, error, .. } => {
                        Self::Output(output.as_ref().map(Self::all).unwrap_or_default(), *error)
                    }
                    BlockKind::Image { data, .. } | BlockKind::File { data, .. } => {
                        Self::Bytes(data.as_bytes())
                    }
                    BlockKind::Other => Self::Native(&block.native),
                })
                .collect(),
        }
    }
}

/// Adds to the equal pairs those of one record whose content changed: where both sides differ
/// between two equal pairs, records of one id, or without ids of one key.
fn pair_changed(
    left: &[&Record],
    right: &[&Record],
    equal: &[(usize, usize)],
) -> Vec<(usize, usize, bool)> {
    let mut keys: Option<(Vec<String>, Vec<String>)> = None;
    let mut pairs = Vec::with_capacity(equal.len());
    let mut next = (0, 0);
    let end = (left.len(), right.len());
    for &(l, r) in equal.iter().chain([&end]) {
        if next.0 < l && next.1 < r {
            let (left_keys, right_keys) =
                keys.get_or_insert_with(|| (base_keys(left), base_keys(right)));
            let mut numbers = Numbers::default();
            let gap = left_keys[next.0..l].iter();
            let left_gap: Vec<u32> = gap.map(|key| numbers.of(key.as_str())).collect();
            let gap = right_keys[next.1..r].iter();
            let right_gap: Vec<u32> = gap.map(|key| numbers.of(key.as_str())).collect();
            let changed = common(&left_gap, &right_gap);
            pairs.extend(changed.iter().map(|(a, b)| (next.0 + a, next.1 + b, false)));
        }
        if (l, r) != end {
            pairs.push((l, r, true));
        }
        next = (l + 1, r + 1);
    }
    pairs
}

fn base_keys(records: &[&Record]) -> Vec<String> {
    let mut before = String::new();
    let keys = records.iter().map(|record| {
        let follows = record.after().map_or(before.as_str(), RecordKey::base);
        before = base_key(record, follows);
        before.clone()
    });
    keys.collect()
}
