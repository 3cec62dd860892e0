use serde_json::json;

use super::*;
use crate::session::Message;
use crate::session::Record;

fn read(value: Value) -> Result<GivenSession, Error> {
    let Value::Object(document) = value else { unreachable!("the tests give objects") };
    assert!(is_older(&document), "{document:?}");
    older_session(document)
}

fn first_message(given: &GivenSession) -> &Message {
    given.records.iter().find_map(Record::as_message).expect("a message")
}

#[test]
fn fields_without_a_place_survive() {
    let given = read(json!({
        "version": "0.9.0", "created": 1_751_031_000_000_i64, "colour": "blue",
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "hi", "mood": 1},
            {"type": "sketch", "lines": [1, 2]},
        ], "starred": true}],
    }))
    .expect("it is known");
    let event = given.records.iter().find_map(|record| match record {
        Record::Event(event) => Some(event),
        _ => None,
    });
    let native = &event.expect("the session's own fields").native;
    assert_eq!((&native["colour"], &native["version"]), (&json!("blue"), &json!("0.9.0")));
    let message = first_message(&given);
    assert_eq!(message.native["starred"], json!(true));
    let blocks = message.content.blocks();
    assert_eq!(blocks[0].native["mood"], json!(1));
    assert_eq!(Value::Object(blocks[1].native.clone()), json!({"type": "sketch", "lines": [1, 2]}));
}

#[test]
fn the_tokens_of_the_session_are_those_of_its_last_answer_where_no_message_counts() {
    let session = |tokens: Value| {
        json!({
            "version": "0.7.0", "tokenCount": {"total": 117, "input": 96, "output": 21},
            "messages": [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "b", "tokens": tokens},
            ],
        })
    };
    let usage = |given: &GivenSession| {
        given.records.iter().filter_map(Record::as_message).next_back().expect("an answer").usage
    };
    let mut plain = session(json!(null));
    plain["messages"][1].as_object_mut().expect("a map").remove("tokens");
    let given = read(plain).expect("it is known");
    assert_eq!(usage(&given).expect("tokens").input, Some(96));
    let given = read(session(json!({"input": 1, "output": 2}))).expect("it is known");
    assert_eq!(usage(&given).expect("tokens").input, Some(1));
}

#[test]
fn what_cannot_be_told_apart_from_damage_is_refused_with_the_field() {
    let message = |message: Value| json!({"version": "1.0.0", "messages": [message]});
    for (value, said) in [
        (json!({"version": "2.0.0", "messages": []}), "version"),
        (json!({"version": "1.0.0", "id": "x", "messages": []}), "id"),
        (message(json!({"content": "x"})), "messages[0].role"),
        (message(json!({"role": "user", "content": 7})), "messages[0].content"),
        (message(json!({"role": "user", "timestamp": true})), "messages[0].timestamp"),
        (message(json!({"role": "user", "content": [{"type": "tool_use"}]})), "content[0].name"),
        (json!({"version": "1.0.0", "compressed": true, "data": "????"}), "data"),
        (json!({"version": "1.0.0", "compressed": true, "data": "AAAA"}), "data"),
        (json!({"version": "1.0.0", "data": [1]}), "data"),
    ] {
        let error = read(value.clone()).expect_err("it is refused");
        assert!(error.to_string().contains(said), "{value}: {error}");
    }
}

#[test]
fn a_wrong_checksum_refuses_packed_data_and_warns_of_plain_data() {
    let inner = json!({"version": "1.0.0", "messages": [{"role": "user", "content": "x"}]});
    let sum = digest(&inner.to_string());
    let plain = |sum: &str| json!({"version": "1.0.0", "data": inner, "checksum": sum});
    assert!(read(plain(&sum)).expect("it is known").warnings.is_empty());
    assert!(read(plain(&format!("sha256:{sum}"))).expect("it is known").warnings.is_empty());
    assert_eq!(read(plain("00")).expect("it is known").warnings.len(), 1);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, inner.to_string().as_bytes()).expect("memory");
    let data = STANDARD.encode(packer.finish().expect("memory"));
    let packed =
        |sum: &str| json!({"version": "1.0.0", "compressed": true, "data": data, "checksum": sum});
    assert_eq!(first_message(&read(packed(&sum)).expect("it is known")).role, "user");
    assert!(read(packed("00")).expect_err("changed").to_string().contains("checksum"));
}

#[test]
fn a_packed_bomb_stops_at_the_limit() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..80 {
        std::io::Write::write_all(&mut packer, &zeros).expect("memory");
    }
    let data = STANDARD.encode(packer.finish().expect("memory"));
    let error = read(json!({"version": "1.0.0", "compressed": true, "data": data}));
    assert!(error.expect_err("it is too long").to_string().contains("64 MiB"));
}
