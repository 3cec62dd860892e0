use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::format::arbitrary;
use crate::format::parse_session;
use crate::format::record_to_value;
use crate::format::render_session;
use crate::format::render_value;
use crate::session::HeadFold;
use crate::session::Record;

/// A frozen file of an older schema, as the present form has it.
fn present(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schemas");
    let text = fs::read_to_string(folder.join(name)).expect("it is there");
    rendered(&parse_older(&text).expect("it migrates"))
}

fn rendered(given: &GivenSession) -> String {
    render_session(HeadFold::of_stream(given.head.id, &given.records).head(), &given.records)
}

const SESSION: &str = "sessions/0197b3c2-5d1e-7c44-9a0b-3f6f2f9d81aa.yaml";
const ODD: &str = "sessions/0197b3c2-6e2f-7d55-8b1c-4a7a3a0e92bb.yaml";

#[test]
fn r6_3_schema_1_is_read() {
    insta::assert_snapshot!(present(&format!("1/{SESSION}")), @r#"
    ---
    schema: 4
    id: "0197b3c2-5d1e-7c44-9a0b-3f6f2f9d81aa"
    preview: Why does the parser drop the last line? It has no newline.
    agent:
      name: annals
    models:
    - gpt-4o
    created: "2025-06-27T13:30:00Z"
    modified: "2025-06-27T13:31:05.250Z"
    counts:
      records: 3
      messages: 2
      turns: 1
      tool_calls: 0
      bytes: 97
    tokens:
      input: 36
      output: 21
      cache_read: 0
      cache_write: 0
      total: 57
    origin: created
    ---
    annals: origin
    id: "3077e8aa-eb50-5ed5-bba7-2edd95d42975"
    agent: annals
    how: created
    ---
    event: older-session
    at: "2025-06-27T13:30:00Z"
    native:
      schema: 1
      tokenCount:
        total: 57
        input: 36
        output: 21
    ---
    message: user
    id: "7a1f9f56-0c0e-4a53-9b5e-6f2c0a4c9d01"
    at: "2025-06-27T13:30:00Z"
    content: |-
      Why does the parser drop the last line?
      It has no newline.
    ---
    message: assistant
    id: "7a1f9f56-0c0e-4a53-9b5e-6f2c0a4c9d02"
    at: "2025-06-27T13:31:05.250Z"
    model: gpt-4o
    content: It splits on "\n" and ignores the rest.
    usage: {input: 36, output: 21}
    "#);
}

#[test]
fn r6_3_schema_2_is_read() {
    insta::assert_snapshot!(present(&format!("2/{SESSION}")), @r#"
    ---
    schema: 4
    id: "0197b3c2-5d1e-7c44-9a0b-3f6f2f9d81aa"
    preview: Why does the parser drop the last line? It has no newline.
    agent:
      name: annals
    models:
    - gpt-4o
    created: "2025-06-27T13:30:00Z"
    modified: "2025-06-27T13:31:05.250Z"
    workspace:
      root: /home/dev/parser
    counts:
      records: 3
      messages: 2
      turns: 1
      tool_calls: 0
      bytes: 97
    tokens:
      input: 36
      output: 21
      cache_read: 0
      cache_write: 0
      total: 57
    context_files:
    - src/parser.rs
    - README.md
    tags:
    - bug
    - parser
    notes: check the fix on Windows
    origin: created
    ---
    annals: origin
    id: "3077e8aa-eb50-5ed5-bba7-2edd95d42975"
    agent: annals
    how: created
    ---
    annals: tag
    id: c2f0e46b-f673-5736-869f-f4eb8b413d63
    tags:
    - bug
    - parser
    ---
    annals: note
    id: f9914e44-ca76-5827-9246-526fae10de87
    text: check the fix on Windows
    ---
    annals: context_files
    id: "0c0f4a4d-61e9-5717-b6d1-450dbea2a873"
    paths:
    - src/parser.rs
    - README.md
    ---
    event: older-session
    at: "2025-06-27T13:30:00Z"
    native:
      schema: 2
      tokenCount:
        total: 57
        input: 36
        output: 21
    ---
    message: user
    id: "7a1f9f56-0c0e-4a53-9b5e-6f2c0a4c9d01"
    at: "2025-06-27T13:30:00Z"
    cwd: /home/dev/parser
    content: |-
      Why does the parser drop the last line?
      It has no newline.
    ---
    message: assistant
    id: "7a1f9f56-0c0e-4a53-9b5e-6f2c0a4c9d02"
    at: "2025-06-27T13:31:05.250Z"
    model: gpt-4o
    cwd: /home/dev/parser
    content: It splits on "\n" and ignores the rest.
    usage: {input: 36, output: 21}
    "#);
}

#[test]
fn r6_3_schema_3_is_read() {
    insta::assert_snapshot!(present(&format!("3/{SESSION}")), @r#"
    ---
    schema: 4
    id: "0197b3c2-5d1e-7c44-9a0b-3f6f2f9d81aa"
    title: Parser drops the last line
    preview: Why does the parser drop the last line? It has no newline.
    agent:
      name: annals
    models:
    - gpt-4o
    created: "2025-06-27T13:30:00Z"
    modified: "2025-06-27T13:31:05.250Z"
    workspace:
      root: /home/dev/parser
      branch: main
    counts:
      records: 5
      messages: 4
      turns: 1
      tool_calls: 1
      bytes: 140
    tokens:
      input: 96
      output: 21
      cache_read: 0
      cache_write: 0
      total: 117
    context_files:
    - src/parser.rs
    - README.md
    tags:
    - bug
    - parser
    notes: check the fix on Windows
    origin: created
    ---
    annals: origin
    id: "3077e8aa-eb50-5ed5-bba7-2edd95d42975"
    agent: annals
    how: created
    ---
    annals: rename
    id: e8b7796c-3c0f-5d00-b150-1e7bebe8ef4f
    title: Parser drops the last line
    ---
    annals: tag
    id: c2f0e46b-f673-5736-869f-f4eb8b413d63
    tags:
    - bug
    - parser
    ---
    annals: note
    id: f9914e44-ca76-5827-9246-526fae10de87
    text: check the fix on Windows
    ---
    annals: context_files
    id: "0c0f4a4d-61e9-5717-b6d1-450dbea2a873"
    paths:
    - src/parser.rs
    - README.md
    ---
    event: older-session
    at: "2025-06-27T13:30:00Z"
    native:
      schema: 3
    ---
    message: user
    id: "7a1f9f56-0c0e-4a53-9b5e-6f2c0a4c9d01"
    at: "2025-06-27T13:30:00Z"
    cwd: /home/dev/parser
    branch: main
    content: |-
      Why does the parser drop the last line?
      It has no newline.
    ---
    message: assistant
    id: "7a1f9f56-0c0e-4a53-9b5e-6f2c0a4c9d02"
    at: "2025-06-27T13:30:40Z"
    model: gpt-4o
    cwd: /home/dev/parser
    branch: main
    content:
    - tool_call: read_file
      id: call_1
      input:
        path: src/parser.rs
    usage: {input: 36, output: 9}
    ---
    message: tool
    id: "7a1f9f56-0c0e-4a53-9b5e-6f2c0a4c9d03"
    at: "2025-06-27T13:30:41Z"
    cwd: /home/dev/parser
    branch: main
    content:
    - tool_result: call_1
      output: for line in text.split('\n') {
      error: false
    ---
    message: assistant
    id: "7a1f9f56-0c0e-4a53-9b5e-6f2c0a4c9d04"
    at: "2025-06-27T13:31:05.250Z"
    model: gpt-4o
    cwd: /home/dev/parser
    branch: main
    content: It splits on "\n" and ignores the rest.
    usage: {input: 60, output: 12}
    "#);
}

#[test]
fn r6_4_unknown_fields_of_schema_1_survive() {
    insta::assert_snapshot!(present(&format!("1/{ODD}")), @r#"
    ---
    schema: 4
    id: "0197b3c2-6e2f-7d55-8b1c-4a7a3a0e92bb"
    preview: "Grüße 😀, \"quoted\" and a tab: ."
    agent:
      name: annals
    models:
    - gpt-4o
    created: "2025-06-27T13:30:00.001Z"
    modified: "2025-06-28T13:30:00Z"
    counts:
      records: 6
      messages: 4
      turns: 1
      tool_calls: 0
      bytes: 128
    tokens:
      input: 3
      output: 2
      cache_read: 0
      cache_write: 0
      total: 5
    origin: created
    ---
    annals: origin
    id: "3077e8aa-eb50-5ed5-bba7-2edd95d42975"
    agent: annals
    how: created
    ---
    event: older-session
    at: "2025-06-27T13:30:00.001Z"
    native:
      colour: blue
      schema: 1
      tags:
        not: of this version
      tokenCount:
        total: 5
        input: 3
        output: 2
        cached: 1
    ---
    message: user
    id: m1
    at: "2025-06-27T13:30:00.001Z"
    content: "Grüße 😀, \"quoted\" and a tab:\t."
    native:
      mood:
      - 1
      - 2.5
      - null
      native:
        already: here
    ---
    message: system
    content: ""
    ---
    message: assistant
    id: m2
    at: "2025-06-27T13:30:01Z"
    model: gpt-4o
    content: |+
      Ends with empty lines.


    native:
      parent:
        of: nothing
    ---
    message: assistant
    id: m2
    at: "2025-06-27T13:30:01Z"
    model: gpt-4o
    content: The same id again.
    usage: {input: 3, output: 2}
    ---
    event: older-session
    at: "2025-06-28T13:30:00Z"
    native:
      modified: "2025-06-28T13:30:00Z"
    "#);
}

#[test]
fn r6_4_unknown_fields_of_schema_2_survive() {
    insta::assert_snapshot!(present(&format!("2/{ODD}")), @r#"
    ---
    schema: 4
    id: "0197b3c2-6e2f-7d55-8b1c-4a7a3a0e92bb"
    preview: "- looks like YAML"
    agent:
      name: annals
    created: "2025-06-27T15:30:00.001+02:00"
    modified: "2025-06-28T13:30:00Z"
    counts:
      records: 4
      messages: 2
      turns: 1
      tool_calls: 0
      bytes: 58
    tags:
    - alpha
    - zeta
    notes: |-
      Two lines,
      the second with a #hash.
    origin: created
    ---
    annals: origin
    id: "3077e8aa-eb50-5ed5-bba7-2edd95d42975"
    agent: annals
    how: created
    ---
    annals: tag
    id: d563857a-d2f2-57d9-9277-558f9d6f3c34
    tags:
    - zeta
    - alpha
    - zeta
    ---
    annals: note
    id: "1bca4fd9-8f20-531f-bc42-9bfb02b3ce8c"
    text: |-
      Two lines,
      the second with a #hash.
    ---
    event: older-session
    at: "2025-06-27T15:30:00.001+02:00"
    native:
      extra:
        deep:
          deeper:
          - a
          - b: c
      schema: 2
      title: not of this version
      tokenCount: null
    ---
    message: user
    id: m1
    at: "2025-06-27T15:30:00.001+02:00"
    content: "- looks like YAML"
    native:
      workspace: 7
    ---
    message: assistant
    id: m2
    content: []
    native:
      starred: true
    ---
    event: older-session
    at: "2025-06-28T13:30:00Z"
    native:
      modified: "2025-06-28T13:30:00Z"
    "#);
}

#[test]
fn r6_4_unknown_fields_of_schema_3_survive() {
    insta::assert_snapshot!(present(&format!("3/{ODD}")), @r#"
    ---
    schema: 4
    id: "0197b3c2-6e2f-7d55-8b1c-4a7a3a0e92bb"
    preview: Look at both.
    agent:
      name: annals
    models:
    - claude-opus-4-5
    - gpt-4o
    created: "2025-06-27T13:30:00Z"
    modified: "2025-06-27T13:31:05.250Z"
    workspace:
      root: /home/dev/parser
      branch: main
    counts:
      records: 5
      messages: 4
      turns: 1
      tool_calls: 2
      bytes: 99
    tokens:
      input: 36
      output: 9
      cache_read: 0
      cache_write: 0
      total: 45
    origin: created
    ---
    annals: origin
    id: "3077e8aa-eb50-5ed5-bba7-2edd95d42975"
    agent: annals
    how: created
    ---
    event: older-session
    at: "2025-06-27T13:30:00Z"
    native:
      contextFiles: src/parser.rs
      rating: 5
      schema: 3
      workspace:
        remote: git@example.org:dev/parser.git
    ---
    message: user
    id: m1
    at: "2025-06-27T13:30:00Z"
    cwd: /home/dev/parser
    branch: main
    content:
    - text: Look at both.
    - native:
        sketch:
        - 1
        - 2
        text: 7
    ---
    message: assistant
    id: m2
    at: "2025-06-27T13:30:40Z"
    model: claude-opus-4-5
    cwd: /home/dev/parser
    branch: main
    content:
    - text: Two calls.
      native:
        mood: calm
    - tool_call: read_file
      id: call_1
      input:
        path: src/parser.rs
        lines:
        - 1
        - 2
      native:
        cost: 0.5
    - tool_call: list_files
      id: call_2
    usage: {input: 36, output: 9}
    native:
      latency: 1.25
      usage:
        reasoning: 4
    ---
    message: tool
    id: m3
    at: "2025-06-27T13:30:41Z"
    cwd: /home/dev/parser
    branch: main
    content:
    - tool_result: call_1
      output:
      - text: first
      - text: second
        native:
          from: cache
      error: false
    - tool_result: call_2
      error: true
    ---
    message: assistant
    id: m4
    at: "2025-06-27T13:31:05.250Z"
    model: gpt-4o
    cwd: /home/dev/parser
    branch: main
    content: []
    "#);
}

#[test]
fn r6_3_a_migrated_session_is_not_migrated_again() {
    for schema in 1..=3 {
        for name in [SESSION, ODD] {
            let text = present(&format!("{schema}/{name}"));
            let (head, records) = parse_session(&text).expect("it is of the present form");
            assert_eq!(render_session(&head, &records), text, "{schema}/{name}");
        }
    }
}

#[test]
fn r6_2_what_is_wrong_is_told_with_its_line() {
    for (text, line, cause) in [
        ("schema: 3\nmessages:\n- role: user\n- id: x\n", 4, "messages[1].role: is missing"),
        ("schema: 2\nmessages:\n- role: user\n  at: noon\n", 4, "messages[0].at: \"noon\" is no"),
        ("schema: 1\nmessages:\n- role: user\n  content: [a]\n", 4, "messages[0].content: a text"),
        ("schema: 1\nid: x\nmessages: {}\n", 3, "messages: a list is wanted, not a map"),
        ("schema: 2\nid: x\n", 2, "id: \"x\" is no UUID"),
        ("schema: 2\nid: [\n", 2, "unclosed"),
        ("id: x\n", 1, "schema: null is not known"),
        ("- a\n", 1, "one document is wanted, a map"),
    ] {
        let error = parse_older(text).expect_err("it is refused");
        let Error::Yaml { line: found, cause: said } = &error else { panic!("{error}") };
        assert_eq!(*found, line, "{text}: {error}");
        assert!(said.contains(cause), "{text}: {error}");
    }
    assert!(matches!(parse_older("schema: 5\n"), Err(Error::TooNew { found: 5 })));
}

/// All that stands in a value, keys too, but what migration gives another form.
fn leaves(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, into)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            into.push(name.clone());
            leaves(value, into);
        }),
        Value::String(text) => into.push(text.clone()),
        other => into.push(other.to_string()),
    }
}

/// Fields that no schema knows, with any value.
fn unknown() -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![
        "x_[a-z]{1,6}",
        Just("native".to_owned()),
        Just("after".to_owned()),
        Just("parent".to_owned()),
        Just("event".to_owned()),
        Just("files".to_owned()),
    ];
    proptest::collection::vec((name, arbitrary::value()), 0..4).prop_map(Map::from_iter)
}

fn older() -> impl Strategy<Value = Value> {
    let message = (unknown(), "[ -~]{0,20}", 0_i64..4_000_000_000_000, any::<bool>());
    (1_u64..4, unknown(), proptest::collection::vec(message, 0..6)).prop_map(
        |(schema, mut session, messages)| {
            session.insert("schema".to_owned(), schema.into());
            let message =
                |(mut fields, text, at, is_answer): (Map<String, Value>, String, i64, _)| {
                    fields.insert(
                        "role".to_owned(),
                        if is_answer { "assistant" } else { "user" }.into(),
                    );
                    let time = chrono::DateTime::from_timestamp_millis(at).expect("in range");
                    match schema {
                        1 => fields.insert("timestamp".to_owned(), at.into()),
                        _ => fields.insert("at".to_owned(), time.to_rfc3339().into()),
                    };
                    let mut block = Map::from_iter([("text".to_owned(), text.clone().into())]);
                    block.extend(
                        fields
                            .iter()
                            .filter(|it| it.0.starts_with("x_"))
                            .map(|(name, value)| (name.clone(), value.clone())),
                    );
                    let blocks = json!([block, {"x_other": text}]);
                    let content = if schema == 3 { blocks } else { text.into() };
                    fields.insert("content".to_owned(), content);
                    Value::Object(fields)
                };
            let messages: Vec<Value> = messages.into_iter().map(message).collect();
            session.insert("messages".to_owned(), messages.into());
            Value::Object(session)
        },
    )
}

proptest! {
    #[test]
    fn p17_a_migration_keeps_all_data(session in older()) {
        let text = render_value(&session);
        let given = parse_older(&text).expect("it is of its schema");
        let mut wanted = Vec::new();
        leaves(&session, &mut wanted);
        let renamed = ["schema", "messages", "role", "timestamp"];
        wanted.retain(|it| !renamed.contains(&it.as_str()));
        let mut found = Vec::new();
        given.records.iter().for_each(|record| leaves(&record_to_value(record), &mut found));
        let times = |record: &Record| record.at().map(|at| at.instant().timestamp_millis().to_string());
        found.extend(given.records.iter().filter_map(times));
        for leaf in wanted {
            let place = found.iter().position(|it| *it == leaf);
            prop_assert!(place.is_some(), "{leaf:?} is lost of {text}");
        }
        let messages = given.records.iter().filter(|it| it.as_message().is_some()).count();
        prop_assert_eq!(messages, session["messages"].as_array().expect("a list").len());
        // Once more changes nothing.
        let once = rendered(&given);
        let (head, records) = parse_session(&once).expect("it is of the present form");
        prop_assert_eq!(render_session(&head, &records), once);
    }

    #[test]
    fn p13_whatever_stands_there_is_read_or_refused(text in "\\PC{0,80}", value in arbitrary::value()) {
        drop(parse_older(&text));
        drop(parse_older(&render_value(&json!({"schema": 2, "messages": [value.clone()]}))));
        drop(parse_older(&render_value(&json!({"schema": 3, "messages": value}))));
    }
}
