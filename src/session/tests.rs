//! Tests of the domain: keys, views, folds, alignments.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::*;

fn native(value: Value) -> Native {
    match value {
        Value::Object(map) => map,
        _ => Native::new(),
    }
}

fn said(id: &str, role: &str, text: &str) -> Record {
    Record::Message(Message {
        envelope: Envelope { id: Some(id.to_owned()), ..Envelope::default() },
        role: role.to_owned(),
        injected: None,
        model: None,
        answer: None,
        content: Content::Text(text.to_owned()),
        usage: None,
        native: Native::new(),
    })
}

fn noted(name: &str, fields: Value) -> Record {
    Record::Event(Event {
        envelope: Envelope::default(),
        name: name.to_owned(),
        title: None,
        native: fields,
    })
}

fn done(id: &str, at: &str, action: Action) -> Record {
    Record::Annals(AnnalsEvent { id: id.to_owned(), at: Timestamp::parse(at), action })
}

fn torn(text: &str) -> Record {
    Record::Unreadable(Unreadable { raw: Raw::Text(text.to_owned()), is_tail: true, after: None })
}

fn session_id() -> SessionId {
    SessionId::captured("test", "one")
}

/// The view without annals' own events, after the file was captured on top of `stream`.
fn captured(stream: Vec<Record>, file: &[Record]) -> (Vec<Record>, Vec<Record>) {
    let next = next(stream, file, &HashSet::new());
    let seen = agents_view(&next);
    (next, seen)
}

/// The stream after the file was captured.
fn next(mut stream: Vec<Record>, file: &[Record], foreign: &HashSet<RecordKey>) -> Vec<Record> {
    aligned(&stream, file, foreign).apply(&mut stream);
    stream
}

fn aligned(stream: &[Record], file: &[Record], foreign: &HashSet<RecordKey>) -> Alignment {
    let keys = Keys::of(stream);
    let mut aligner = Aligner::new(stream, &keys);
    file.iter().for_each(|record| aligner.take(record.clone()));
    aligner.finish(foreign)
}

fn agents_view(stream: &[Record]) -> Vec<Record> {
    view(stream, &Keys::of(stream))
        .into_iter()
        .map(|place| stream[place].clone())
        .filter(|record| !matches!(record, Record::Annals(_)))
        .map(|mut record| {
            record.set_after(None);
            record
        })
        .collect()
}

#[test]
fn a_captured_session_has_the_same_id_everywhere() {
    assert_eq!(SessionId::captured("a", "1"), SessionId::captured("a", "1"));
    assert_ne!(SessionId::captured("a", "1"), SessionId::captured("b", "1"));
    let id = SessionId::captured("a", "1");
    assert!(id.to_string().ends_with(&id.short()) && id.short().ends_with(&id.shard()));
}

#[test]
fn a_key_survives_redaction_and_reordered_fields() {
    let before = noted("x", json!({"a": "secret", "n": 1, "type": "t"}));
    let after = noted("x", json!({"type": "t", "n": 1, "[redacted:r]": "[redacted:r]"}));
    assert_eq!(Keys::of(&[before]), Keys::of(&[after]));
}

#[test]
fn a_key_tells_records_apart_by_what_redaction_cannot_change() {
    let a = noted("x", json!({"n": 1}));
    let b = noted("x", json!({"n": 2}));
    assert_ne!(Keys::of(&[a.clone()]), Keys::of(&[b]));
    let twice = Keys::of(&[said("1", "user", "a"), said("1", "user", "b")]);
    assert_eq!(twice, [RecordKey("1".into()), RecordKey("1#2".into())]);
    assert_eq!(twice[1].base(), "1");
    // The second of two equal records follows another record, so its key is another.
    let keys = Keys::of(&[a.clone(), a.clone(), a]);
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn usage_of_one_answer_is_counted_once_and_its_last_part_counts() {
    let part = |id: &str, answer: &str, output| {
        let mut record = said(id, "assistant", "x");
        if let Record::Message(message) = &mut record {
            message.answer = Some(answer.to_owned());
            message.usage =
                Some(Usage { input: Some(10), output: Some(output), ..Usage::default() });
        }
        record
    };
    let records = [part("1", "m1", 1), part("2", "m1", 7), part("3", "m2", 5)];
    let head = HeadFold::of_stream(session_id(), &records).head().clone();
    assert_eq!((head.tokens.input, head.tokens.output, head.tokens.total), (20, 12, 32));
}

#[test]
fn the_head_says_what_the_records_say() {
    let mut first = said("1", "user", "Fix the\n  login, please");
    if let Record::Message(message) = &mut first {
        message.envelope.at = Timestamp::parse("2026-02-03T10:00:00Z");
        message.envelope.place.cwd = Some("/w/x".to_owned());
    }
    let records = [
        done("e1", "2026-02-03T09:00:00Z", Action::Tag { tags: vec!["b".into(), "a".into()] }),
        first,
        said("2", "assistant", "key [redacted:aws-key] and [redacted:not closed"),
        done("e2", "2026-02-04T09:00:00Z", Action::Rename { title: "Login".into() }),
        done("e3", "2026-02-04T09:00:01Z", Action::Untag { tags: vec!["b".into()] }),
    ];
    let head = HeadFold::of_stream(session_id(), &records).head().clone();
    assert_eq!(head.title.as_deref(), Some("Login"));
    assert_eq!(head.preview.as_deref(), Some("Fix the login, please"));
    assert_eq!(head.tags, ["a"]);
    assert_eq!(head.created.as_deref(), Some("2026-02-03T09:00:00Z"));
    assert_eq!(head.modified.as_deref(), Some("2026-02-04T09:00:01Z"));
    assert_eq!(head.workspace.root.as_deref(), Some("/w/x"));
    assert_eq!((head.counts.messages, head.counts.turns, head.counts.records), (2, 1, 2));
    assert_eq!(head.redactions, [("aws-key".to_owned(), 1)].into());
}

#[test]
fn an_agents_title_returns_when_the_persons_is_taken_back() {
    let titled = Record::Event(Event {
        envelope: Envelope::default(),
        name: "summary".into(),
        title: Some(Title { text: "By the agent".into(), by: TitledBy::Agent }),
        native: Value::Object(Native::new()),
    });
    let rename = |title: &str| {
        done(title, "2026-01-01T00:00:00Z", Action::Rename { title: title.to_owned() })
    };
    let mut stream = vec![titled, rename("Mine")];
    assert_eq!(HeadFold::of_stream(session_id(), &stream).head().title.as_deref(), Some("Mine"));
    stream.push(rename(""));
    let head = HeadFold::of_stream(session_id(), &stream).head().clone();
    assert_eq!(head.title.as_deref(), Some("By the agent"));
}

#[test]
fn a_rolled_back_file_is_left_alone_until_it_grows() {
    let file = vec![said("1", "user", "a"), said("2", "assistant", "b"), said("3", "user", "c")];
    let mut stream = file.clone();
    let change = plan_view_change(&Keys::of(&file), &Keys::of(&file[..1]));
    let to = RevisionId::parse(&"0".repeat(40)).expect("40 digits");
    stream.push(done("r", "2026-01-01T00:00:00Z", Action::Rollback { to, change }));
    assert_eq!(agents_view(&stream), file[..1]);
    let left_alone = aligned(&stream, &file, &HashSet::new());
    assert_eq!(left_alone, Alignment::default(), "the longer file brings nothing back");
    let longer = [file, vec![said("4", "assistant", "d")]].concat();
    let (_, seen) = captured(stream, &longer);
    assert_eq!(seen, longer, "a file that grew is taken as it is");
}

#[test]
fn a_restored_file_that_grows_keeps_what_was_taken_back_out() {
    let file = vec![said("1", "user", "a"), said("2", "assistant", "b")];
    let change = plan_view_change(&Keys::of(&file), &Keys::of(&file[..1]));
    let to = RevisionId::parse(&"0".repeat(40)).expect("40 digits");
    let rollback = done("r", "2026-01-01T00:00:00Z", Action::Rollback { to, change });
    let stream = [file.clone(), vec![rollback]].concat();
    let grown = vec![file[0].clone(), said("9", "user", "z")];
    let (next, seen) = captured(stream, &grown);
    assert_eq!(seen, grown);
    assert!(next.contains(&file[1]), "the stream only grows");
}

#[test]
fn what_never_stood_in_the_file_stays_in_view() {
    let file = vec![said("1", "user", "a"), said("2", "assistant", "b")];
    let elsewhere = said("9", "user", "from elsewhere");
    let stream = [file.clone(), vec![elsewhere.clone()]].concat();
    let foreign = HashSet::from([RecordKey("9".into())]);
    let grown = [file.clone(), vec![said("3", "user", "c")]].concat();
    let seen = agents_view(&next(stream.clone(), &grown, &foreign));
    assert_eq!(seen, [&grown[..2], &[elsewhere.clone()], &grown[2..]].concat());
    // What the file held and dropped goes, what was foreign stays.
    let shorter = next(stream.clone(), &file[..1], &foreign);
    assert_eq!(agents_view(&shorter), [file[0].clone(), elsewhere]);
    let same = aligned(&stream, &file, &foreign);
    assert_eq!(same, Alignment::default(), "a file as it was changes nothing");
}

#[test]
fn a_torn_last_line_gives_way_to_the_whole_one() {
    let (stream, _) = captured(Vec::new(), &[said("1", "user", "a"), torn("{\"ty")]);
    let file = [said("1", "user", "a"), said("2", "user", "b")];
    let (stream, seen) = captured(stream, &file);
    assert_eq!(seen, file);
    assert_eq!(stream.len(), 2, "no torn line stays behind");
}

#[test]
fn a_value_redacted_late_replaces_the_record_in_place() {
    let stream = vec![said("1", "user", "the key is hunter2 ok"), said("2", "user", "b")];
    let file = [said("1", "user", "the key is [redacted:password] ok"), said("2", "user", "b")];
    let (next, seen) = captured(stream, &file);
    assert_eq!(seen, file);
    assert_eq!(next.len(), 2, "it is the same record, not another");
    // And what is stored with more redactions than today's rules make stays.
    let (again, _) = captured(
        next.clone(),
        &[said("1", "user", "the key is hunter2 ok"), said("2", "user", "b")],
    );
    assert_eq!(again, next);
}

#[test]
fn a_record_redacted_late_is_known_whatever_the_order_of_its_fields() {
    let with = |text: &str, fields: Value| {
        let mut record = said("1", "user", text);
        if let Record::Message(message) = &mut record {
            message.native = native(fields);
        }
        record
    };
    let stored = with("hunter2", json!({"a": 1, "hunter2": "x hunter2", "z": [{"b": 2, "c": 3}]}));
    let read = with(
        "[redacted:password]",
        json!({"z": [{"c": 3, "b": 2}], "a": 1, "[redacted:password]": "x [redacted:password]"}),
    );
    let (next, seen) = captured(vec![stored], std::slice::from_ref(&read));
    assert_eq!(seen, [read]);
    assert_eq!(next.len(), 1, "it is the same record, not another: {next:?}");
}

#[test]
fn a_record_whose_content_the_agent_changed_is_a_second_record() {
    let (next, seen) = captured(vec![said("1", "user", "a")], &[said("1", "user", "b")]);
    assert_eq!(seen, [said("1", "user", "b")]);
    assert_eq!(next.len(), 3, "both contents and the rewrite: {next:?}");
}

fn any_file() -> impl Strategy<Value = Vec<Record>> {
    let record = prop_oneof![
        (0..12_u8, "[ab]{0,2}").prop_map(|(id, text)| said(&format!("m{id}"), "user", &text)),
        (0..3_u8, "[ab]{0,1}").prop_map(|(n, text)| noted("e", json!({"n": n, "t": text}))),
        Just(Record::Unreadable(Unreadable {
            raw: Raw::Text("?".into()),
            is_tail: false,
            after: None,
        })),
    ];
    proptest::collection::vec(record, 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever an agent does to its file, the view is the file, record for record, nothing leaves
    /// the stream, and capturing the same file again changes nothing.
    #[test]
    fn p05_the_view_is_the_file(files in proptest::collection::vec(any_file(), 1..6)) {
        let mut stream = Vec::new();
        for file in &files {
            let before = stream.clone();
            let (next, seen) = captured(stream, file);
            prop_assert_eq!(&seen, file);
            prop_assert!(next.len() >= before.len());
            prop_assert_eq!(aligned(&next, file, &HashSet::new()), Alignment::default());
            stream = next;
        }
        let keys = Keys::of(&stream);
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        prop_assert_eq!(distinct.len(), keys.len(), "keys are unique");
    }

    /// A planned change of a view gives the wanted view.
    #[test]
    fn a_planned_view_is_reached(target in Just((0..10_usize).collect::<Vec<_>>()).prop_shuffle(), keep in 0..11_usize) {
        let stream: Vec<Record> = (0..10).map(|n| said(&format!("m{n}"), "user", "x")).collect();
        let keys = Keys::of(&stream);
        let target: Vec<RecordKey> = target[..keep].iter().map(|n| keys[*n].clone()).collect();
        let change = plan_view_change(&keys, &target);
        let to = RevisionId::parse(&"0".repeat(40)).expect("40 digits");
        let rollback = done("r", "2026-01-01T00:00:00Z", Action::Rollback { to, change });
        let stream = [stream, vec![rollback]].concat();
        let keys = Keys::of(&stream);
        let seen: Vec<RecordKey> = view(&stream, &keys).into_iter().filter(|it| *it < 10).map(|it| keys[it].clone()).collect();
        prop_assert_eq!(seen, target);
    }

    /// Whatever an event names, also what stands behind it or twice, a view ends, and holds each
    /// record at most once.
    #[test]
    fn p13_no_event_makes_a_view_endless(
        events in proptest::collection::vec((
            0..8_usize,
            proptest::collection::vec(0..9_usize, 0..4),
            proptest::collection::vec((0..9_usize, proptest::option::of(0..9_usize)), 0..6),
        ), 1..5)
    ) {
        let key = |n: &usize| RecordKey(format!("m{n}"));
        let mut stream: Vec<Record> = (0..8).map(|n| said(&format!("m{n}"), "user", "x")).collect();
        for (number, (at, removed, placed)) in events.iter().enumerate() {
            let placement = |(n, after): &(usize, Option<usize>)| Placement {
                key: key(n),
                after: after.as_ref().map(key),
            };
            let change = ViewChange {
                removed: removed.iter().map(key).collect(),
                placed: placed.iter().map(placement).collect(),
            };
            let event = done(&format!("e{number}"), "2026-01-01T00:00:00Z", Action::Rewrite { change });
            stream.insert(*at, event);
        }
        let seen = view(&stream, &Keys::of(&stream));
        let distinct: HashSet<_> = seen.iter().collect();
        prop_assert_eq!(distinct.len(), seen.len());
    }

    /// The fold over a stream that grew is the fold over all of it.
    #[test]
    fn p04_the_fold_can_be_continued(file in any_file(), cut in 0..14_usize) {
        let cut = cut.min(file.len());
        let mut fold = HeadFold::of_stream(session_id(), &file[..cut]);
        file[cut..].iter().for_each(|record| fold.add(record));
        let whole = HeadFold::of_stream(session_id(), &file);
        prop_assert_eq!(fold.head(), whole.head());
    }
}

#[test]
fn natives_are_no_part_of_a_key_by_their_order() {
    let a = native(json!({"a": 1, "b": 2}));
    let b = native(json!({"b": 2, "a": 1}));
    assert_eq!(
        Keys::of(&[noted("x", Value::Object(a))]),
        Keys::of(&[noted("x", Value::Object(b))])
    );
}
