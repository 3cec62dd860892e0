use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Block;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Message;

fn message(id: Option<&str>, role: &str, text: &str) -> Record {
    Record::Message(Message {
        envelope: Envelope { id: id.map(str::to_owned), ..Envelope::default() },
        role: role.to_owned(),
        injected: None,
        model: None,
        answer: None,
        content: Content::Text(text.to_owned()),
        usage: None,
        native: Native::new(),
    })
}

fn event(id: Option<&str>, value: u64) -> Record {
    Record::Event(Event {
        envelope: Envelope { id: id.map(str::to_owned), ..Envelope::default() },
        name: "progress".to_owned(),
        title: None,
        native: json!({"value": value}),
    })
}

fn pin() -> Record {
    Record::Annals(AnnalsEvent::fact(Action::Pin { pinned: true }))
}

fn steps(left: &[Record], right: &[Record]) -> Vec<(DiffStep, bool)> {
    let left: Vec<&Record> = left.iter().collect();
    let right: Vec<&Record> = right.iter().collect();
    let steps = diff(&left, &right);
    steps.iter().map(|it| (it.step, it.is_message)).collect()
}

/// Steps that are all about messages.
fn of_messages(steps: &[DiffStep]) -> Vec<(DiffStep, bool)> {
    steps.iter().map(|step| (*step, true)).collect()
}

use DiffStep::Added;
use DiffStep::Changed;
use DiffStep::Equal;
use DiffStep::Removed;

#[test]
fn records_of_one_id_are_equal_or_changed_and_others_come_and_go() {
    let of = |id: &'static str, text| message(Some(id), "user", text);
    let left = [of("a", "1"), of("b", "2"), of("c", "3"), of("d", "4")];
    let right = [of("a", "1"), of("b", "two"), of("d", "4"), of("e", "5")];
    assert_eq!(
        steps(&left, &right),
        of_messages(&[Equal(1), Changed(1, 1), Removed(2), Equal(1), Added(3)])
    );
    assert_eq!(steps(&left, &left), of_messages(&[Equal(4)]));
    assert_eq!(steps(&[], &[]), []);
    assert_eq!(steps(&left[..2], &[]), of_messages(&[Removed(0), Removed(1)]));
}

#[test]
fn equal_texts_with_different_shared_ids_are_different_records() {
    let of = |id: &'static str| message(Some(id), "user", "yes");
    assert_eq!(
        steps(&[of("a"), of("b")], &[of("b"), of("a")]).len(),
        3,
        "a record that moved is removed and added"
    );
}

#[test]
fn the_place_in_the_stream_is_no_content() {
    let a = message(Some("a"), "user", "1");
    let mut moved = a.clone();
    moved.set_after(Some(RecordKey("z".to_owned())));
    assert_eq!(steps(&[a], &[moved]), of_messages(&[Equal(1)]));
}

#[test]
fn sessions_without_common_ids_are_matched_by_who_says_what() {
    let blocks = Record::Message(Message {
        content: Content::Blocks(vec![Block {
            kind: BlockKind::Text { text: "hello".to_owned() },
            native: Native::new(),
        }]),
        ..match message(Some("r1"), "user", "") {
            Record::Message(message) => message,
            _ => unreachable!("it is made a message"),
        }
    });
    let left = [
        message(Some("l1"), "user", "hello"),
        message(Some("l2"), "assistant", "hello"),
        message(None, "user", "bye"),
    ];
    let right = [blocks, message(Some("r2"), "user", "hello"), message(None, "user", "bye")];
    assert_eq!(steps(&left, &right), of_messages(&[Equal(1), Removed(1), Added(1), Equal(1)]));
}

#[test]
fn records_without_ids_are_matched_across_what_was_put_in_between() {
    let of = |text| message(None, "user", text);
    let left = [of("a"), of("b"), of("c")];
    let right = [of("a"), of("new"), of("b"), of("c")];
    assert_eq!(steps(&left, &right), of_messages(&[Equal(1), Added(1), Equal(2)]));
    let right = [of("a"), of("B"), of("c")];
    assert_eq!(
        steps(&left, &right),
        of_messages(&[Equal(1), Changed(1, 1), Equal(1)]),
        "the same shape behind the same record"
    );
}

#[test]
fn events_are_told_from_messages_and_those_of_annals_passed_over() {
    let of = |id: &'static str, text| message(Some(id), "user", text);
    let left = [of("a", "1"), event(Some("e"), 1), pin(), of("b", "2")];
    let right = [of("a", "1"), event(Some("e"), 2), of("b", "2"), pin()];
    let found = steps(&left, &right);
    assert_eq!(found, [(Equal(1), true), (Changed(1, 1), false), (Equal(1), true)]);
    let found: Vec<RecordDiff> =
        found.into_iter().map(|(step, is_message)| RecordDiff { step, is_message }).collect();
    assert_eq!(message_steps(&found), [Equal(2)]);
}

/// What a diff makes of its left side.
fn apply<'a>(steps: &[RecordDiff], left: &[&'a Record], right: &[&'a Record]) -> Vec<&'a Record> {
    let mut left =
        left.iter().copied().enumerate().filter(|(_, record)| !matches!(record, Record::Annals(_)));
    let mut result = Vec::new();
    for RecordDiff { step, .. } in steps {
        match step {
            Equal(count) => result.extend(left.by_ref().take(*count).map(|it| it.1)),
            Added(r) => result.push(right[*r]),
            Removed(l) => assert_eq!(left.next().map(|it| it.0), Some(*l)),
            Changed(l, r) => {
                assert_eq!(left.next().map(|it| it.0), Some(*l));
                assert!(
                    !result.last().is_some_and(|last| std::ptr::eq(*last, right[*r])),
                    "a step for each record"
                );
                result.push(right[*r]);
            }
        }
    }
    assert_eq!(left.next(), None, "every record of the left has a step");
    result
}

fn any_record() -> impl Strategy<Value = Record> {
    let id = proptest::option::weighted(0.6, 0..12_u32);
    (0..10_u32, id, 0..4_u32).prop_map(|(kind, id, value)| {
        let id = id.map(|id| format!("id{id}"));
        match kind {
            0 => pin(),
            1 => event(id.as_deref(), u64::from(value)),
            2..=4 => message(id.as_deref(), "assistant", &value.to_string()),
            _ => message(id.as_deref(), "user", &value.to_string()),
        }
    })
}

proptest! {
    #[test]
    fn a_diff_applied_to_the_left_gives_the_right(
        left in prop::collection::vec(any_record(), 0..30),
        right in prop::collection::vec(any_record(), 0..30),
    ) {
        let left: Vec<&Record> = left.iter().collect();
        let right: Vec<&Record> = right.iter().collect();
        let steps = diff(&left, &right);
        let result = apply_said(&steps, &left, &right);
        let expected: Vec<Said> = right
            .iter()
            .filter(|record| !matches!(record, Record::Annals(_)))
            .map(|record| Said::of(record))
            .collect();
        prop_assert!(result == expected, "{:?}", steps);
    }

    #[test]
    fn an_edited_copy_differs_in_no_more_than_the_edits(
        count in 1..40_usize,
        removed in prop::collection::btree_set(0..40_usize, 0..5),
        added in prop::collection::vec(0..40_usize, 0..5),
    ) {
        let left: Vec<Record> =
            (0..=count).map(|i| message(Some(&format!("m{i}")), "user", "same")).collect();
        let mut right: Vec<Record> = Vec::new();
        for (i, record) in left.iter().enumerate() {
            // The last one always stays: without a common id, texts would count.
            if i == count || !removed.contains(&i) {
                right.push(record.clone());
            }
        }
        for (number, place) in added.iter().enumerate() {
            let place = place % (right.len() + 1);
            right.insert(place, message(Some(&format!("new{number}")), "user", "same"));
        }
        let found = steps(&left, &right);
        let is = |wanted: fn(&DiffStep) -> bool| found.iter().filter(|it| wanted(&it.0)).count();
        prop_assert_eq!(is(|it| matches!(it, Changed(..))), 0);
        prop_assert_eq!(is(|it| matches!(it, Added(_))), added.len());
        prop_assert_eq!(
            is(|it| matches!(it, Removed(_))),
            removed.iter().filter(|i| **i < count).count()
        );
    }

    #[test]
    fn word_differences_hold_both_texts(old in ".{0,60}|[ab \n]{0,40}", new in ".{0,60}|[ab \n]{0,40}") {
        let changes = words(&old, &new);
        let side = |gone: TextChange| -> String {
            changes.iter().filter(|it| it.0 != gone).map(|it| it.1.as_str()).collect()
        };
        prop_assert_eq!(side(TextChange::Added), old);
        prop_assert_eq!(side(TextChange::Removed), new);
        prop_assert!(changes.windows(2).all(|it| it[0].0 != it[1].0), "runs are joined");
    }

    #[test]
    fn long_sequences_are_aligned_rightly_if_not_exactly(
        left in prop::collection::vec(0..30_u32, 1100..1300),
        right in prop::collection::vec(0..3000_u32, 1100..1300),
    ) {
        let pairs = sequence::common(&left, &right);
        prop_assert!(pairs.iter().all(|(l, r)| left[*l] == right[*r]));
        prop_assert!(pairs.windows(2).all(|it| it[0].0 < it[1].0 && it[0].1 < it[1].1));
    }
}

/// As [`apply`], as far as it shows in who says what: equal may be no more than that.
fn apply_said<'a>(
    steps: &[RecordDiff],
    left: &[&'a Record],
    right: &[&'a Record],
) -> Vec<Said<'a>> {
    let result = apply(steps, left, right);
    result.into_iter().map(Said::of).collect()
}

#[test]
fn words_are_compared_and_long_texts_by_lines() {
    use TextChange::Added;
    use TextChange::Equal;
    use TextChange::Removed;
    let own = |changes: &[(TextChange, &str)]| -> Vec<(TextChange, String)> {
        changes.iter().map(|it| (it.0, it.1.to_owned())).collect()
    };
    assert_eq!(
        words("fix the login page", "fix the logout page now"),
        own(&[
            (Equal, "fix the "),
            (Removed, "login"),
            (Added, "logout"),
            (Equal, " page"),
            (Added, " now"),
        ])
    );
    assert_eq!(words("same", "same"), own(&[(Equal, "same")]));
    assert_eq!(words("", ""), []);
    let filler = "one line of text\n".repeat(8_000);
    let old = format!("{filler}the last word");
    let new = format!("{filler}the last line");
    assert_eq!(
        words(&old, &new),
        own(&[(Equal, &filler), (Removed, "the last word"), (Added, "the last line")])
    );
}
