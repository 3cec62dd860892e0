//! Branches: how a conversation goes on in several ways from one message.
//!
//! A record follows the one that it names as its parent; where an agent knows no parents, the one
//! before it in the agent's file. Two ways on from a record are branches when each says something:
//! the results of tools that ran at once, and parts of one answer, are none. What opens a tree of
//! its own in the middle of a file (a compaction) goes on with what stands before it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::HashSet;

use chrono::DateTime;
use chrono::Utc;

use crate::session::Keys;
use crate::session::Record;
use crate::session::RecordKey;
use crate::session::Timestamp;
use crate::session::view::view;

/// The tree that a session is, without annals' own events. A branch is a way from its beginning to
/// one of its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branches {
    /// What stands between forks, or behind the last one; each behind the one that it leaves.
    pub limbs: Vec<Limb>,
    /// The branches, by the limb that each ends with.
    pub ends: Vec<usize>,
    /// The branch with the latest record: a restored conversation goes on with it.
    pub last_used: usize,
}

/// What tells which of two records is the later one.
type Latest<'k> = (Option<DateTime<Utc>>, &'k RecordKey);

/// A part of the tree that does not fork.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limb {
    /// The one that it leaves; none: it opens the session.
    pub parent: Option<usize>,
    /// The places of its records in the stream, in the order of the view.
    pub places: Vec<usize>,
}

impl Branches {
    /// The branches of a stream.
    pub fn of(stream: &[Record]) -> Self {
        let keys = Keys::of(stream);
        let in_view = view(stream, &keys);
        let agents: Vec<usize> =
            in_view.into_iter().filter(|place| !is_annals(&stream[*place])).collect();
        let parents = parents(stream, &keys, &agents);
        let mut branches = Self::split(stream, &agents, &parents);
        branches.last_used = branches.find_last_used(stream, &keys);
        branches
    }

    fn split(stream: &[Record], agents: &[usize], parents: &HashMap<usize, Option<usize>>) -> Self {
        let said = said(stream, agents, parents);
        let is_more = |place: usize| {
            parents[&place].filter(|parent| said[&place].is_more_than(stream, *parent))
        };
        let mut ways: HashMap<usize, usize> = HashMap::new();
        for parent in agents.iter().filter_map(|place| is_more(*place)) {
            *ways.entry(parent).or_default() += 1;
        }
        let mut limbs = vec![Limb { parent: None, places: Vec::new() }];
        let mut owner: HashMap<usize, usize> = HashMap::new();
        let mut last = 0;
        for place in agents {
            let before = parents[place].and_then(|parent| owner.get(&parent)).copied();
            let mut limb = before.unwrap_or(last);
            if is_more(*place).is_some_and(|parent| ways[&parent] > 1) {
                limbs.push(Limb { parent: Some(limb), places: Vec::new() });
                limb = limbs.len() - 1;
            }
            limbs[limb].places.push(*place);
            owner.insert(*place, limb);
            last = limb;
        }
        let forked: HashSet<usize> = limbs.iter().filter_map(|limb| limb.parent).collect();
        let ends = (0..limbs.len()).filter(|limb| !forked.contains(limb)).collect();
        Self { limbs, ends, last_used: 0 }
    }

    /// The branch of the record with the latest time, where one without a time has that of the
    /// record before it; of several the one with the greatest key.
    fn find_last_used(&self, stream: &[Record], keys: &[RecordKey]) -> usize {
        // Each limb is behind its parent, so the time that it begins with is known.
        let mut times: Vec<Option<DateTime<Utc>>> = Vec::with_capacity(self.limbs.len());
        let mut latest: Vec<Option<Latest<'_>>> = Vec::with_capacity(self.limbs.len());
        for limb in &self.limbs {
            let mut at = limb.parent.and_then(|parent| times[parent]);
            let before = limb.parent.and_then(|parent| latest[parent]);
            let timed = limb.places.iter().map(|place| {
                at = stream[*place].at().map(Timestamp::instant).or(at);
                (at, &keys[*place])
            });
            let last = timed.max();
            latest.push(last.max(before));
            times.push(at);
        }
        let branches = 0..self.ends.len();
        branches.max_by_key(|branch| (latest[self.ends[*branch]], Reverse(*branch))).unwrap_or(0)
    }

    /// The places of a branch's records, from the first one of the session on, in the order of the
    /// view.
    pub fn path(&self, branch: usize) -> Vec<usize> {
        let mut limbs = vec![self.ends[branch]];
        while let Some(parent) = self.limbs[limbs[limbs.len() - 1]].parent {
            limbs.push(parent);
        }
        limbs.iter().rev().flat_map(|limb| self.limbs[*limb].places.iter().copied()).collect()
    }

    /// A branch that a record of the stream stands on; none: it is not in view.
    pub fn through(&self, place: usize) -> Option<usize> {
        (0..self.ends.len()).find(|branch| self.path(*branch).contains(&place))
    }
}

/// The record that each one in view follows there; none: it opens a tree.
fn parents(
    stream: &[Record],
    keys: &[RecordKey],
    agents: &[usize],
) -> HashMap<usize, Option<usize>> {
    let id = |record: &Record| record.envelope().and_then(|it| it.id.clone());
    let parent_id = |record: &Record| record.envelope().and_then(|it| it.parent.clone());
    let by_id: HashMap<String, usize> =
        (0..stream.len()).rev().filter_map(|place| Some((id(&stream[place])?, place))).collect();
    let by_key: HashMap<&RecordKey, usize> = keys.iter().zip(0..).collect();
    let is_linked = stream.iter().any(|record| parent_id(record).is_some());
    let mut before = None;
    let mut follows: Vec<Option<usize>> = Vec::with_capacity(stream.len());
    for (place, record) in stream.iter().enumerate() {
        let opens = is_linked && id(record).is_some();
        follows.push(match (parent_id(record), record.after()) {
            (Some(parent), _) => by_id.get(&parent).copied(),
            (None, _) if opens => None,
            (None, Some(after)) => by_key.get(after).copied(),
            (None, None) => before,
        });
        if !is_annals(record) {
            before = Some(place);
        }
    }
    let seen: HashMap<usize, usize> = agents.iter().copied().zip(0..).collect();
    // What is out of view is passed over. What is said to follow something later follows nothing.
    let mut shown: Vec<Option<usize>> = Vec::with_capacity(stream.len());
    let mut parents = HashMap::with_capacity(agents.len());
    for (place, followed) in follows.into_iter().enumerate() {
        let before = match followed {
            Some(found) if found < place => shown[found],
            found => found.filter(|found| seen.contains_key(found)),
        };
        shown.push(if seen.contains_key(&place) { Some(place) } else { before });
        if let Some(order) = seen.get(&place) {
            let is_before = |found: &usize| seen.get(found).is_some_and(|at| at < order);
            parents.insert(place, before.filter(is_before));
        }
    }
    parents
}

/// What a record and all that follow it say.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// Nothing, but for results of tools.
    Nothing,
    /// Parts of one answer.
    Part(String),
    /// More.
    More,
}

impl Said {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, other) | (other, Self::Nothing) => other,
            (Self::Part(one), Self::Part(other)) if one == other => Self::Part(one),
            _ => Self::More,
        }
    }

    /// Whether it is more than what the record at `place` began to say.
    fn is_more_than(&self, stream: &[Record], place: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::Part(answer) => {
                let begun = stream[place].as_message().and_then(|it| it.answer.as_ref());
                begun != Some(answer)
            }
            Self::More => true,
        }
    }
}

fn said(
    stream: &[Record],
    agents: &[usize],
    parents: &HashMap<usize, Option<usize>>,
) -> HashMap<usize, Said> {
    let mut said: HashMap<usize, Said> = HashMap::new();
    for place in agents.iter().rev() {
        let own = match stream[*place].as_message() {
            Some(message) if message.is_typed() => Said::More,
            Some(message) if message.role == "assistant" => {
                message.answer.clone().map_or(Said::More, Said::Part)
            }
            _ => Said::Nothing,
        };
        let all = said.remove(place).unwrap_or(Said::Nothing).with(own);
        if let Some(parent) = parents[place] {
            let there = said.remove(&parent).unwrap_or(Said::Nothing);
            said.insert(parent, there.with(all.clone()));
        }
        said.insert(*place, all);
    }
    said
}

fn is_annals(record: &Record) -> bool {
    matches!(record, Record::Annals(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Message;
    use crate::session::merge;

    fn message(role: &str, text: &str, id: &str, parent: &str, second: u32) -> Record {
        let mut message = Message::new(role, text);
        message.envelope.id = Some(id.to_owned());
        message.envelope.parent = (!parent.is_empty()).then(|| parent.to_owned());
        message.envelope.at = Timestamp::parse(&format!("2026-11-20T10:00:{second:02}Z"));
        message.into()
    }

    fn ids(stream: &[Record], places: &[usize]) -> String {
        let id = |place: &usize| stream[*place].envelope().and_then(|it| it.id.clone());
        places.iter().filter_map(id).collect::<Vec<_>>().join(" ")
    }

    fn shown(stream: &[Record]) -> Vec<String> {
        let branches = Branches::of(stream);
        let mark = |branch| if branch == branches.last_used { "*" } else { "" };
        (0..branches.ends.len())
            .map(|branch| ids(stream, &branches.path(branch)) + mark(branch))
            .collect()
    }

    #[test]
    fn one_question_with_two_ways_on_has_two_branches() {
        let stream = [
            message("user", "how?", "a", "", 0),
            message("assistant", "so", "b", "a", 1),
            message("user", "and then?", "c", "b", 2),
            message("assistant", "this", "d", "c", 3),
            message("user", "or else?", "e", "b", 4),
            message("assistant", "that", "f", "e", 5),
            message("user", "again", "g", "d", 9),
        ];
        assert_eq!(shown(&stream), ["a b c d g*", "a b e f"]);
        let branches = Branches::of(&stream);
        assert_eq!(ids(&stream, &branches.limbs[0].places), "a b", "what both have");
        assert_eq!(branches.through(5), Some(1));
        assert_eq!(branches.through(0), Some(0));
    }

    #[test]
    fn parts_of_one_answer_and_results_of_its_tools_are_no_branches() {
        let mut stream = vec![
            message("user", "look", "a", "", 0),
            message("assistant", "call 1", "b", "a", 1),
            message("assistant", "call 2", "c", "b", 1),
            message("tool", "result 1", "d", "b", 2),
            message("tool", "result 2", "e", "c", 3),
            message("assistant", "done", "f", "d", 4),
        ];
        for (place, answer) in [(1, "x"), (2, "x"), (5, "y")] {
            if let Record::Message(message) = &mut stream[place] {
                message.answer = Some(answer.to_owned());
            }
        }
        assert_eq!(shown(&stream), ["a b c d e f*"]);
    }

    #[test]
    fn where_no_parents_are_known_what_two_machines_wrote_apart_are_branches() {
        let begun =
            vec![message("user", "how?", "a", "", 0), message("assistant", "so", "b", "", 1)];
        let side = |more: &[Record]| [&begun[..], more].concat();
        let early = side(&[message("user", "here", "c", "", 2)]);
        let late =
            side(&[message("user", "there", "d", "", 3), message("assistant", "yes", "e", "", 4)]);
        let merged = merge(&early, &late);
        let mut found = shown(&merged);
        found.sort();
        assert_eq!(found, ["a b c", "a b d e*"]);
        assert_eq!(shown(&begun), ["a b*"]);
        assert_eq!(shown(&[]), ["*"]);
    }
}
