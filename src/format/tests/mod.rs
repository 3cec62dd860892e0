//! What is written is read back equal, and equal records give equal bytes.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::emitter::Emitter;
use super::node::Node;
use super::reader::read_any;
use super::reader::read_documents;
use super::*;
use crate::session::Block;
use crate::session::BlockKind;
use crate::session::Content;
use crate::session::Envelope;
use crate::session::Event;
use crate::session::Head;
use crate::session::Message;
use crate::session::Record;

mod cases;
mod readers;
pub(super) mod sample;

const NASTY: &str = include_str!("../../../tests/fixtures/yaml/nasty_strings.json");

fn nasty() -> Value {
    serde_json::from_str(NASTY).expect("the fixture is JSON")
}

fn nasty_texts() -> Vec<String> {
    let nasty = nasty();
    let strings = nasty["strings"].as_array().expect("a list");
    let text = |entry: &Value| entry["text"].as_str().expect("a text").to_owned();
    strings.iter().map(text).collect()
}

/// JSON texts of the fixture, parsed without the meaning that some keys have for `Value`.
fn nasty_values(field: &str) -> Vec<Value> {
    let nasty = nasty();
    let texts = nasty[field].as_array().expect("a list");
    let parse = |text: &Value| reader::read_json(text.as_str().expect("a text")).expect("JSON");
    texts.iter().map(parse).collect()
}

/// A text in every position.
fn positions(text: &str) -> Value {
    json!({
        "value": text,
        "item": [text, [text, text], {"in": text}],
        "deep": {"a": {"b": [{"c": {"d": [[text]], text: text}}]}},
        "key": {text: 1, "after": text},
        "long": {format!("{text}{}", "k".repeat(600)): [text, {"x": text}]},
        "long map": {format!("{text}{}", "k".repeat(600)): {"x": text, "y": [1]}},
    })
}

fn yaml(value: &Value) -> String {
    let mut emitter = Emitter::default();
    emitter.entry(0, "root", &Node::Value(value));
    emitter.out
}

fn read_root(text: &str) -> Value {
    let documents = read_documents(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    documents[0]["root"].clone()
}

/// `Value` compares maps without order and 1 with 1 only; the debug form tells all.
fn assert_same(found: &Value, wanted: &Value, text: &str) {
    assert_eq!(format!("{found:?}"), format!("{wanted:?}"), "{text}");
}

fn event(native: Value) -> Record {
    Record::Event(Event {
        envelope: Envelope::default(),
        name: "test".to_owned(),
        title: None,
        native,
    })
}

fn message(role: &str, content: Content, native: Map<String, Value>) -> Message {
    Message {
        envelope: Envelope::default(),
        role: role.to_owned(),
        injected: None,
        model: None,
        answer: None,
        content,
        usage: None,
        native,
    }
}

fn say(role: &str, text: &str) -> Record {
    Record::Message(message(role, Content::Text(text.to_owned()), Map::new()))
}

fn chunks(records: &[Record]) -> Vec<Chunk> {
    let mut chunker = Chunker::default();
    let mut chunks: Vec<Chunk> = records.iter().filter_map(|it| chunker.push(it)).collect();
    chunks.extend(chunker.last());
    chunks
}

fn parse(chunk: &Chunk) -> Vec<Record> {
    let files: HashMap<&str, &[u8]> =
        chunk.files.iter().map(|file| (file.name.as_str(), file.bytes.as_slice())).collect();
    parse_chunk(&chunk.text, &mut |name| files.get(name).map(|bytes| bytes.to_vec()))
        .unwrap_or_else(|error| panic!("{error}\n{}", chunk.text))
}

#[test]
fn every_nasty_text_comes_back_from_every_position() {
    for text in nasty_texts() {
        let value = positions(&text);
        let written = yaml(&value);
        assert_same(&read_root(&written), &value, &written);
    }
}

#[test]
fn numbers_and_values_keep_their_kind() {
    for field in ["numbers_as_json", "values_as_json"] {
        for value in nasty_values(field) {
            let value = json!({"is": value, "item": [value, value]});
            let written = yaml(&value);
            assert_same(&read_root(&written), &value, &written);
        }
    }
}

#[test]
fn nasty_texts_come_back_from_records() {
    for text in nasty_texts() {
        let native = positions(&text).as_object().expect("a map").clone();
        let block = Block { kind: BlockKind::Text { text: text.clone() }, native: native.clone() };
        let records = [
            say(&text, &text),
            event(Value::Object(native.clone())),
            event(Value::String(text.clone())),
            Record::Message(message("user", Content::Blocks(vec![block]), native)),
        ];
        let read: Vec<Record> = chunks(&records).iter().flat_map(parse).collect();
        assert_eq!(read, records);
        let whole = render_session(&Head::default(), &records);
        assert_eq!(parse_session(&whole).expect("parses").1, records);
    }
}

#[test]
fn deep_values_are_read_up_to_the_limit() {
    let deep = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!({"a": inner}));
    assert_same(&read_root(&yaml(&deep(200))), &deep(200), "200 deep");
    assert!(read_documents(&yaml(&deep(300))).is_err());
}

#[test]
fn what_records_look_like_is_read_by_the_fast_reader() {
    let value = json!({"message": "user", "usage": {"input": 3}, "content": [
        {"text": " a\n\n b\n"}, {"tool_call": "Bash", "input": {"a b": [[1, -2.5e-7], {}, []]}},
        "x: y", "", "no", "日本語\n\n", "a\u{7}\"\\", null, true, {"k:v": "w", "-": {"x": 1}},
    ]});
    let text = format!("---\n{}---\n{}", yaml(&value), yaml(&json!({"a": 1})));
    let expected = vec![json!({"root": value}), json!({"root": {"a": 1}})];
    assert_eq!(canonical::read(&text), Some(expected));
    let counted = "---\nusage: {input: 3, cache_read: 0}\n";
    let expected = json!({"usage": {"input": 3, "cache_read": 0}});
    assert_eq!(canonical::read(counted), Some(vec![expected]));
    for odd in ["a: 1\n", "---\n- a\n", "---\na: 'b'\n", "---\na: yes\n", "---\na: b", "---\n"] {
        assert_eq!(canonical::read(odd), None, "{odd}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_come_back(value in arbitrary::value()) {
        let written = yaml(&value);
        assert_same(&read_root(&written), &value, &written);
    }

    #[test]
    fn the_fast_reader_reads_what_is_written_as_the_general_one_does(
        records in arbitrary::stream(),
    ) {
        for chunk in chunks(&records) {
            let general = read_any(&chunk.text).expect("reads");
            // Long keys, and what lies deep, it leaves to the other.
            if let Some(fast) = canonical::read(&chunk.text) {
                prop_assert_eq!(fast, general);
            } else {
                let is_odd = chunk.text.lines().any(|line| {
                    line.trim_start_matches([' ', '-']).starts_with("? ")
                        || line.starts_with(&" ".repeat(50))
                });
                prop_assert!(is_odd, "{}", chunk.text);
            }
        }
    }

    #[test]
    fn the_fast_reader_never_reads_a_damaged_text_in_a_way_of_its_own(
        value in arbitrary::value(),
        places in proptest::collection::vec((any::<prop::sample::Index>(), 0..12_usize), 1..4),
    ) {
        let mut text = yaml(&value);
        let pieces =
            ["", " ", "\n", "-", ": ", "\"", "|", "#", "'", "\t", "  x: y\n", "\u{2028}"];
        for (place, piece) in places {
            let mut start = place.index(text.len());
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            let end = if piece == 0 {
                start + text[start..].chars().next().map_or(0, char::len_utf8)
            } else {
                start
            };
            text.replace_range(start..end, pieces[piece]);
        }
        let text = format!("---\n{text}");
        if let Some(fast) = canonical::read(&text) {
            let general = read_any(&text);
            prop_assert_eq!(Some(&fast), general.as_ref().ok(), "{}", text);
        }
    }

    #[test]
    fn records_come_back_as_values(record in arbitrary::record()) {
        let value = record_to_value(&record);
        prop_assert_eq!(record_from_value(value).expect("reads"), record);
    }

    #[test]
    fn chunks_come_back_byte_for_byte(records in arbitrary::stream()) {
        let written = chunks(&records);
        let read: Vec<Record> = written.iter().flat_map(parse).collect();
        prop_assert_eq!(&read, &records);
        prop_assert_eq!(chunks(&read), written);
    }

    #[test]
    fn sessions_come_back(records in arbitrary::stream(), native in arbitrary::native()) {
        let mut head = Head::default();
        head.native.extend(native.into_iter().map(|(key, value)| (format!("x{key}"), value)));
        let text = render_session(&head, &records);
        prop_assert_eq!(parse_session(&text).expect("parses"), (head, records));
    }

    #[test]
    fn appending_to_the_last_chunk_gives_the_chunks_of_the_whole(
        records in arbitrary::stream(),
        repeat in 1_usize..12,
        added in arbitrary::stream(),
    ) {
        let mut stream: Vec<Record> = Vec::new();
        (0..repeat).for_each(|_| stream.extend(records.iter().cloned()));
        let mut grown = chunks(&stream);
        let last = grown.pop();
        let mut tail: Vec<Record> = last.iter().flat_map(parse).collect();
        tail.extend(added.iter().cloned());
        grown.extend(chunks(&tail));
        stream.extend(added);
        prop_assert_eq!(grown, chunks(&stream));
    }
}
