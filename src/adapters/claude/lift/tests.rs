use proptest::collection::hash_map;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Map;
use serde_json::json;

use super::*;
use crate::adapters::claude::lower::lower;

/// Any JSON value; texts are often ones that mean something somewhere.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(|float: f64| Value::from(float)),
        ".{0,8}".prop_map(Value::from),
        any_word().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::from), any_object(inner),]
    })
}

fn any_word() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "user",
        "assistant",
        "system",
        "text",
        "thinking",
        "tool_use",
        "tool_result",
        "image",
        "document",
        "base64",
        "image/png",
        "value",
        "summary",
        "custom-title",
        "ai-title",
        "",
        "2026-01-02T03:04:05.678Z",
        "2026-13-02T03:04:05Z",
        "<command-name>/clear",
        "null",
    ])
    .prop_map(str::to_owned)
}

fn any_key() -> impl Strategy<Value = String> {
    let words = proptest::sample::select(vec![
        "type",
        "message",
        "uuid",
        "parentUuid",
        "timestamp",
        "cwd",
        "gitBranch",
        "version",
        "role",
        "model",
        "id",
        "content",
        "usage",
        "input_tokens",
        "output_tokens",
        "isMeta",
        "isCompactSummary",
        "text",
        "thinking",
        "signature",
        "name",
        "input",
        "tool_use_id",
        "is_error",
        "source",
        "media_type",
        "data",
        "summary",
        "leafUuid",
        "customTitle",
        "aiTitle",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
    ]);
    prop_oneof![9 => words.prop_map(str::to_owned), 1 => ".{0,4}"]
}

fn any_object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    hash_map(any_key(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect()))
}

/// A well-formed block, with fields changed, added or taken away.
fn any_block() -> impl Strategy<Value = Value> {
    let whole = proptest::sample::select(vec![
        json!({"type": "text", "text": "a"}),
        json!({"type": "thinking", "thinking": "b", "signature": "c"}),
        json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}),
        json!({"type": "tool_result", "tool_use_id": "t1", "content": "x", "is_error": false}),
        json!({"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "x"}]}),
        json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}),
        json!({"type": "document", "source": {"type": "base64", "media_type": "a/b", "data": "AA==", "x": 1}}),
    ]);
    prop_oneof![4 => mutated(whole), 1 => any_value()]
}

fn any_line() -> impl Strategy<Value = Value> {
    let message = (any_word(), any_block(), any_block()).prop_map(|(role, one, other)| {
        json!({"role": role, "model": "m", "id": "a1", "content": [one, other], "type": "message",
            "usage": {"input_tokens": 1, "output_tokens": 2, "service_tier": "standard"}})
    });
    let line = (any_word(), mutated(message)).prop_map(|(kind, message)| {
        json!({"type": kind, "message": message, "uuid": "u", "parentUuid": null, "cwd": "/a",
            "timestamp": "2026-01-02T03:04:05Z", "gitBranch": "main", "version": "2",
            "isMeta": true, "summary": "s", "leafUuid": "u", "customTitle": "t"})
    });
    prop_oneof![4 => mutated(line), 1 => any_value()]
}

fn mutated(whole: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    (whole, hash_map(any_key(), any_value(), 0..3), any_key()).prop_map(|(mut value, put, gone)| {
        if let Value::Object(map) = &mut value {
            map.extend(put);
            map.shift_remove(&gone);
        }
        value
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn lowering_gives_back_any_line(line in any_line(), is_about_session: bool) {
        let record = lift(line.clone(), None, is_about_session);
        let lowered = lower(&record);
        prop_assert_eq!(lowered.as_ref(), Some(&line), "{:?}", record);
    }
}

fn message_of(line: Value) -> Message {
    match lift(line, None, false) {
        Record::Message(message) => message,
        other => panic!("no message: {other:?}"),
    }
}

#[test]
fn what_has_a_place_is_not_left_in_native() {
    let message = message_of(json!({
        "type": "assistant", "uuid": "u2", "parentUuid": "u1", "cwd": "/w", "gitBranch": "main",
        "version": "2.1", "timestamp": "2026-01-02T03:04:05.678Z", "requestId": "r1",
        "message": {
            "role": "assistant", "model": "m", "id": "a1", "type": "message",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}},
            ],
            "usage": {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 5,
                "cache_creation_input_tokens": 6, "service_tier": "standard"},
        },
    }));
    assert_eq!(message.envelope.id.as_deref(), Some("u2"));
    assert_eq!(message.envelope.parent.as_deref(), Some("u1"));
    assert_eq!(message.envelope.place.branch.as_deref(), Some("main"));
    assert_eq!((message.role.as_str(), message.model.as_deref()), ("assistant", Some("m")));
    assert_eq!(message.answer.as_deref(), Some("a1"));
    let usage =
        Usage { input: Some(3), output: Some(4), cache_read: Some(5), cache_write: Some(6) };
    assert_eq!(message.usage, Some(usage));
    let native = json!({"requestId": "r1",
        "message": {"type": "message", "usage": {"service_tier": "standard"}}});
    assert_eq!(Value::Object(message.native), native);
    let thinking = &message.content.blocks()[0];
    assert_eq!(thinking.kind, BlockKind::Thinking { text: "hm".to_owned() });
    assert_eq!(Value::Object(thinking.native.clone()), json!({"signature": "sig"}));
    assert_eq!(message.content.blocks()[1].native, Map::new());
}

#[test]
fn a_picture_in_a_tool_result_is_a_picture() {
    let source = json!({"type": "base64", "media_type": "image/png", "data": "AAAA"});
    let message = message_of(json!({"type": "user", "message": {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "image", "source": source}]},
    ]}}));
    let BlockKind::ToolResult { output: Some(output), .. } = &message.content.blocks()[0].kind
    else {
        panic!("no result: {message:?}");
    };
    assert!(matches!(output.blocks()[0].kind, BlockKind::Image { .. }));
}

#[test]
fn content_that_does_not_fit_stays_whole() {
    let content = json!(["bare", {"type": "text", "text": "x"}]);
    let message =
        message_of(json!({"type": "user", "message": {"role": "user", "content": content}}));
    assert_eq!(message.content, Content::Blocks(Vec::new()));
    assert_eq!(message.native["message"]["content"], content);
}

#[test]
fn messages_that_nobody_typed_are_told_apart() {
    let injected = |content: Value, meta: Value| {
        let mut line = json!({"type": "user", "message": {"role": "user", "content": content}});
        line.as_object_mut().unwrap().extend(meta.as_object().unwrap().clone());
        message_of(line).injected
    };
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    assert_eq!(injected(json!("hello"), json!({})), None);
    assert_eq!(injected(json!("hello"), json!({"isMeta": true})), Some(Injected::Context));
    assert_eq!(injected(json!("hello"), json!({"isMeta": "true"})), None);
    assert_eq!(injected(json!("a"), json!({"isCompactSummary": true})), Some(Injected::Summary));
    assert_eq!(injected(text("<bash-input>ls"), json!({})), Some(Injected::Command));
    let caveat = json!("<local-command-caveat>x");
    assert_eq!(injected(caveat, json!({"isMeta": true})), Some(Injected::Context));
    let mixed =
        json!([{"type": "text", "text": "<bash-input>ls"}, {"type": "text", "text": "why?"}]);
    assert_eq!(injected(mixed, json!({})), None);
}

#[test]
fn titles_are_taken_from_the_events_that_give_them() {
    let title = |line: Value, is_about_session| match lift(line, None, is_about_session) {
        Record::Event(event) => event.title.map(|title| (title.text, title.by)),
        other => panic!("no event: {other:?}"),
    };
    let summary = json!({"type": "summary", "summary": "Fix it", "leafUuid": "u1"});
    let by = |text: &str, by| Some((text.to_owned(), by));
    assert_eq!(title(summary.clone(), true), by("Fix it", TitledBy::Agent));
    assert_eq!(title(summary, false), None);
    let named = json!({"type": "custom-title", "customTitle": "Mine"});
    assert_eq!(title(named, false), by("Mine", TitledBy::Person));
    assert_eq!(title(json!({"type": "ai-title", "aiTitle": 5}), false), None);
}

#[test]
fn everything_else_is_an_event() {
    let name = |line: Value| match lift(line, None, false) {
        Record::Event(event) => event.name,
        other => panic!("no event: {other:?}"),
    };
    assert_eq!(name(json!({"type": "mode", "mode": "plan"})), "mode");
    assert_eq!(name(json!({"type": "user", "message": "text"})), "user");
    assert_eq!(name(json!({"type": 5})), VALUE);
    assert_eq!(name(json!([1, 2])), VALUE);
    assert_eq!(name(Value::Null), VALUE);
}
