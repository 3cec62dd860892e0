//! Differences of our own making, set whole.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::cli::samples;
use crate::session::Event;

fn look(is_colored: bool) -> Look<'static> {
    Look {
        paint: Paint::new(is_colored),
        width: 60,
        home: Path::new("/home/dev"),
        local: |at| at.naive_utc(),
    }
}

fn difference() -> Difference {
    let left = "one\ntwo\nthree\nthe secret is hunter2\nfive\nsix\nseven\neight\n";
    let right = left.replace("hunter2", "[redacted:password]");
    Difference {
        left: samples::head(),
        right: samples::head(),
        fields: vec![
            FieldChange { name: "title", left: json!(null), right: json!("A\u{1b}[2J title") },
            FieldChange { name: "tags", left: json!(["a", "b"]), right: json!(["a", "c"]) },
            FieldChange { name: "pinned", left: json!(false), right: json!(true) },
        ],
        changes: vec![
            RecordChange::Equal(12),
            RecordChange::Changed(Box::new(samples::user(left)), Box::new(samples::user(&right))),
            RecordChange::Removed(Box::new(samples::user("Never mind.\n\u{1b}[2J"))),
            RecordChange::Added(Box::new(samples::user("Please go on."))),
            RecordChange::Added(Box::new(Record::Event(Event {
                envelope: crate::session::Envelope::default(),
                name: "mode".to_owned(),
                title: None,
                native: serde_json::json!({"mode": "plan"}),
            }))),
            RecordChange::Equal(1),
        ],
    }
}

#[test]
fn messages_and_words_that_differ_are_marked() {
    insta::assert_snapshot!(changes(&difference(), false, look(false)), @r#"
    ~ title
        {+A␛[2J title+}
    ~ tags
        a [-b-]{+c+}
    ~ pinned
        [-no-]{+yes+}
      … 12 equal messages
    ~ user  2026-02-03 03:00
        ⋮
        two
        three
        the secret is [-hunter2-]{+[redacted:password]+}
        five
        six
        ⋮
    - user  2026-02-03 03:00
    -   Never mind.
    -   ␛[2J
    + user  2026-02-03 03:00
    +   Please go on.
    + event mode
    +   {"mode":"plan"}
      … 1 equal message
    "#);
}

#[test]
fn with_colours_there_are_no_brackets() {
    let text = changes(&difference(), false, look(true));
    assert!(text.contains("\u{1b}[31mhunter2"), "{text}");
    assert!(!text.contains("[-"), "{text}");
}

#[test]
fn the_count_is_one_line() {
    let stat = Stat::of(&difference());
    let fields = vec!["title", "tags", "pinned"];
    let expected = Stat { fields, added: 2, removed: 1, changed: 1, equal: 13 };
    assert_eq!(stat, expected);
    let line = stat.line(Paint::new(false));
    assert_eq!(line, "~title  ~tags  ~pinned  +2 added  −1 removed  ~1 changed  13 equal\n");
    assert!(!stat.is_equal());
    assert!(Stat::default().is_equal());
}

#[test]
fn a_change_that_is_not_seen_is_said() {
    assert!(words("a", "a", Paint::new(false)).contains("not shown"));
    assert_eq!(words("a b", "a c", Paint::new(false)), "    a [-b-]{+c+}\n");
    assert_eq!(words("a\nb\n", "a\nb\nc\n", Paint::new(false)), "    a\n    b\n    {+c+}\n");
}

#[test]
fn what_tools_put_out_is_cut_unless_asked_for() {
    let output: Vec<String> = (1..=20).map(|number| format!("line {number}")).collect();
    let output = output.join("\n");
    let result = samples::message("user", 0, vec![samples::result("t1", &output, None)]);
    let difference = Difference {
        fields: Vec::new(),
        changes: vec![RecordChange::Added(Box::new(Record::Message(result)))],
        ..difference()
    };
    let shown = changes(&difference, false, look(false));
    assert!(shown.starts_with("+ tool result  2026-02-03 03:00\n+   line 1\n"), "{shown}");
    assert!(shown.ends_with("+   line 8\n+   … 12 more lines; --tools shows them\n"), "{shown}");
    let whole = changes(&difference, true, look(false));
    assert!(whole.ends_with("+   line 20\n"), "{whole}");
}

#[test]
fn long_lines_of_a_message_are_wrapped_behind_their_sign() {
    let said = "word ".repeat(20);
    let difference = Difference {
        fields: Vec::new(),
        changes: vec![RecordChange::Added(Box::new(samples::user(&said)))],
        ..difference()
    };
    let shown = changes(&difference, false, look(false));
    assert!(shown.lines().all(|line| line.starts_with('+') && line.len() <= 60), "{shown}");
    assert_eq!(shown.matches("word").count(), 20);
}
