//! Conversations of our own making, set whole.

use serde_json::json;

use super::*;
use crate::cli::samples;
use crate::session::Envelope;
use crate::session::Unreadable;

fn look() -> Look<'static> {
    Look {
        paint: Paint::new(false),
        width: 60,
        home: Path::new("/home/dev"),
        local: |at| at.naive_utc(),
    }
}

fn records() -> Vec<Record> {
    let mut injected =
        samples::message("user", 1, vec![samples::text("Rules:\n- be kind\n- test")]);
    injected.injected = Some(Injected::Context);
    let ask = "The login redirect loses the query string; can you look at it and fix it, please?";
    let thought =
        BlockKind::Thinking { text: "The query is dropped.\nLook at auth.rs.".to_owned() };
    let mut records = vec![
        Record::Message(samples::message("user", 0, vec![samples::text(ask)])),
        Record::Message(injected),
        Record::Message(samples::message("assistant", 2, vec![thought])),
    ];
    records.extend(calls());
    records.extend(end());
    records
}

fn calls() -> Vec<Record> {
    vec![
        Record::Message(samples::message(
            "assistant",
            2,
            vec![samples::call("Bash", "t1", json!({"command": "git status --short"}))],
        )),
        Record::Message(samples::message(
            "user",
            3,
            vec![samples::result("t1", " M src/auth.rs\n M src/main.rs\n", None)],
        )),
        Record::Message(samples::message(
            "assistant",
            4,
            vec![samples::call("Read", "t2", json!({"limit": 3, "file_path": "src/a\u{1b}[1m"}))],
        )),
        Record::Message(samples::message(
            "user",
            4,
            vec![samples::result("t2", "no such file", Some(true))],
        )),
    ]
}

fn end() -> Vec<Record> {
    let answer = "Found it:\n\n```rust\nlet url = format!(\"{}?{}\", a_rather_long_name.path(), \
                  a_rather_long_name.query());\n```\n\n- the query was dropped in the redirect, and now \
                  it is kept";
    vec![
        Record::Message(samples::message("assistant", 5, vec![samples::text(answer)])),
        Record::Event(Event {
            envelope: Envelope::default(),
            name: "system".to_owned(),
            title: None,
            native: json!({"subtype": "compact_boundary"}),
        }),
        Record::Unreadable(Unreadable {
            raw: Raw::Text("{\"type\":\u{7}".to_owned()),
            is_tail: false,
            after: None,
        }),
        Record::Message(samples::message("user", 9, vec![samples::text("Thanks!")])),
    ]
}

fn shown(detail: &Detail) -> String {
    let records = records();
    let view: Vec<&Record> = records.iter().collect();
    conversation(&view, detail, look())
}

#[test]
fn tools_are_folded() {
    insta::assert_snapshot!(shown(&Detail::default()), @r#"
    ── User  1  2026-02-03 03:00
    The login redirect loses the query string; can you look at
    it and fix it, please?

    · context: Rules: (3 lines)

    ── Assistant  3–8  03:02
    · thought: The query is dropped. (2 lines)
    ⏺ Bash  git status --short
      ⎿ 2 lines
    ⏺ Read  src/a␛[1m
      ⎿ failed: no such file

    Found it:

    ```rust
    let url = format!("{}?{}", a_rather_long_name.path(), a_rather_long_name.query());
    ```

    - the query was dropped in the redirect, and now it is kept

    ┄┄ the agent compacted what is above ┄┄
    ! a line that could not be read (9 B): {"type":␇

    ── User  9  03:09
    Thanks!
    "#);
}

#[test]
fn tools_are_shown_in_full() {
    let detail = Detail { tools: true, messages: Some(2..=7), ..Detail::default() };
    insta::assert_snapshot!(shown(&detail), @r"
    Rules:
    - be kind
    - test

    ── Assistant  3–6  2026-02-03 03:02
      The query is dropped.
      Look at auth.rs.

    ⏺ Bash
        command: git status --short
      ⎿  M src/auth.rs
         M src/main.rs

    ⏺ Read
        limit: 3
        file_path: src/a␛[1m
      ⎿ failed: no such file
    ");
}

#[test]
fn a_result_stands_alone_where_its_call_is_not_shown() {
    let detail = Detail { messages: Some(5..=5), ..Detail::default() };
    insta::assert_snapshot!(shown(&detail), @r"
    ── Tools  5  2026-02-03 03:03
      ⎿ 2 lines
    ");
}

#[test]
fn the_header_says_what_is_known() {
    let mut head = samples::head();
    head.notes = Some("Ask Kim.\n\u{1b}[2J".to_owned());
    head.pinned = true;
    insta::assert_snapshot!(header(&head, None, look()), @r"
    Fix the login redirect

      id        01890000-0000-7000-8000-00005e550011
      agent     claude-code 2.1.197
      model     claude-opus-4-5-20251101
      workspace ~/shop (main)
      time      2026-02-03 03:49 – 05:12
      size      42 messages · 6 turns · 18 tool calls · 90 kB
      tokens    12.3k (300 in, 4k out, 8k cache read)
      tags      auth, bug
      pinned    yes
      notes     Ask Kim.
                ␛[2J
      redacted  2 secrets (github-token)
    ");
}

#[test]
fn an_empty_session_has_a_header_too() {
    let head = crate::session::Head::empty(samples::id());
    insta::assert_snapshot!(header(&head, None, look()), @r"
    (nothing said)

      id        01890000-0000-7000-8000-00005e550011
      size      0 messages · 0 turns · 0 tool calls · 0 B
    ");
    assert_eq!(conversation(&[], &Detail::default(), look()), "");
}

#[test]
fn nothing_steers_the_terminal() {
    let hostile = "\u{1b}]0;x\u{7}\u{202e}\u{9b}2J\r";
    let mut message = samples::message(
        "\u{1b}role",
        0,
        vec![
            samples::text(hostile),
            samples::call(hostile, hostile, json!({hostile: hostile})),
            samples::result("other", hostile, Some(true)),
            BlockKind::Image { media_type: hostile.to_owned(), data: String::new() },
        ],
    );
    for injected in [None, Some(Injected::Command)] {
        message.injected = injected;
        let record = Record::Message(message.clone());
        for tools in [false, true] {
            let detail = Detail { tools, ..Detail::default() };
            let text = conversation(&[&record], &detail, look());
            let is_hostile = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(is_hostile), "{text:?}");
        }
    }
}
