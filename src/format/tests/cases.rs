//! Single cases: the look of the files, what is refused, large payloads, sessions by hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::session::Action;
use crate::session::AnnalsEvent;
use crate::session::Timestamp;
use crate::session::Usage;

fn shape_of(text: &str) -> String {
    let error = parse_chunk(text, &mut |_| None).expect_err(text);
    error.to_string()
}

#[test]
fn a_chunk_is_readable() {
    let mut first = message(
        "assistant",
        Content::Blocks(vec![
            Block {
                kind: BlockKind::Text { text: "\tI'll look:\n- first \n".to_owned() },
                native: Map::new(),
            },
            Block {
                kind: BlockKind::ToolCall {
                    name: "Bash".to_owned(),
                    id: Some("toolu_01".to_owned()),
                    input: Some(json!({"command": "git status", "limit": 1e300, "list": [[1]]})),
                },
                native: Map::new(),
            },
        ]),
        json!({"z": {"b": 1, "a": []}, "kind": "main"}).as_object().expect("a map").clone(),
    );
    first.envelope.id = Some("7c0e".to_owned());
    first.envelope.at = Timestamp::parse("2026-02-03T03:49:51.120Z");
    first.envelope.place.cwd = Some("/work".to_owned());
    first.usage = Some(Usage { input: Some(3), output: Some(41), ..Usage::default() });
    let mut second = first.clone();
    second.native.shift_remove("z");
    second.content = Content::Text("Done.".to_owned());
    let records = [Record::Message(first), Record::Message(second)];
    let chunks = chunks(&records);
    insta::assert_snapshot!(chunks[0].text, @r#"
    ---
    common:
      messages:
        assistant:
          cwd: /work
          native:
            kind: main
    ---
    message: assistant
    id: "7c0e"
    at: "2026-02-03T03:49:51.120Z"
    content:
    - text: |2
        	I'll look:
        - first 
    - tool_call: Bash
      id: toolu_01
      input:
        command: git status
        limit: 1.0e+300
        list:
        - - 1
    usage: {input: 3, output: 41}
    native:
      z:
        b: 1
        a: []
    ---
    message: assistant
    id: "7c0e"
    at: "2026-02-03T03:49:51.120Z"
    content: Done.
    usage: {input: 3, output: 41}
    "#);
    assert_eq!(parse(&chunks[0]), records);
}

#[test]
fn chunks_end_at_50_records_or_64_kib() {
    let counts = |records: &[Record]| -> Vec<usize> {
        chunks(records).iter().map(|chunk| chunk.records).collect()
    };
    assert_eq!(counts(&vec![say("user", "hi"); 101]), [50, 50, 1]);
    let long = say("user", &"x".repeat(30_000));
    let longer = say("user", &"x".repeat(100_000));
    assert_eq!(counts(&[long.clone(), long.clone(), long]), [2, 1]);
    assert_eq!(counts(&[say("user", "hi"), longer, say("user", "hi")]), [1, 1, 1]);
    assert!(counts(&[]).is_empty());
}

#[test]
fn long_texts_and_pictures_lie_beside_the_chunk() {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.resize(2000, 7);
    let long = "long ".repeat(60_000);
    let native = json!({"a/b~": [{"long": long}], "picture": STANDARD.encode(&png), "same": 1});
    let picture = Block {
        kind: BlockKind::Image { media_type: "image/png".to_owned(), data: STANDARD.encode(&png) },
        native: Map::new(),
    };
    let native = native.as_object().expect("a map").clone();
    let record = Record::Message(message("user", Content::Blocks(vec![picture]), native));
    let chunks = chunks(&[record.clone(), record.clone(), say("user", &long)]);
    let chunk = &chunks[0];
    assert!(chunk.text.len() < 3000, "{}", chunk.text);
    let kinds: Vec<&str> = chunk.files.iter().map(|file| &file.name[65..]).collect();
    assert_eq!(kinds, ["png", "txt"]);
    assert_eq!(chunk.files[0].bytes, png);
    assert!(chunk.text.contains("  /native/a~1b~0/0/long: "), "{}", chunk.text);
    assert_eq!(parse(chunk), [record.clone(), record, say("user", &long)]);

    let missing = parse_chunk(&chunk.text, &mut |_| None).expect_err("no files");
    assert!(missing.to_string().ends_with("is missing"), "{missing}");
    let other = parse_chunk(&chunk.text, &mut |_| Some(vec![1])).expect_err("other bytes");
    assert!(matches!(other, Error::File { .. }), "{other}");
}

#[test]
fn what_only_looks_like_a_picture_stays() {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.resize(2000, 7);
    let text = STANDARD.encode(&png);
    let small = STANDARD.encode(&png[..900]);
    let unpadded = text.trim_end_matches('=').to_owned();
    for text in [small, format!("{unpadded}\n"), "/9j/".repeat(500) + "!"] {
        let chunks = chunks(&[say("user", &text)]);
        assert_eq!(chunks[0].files, [], "{text}");
    }
}

#[test]
fn fields_of_later_versions_survive() {
    let text = "---\nmessage: user\ncontent:\n- text: hi\n  tone: warm\nusage: {input: 1, audio: 5}\nmood: [1]\n\
        ---\nevent: x\nmood: 2\n---\nannals: rename\nid: a\ntitle: T\ncolour: red\n\
        ---\nannals: dream\nid: b\nof: {sheep: 1.0}\n";
    let records = parse_chunk(text, &mut |_| None).expect("parses");
    let message = records[0].as_message().expect("a message");
    assert_eq!(Value::Object(message.native.clone()), json!({"mood": [1], "usage": {"audio": 5}}));
    assert_eq!(message.content.blocks()[0].native["tone"], "warm");
    let Record::Annals(AnnalsEvent { action, .. }) = &records[2] else {
        panic!("an annals event");
    };
    let whole = Action::Other {
        name: "rename".to_owned(),
        native: json!({"title": "T", "colour": "red"}).as_object().expect("a map").clone(),
    };
    assert_eq!(*action, whole);
    assert_eq!(parse(&chunks(&records)[0]), records);
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        ("---\nmessage: user\n", "document 1: content: is missing"),
        ("---\nmessage: 1\n", "document 1: message: a text is wanted, not a number"),
        (
            "---\nevent: a\n---\nmessage: user\ncontent:\n- text: a\n- text: [a]\n",
            "document 2: content[1].text: a text is wanted, not a list",
        ),
        ("---\nevent: a\nat: now\n", "document 1: at: \"now\" is no RFC 3339 time"),
        ("---\nevent: a\nmore: 1\nnative: 5\n", "document 1: more: is not known"),
        (
            "---\nevent: a\nmore: 1\nnative: {more: 2}\n",
            "document 1: more: is not known, and stands in native too",
        ),
        ("---\nevent: a\nmessage: b\n", "document 1: event: stands beside message"),
        ("---\n- a\n", "document 1: a map is wanted, not a list"),
        (
            "---\ncommon:\n  events: {a: {cwd: /x}}\n---\nevent: a\ncwd: /y\n",
            "document 2: cwd: stands in common too",
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(shape_of(text), wanted, "{text}");
    }
}

#[test]
fn dangerous_or_doubtful_yaml_is_refused() {
    for text in [
        "---\nevent: a\nid: &x b\nparent: *x\n",
        "---\nevent: a\nnative: {<<: {a: 1}}\n",
        "---\nevent: a\nevent: b\n",
        "---\nevent: a\nnative: {a: 1, a: 2}\n",
        "---\nevent: a\nid: \"open\n",
    ] {
        let error = parse_chunk(text, &mut |_| None).expect_err(text);
        assert!(matches!(error, Error::Yaml { line: 2..=4, .. }), "{error}: {text}");
    }
}

#[test]
fn small_files_come_back() {
    let mut head = Head::empty(SessionId::captured("claude-code", "x"));
    head.title = Some("yes".to_owned());
    head.created = Some("2026-02-03T03:49:51.120Z".to_owned());
    head.tags = vec!["a b".to_owned(), "#c".to_owned()];
    head.redactions.insert("key".to_owned(), 2);
    head.native.insert("later".to_owned(), json!({"x": [1.0, null]}));
    assert_eq!(parse_head(&render_head(&head)).expect("parses"), head);

    let marker = Marker {
        store: Uuid::from_u128(7),
        schema: 4,
        native: json!({"later": [{"tip": "x"}]}).as_object().expect("a map").clone(),
        ..sample::marker()
    };
    assert_eq!(parse_marker(&render_marker(&marker)).expect("parses"), marker);

    let tombstone = Tombstone {
        id: head.id,
        agent: "claude-code".to_owned(),
        session: None,
        at: "2026-02-03T03:49:51.120Z".to_owned(),
        keys: vec![crate::session::RecordKey("0123456789abcdef#2".to_owned())],
    };
    let text = render_tombstone(&tombstone);
    assert_eq!(parse_tombstone(&text).expect("parses"), tombstone);
}

#[test]
fn newer_files_are_read_as_far_as_they_go() {
    let id = "id: 00000000-0000-0000-0000-000000000007\n";
    let head = parse_head(&format!("schema: 9\n{id}counts: {{dreams: 1}}\n")).expect("reads");
    assert_eq!(head.schema, 9);
    let error = parse_head(&format!("schema: 9\n{id}counts: many\n")).expect_err("not ours");
    assert!(matches!(error, Error::TooNew { found: 9 }), "{error}");
    let error = parse_head(&format!("schema: 4\n{id}counts: many\n")).expect_err("wrong");
    assert!(matches!(error, Error::Shape { .. }), "{error}");
    assert!(matches!(parse_marker("schema: 9\nstore: [x]\n"), Err(Error::TooNew { found: 9 })));
    assert!(matches!(
        parse_session("{\"schema\": 9, \"messages\": []}"),
        Err(Error::TooNew { found: 9 })
    ));
}

#[test]
fn sessions_written_by_hand_are_read() {
    let yaml = "title: Fix it\nagent: mine\ntags: [a]\nmood: good\nmessages:\n- role: user\n  text: hi\n\
        - {role: assistant, content: [there, {tool_call: Bash, input: {a: 1}}], id: x}\n";
    let json = r#"{"title": "Fix it", "agent": {"name": "mine"}, "tags": ["a"], "mood": "good",
        "messages": [{"message": "user", "content": "hi"},
        {"role": "assistant", "id": "x", "content":
            [{"text": "there"}, {"tool_call": "Bash", "input": {"a": 1}}]}]}"#;
    let (head, records) = parse_session(yaml).expect("reads");
    assert_eq!(head.title.as_deref(), Some("Fix it"));
    assert_eq!(head.agent.name, "mine");
    assert_eq!(head.native["mood"], "good");
    assert_eq!(head.id, Head::default().id);
    assert_eq!(records[0], say("user", "hi"));
    let second = records[1].as_message().expect("a message");
    assert_eq!(second.envelope.id.as_deref(), Some("x"));
    assert_eq!(second.content.blocks().len(), 2);
    assert_eq!(parse_session(json).expect("reads"), (head.clone(), records.clone()));

    let values: Vec<Value> = records.iter().map(record_to_value).collect();
    let mut whole = head_to_value(&head);
    whole["records"] = Value::Array(values);
    assert_eq!(parse_session(&whole.to_string()).expect("reads"), (head, records));
}

#[test]
fn sessions_that_are_none_are_refused() {
    for (text, wanted) in [
        ("", "document 1: nothing stands there"),
        ("hello\n", "document 1: a map is wanted"),
        ("a: b\n", "document 1: no session: messages or records is missing"),
        ("messages: 1\n", "document 1: messages: a list is wanted"),
        ("messages:\n- text: hi\n", "document 1: messages[0].role: is missing"),
        ("messages:\n- role: user\n", "document 1: messages[0].content: is missing"),
    ] {
        let error = parse_session(text).expect_err(text);
        assert_eq!(error.to_string(), wanted, "{text}");
    }
    let error = parse_session("{\n\"messages\": [\n}").expect_err("torn JSON");
    assert!(matches!(error, Error::Yaml { line: 3, .. }), "{error}");
}
