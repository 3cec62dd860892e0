//! Bad input: each bad thing is named in a clear line, the rest goes on, nothing is lost, nothing
//! is executed, and nothing panics.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use annals::repository::CaptureOptions;
use annals::repository::CaptureOutcome;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Transcript;

// ---- What is there, and what is not ----

#[test]
fn where_there_is_nothing_capture_says_so() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(["capture"]).ok();
    assert!(ran.stderr.contains("No sessions found"), "{}", ran.stderr);
    fs::create_dir_all(sandbox.home().join(".claude/projects/-empty")).expect("a folder is made");
    let ran = sandbox.run(["capture"]).ok();
    assert!(ran.stderr.contains("No sessions found"), "{}", ran.stderr);
    let ran = sandbox.run(["capture", "--home", "nowhere"]).code(3);
    assert!(ran.stderr.contains("there is no folder nowhere"), "{}", ran.stderr);
    let ran = sandbox.run(["capture", "--path", "nothing.jsonl"]).code(3);
    assert!(ran.stderr.contains("there is no file"), "{}", ran.stderr);
    let ran = sandbox.run(["capture", "some-agent"]).code(3);
    assert!(ran.stderr.contains("does not know the agent some-agent"), "{}", ran.stderr);
}

#[test]
fn what_is_no_transcript_is_named_and_the_rest_goes_on() {
    let sandbox = Sandbox::new();
    let good = sandbox.transcript(1).user("hello").agent("hi").write();
    let folder = good.path().parent().expect("a folder").to_owned();
    fs::create_dir(folder.join("folder.jsonl")).expect("a folder is made");
    fs::create_dir(folder.join("22222222-1111-4222-8333-444444444444.jsonl")).expect("made");
    make_fifo(&folder.join("33333333-1111-4222-8333-444444444444.jsonl"));
    symlink("/etc/passwd", folder.join("link.jsonl")).expect("a link is made");
    symlink("loop.jsonl", folder.join("loop.jsonl")).expect("a link is made");
    symlink(sandbox.root(), folder.join("44444444-1111-4222-8333-444444444444")).expect("a link");
    fs::write(folder.join("55555555-1111-4222-8333-444444444444.jsonl"), "").expect("written");
    fs::write(folder.join("notes.txt"), "no transcript").expect("it is written");
    let captured = sandbox.json(["capture"]);
    assert_eq!(captured["captured"].as_array().map(Vec::len), Some(1), "the good one: {captured}");
    let skipped = captured["skipped"].to_string();
    for name in ["link.jsonl", "loop.jsonl", "44444444", "55555555"] {
        assert!(skipped.contains(name), "{name} is named: {skipped}");
    }
    assert!(!captured.to_string().contains("root:"), "a link is not followed");
    // The same by name: a clear refusal, and no waiting for a pipe's writer.
    for name in ["folder.jsonl", "33333333-1111-4222-8333-444444444444.jsonl", "loop.jsonl"] {
        let path = folder.join(name);
        let ran = Ran::of(sandbox.program().args(["capture", "--path"]).arg(&path)).code(3);
        assert!(ran.stderr.contains(name), "{name} is named: {}", ran.stderr);
    }
    sandbox.fsck();
}

#[test]
fn a_file_in_the_place_of_a_folder_is_named() {
    for place in [".claude/projects", ".claude"] {
        let sandbox = Sandbox::new();
        let path = sandbox.home().join(place);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        fs::write(&path, "not a folder").expect("it is written");
        let captured = sandbox.json(["capture"]);
        assert!(captured["skipped"].to_string().contains("projects"), "{place}: {captured}");
    }
}

#[test]
fn strange_file_names_are_names() {
    let sandbox = Sandbox::new();
    let text = |number: u32| sandbox.transcript(number).user("hello").agent("hi").text();
    let folder = sandbox.home().join(".claude/projects/-work\nfolder");
    fs::create_dir_all(&folder).expect("a folder is made");
    let names: [&[u8]; 6] = [
        b"two\nlines.jsonl",
        b"-n.jsonl",
        b"--help.jsonl",
        "日本語 \u{202e}x.jsonl".as_bytes(),
        b"\x1b]0;title\x07.jsonl",
        b"no \xff utf-8.jsonl",
    ];
    for (number, name) in (1..).zip(names) {
        fs::write(folder.join(OsStr::from_bytes(name)), text(number)).expect("it is written");
    }
    let ran = sandbox.run(["capture", "--verbose"]).ok();
    assert_harmless(&ran);
    assert!(ran.stderr.contains("no UTF-8"), "what cannot be named is told: {}", ran.stderr);
    let list = sandbox.json(["list"]);
    assert_eq!(list["total"], 5, "all others are taken in: {list}");
    let nothing = sandbox.json(["capture"]);
    assert_eq!(nothing["revision"], Value::Null, "and nothing is new then");
}

#[test]
fn a_file_that_vanishes_grows_or_turns_while_it_is_read() {
    let sandbox = Sandbox::new();
    for number in 1..=5 {
        sandbox.transcript(number).user("hello").agent("hi").write();
    }
    let path = |number| sandbox.transcript(number).path();
    let mut done = 0;
    let mut repository = sandbox.repository();
    let outcome = repository.capture(&CaptureOptions::default(), &mut |_| {
        done += 1;
        if done == 1 {
            fs::remove_file(path(2)).expect("it is removed");
            let grown = sandbox.transcript(3).user("hello").agent("hi").user("more");
            fs::write(path(3), grown.text()).expect("it grows");
            fs::remove_file(path(4)).expect("it is removed");
            fs::create_dir(path(4)).expect("a folder is made");
        }
    });
    let outcome = outcome.expect("one file never stops the others");
    assert_eq!(outcome.captured.len(), 3, "{outcome:?}");
    assert_eq!(outcome.skipped.len(), 2, "{outcome:?}");
    drop(repository);
    let again = capture(&sandbox);
    assert!(again.updated.is_empty(), "what was read is known: {again:?}");
    assert_eq!(back(&sandbox, &sandbox.transcript(3).id()).len(), 3, "nothing is lost");
}

// ---- Lines ----

#[test]
fn every_line_comes_back_whatever_stands_on_it() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let with = |field: &str| {
        let start = r#"{"type":"user","uuid":"u","message":{"role":"user","content":"#;
        format!("{start}{field}}}}}").into_bytes()
    };
    let lines: Vec<Vec<u8>> = vec![
        b"\xff\xfe not utf-8".to_vec(),
        b"{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"\xc3\x28\"}}".to_vec(),
        b"a\0b".to_vec(),
        with(r#""nul \u0000 here""#),
        with(r#""lone \ud800 and \udc00 here""#),
        br#"{"type":"user","type":"assistant","uuid":"d","a":1,"a":2}"#.to_vec(),
        br#"{"type":"numbers","n":123456789012345678901234567890,"e":1e400,"f":0.1e-400}"#.to_vec(),
        br#"{"type":"numbers","n":-0,"e":1E5,"f":1.0,"max":18446744073709551615}"#.to_vec(),
        with(&deep(10_000)),
        deep(10_000).into_bytes(),
        "{\"a\":".repeat(10_000).into_bytes(),
        with(&deep(120)),
        b"null".to_vec(),
        b"12".to_vec(),
        b"\"text\"".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"{".to_vec(),
        b"}{".to_vec(),
        br#"{"":"","type":"","uuid":"","sessionId":""}"#.to_vec(),
        br#"{"type":"annals","message":"annals","annals":"rollback","id":"x"}"#.to_vec(),
        br#"{"$serde_json::private::Number":"1","$serde_json::private::RawValue":"[]"}"#.to_vec(),
        with(r#""---\n- a: *b\n!!python/object:os.system\n&x <<: {}\n%YAML 1.1\n...""#),
        with(r#""\u001b]52;c;aGk=\u0007\u009b31m\u202e\u2028\u2029\ufeff\u0085""#),
        with(r#""=cmd|' /C calc'!A0 $(touch /tmp/x) `id` <script>alert(1)</script>""#),
    ];
    let sandbox = Sandbox::new();
    let good = sandbox.transcript(1).user("before").agent("between").user("after");
    let [first, second, third] = good.lines() else { panic!("three lines") };
    let mut bytes = "\u{feff}".as_bytes().to_vec();
    let mut expected: Vec<Vec<u8>> = Vec::new();
    // A mark of the byte order is no part of the record behind it.
    expected.push(bytes.clone());
    let mut push = |line: &[u8], end: &str| {
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(end.as_bytes());
        expected.push(line.to_vec());
    };
    push(first.to_string().as_bytes(), "\r\n");
    for (number, line) in lines.iter().enumerate() {
        push(line, if number % 3 == 0 { "\r\n" } else { "\n" });
    }
    push(second.to_string().as_bytes(), "\n\n \n");
    // Two records on one line come back as two.
    push(third.to_string().as_bytes(), "");
    push(first.to_string().as_bytes(), "\n");
    write(&good.path(), &bytes);
    let captured = sandbox.json(["capture"]);
    assert_eq!(captured["captured"].as_array().map(Vec::len), Some(1), "{captured}");
    let is = restored_lines(&sandbox, &good.id());
    for (was, is) in expected.iter().zip(&is) {
        assert!(same_line(was, is), "{}\n{}", show_bytes(was), show_bytes(is));
    }
    assert_eq!(is.len(), expected.len(), "every line comes back");
    for args in [["show", "--tools"], ["show", "--raw"], ["log", "--quiet"]] {
        Ran::of(sandbox.program().args(args).arg(good.id())).ok();
    }
    sandbox.fsck();
    sandbox.run(["doctor"]).ok();
}

#[test]
fn a_line_of_fifty_megabytes_is_a_line() {
    let sandbox = Sandbox::new();
    let text = "All work and no play makes a long line. ".repeat(50 * 1024 * 1024 / 40);
    let good = sandbox.transcript(1).user("before").user(&text).user("after").write();
    sandbox.run(["capture"]).ok();
    let is = restored_lines(&sandbox, &good.id());
    assert_eq!(is.len(), 3, "no line is lost");
    let long: Value = serde_json::from_slice(&is[1]).expect("it is JSON");
    assert!(long["message"]["content"] == text, "the long line is whole");
    good.agent("and more").write();
    sandbox.capture();
    let listed = sandbox.json(["list"]);
    assert_eq!(listed["sessions"][0]["counts"]["messages"], 4, "it goes on");
}

/// One line of each type that Claude Code writes, with every field that it is known to write.
fn lines_of_each_type() -> Vec<Value> {
    let envelope = json!({
        "parentUuid": null, "isSidechain": false, "userType": "external", "cwd": "/work/demo",
        "sessionId": "00000001-1111-4222-8333-444444444444", "version": "2.1.0",
        "gitBranch": "main", "uuid": "0000000a-aaaa-4bbb-8ccc-000000000001",
        "timestamp": "2026-11-20T10:00:00.000Z", "slug": "calm-river", "isMeta": true,
        "requestId": "req_1", "toolUseID": "toolu_1", "parentToolUseID": "toolu_0",
        "logicalParentUuid": "0000000a-aaaa-4bbb-8ccc-000000000000", "agentId": "a1b2",
    });
    let line = |more: Value| {
        let mut line = envelope.clone();
        let fields = line.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        line
    };
    let blocks = json!([
        {"type": "text", "text": "hello", "citations": [{"a": 1}]},
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}},
        {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": "aGk="}},
        {"type": "odd", "what": 1},
    ]);
    let usage = json!({
        "input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 7,
        "cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_5m_input_tokens": 9},
        "service_tier": "standard",
    });
    vec![
        line(json!({"type": "user", "message": {"role": "user", "content": "hello"}})),
        line(json!({"type": "assistant", "message": {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-5",
            "content": blocks, "stop_reason": "tool_use", "stop_sequence": null, "usage": usage,
        }})),
        line(json!({"type": "user", "toolUseResult": {"stdout": "x", "interrupted": false},
        "sourceToolAssistantUUID": "0000000a-aaaa-4bbb-8ccc-000000000002",
        "message": {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": false,
             "content": [{"type": "text", "text": "x"}]},
        ]}})),
        line(json!({"type": "user", "isCompactSummary": true, "isVisibleInTranscriptOnly": true,
            "message": {"role": "user", "content": "This session is being continued"}})),
        line(json!({"type": "system", "subtype": "compact_boundary", "content": "Compacted",
            "level": "info", "compactMetadata": {"trigger": "manual", "preTokens": 1}})),
        line(json!({"type": "progress", "data": {"type": "hook_progress", "command": "x"}})),
        line(json!({"type": "attachment", "attachment": {"type": "file", "filename": "a.rs",
            "content": {"type": "text", "file": {"filePath": "/a.rs", "content": "x"}}}})),
        json!({"type": "summary", "summary": "A title",
            "leafUuid": "0000000a-aaaa-4bbb-8ccc-000000000001"}),
        json!({"type": "custom-title", "customTitle": "Mine", "sessionId": "s"}),
        json!({"type": "ai-title", "aiTitle": "Its", "sessionId": "s"}),
        json!({"type": "tag", "tag": "bug", "sessionId": "s"}),
        json!({"type": "queue-operation", "operation": "enqueue", "content": "x",
            "timestamp": "2026-11-20T10:00:00.000Z", "sessionId": "s"}),
        json!({"type": "file-history-snapshot", "messageId": "m", "isSnapshotUpdate": false,
            "snapshot": {"messageId": "m", "trackedFileBackups": {"a.rs": {"version": 1}},
                "timestamp": "2026-11-20T10:00:00.000Z"}}),
    ]
}

/// Values of every type, and some that look nearly right.
fn wrong_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("x"),
        json!("\u{0}\u{1b}\r\n"),
        json!("2026-13-45T99:99:99Z"),
        json!("+275760-09-13T00:00:00.001Z"),
        json!([]),
        json!([null]),
        json!(["x", 1, {}]),
        json!({}),
        json!({"type": "text"}),
        json!({"": {"a": [[]]}}),
    ]
}

/// The places of all values in a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                places(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (number, value) in items.iter().enumerate() {
                places(value, &format!("{at}/{number}"), found);
            }
        }
        _ => {}
    }
}

fn without(line: &Value, place: &str) -> Option<Value> {
    let (parent, key) = place.rsplit_once('/')?;
    let mut line = line.clone();
    match line.pointer_mut(parent)? {
        Value::Object(fields) => drop(fields.shift_remove(key)?),
        Value::Array(items) => drop(items.remove(key.parse().ok()?)),
        _ => return None,
    }
    Some(line)
}

#[test]
fn wrong_types_in_every_field_come_back() {
    let sandbox = Sandbox::new();
    for (number, original) in (1..).zip(lines_of_each_type()) {
        let mut transcript = sandbox.transcript(number).user("before").line(original.clone());
        let mut found = Vec::new();
        places(&original, "", &mut found);
        for place in found {
            transcript = without(&original, &place).into_iter().fold(transcript, Transcript::line);
            for wrong in wrong_values() {
                let mut line = original.clone();
                *line.pointer_mut(&place).expect("it is there") = wrong;
                transcript = transcript.line(line);
            }
        }
        transcript.user("after").write();
    }
    let captured = sandbox.json(["capture"]);
    assert_eq!(captured["skipped"], json!([]), "all lines are JSON");
    for number in (1..).take(lines_of_each_type().len()) {
        let transcript = sandbox.transcript(number);
        let was = read_lines(&transcript.path());
        let is = restored_lines(&sandbox, &transcript.id());
        assert_eq!(is.len(), was.len(), "every line of {number} comes back");
        for (was, is) in was.iter().zip(&is) {
            assert!(same_line(was, is), "{}\n{}", show_bytes(was), show_bytes(is));
        }
        assert_harmless(&sandbox.run(["show", &transcript.id(), "--tools"]).ok());
        sandbox.json(["show", &transcript.id()]);
    }
    assert_harmless(&sandbox.run(["list"]).ok());
    sandbox.run(["doctor"]).ok();
    sandbox.fsck();
}

fn mutated_lines() -> impl Strategy<Value = Vec<Value>> {
    let mutation = (any::<prop::sample::Index>(), 0..wrong_values().len() + 1);
    let line = (0..lines_of_each_type().len(), prop::collection::vec(mutation, 1..4));
    let line = line.prop_map(|(kind, mutations)| {
        let mut line = lines_of_each_type().swap_remove(kind);
        for (index, wrong) in mutations {
            let mut found = Vec::new();
            places(&line, "", &mut found);
            let place = index.get(&found);
            match wrong_values().get(wrong) {
                Some(wrong) => *line.pointer_mut(place).expect("it is there") = wrong.clone(),
                None => line = without(&line, place).unwrap_or(line),
            }
        }
        line
    });
    prop::collection::vec(line, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn lines_with_several_wrong_fields_come_back(lines in mutated_lines()) {
        let sandbox = Sandbox::new();
        let transcript = lines.into_iter().fold(sandbox.transcript(1), Transcript::line).write();
        capture(&sandbox);
        let is = back(&sandbox, &transcript.id());
        prop_assert_eq!(is, transcript.lines());
    }
}

#[test]
fn cycles_doubles_and_impossible_times_are_kept() {
    let sandbox = Sandbox::new();
    let line = |id: &str, parent: &str, at: &str, text: &str| {
        json!({"type": "user", "uuid": id, "parentUuid": parent, "timestamp": at,
            "sessionId": "x", "message": {"role": "user", "content": text}})
    };
    let times = [
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999Z",
        "2026-02-30T00:00:00Z",
        "275760-09-13T00:00:00Z",
        "-271821-04-20T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-11-20T10:00:00.123456789123Z",
        "2026-11-20T23:59:60Z",
        "2026-11-20T10:00:00+99:99",
    ];
    let mut transcript = sandbox
        .transcript(1)
        .line(line("a", "b", "2026-11-20T10:00:00Z", "one"))
        .line(line("b", "a", "2026-11-20T10:00:01Z", "two"))
        .line(line("c", "c", "2026-11-20T10:00:02Z", "three"))
        .line(line("a", "c", "2026-11-20T10:00:03Z", "another of the same id"))
        .line(line("a", "b", "2026-11-20T10:00:00Z", "one"))
        .line(line("a", "b", "2026-11-20T10:00:00Z", "one"));
    for time in times {
        transcript = transcript.line(line("", "gone", time, time));
    }
    let transcript = transcript.write();
    let (id, lines) = (transcript.id(), transcript.lines());
    sandbox.run(["capture"]).ok();
    assert_eq!(back(&sandbox, &id), lines, "all lines come back in their order");
    let document = sandbox.json(["show", &id]);
    assert_eq!(document["messages"].as_array().map(Vec::len), Some(lines.len()), "all are shown");
    for args in [["show", &id], ["log", &id], ["list", "--all"]] {
        assert_harmless(&sandbox.run(args).ok());
    }
    let appended = transcript.clone().line(line("b", "a", "2026-11-20T10:00:01Z", "two")).write();
    sandbox.run(["capture"]).ok();
    assert_eq!(back(&sandbox, &id), appended.lines(), "a further double is added");
    let ran = sandbox.run(["diff", &id]).code(1);
    assert!(ran.stdout.contains("two"), "and the difference shows it: {}", ran.stdout);
    sandbox.run(["doctor"]).ok();
}

// ---- What is shown ----

const ESCAPES: &str =
    "\u{1b}[31m\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{85}\r\u{8}\u{202e}\u{2066}evil\u{0}";

#[test]
fn no_text_steers_the_terminal() {
    let mut sandbox = Sandbox::new();
    let text = |name: &str| format!("{name} {ESCAPES}");
    let evil = |transcript: Transcript| {
        let mut line = transcript.lines()[1].clone();
        for field in ["/gitBranch", "/version", "/cwd", "/message/model"] {
            *line.pointer_mut(field).expect("it is there") = json!(text("/work"));
        }
        let input =
            json!({"command": text("run"), text("key"): text("value"), "file_path": ESCAPES});
        let block = json!({"type": text("kind"), text("key"): text("value")});
        line["message"]["content"].as_array_mut().expect("a list").push(block);
        transcript
            .line(line)
            .line(json!({"type": text("event"), text("key"): text("value")}))
            .line(json!({"type": "custom-title", "customTitle": text("title")}))
            .line(json!(text("a text")))
            .user(&text("hello"))
            .tool(&text("Tool"), &input, &text("output"))
            .tool("Bash", &input, &text("output"))
            .tool(
                "Edit",
                &json!({"file_path": text("a"), "old_string": text("b"), "new_string": text("c")}),
                "ok",
            )
    };
    let plain = sandbox.transcript(1).workspace("/work/demo").user("hello").agent("hi");
    let first = evil(plain.clone().line(json!(null))).write();
    assert_harmless(&sandbox.run(["capture", "--verbose"]).ok());
    let broken = first.clone().user(&text("more")).text() + &text("no JSON") + "\n";
    write(&first.path(), broken.as_bytes());
    sandbox.set_now("2026-11-23T12:00:00Z");
    assert_harmless(&sandbox.run(["capture", "--verbose"]).ok());
    let id = first.id();
    let ids: [&[&str]; 18] = [
        &["list"],
        &["list", "--all", "--sort", "title"],
        &["show", &id],
        &["show", &id, "--tools", "--thinking"],
        &["log", &id],
        &["diff", &id],
        &["diff", &id, "--stat"],
        &["resume", &id, "--print"],
        &["restore", &id, "--home", "out"],
        &["restore", &id, "--home", ESCAPES_PATH, "--workspace", ESCAPES_PATH],
        &["rename", &id, ESCAPES_TITLE],
        &["tag", &id, ESCAPES_TITLE],
        &["note", &id, ESCAPES_TITLE],
        &["list", "--tag", ESCAPES_TITLE],
        &["fork", &id],
        &["doctor"],
        &["rollback", &id, "~1"],
        &["delete", "--yes", &id],
    ];
    for args in ids {
        let ran = Ran::of(sandbox.program().args(["--color", "never"]).args(args));
        assert_harmless(&ran);
        let refused = args.first() == Some(&"tag") && ran.code == 3;
        assert!(matches!(ran.code, 0 | 1) || refused, "{args:?}: {}", ran.stderr);
    }
    // Errors repeat what was typed.
    let wrong: [&[&str]; 9] = [
        &["show", ESCAPES_TITLE],
        &["show", "@@\u{1b}[31m"],
        &["capture", "\u{1b}[31m"],
        &["capture", "--path", "\u{1b}[31m\u{202e}"],
        &["capture", "--home", "\u{1b}[31m\u{202e}"],
        &["list", "--date", "\u{1b}[31m"],
        &["--store", "\u{1b}[31m\u{202e}", "list"],
        &["\u{1b}[31m\u{202e}"],
        &["list", "--sort", "\u{1b}[31m\u{202e}"],
    ];
    for args in wrong {
        let ran = Ran::of(sandbox.program().args(args));
        assert!(matches!(ran.code, 2 | 3), "{args:?} is refused: {ran:?}");
        assert_harmless(&ran);
    }
}

const ESCAPES_PATH: &str = "out\u{1b}[31m\u{9b}2J\u{202e}";
const ESCAPES_TITLE: &str = "name \u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{85}";

/// Nothing that a terminal obeys, and nothing that turns the direction of writing.
fn assert_harmless(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let is_bad = |c: char| {
            (c.is_control() && !matches!(c, '\n' | '\t'))
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let bad = text.char_indices().find(|(_, c)| is_bad(*c));
        assert!(bad.is_none(), "no text steers the terminal: {bad:?} in {text:?}");
    }
    assert_ne!(ran.code, 70, "no input makes it panic: {}", ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "no input makes it panic: {}", ran.stderr);
}

// ---- Files that change ----

#[test]
fn a_torn_last_line_is_completed() {
    let sandbox = Sandbox::new();
    let whole = sandbox.transcript(1).user("one").agent("two").user("three");
    let text = whole.text();
    let path = whole.path();
    for end in [text.len() - 1, text.len() - 2, text.len() - 60, text.len() - 200] {
        write(&path, &text.as_bytes()[..end]);
        let ran = sandbox.run(["capture"]).ok();
        assert_harmless(&ran);
        let is = plain_lines(&restored_lines(&sandbox, &whole.id()));
        let torn: Vec<&[u8]> = text.as_bytes()[..end].split(|b| *b == b'\n').collect();
        assert_eq!(is, plain_lines(&torn), "what is there of the last line is kept");
    }
    write(&path, text.as_bytes());
    sandbox.run(["capture"]).ok();
    assert_eq!(back(&sandbox, &whole.id()), whole.lines(), "the whole line replaces the torn one");
    let more = whole.agent("four");
    write(&path, more.text().as_bytes());
    sandbox.run(["capture"]).ok();
    assert_eq!(back(&sandbox, &more.id()), more.lines(), "and the next one follows");
}

/// What an agent, or somebody else, may do to a file.
#[derive(Debug, Clone)]
enum Edit {
    Append,
    Truncate(prop::sample::Index),
    Remove(prop::sample::Index),
    Insert(prop::sample::Index),
    Alter(prop::sample::Index),
    Double(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Tear,
    Another,
}

fn edit() -> impl Strategy<Value = Edit> {
    use prop::sample::Index;
    prop_oneof![
        Just(Edit::Append),
        Just(Edit::Append),
        any::<Index>().prop_map(Edit::Truncate),
        any::<Index>().prop_map(Edit::Remove),
        any::<Index>().prop_map(Edit::Insert),
        any::<Index>().prop_map(Edit::Alter),
        any::<Index>().prop_map(Edit::Double),
        any::<(Index, Index)>().prop_map(|(one, other)| Edit::Swap(one, other)),
        Just(Edit::Tear),
        Just(Edit::Another),
    ]
}

/// The lines of a file that was edited; `number` makes new lines new.
fn edited(mut lines: Vec<String>, edit: &Edit, number: usize) -> Vec<String> {
    let fresh = || {
        let text = format!("line {number}");
        let id = format!("{number:08x}-aaaa-4bbb-8ccc-dddddddddddd");
        match number % 4 {
            0 => json!({"type": "note", "text": text}),
            _ => json!({"type": "user", "uuid": id, "message": {"role": "user", "content": text}}),
        }
        .to_string()
    };
    if lines.is_empty() {
        return vec![fresh()];
    }
    match edit {
        Edit::Append => lines.push(fresh()),
        Edit::Truncate(place) => lines.truncate(place.index(lines.len()).max(1)),
        Edit::Remove(place) => drop(lines.remove(place.index(lines.len()))),
        Edit::Insert(place) => lines.insert(place.index(lines.len()), fresh()),
        Edit::Alter(place) => {
            let place = place.index(lines.len());
            lines[place] = lines[place].replace("line", &format!("altered {number}, line"));
        }
        Edit::Double(place) => lines.push(lines[place.index(lines.len())].clone()),
        Edit::Swap(one, other) => {
            let count = lines.len();
            lines.swap(one.index(count), other.index(count));
        }
        Edit::Tear => {
            let mut torn = fresh();
            torn.truncate(20);
            lines.push(torn);
        }
        Edit::Another => {
            lines =
                (0..3).map(|it| format!(r#"{{"type":"other","uuid":"{number}-{it}"}}"#)).collect();
        }
    }
    if lines.is_empty() { vec![fresh()] } else { lines }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn after_any_edit_the_tip_is_the_file_and_history_is_what_it_was(
        edits in prop::collection::vec(edit(), 1..7)
    ) {
        let sandbox = Sandbox::new();
        let transcript = sandbox.transcript(1);
        let mut lines: Vec<String> = Vec::new();
        let mut versions: Vec<(Vec<String>, bool)> = Vec::new();
        for (number, edit) in (1..).zip(&edits) {
            // An empty file gets a whole line, whatever the edit.
            let is_torn = matches!(edit, Edit::Tear) && !lines.is_empty();
            lines = edited(lines, edit, number);
            write(&transcript.path(), (lines.join("\n") + if is_torn { "" } else { "\n" }).as_bytes());
            capture(&sandbox);
            let is = plain_lines(&restored_lines(&sandbox, &transcript.id()));
            prop_assert_eq!(is, plain_lines(&lines), "the tip is the file, after {:?}", edit);
            // A torn line that was ended is another revision, though its text is the same.
            let version = (lines.clone(), is_torn);
            if versions.last() != Some(&version) {
                versions.push(version);
            }
        }
        for (back, (lines, _)) in versions.iter().rev().enumerate() {
            let at = format!("{}@~{back}", transcript.id());
            let is = plain_lines(&restored_lines(&sandbox, &at));
            prop_assert_eq!(is, plain_lines(lines), "a revision is what the file was");
        }
    }
}

#[test]
fn a_session_in_two_folders_is_one_session() {
    let sandbox = Sandbox::new();
    let begun = sandbox.transcript(1).user("begun here").agent("yes").write();
    capture(&sandbox);
    // Resumed in another folder: the file is copied there and goes on.
    let resumed = begun.clone().workspace("/work/elsewhere").user("resumed there").write();
    let outcome = capture(&sandbox);
    assert_eq!((outcome.captured.len(), outcome.updated.len()), (0, 1), "{outcome:?}");
    assert_eq!(back(&sandbox, &begun.id()), resumed.lines(), "one session with all lines");
    let outcome = capture(&sandbox);
    assert_eq!(outcome.revision, None, "nothing new is nothing: {outcome:?}");
    // Both sides go on.
    let said = json!({"role": "user", "content": "went on here"});
    let line = json!({"type": "user", "uuid": "here", "message": said});
    let other = begun.clone().line(line).write();
    capture(&sandbox);
    let is = back(&sandbox, &begun.id());
    for line in resumed.lines().iter().chain(other.lines()) {
        assert!(is.contains(line), "neither side loses {line}");
    }
    assert_eq!(is.len(), 4, "what both have is there once: {is:?}");
    sandbox.fsck();
}

#[test]
fn sub_agents_come_back_even_without_parents() {
    let sandbox = Sandbox::new();
    let parent = sandbox.transcript(1);
    let folder = parent.path().with_extension("").join("subagents");
    let line = |text: &str| {
        json!({"type": "user", "uuid": text, "isSidechain": true, "agentId": "a1",
            "sessionId": parent.id(), "message": {"role": "user", "content": text}})
    };
    write(&folder.join("agent-a1.jsonl"), format!("{}\n", line("alone")).as_bytes());
    write(&folder.join("agent-a1.meta.json"), br#"{"agentType":["x"],"toolUseId":7}"#);
    write(&folder.join("agent-..jsonl"), format!("{}\n", line("dots")).as_bytes());
    write(&folder.join("agent-a2.jsonl"), format!("{}\n", line("bad meta")).as_bytes());
    write(&folder.join("agent-a2.meta.json"), b"no JSON");
    let captured = sandbox.json(["capture"]);
    assert_eq!(captured["captured"].as_array().map(Vec::len), Some(3), "{captured}");
    let skipped = captured["skipped"].as_array().expect("a list");
    assert_eq!(skipped.len(), 1, "what stands beside it badly is named: {captured}");
    for session in captured["captured"].as_array().expect("a list") {
        let id = session["id"].as_str().expect("an id");
        assert_eq!(restored_lines(&sandbox, id).len(), 1, "it comes back");
        assert_harmless(&sandbox.run(["show", id]).ok());
    }
    // The parent comes late.
    parent.user("here I am").write();
    capture(&sandbox);
    assert_eq!(sandbox.json(["list"])["total"], 1, "its sub-agents are folded into it");
}

// ---- Ids and paths ----

#[test]
fn restore_writes_below_its_home_whatever_the_session_says() {
    let evil = [
        "../../x",
        "/etc/x",
        "..",
        ".",
        "",
        "/",
        "a/../../../b",
        "x\ny",
        "x\0y",
        "~/x",
        "-rf",
        "C:\\x",
        "../",
        &"long/".repeat(100),
        "\u{202e}x",
    ];
    for (number, evil) in (0..).zip(evil) {
        let sandbox = Sandbox::new();
        let line = |more: Value| {
            let mut line = json!({"type": "user", "uuid": evil, "parentUuid": evil, "cwd": evil,
                "sessionId": evil, "agentId": evil, "gitBranch": evil, "slug": evil,
                "isSidechain": number % 2 == 0,
                "message": {"role": "user", "content": [{"type": "tool_use", "id": evil,
                    "name": evil, "input": {"file_path": evil}}]}});
            line.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
            line.to_string() + "\n"
        };
        let folder = sandbox.home().join(".claude/projects/-x");
        for name in ["plain.jsonl", "agent-x.jsonl", "...jsonl"] {
            write(&folder.join(name), line(json!({})).as_bytes());
        }
        let under = folder.join("77777777-1111-4222-8333-444444444444/subagents/agent-..jsonl");
        write(&under, line(json!({})).as_bytes());
        let file = sandbox.home().join("given.jsonl");
        write(&file, line(json!({"cwd": "/work"})).as_bytes());
        let ran = Ran::of(
            sandbox
                .program()
                .args(["capture", "--path", "given.jsonl"])
                .arg(format!("--session={}", evil.replace('\0', "0"))),
        );
        assert_harmless(&ran.ok());
        assert_harmless(&sandbox.run(["capture"]).ok());
        let before = all_files(sandbox.root());
        let list = sandbox.json(["list", "--all", "-n", "100"]);
        for session in list["sessions"].as_array().expect("a list") {
            let id = session["id"].as_str().expect("an id");
            for args in [["restore", id, "--home", "out"], ["resume", id, "--print", "--quiet"]] {
                let ran = sandbox.run(args);
                assert!(matches!(ran.code, 0 | 3), "{evil:?}: {ran:?}");
                assert_harmless(&ran);
            }
        }
        let made: Vec<PathBuf> = all_files(sandbox.root())
            .into_iter()
            .filter(|it| !before.contains(it))
            .filter(|it| !it.starts_with(sandbox.home().join("out/.claude")))
            .filter(|it| *it != sandbox.home().join("out"))
            .filter(|it| !it.starts_with(sandbox.store()))
            // `resume` writes to the user's own home.
            .filter(|it| !it.starts_with(sandbox.home().join(".claude/projects")))
            .collect();
        assert_eq!(made, Vec::<PathBuf>::new(), "nothing is written elsewhere: {evil:?}");
    }
}

// ---- Secrets ----

/// Looks like a token of GitHub's, and is none.
fn token() -> String {
    format!("ghp_{}", "x7Kq2mW9pL4vB8nR3tY6cD1fG5hJ0sZaQeUi".get(..36).expect("36 letters"))
}

const PASSWORD: &str = "tr0ub4dor-horse-staple-91";

fn assert_tip_is_clean(sandbox: &Sandbox, id: &str, secret: &str) {
    for ran in [sandbox.run(["show", id, "--raw"]), sandbox.run(["show", id, "--tools"])] {
        assert!(!ran.ok().stdout.contains(secret), "the tip does not hold the secret");
    }
}

fn assert_secret_is_nowhere(sandbox: &Sandbox, id: &str, secret: &str) {
    assert_tip_is_clean(sandbox, id, secret);
    let files = sandbox.every_file();
    let held = files.iter().find(|(_, bytes)| holds(bytes, secret)).map(|(path, _)| path);
    assert_eq!(held, None, "no file of the store holds the secret");
    let objects = sandbox.git(["cat-file", "--batch-all-objects", "--batch"]);
    assert!(!objects.contains(secret), "no object holds the secret");
}

#[test]
fn a_secret_recognised_late_leaves_the_tip_and_the_user_is_told() {
    let sandbox = Sandbox::new();
    let early =
        sandbox.transcript(1).user(&format!("what is {PASSWORD} for?")).agent("a word").write();
    let outcome = capture(&sandbox);
    assert!(outcome.redactions.is_empty(), "by itself it is a word: {outcome:?}");
    let late = early.tool("Bash", &json!({"command": "env"}), &format!("DB_PASSWORD={PASSWORD}\n"));
    let late = late.write();
    let outcome = capture(&sandbox);
    assert_eq!(outcome.notices.len(), 1, "the user is told: {outcome:?}");
    assert!(outcome.notices[0].contains("earlier revisions still hold it"), "{outcome:?}");
    assert_tip_is_clean(&sandbox, &late.id(), PASSWORD);
    let was = sandbox.run(["show", &format!("{}@~1", late.id())]).ok();
    assert!(was.stdout.contains(PASSWORD), "history is what it was");
    assert_eq!(back(&sandbox, &late.id()).len(), late.lines().len(), "no record is lost");
    assert_eq!(capture(&sandbox).revision, None, "and that is all");
    let more = late.user(&format!("so {PASSWORD} it is")).write();
    let outcome = capture(&sandbox);
    assert!(outcome.notices.is_empty(), "it is known now: {outcome:?}");
    assert_tip_is_clean(&sandbox, &more.id(), PASSWORD);
}

#[test]
fn a_secret_recognised_late_leaves_records_that_are_out_of_view_too() {
    let sandbox = Sandbox::new();
    sandbox.transcript(1).user("hello").agent(&format!("it says {PASSWORD}")).write();
    capture(&sandbox);
    let other = sandbox.transcript(1).user("hello").agent("something else").write();
    capture(&sandbox);
    let late = other.user(&format!("PGPASSWORD={PASSWORD}")).write();
    let outcome = capture(&sandbox);
    assert_eq!(outcome.notices.len(), 1, "the user is told: {outcome:?}");
    assert_tip_is_clean(&sandbox, &late.id(), PASSWORD);
    assert_eq!(back(&sandbox, &late.id()).len(), 3, "no record is lost");
    assert_eq!(capture(&sandbox).revision, None, "and that is all");
}

#[test]
fn a_known_secret_is_redacted_in_what_is_appended() {
    for (number, damage) in DAMAGES.iter().enumerate() {
        let sandbox = Sandbox::new();
        let text = format!("export API_PASSWORD={PASSWORD} and {}", token());
        let mut known = sandbox.transcript(1).user(&text).agent("noted").write();
        capture(&sandbox);
        for step in 0..3 {
            damage(&sandbox);
            known = known.user(&format!("again {step}: {PASSWORD} {}", token())).write();
            let ran = sandbox.run(["capture"]).ok();
            assert!(!ran.stderr.contains("arning"), "losing what is derived is no event: {ran:?}");
            assert_secret_is_nowhere(&sandbox, &known.id(), PASSWORD);
            assert_secret_is_nowhere(&sandbox, &known.id(), &token());
            let is = back(&sandbox, &known.id()).len();
            assert_eq!(is, known.lines().len(), "no line is lost after damage {number}: {ran:?}");
        }
    }
}

#[test]
fn a_secret_in_any_shape_of_line_is_taken_out() {
    let sandbox = Sandbox::new();
    let token = token();
    let halves = token.split_at(12);
    let good = sandbox.transcript(1).user("before");
    let mut bytes = good.text().into_bytes();
    let escapes: Vec<String> = token.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let escaped = escapes.concat();
    let lines = [
        format!("no JSON with {token} in it"),
        format!(r#"{{"type":"torn","text":"{token}"#),
        format!(r#"{{"type":"lone","text":"\ud800 {token}"}}"#),
        format!(r#"{{"type":"double","a":"{token}","a":"{token}"}}"#),
        format!(r#"{{"type":"number","n":1e999,"text":"{token}"}}"#),
        format!(r#"{{"type":"escaped","text":"{escaped}"}}"#),
        format!(r#"{{"type":"lone-escaped","text":"\ud800 {escaped}"}}"#),
        format!(r#"{{"type":"key","{token}":1}}"#),
        format!(r#"{{"type":"{token}"}}"#),
        format!(r#"{{"type":"user","uuid":"{token}","cwd":"/{token}","sessionId":"{token}"}}"#),
        format!(r#"{{"type":"deep","a":{}"{token}"{}}}"#, "[".repeat(200), "]".repeat(200)),
        format!(r#""{token}""#),
    ];
    for line in &lines {
        bytes.extend_from_slice(format!("{line}\n").as_bytes());
    }
    bytes.extend_from_slice(format!("\u{0}bytes {token}\n").as_bytes());
    bytes.extend_from_slice(b"\xff\xfe ");
    bytes.extend_from_slice(token.as_bytes());
    // The end comes with the next capture.
    bytes.extend_from_slice(format!("\n{{\"type\":\"split\",\"text\":\"{}", halves.0).as_bytes());
    write(&good.path(), &bytes);
    capture(&sandbox);
    assert_secret_is_nowhere(&sandbox, &good.id(), &token);
    bytes.extend_from_slice(format!("{}\"}}\n", halves.1).as_bytes());
    write(&good.path(), &bytes);
    capture(&sandbox);
    assert_secret_is_nowhere(&sandbox, &good.id(), &token);
    let is = restored_lines(&sandbox, &good.id());
    assert_eq!(is.len(), lines.len() + 4, "every line is still a line");
    for line in is {
        let text = String::from_utf8_lossy(&line).into_owned();
        assert!(!text.contains(&token) && !text.contains(&escaped), "restored: {text}");
    }
    assert_secret_is_nowhere(&sandbox, &good.id(), &escaped);
}

// ---- What is derived ----

/// Ways in which `sources.db` and `index.db` get lost.
const DAMAGES: [fn(&Sandbox); 7] = [
    |_| {},
    |sandbox| each_database(sandbox, &|path| fs::remove_file(path).expect("it is removed")),
    |sandbox| each_database(sandbox, &|path| fs::write(path, "garbage").expect("written")),
    |sandbox| each_database(sandbox, &|path| fs::write(path, "").expect("written")),
    |sandbox| {
        each_database(sandbox, &|path| {
            let bytes = fs::read(path).expect("it is readable");
            fs::write(path, &bytes[..bytes.len() / 2]).expect("it is cut");
        });
    },
    |sandbox| {
        each_database(sandbox, &|path| {
            let mut bytes = fs::read(path).expect("it is readable");
            bytes.iter_mut().skip(4096).for_each(|byte| *byte ^= 0x5a);
            fs::write(path, bytes).expect("it is scrambled");
        });
    },
    |sandbox| {
        let folder = sandbox.store().join("annals");
        fs::remove_dir_all(&folder).expect("the private folder is removed");
    },
];

fn each_database(sandbox: &Sandbox, damage: &dyn Fn(&Path)) {
    let folder = sandbox.store().join("annals");
    for entry in fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").path()) {
        let name = entry.file_name().expect("a name").to_string_lossy().into_owned();
        if name.contains(".db") && !name.ends_with("lock") {
            damage(&entry);
        }
    }
}

#[test]
fn what_is_derived_may_be_lost_at_any_moment() {
    let sandbox = Sandbox::new();
    for number in 1..=3 {
        sandbox.transcript(number).user(&format!("hello {number}")).agent("hi").write();
    }
    capture(&sandbox);
    let first = sandbox.transcript(1).user("hello 1").agent("hi").user("more").write();
    capture(&sandbox);
    let id = first.id();
    let look = || {
        ["list", "log", "show", "diff"].map(|command| {
            let args = if command == "list" { vec!["list"] } else { vec![command, &id] };
            let ran = Ran::of(sandbox.program().args(args));
            assert_eq!(ran.stderr, "", "losing what is derived is no event");
            (ran.stdout, ran.code)
        })
    };
    let was = look();
    for (number, damage) in DAMAGES.iter().enumerate() {
        damage(&sandbox);
        assert_eq!(look(), was, "the same as before, after damage {number}");
        damage(&sandbox);
        let again = capture(&sandbox);
        assert_eq!(again.revision, None, "nothing is new after damage {number}: {again:?}");
        assert!(again.skipped.is_empty(), "{again:?}");
        damage(&sandbox);
        sandbox.run(["doctor"]).ok();
    }
}

#[test]
fn damage_to_any_page_of_the_index_is_mended_by_whoever_meets_it() {
    const PAGE: usize = 4096;
    let sandbox = Sandbox::new();
    let first = sandbox.transcript(1).user("hello").agent("hi").write();
    sandbox.run(["capture"]).ok();
    let second = first.user("more").write();
    sandbox.run(["capture"]).ok();
    let id = second.id();
    for name in ["index.db", "sources.db"] {
        let path = sandbox.store().join("annals").join(name);
        let pages = fs::read(&path).expect("it is readable").len() / PAGE;
        for page in 0..pages {
            let mut bytes = fs::read(&path).expect("it is readable");
            let there = bytes.iter_mut().skip(page * PAGE).take(PAGE);
            there.enumerate().for_each(|(at, byte)| *byte = u8::try_from(at % 251).expect("small"));
            for args in [&["list"][..], &["log", &id], &["show", &id], &["capture"], &["diff", &id]]
            {
                fs::write(&path, &bytes).expect("it is written");
                let ran = Ran::of(sandbox.program().args(args));
                let code = i32::from(args[0] == "diff");
                assert_eq!(ran.code, code, "{args:?}, page {page} of {name} damaged: {ran:?}");
                assert!(!ran.stderr.contains("Skipped"), "page {page} of {name}: {ran:?}");
            }
            sandbox.run(["doctor"]).ok();
        }
    }
    assert_eq!(sandbox.json(["list"])["total"], 1, "it lists what the store has");
}

// ---- Stores that are none, or strange ----

#[test]
fn what_is_no_store_is_refused_and_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.transcript(1).user("hello").agent("hi").write();
    let folder = |name: &str| sandbox.root().join(name);
    fs::create_dir(folder("documents")).expect("a folder is made");
    fs::write(folder("documents/letter"), "dear").expect("it is written");
    fs::write(folder("file"), "dear").expect("it is written");
    git(&sandbox, &["init", "-q", "work"]);
    git(&sandbox, &["init", "-q", "--bare", "empty.git"]);
    git(&sandbox, &["init", "-q", "--bare", "other.git"]);
    let tree = git_in(&sandbox, "other.git", &["mktree"], "");
    let commit = git_in(&sandbox, "other.git", &["commit-tree", "-m", "x", tree.trim()], "");
    git_in(&sandbox, "other.git", &["update-ref", "refs/heads/main", commit.trim()], "");
    for name in ["documents", "file", "work", "empty.git", "other.git"] {
        let path = folder(name);
        let before = all_files(&path);
        for args in [
            vec!["capture"],
            vec!["list"],
            vec!["show", "1234"],
            vec!["doctor"],
            vec!["gc"],
            vec!["init"],
        ] {
            let ran = Ran::of(sandbox.program().arg("--store").arg(&path).args(&args));
            assert!(matches!(ran.code, 3 | 5), "{name} {args:?}: {ran:?}");
            assert!(ran.stderr.contains(name), "{name} is named: {ran:?}");
            assert_harmless(&ran);
        }
        assert_eq!(all_files(&path), before, "{name} is left alone");
    }
    let ran = Ran::of(sandbox.program().args(["--store", "nowhere/at/all", "list"])).code(3);
    assert!(ran.stderr.contains("there is no store"), "{ran:?}");
}

#[test]
fn what_others_put_into_the_store_stays_and_does_no_harm() {
    let sandbox = Sandbox::new();
    let first = sandbox.transcript(1).user("hello").agent("hi").write();
    capture(&sandbox);
    let id = sandbox.json(["list"])["sessions"][0]["id"].as_str().expect("an id").to_owned();
    let blob =
        git_in(&sandbox, "data/annals/store.git", &["hash-object", "-w", "--stdin"], "foreign\n");
    let blob = blob.trim();
    let shard = &id[id.len() - 2..];
    let other = if shard == "00" { "01" } else { "00" };
    let inside = format!("100644 {blob}\tsessions/{shard}/{id}/notes.txt");
    let add = [
        format!("100644 {blob}\tREADME.md"),
        format!("100755 {blob}\tscript.sh"),
        format!("120000 {blob}\tlink"),
        format!("100644 {blob}\tsessions/README"),
        format!("100644 {blob}\tsessions/{other}/not-a-session/session.yaml"),
        format!("100644 {blob}\ttombstones/README"),
    ];
    foreign_commit(&sandbox, &[&add[..], &[inside]].concat());
    // HEAD points elsewhere, and another branch is there.
    sandbox.git(["branch", "mine", "main~1"]);
    sandbox.git(["update-ref", "--no-deref", "HEAD", "main~1"]);
    assert_harmless(&sandbox.run(["list"]).ok());
    let more = first.user("more").write();
    sandbox.run(["capture"]).ok();
    assert_eq!(back(&sandbox, &more.id()), more.lines(), "nothing is lost");
    let tree = sandbox.git(["ls-tree", "-r", "main"]);
    for line in &add {
        let (_, path) = line.split_once('\t').expect("a path");
        assert!(tree.contains(&format!("{blob}\t{path}")), "{path} stays: {tree}");
    }
    for args in [["log", &id], ["diff", &id], ["show", &id]] {
        assert_harmless(&sandbox.run(args));
    }
    sandbox.run(["doctor"]).ok();
    sandbox.run(["delete", "--yes", &id]).ok();
    sandbox.run(["undelete", &id]).ok();
    assert_eq!(back(&sandbox, &more.id()), more.lines(), "nothing is lost");
    sandbox.fsck();
}

#[test]
fn a_session_that_others_spoilt_is_named_and_the_rest_works() {
    let sandbox = Sandbox::new();
    sandbox.transcript(1).user("hello").agent("hi").write();
    let good = sandbox.transcript(2).user("good").agent("hi").write();
    capture(&sandbox);
    let list = sandbox.json(["list"]);
    let all = list["sessions"].as_array().expect("a list");
    let spoilt = all.iter().find(|it| it["agent"]["session"] != good.id().as_str());
    let id = spoilt.and_then(|it| it["id"].as_str()).expect("an id").to_owned();
    let folder = format!("sessions/{}/{id}", &id[id.len() - 2..]);
    let store = "data/annals/store.git";
    let texts = [
        "",
        "foreign\n",
        "[",
        "- &a [*a]\n",
        "schema: 99\n",
        "\u{1b}[31m: x\n",
        "---\nmessage: 7\n",
    ];
    for text in texts {
        for file in
            ["session.yaml".to_owned(), format!("messages/{}-000001.yaml", &id[id.len() - 8..])]
        {
            let blob = git_in(&sandbox, store, &["hash-object", "-w", "--stdin"], text);
            let tip = sandbox.git(["rev-parse", "main"]);
            foreign_commit(&sandbox, &[format!("100644 {}\t{folder}/{file}", blob.trim())]);
            let ran = sandbox.run(["list"]).ok();
            assert_harmless(&ran);
            assert!(ran.stdout.contains("good"), "the rest is listed: {ran:?}");
            for args in [vec!["show", &id], vec!["log", &id], vec!["restore", &id, "--home", "out"]]
            {
                let ran = Ran::of(sandbox.program().args(args));
                assert_harmless(&ran);
                assert!(matches!(ran.code, 0 | 3 | 5), "{text:?} in {file}: {ran:?}");
            }
            let ran = sandbox.run(["doctor"]).code(5);
            assert!(ran.stdout.contains(&id), "{text:?} in {file}: the session is named: {ran:?}");
            assert_eq!(back(&sandbox, &good.id()), good.lines(), "the other one is whole");
            sandbox.git(["update-ref", "refs/heads/main", tip.trim()]);
            sandbox.run(["doctor"]).ok();
        }
    }
}

/// Adds files to the tip as another program would.
fn foreign_commit(sandbox: &Sandbox, files: &[String]) {
    let store = "data/annals/store.git";
    let index = sandbox.root().join("foreign-index");
    let with_index = |args: &[&str], input: &str| {
        let mut command = git_command(sandbox, store, args);
        command.env("GIT_INDEX_FILE", &index);
        piped(&mut command, input)
    };
    with_index(&["read-tree", "main"], "");
    with_index(&["update-index", "--add", "--index-info"], &(files.join("\n") + "\n"));
    let tree = with_index(&["write-tree"], "");
    let parent = git_in(sandbox, store, &["rev-parse", "main"], "");
    let args = ["commit-tree", "-p", parent.trim(), "-m", "by \u{1b}[31mhand", tree.trim()];
    let commit = git_in(sandbox, store, &args, "");
    git_in(sandbox, store, &["update-ref", "refs/heads/main", commit.trim()], "");
}

fn git(sandbox: &Sandbox, args: &[&str]) {
    git_in(sandbox, ".", args, "");
}

fn git_in(sandbox: &Sandbox, folder: &str, args: &[&str], input: &str) -> String {
    piped(&mut git_command(sandbox, folder, args), input)
}

fn git_command(sandbox: &Sandbox, folder: &str, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(sandbox.root().join(folder)).args(args);
    for variable in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"] {
        command.env(variable, "Somebody");
    }
    for variable in ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
        command.env(variable, "somebody@example.com");
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command
}

fn piped(command: &mut Command, input: &str) -> String {
    use std::io::Write as _;
    use std::process::Stdio;
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("git runs");
    let mut stdin = child.stdin.take().expect("its input is a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads its input");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "git failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

// ---- Help ----

/// Captures through the library.
fn capture(sandbox: &Sandbox) -> CaptureOutcome {
    let outcome = sandbox.repository().capture(&CaptureOptions::default(), &mut |_| {});
    outcome.expect("a capture succeeds whatever it meets")
}

/// Restores a session into a home of its own; the lines of its file.
fn restored_lines(sandbox: &Sandbox, id: &str) -> Vec<Vec<u8>> {
    use annals::repository::RestoreOptions;
    let home = sandbox.root().join("home/back");
    if home.exists() {
        fs::remove_dir_all(&home).expect("it is removed");
    }
    let mut repository = sandbox.repository();
    let at = repository.resolve(id, None).expect("the session is there");
    let options = RestoreOptions {
        home: Some(home.clone()),
        workspace: Some(PathBuf::from("/work/demo")),
        force: true,
        ..RestoreOptions::default()
    };
    let outcome = repository.restore(&at, &options).expect("it is restored");
    read_lines(&outcome.files[0])
}

/// The restored lines, as values.
fn back(sandbox: &Sandbox, id: &str) -> Vec<Value> {
    let lines = restored_lines(sandbox, id);
    lines.iter().map(|line| serde_json::from_slice(line).expect("each line is JSON")).collect()
}

fn read_lines(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).expect("the file is readable");
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    lines.filter(|line| !line.trim_ascii().is_empty()).collect()
}

/// Lines in a form that does not depend on the order of keys.
fn plain_lines<L: AsRef<[u8]>>(lines: &[L]) -> Vec<String> {
    let plain = |line: &L| match serde_json::from_slice::<Value>(line.as_ref()) {
        Ok(mut value) => {
            value.sort_all_objects();
            value.to_string()
        }
        Err(_) => String::from_utf8_lossy(line.as_ref()).into_owned(),
    };
    lines.iter().map(plain).collect()
}

/// Whether two lines are equal, as JSON values if they are any.
fn same_line(was: &[u8], is: &[u8]) -> bool {
    let value = |line: &[u8]| serde_json::from_slice::<Value>(line).ok();
    was == is || value(was).is_some_and(|was| value(is) == Some(was))
}

fn show_bytes(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(300).collect()
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
    fs::write(path, bytes).expect("it is written");
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.map(|it| it.expect("an entry").path()) {
        if path.is_dir() {
            files.extend(all_files(&path));
        }
        files.push(path);
    }
    files
}

fn make_fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("mkfifo runs");
    assert!(made.success(), "a pipe is made");
}
