//! Tests of the merge: what random machines do in random order, on values.

use proptest::prelude::*;

use super::*;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Content;
use crate::session::Envelope;
use crate::session::HeadFold;
use crate::session::Message;
use crate::session::Native;
use crate::session::RevisionId;
use crate::session::SessionId;
use crate::session::plan_view_change;
use crate::session::view::view;

fn id() -> SessionId {
    SessionId::captured("test", "one")
}

fn time(minute: u32) -> Option<Timestamp> {
    moment(minute, 0)
}

fn moment(minute: u32, second: u32) -> Option<Timestamp> {
    let (hour, minute, second) = (minute / 60 % 24, minute % 60, second % 60);
    Timestamp::parse(&format!("2026-02-03T{hour:02}:{minute:02}:{second:02}Z"))
}

fn said(id: &str, minute: Option<u32>, parent: Option<&str>) -> Record {
    Record::Message(Message {
        envelope: Envelope {
            id: (!id.is_empty()).then(|| id.to_owned()),
            parent: parent.map(str::to_owned),
            at: minute.and_then(time),
            ..Envelope::default()
        },
        role: "user".to_owned(),
        injected: None,
        model: None,
        answer: None,
        content: Content::Text(format!("said {id}")),
        usage: None,
        native: Native::new(),
    })
}

fn done(id: &str, minute: u32, action: Action) -> Record {
    Record::Annals(AnnalsEvent { id: id.to_owned(), at: time(minute), action })
}

fn tail(text: &str) -> Record {
    Record::Unreadable(crate::session::Unreadable {
        raw: crate::session::Raw::Text(text.to_owned()),
        is_tail: true,
        after: None,
    })
}

fn names(records: &[Record]) -> Vec<String> {
    Keys::of(records).iter().map(ToString::to_string).collect()
}

/// What one machine does.
#[derive(Debug, Clone)]
enum Step {
    Say { minute: Option<u32>, has_id: bool },
    Rename { minute: u32 },
    Rollback { to: prop::sample::Index },
    Fetch { from: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (prop::option::weighted(0.9, 0_u32..90), prop::bool::weighted(0.8))
            .prop_map(|(minute, has_id)| Step::Say { minute, has_id }),
        1 => (0_u32..90).prop_map(|minute| Step::Rename { minute }),
        1 => any::<prop::sample::Index>().prop_map(|to| Step::Rollback { to }),
        2 => (0_usize..3).prop_map(|from| Step::Fetch { from }),
    ]
}

/// Three machines with one session, each with its stream, and the keys each wrote in order.
#[derive(Debug)]
struct World {
    streams: [Vec<Record>; 3],
    wrote: [Vec<RecordKey>; 3],
    is_linked: bool,
    count: u32,
}

impl World {
    fn new(common: usize, is_linked: bool) -> Self {
        let mut world = Self {
            streams: [vec![], vec![], vec![]],
            wrote: [vec![], vec![], vec![]],
            is_linked,
            count: 0,
        };
        for place in 0..common {
            world.take(0, &Step::Say { minute: u32::try_from(place).ok(), has_id: true });
        }
        let common = world.streams[0].clone();
        world.streams = [common.clone(), common.clone(), common];
        world
    }

    fn take(&mut self, machine: usize, step: &Step) {
        self.count += 1;
        let name = format!("{machine}-{:04}", self.count);
        let stream = &self.streams[machine];
        let record = match step {
            Step::Fetch { from } => {
                self.streams[machine] = merge(stream, &self.streams[*from]);
                return;
            }
            Step::Say { minute, has_id } => {
                // A linked record says whom it answers, so that no two machines' are one.
                let last = stream.iter().rev().find_map(|it| it.envelope()?.id.clone());
                let last = last.filter(|_| self.is_linked);
                let has_id = *has_id || minute.is_none();
                let mut record = said(if has_id { &name } else { "" }, *minute, last.as_deref());
                // Without an id it is its time that tells it from those of other machines.
                if let (Record::Message(message), Some(minute)) = (&mut record, minute) {
                    message.envelope.at = moment(*minute, self.count);
                }
                record
            }
            Step::Rename { minute } => done(&name, *minute, Action::Rename { title: name.clone() }),
            Step::Rollback { to } => {
                let keys = Keys::of(stream);
                let view: Vec<RecordKey> =
                    view(stream, &keys).into_iter().map(|place| keys[place].clone()).collect();
                let target = &view[..to.index(view.len() + 1)];
                let to = RevisionId::parse(&"0".repeat(40)).expect("40 digits");
                let change = plan_view_change(&view, target);
                done(&name, self.count, Action::Rollback { to, change })
            }
        };
        self.streams[machine].push(record);
        let key = Keys::of(&self.streams[machine]).pop().expect("it was pushed");
        self.wrote[machine].push(key);
    }
}

fn world() -> impl Strategy<Value = World> {
    let steps = prop::collection::vec((0_usize..3, step()), 0..40);
    (0_usize..6, any::<bool>(), steps).prop_map(|(common, is_linked, steps)| {
        let mut world = World::new(common, is_linked);
        steps.iter().for_each(|(machine, step)| world.take(*machine, step));
        world
    })
}

proptest! {
    #[test]
    fn machines_come_to_one_stream_whatever_they_exchange_in_whatever_order(world in world()) {
        let [a, b, c] = &world.streams;
        let all = merge(&merge(a, b), c);
        prop_assert_eq!(&merge(a, a), a, "idempotent");
        prop_assert_eq!(merge(a, b), merge(b, a), "commutative");
        prop_assert_eq!(&merge(a, &merge(b, c)), &all, "associative");
        prop_assert_eq!(&merge(&all, a), &all, "what is known changes nothing");
    }

    #[test]
    fn every_record_is_there_once_and_stands_as_each_side_has_it(world in world()) {
        let [a, b, c] = &world.streams;
        let all = Keys::of(&merge(&merge(a, b), c));
        let mut union: Vec<RecordKey> = world.streams.iter().flat_map(|it| Keys::of(it)).collect();
        union.sort();
        union.dedup();
        let mut sorted = all.clone();
        sorted.sort();
        prop_assert_eq!(&sorted, &union);
        for own in world.streams.iter().map(|it| Keys::of(it)).chain(world.wrote.clone()) {
            let kept: Vec<RecordKey> = all.iter().filter(|key| own.contains(key)).cloned().collect();
            prop_assert_eq!(kept, own);
        }
    }

    #[test]
    fn nothing_that_one_side_writes_without_links_stands_amid_what_the_other_wrote(
        common in 0_u32..5, left in 1_u32..6, right in 1_u32..6, shift in 0_u32..9,
    ) {
        let run = |name: &str, from: u32, count: u32| -> Vec<Record> {
            (0..count).map(|n| said(&format!("{name}{n}"), Some(from + n * 2), None)).collect()
        };
        let beginning = run("p", 0, common);
        let (own, other) = (run("a", 12, left), run("b", 10 + shift, right));
        let merged = merge(
            &[beginning.clone(), own.clone()].concat(),
            &[beginning.clone(), other.clone()].concat(),
        );
        let names = names(&merged);
        let first = [own, other].map(|run| names.iter().position(|it| *it == self::names(&run)[0]));
        let second = first.into_iter().flatten().max().expect("both are there");
        let mark = common.checked_sub(1).map_or(String::new(), |last| format!("p{last}"));
        prop_assert_eq!(merged[second].after(), Some(&RecordKey(mark)));
        let marked = merged.iter().filter(|it| it.after().is_some()).count();
        prop_assert_eq!(marked, 1, "one branch begins, once: {:?}", names);
    }
}

#[test]
fn records_that_say_whom_they_answer_stand_by_time() {
    let left =
        [said("p", Some(0), None), said("a", Some(3), Some("p")), said("c", Some(7), Some("a"))];
    let right = [said("p", Some(0), None), said("b", Some(5), Some("p"))];
    assert_eq!(names(&merge(&left, &right)), ["p", "a", "b", "c"]);
}

#[test]
fn the_later_title_counts_though_it_stands_before() {
    let p = said("p", Some(0), None);
    let left = [p.clone(), done("r1", 40, Action::Rename { title: "late".into() })];
    let right =
        [p, said("b", Some(5), None), done("r2", 20, Action::Rename { title: "early".into() })];
    let merged = merge(&left, &right);
    assert_eq!(names(&merged), ["p", "r1", "b", "r2"]);
    assert_eq!(HeadFold::of_stream(id(), &merged).head().title.as_deref(), Some("late"));
}

#[test]
fn the_form_with_more_redactions_stays() {
    let text = |text: &str| {
        let mut record = said("p", Some(0), None);
        if let Record::Message(message) = &mut record {
            message.content = Content::Text(text.to_owned());
        }
        record
    };
    let (clean, raw) = (text("key [redacted:x]"), text("key is a long secret, still there"));
    assert_eq!(merge(&[raw.clone()], &[clean.clone()]), [clean.clone()]);
    assert_eq!(merge(&[clean.clone()], &[raw]), [clean]);
}

#[test]
fn an_unfinished_line_goes_when_the_other_side_went_on() {
    let p = said("p", Some(0), None);
    let left = [p.clone(), tail("{\"half")];
    let right = [p.clone(), said("whole", Some(2), None)];
    assert_eq!(names(&merge(&left, &right)), ["p", "whole"]);
    assert_eq!(names(&merge(&right, &left)), ["p", "whole"]);
    assert_eq!(merge(&left, &[p]), left, "while nobody went on it stays");
}

#[test]
fn the_second_half_of_a_file_finds_its_place_in_the_whole() {
    let whole: Vec<Record> =
        [5, 9, 2, 1, 7, 3, 8].iter().map(|n| said(&format!("r{n}"), Some(*n), None)).collect();
    assert_eq!(names(&merge(&whole, &whole[..4])), names(&whole));
    let (first, second) = (&whole[..3], &whole[3..]);
    let halves = merge(first, second);
    assert_eq!(merge(&halves, &whole), merge(&whole, &halves));
    assert_eq!(names(&halves).len(), whole.len());
}
