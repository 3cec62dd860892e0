//! R5.1, R5.2, R5.5: what search finds, in which order, how it is shown, and that its index follows
//! the store whatever becomes of either.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use rusqlite::Connection;
use serde_json::Value;
use serde_json::json;

use crate::support::Sandbox;

/// Stores a session; its short id is its number.
fn save(sandbox: &Sandbox, number: u32, fields: &Value) {
    let mut document = json!({
        "id": format!("01890000-0000-7000-8000-0000{number:08}"),
        "created": "2026-11-01T12:00:00Z",
    });
    let map = document.as_object_mut().expect("a map");
    map.extend(fields.as_object().expect("fields").clone());
    sandbox.save(&document.to_string());
}

fn said(role: &str, text: &str) -> Value {
    json!({"role": role, "text": text, "at": "2026-11-01T12:00:00Z"})
}

fn search<const N: usize>(sandbox: &Sandbox, args: [&str; N]) -> Value {
    let ran = sandbox.program().args(["--json", "search"]).args(args).output();
    let ran = ran.expect("the program starts");
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{told}"));
    let is_found = found["total"] != json!(0);
    assert_eq!(ran.status.code(), Some(i32::from(!is_found)), "{args:?}: {told}");
    found
}

/// The numbers of the sessions found, in their order.
fn found<const N: usize>(sandbox: &Sandbox, args: [&str; N]) -> Vec<u64> {
    let found = search(sandbox, args);
    let hits = found["hits"].as_array().expect("hits");
    let number = |hit: &Value| hit["short"].as_str().and_then(|it| it.parse().ok());
    let mut numbers: Vec<u64> = hits.iter().map(|hit| number(hit).expect("a number")).collect();
    numbers.dedup();
    numbers
}

fn database(sandbox: &Sandbox) -> PathBuf {
    sandbox.store().join("annals/index.db")
}

fn connect(sandbox: &Sandbox) -> Connection {
    Connection::open(database(sandbox)).expect("the index is a database")
}

#[test]
fn r5_2_every_searched_field_is_found_and_no_other() {
    let sandbox = Sandbox::new();
    let call =
        json!({"tool_call": "Grep", "id": "tid", "input": {"pattern": "inpat", "n": ["deep"]}});
    let result = json!({"tool_result": "tid", "output": [{"text": "outpat"}]});
    save(
        &sandbox,
        1,
        &json!({
            "title": "titlepat", "tags": ["tagpat"], "notes": "notepat",
            "workspace": {"root": "/src/rootpat", "branch": "branchpat", "repository": "example.com/repopat"},
            "context_files": ["/src/filepat.rs"],
            "messages": [
                {"role": "assistant", "model": "modelpat-1", "content": [
                    {"text": "textpat"}, {"thinking": "thinkpat"}, call,
                    {"image": "image/png", "data": "imgpat"},
                ], "native": {"copy": "nativepat"}},
                {"role": "user", "content": [result]},
            ],
        }),
    );
    for word in [
        "titlepat",
        "tagpat",
        "notepat",
        "rootpat",
        "branchpat",
        "repopat",
        "filepat",
        "modelpat",
        "textpat",
        "thinkpat",
        "Grep",
        "inpat",
        "deep",
        "outpat",
    ] {
        assert_eq!(found(&sandbox, [word]), [1], "{word}");
        assert_eq!(found(&sandbox, ["--exact", word]), [1], "{word}");
    }
    for word in ["nativepat", "imgpat", "tid", "pattern", "tool_call"] {
        assert_eq!(found(&sandbox, [word]), [0; 0], "{word}");
        assert_eq!(found(&sandbox, ["--exact", word]), [0; 0], "{word}");
    }
    let hit = &search(&sandbox, ["notepat"])["hits"][0];
    assert_eq!((&hit["field"], &hit["message"]), (&json!("notes"), &Value::Null));
}

#[test]
fn r5_1_scopes_clauses_and_filters_narrow_what_is_found() {
    let sandbox = Sandbox::new();
    let tool = |text: &str| json!({"role": "tool", "text": text, "at": "2026-11-01T12:00:00Z"});
    save(
        &sandbox,
        1,
        &json!({"tags": ["bug"], "messages": [said("user", "apple pear"), tool("plum")]}),
    );
    save(&sandbox, 2, &json!({"messages": [said("user", "apple"), said("assistant", "pear")]}));
    save(&sandbox, 3, &json!({"messages": [said("user", "apple plum pear"), tool("cherry")]}));
    let find = |query: &str| {
        let mut found = found(&sandbox, [query]);
        found.sort_unstable();
        found
    };
    assert_eq!(find("apple pear"), [1, 2, 3], "anywhere in the session");
    assert_eq!(find("\"apple pear\""), [1]);
    assert_eq!(find("apple -plum"), [2]);
    assert_eq!(find("cherry OR \"apple pear\""), [1, 3]);
    assert_eq!(find("pear cherry OR nothing"), [3]);
    assert_eq!(find("che*"), [3]);
    assert_eq!(find("app"), [0; 0], "a word is whole");
    assert_eq!(find("pear -\"apple pear\" -cherry"), [2]);
    assert_eq!(find("plum tag:bug"), [1]);
    let mut talk = found(&sandbox, ["plum", "--in", "talk"]);
    assert_eq!(
        (talk.as_mut_slice(), found(&sandbox, ["plum", "--in", "tools"])),
        (&mut [3][..], vec![1])
    );
    assert_eq!(found(&sandbox, ["plum"]), [3, 1], "talk outweighs tools");
    assert_eq!(found(&sandbox, ["apple pear"])[0..1], [1], "one message with both comes first");
    assert_eq!(found(&sandbox, ["--regex", "^pl.m$"]), [1]);
    assert_eq!(found(&sandbox, ["--exact", "PLUM"]), [0; 0]);
}

#[test]
fn r5_5_recent_before_old_and_pages_go_on() {
    let sandbox = Sandbox::new();
    for number in 1..=5 {
        let at = format!("202{number}-11-01T12:00:00Z");
        let message = json!({"role": "user", "text": "needle", "at": at});
        save(&sandbox, number, &json!({"created": at, "messages": [message]}));
    }
    assert_eq!(found(&sandbox, ["needle"]), [5, 4, 3, 2, 1]);
    assert_eq!(found(&sandbox, ["needle", "-n", "2", "--page", "2"]), [3, 2]);
    assert_eq!(search(&sandbox, ["needle", "-n", "2", "--page", "9"])["total"], 5);
}

#[test]
fn a_hit_names_its_message_as_show_counts() {
    let mut sandbox = Sandbox::new();
    let begun = sandbox.transcript(1).user("One.").agent("Two.").user("Three needle.").write();
    sandbox.capture();
    let first = sandbox.tip();
    sandbox.set_now("2026-11-22T13:00:00Z");
    begun.agent("Four.").user("Five needle.").write();
    sandbox.capture();
    let messages = |sandbox: &Sandbox| {
        let found = search(sandbox, ["needle"]);
        let hits = found["hits"].as_array().cloned().unwrap_or_default();
        let id = hits[0]["short"].as_str().expect("an id").to_owned();
        for hit in &hits {
            let number = hit["message"].to_string();
            let shown = sandbox.run(["show", &id, "--messages", &number]).ok().stdout;
            assert!(shown.contains("needle"), "message {number}: {shown}");
        }
        let mut numbers: Vec<u64> = hits.iter().filter_map(|hit| hit["message"].as_u64()).collect();
        numbers.sort_unstable();
        (id, numbers)
    };
    let (id, numbers) = messages(&sandbox);
    assert_eq!(numbers, [3, 5]);
    sandbox.run(["rollback", &id, &first]).ok();
    assert_eq!(messages(&sandbox).1, [3], "what left the view is not found");
    sandbox.run(["delete", &id, "--yes"]).ok();
    assert_eq!(search(&sandbox, ["needle"])["total"], 0);
    sandbox.run(["undelete", &id]).ok();
    assert_eq!(messages(&sandbox).1, [3]);
    sandbox.run(["rename", &id, "Now a thimble"]).ok();
    assert_eq!(search(&sandbox, ["thimble"])["total"], 1);
}

#[test]
fn an_append_writes_its_own_rows_alone() {
    let sandbox = Sandbox::new();
    let begun = sandbox.transcript(1).user("One needle.").agent("Two needle.").write();
    sandbox.capture();
    assert_eq!(
        search(&sandbox, ["needle", "--hits", "9"])["hits"].as_array().map(Vec::len),
        Some(2)
    );
    // A row that is missed shows whether it is written again.
    let taken =
        "DELETE FROM texts WHERE rowid = (SELECT max(rowid) FROM texts WHERE texts MATCH 'needle')";
    assert_eq!(connect(&sandbox).execute(taken, []), Ok(1));
    begun.user("Three needle.").write();
    sandbox.capture();
    let found = search(&sandbox, ["needle", "--hits", "9"]);
    let hits = found["hits"].as_array().expect("hits");
    let mut numbers: Vec<u64> = hits.iter().filter_map(|hit| hit["message"].as_u64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 3]);
}

#[test]
fn an_interrupted_build_goes_on_where_it_was() {
    let sandbox = Sandbox::new();
    for number in 1..=3 {
        save(&sandbox, number, &json!({"messages": [said("user", "needle")]}));
    }
    assert_eq!(search(&sandbox, ["needle"])["total"], 3);
    let index = connect(&sandbox);
    index
        .execute_batch(
            "DELETE FROM meta WHERE key = 'searched';
            DELETE FROM texts WHERE rowid = (SELECT min(rowid) FROM texts WHERE texts MATCH 'needle');
            DELETE FROM searched WHERE key = 3; DELETE FROM chunks WHERE key = 3;
            DELETE FROM texts WHERE rowid >= (3 << 40);",
        )
        .expect("the tables are these");
    drop(index);
    assert_eq!(search(&sandbox, ["needle"])["total"], 2, "what was done is not done again");
}

#[test]
fn an_index_that_is_damaged_or_old_is_made_anew_without_a_word() {
    let sandbox = Sandbox::new();
    save(&sandbox, 1, &json!({"messages": [said("user", "needle")]}));
    let harms: [fn(&Sandbox); 4] = [
        |sandbox| connect(sandbox).pragma_update(None, "user_version", 1).expect("written"),
        |sandbox| fs::write(database(sandbox), "no database").expect("written"),
        |sandbox| {
            let mut bytes = fs::read(database(sandbox)).expect("read");
            let middle = bytes.len() / 3;
            bytes[middle..].fill(0x5a);
            fs::write(database(sandbox), bytes).expect("written");
        },
        |sandbox| fs::remove_file(database(sandbox)).expect("removed"),
    ];
    for harm in harms {
        drop(fs::remove_file(sandbox.store().join("annals/index.db-wal")));
        harm(&sandbox);
        let ran = sandbox.run(["search", "needle"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    }
}

#[test]
fn who_writes_keeps_nobody_from_searching() {
    let sandbox = Sandbox::new();
    save(&sandbox, 1, &json!({"messages": [said("user", "needle")]}));
    assert_eq!(search(&sandbox, ["needle"])["total"], 1, "the text is taken in");
    let mut writer = connect(&sandbox);
    let transaction = writer.transaction().expect("begun");
    transaction.execute("DELETE FROM searched", []).expect("written");
    assert_eq!(search(&sandbox, ["needle"])["total"], 1);
}

#[test]
fn several_processes_build_the_index_at_once() {
    let sandbox = Sandbox::new();
    for number in 1..=12 {
        save(&sandbox, number, &json!({"messages": [said("user", &format!("needle {number}"))]}));
    }
    drop(fs::remove_file(sandbox.store().join("annals/index.db-wal")));
    fs::remove_file(database(&sandbox)).expect("removed");
    let spawn = |_| {
        let mut program = sandbox.program();
        program.args(["--json", "search", "needle", "-n", "50"]);
        program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let running: Vec<_> = (0..6).map(spawn).collect();
    for child in running {
        let output = child.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr);
        let found: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"));
        assert_eq!(found["total"], 12);
    }
    let count = "SELECT count(*) FROM texts WHERE texts MATCH 'needle'";
    let rows: i64 = connect(&sandbox).query_row(count, [], |row| row.get(0)).expect("counted");
    assert_eq!(rows, 12, "no row stands twice");
}

#[test]
fn what_is_printed_for_people() {
    let sandbox = Sandbox::new();
    let call =
        json!({"tool_call": "Bash", "id": "t", "input": {"command": "grep -n redirect src/"}});
    save(
        &sandbox,
        1,
        &json!({
            "title": "Fix the login redirect", "agent": "mine", "workspace": {"root": "/src/shop"},
            "messages": [
                said("user", "The redirect loses its query:\n\n\u{1b}[2J a redirect to /cart"),
                {"role": "assistant", "at": "2026-11-01T12:01:00Z", "content": [call]},
            ],
        }),
    );
    let run = |args: &[&str]| {
        let output = sandbox.program().arg("search").args(args).output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!(
            "{}[stderr]\n{}[{:?}]",
            text(&output.stdout),
            text(&output.stderr),
            output.status.code()
        )
    };
    insta::assert_snapshot!(run(&["redirect"]), @r"
    00000001  Fix the login redirect  20 d ago · mine · /src/shop
      –  title  Fix the login redirect
      1  user   The redirect loses its query: ␛[2J a redirect to /cart
      2  tool   grep -n redirect src/
    [stderr]
    [Some(0)]
    ");
    insta::assert_snapshot!(run(&["rediret"]), @r"
    [stderr]
    Nothing matches.
    [Some(1)]
    ");
    insta::assert_snapshot!(run(&["a \"b"]), @r#"
    [stderr]
    error: The query cannot be read: the quote is not closed (character 3).
      a "b
        ^^
    `annals help COMMAND` tells what a command takes.
    [Some(2)]
    "#);
    insta::assert_snapshot!(run(&["--regex", "a(b"]), @r"
    [stderr]
    error: The query cannot be read: unclosed group (character 2).
      a(b
       ^
    `annals help COMMAND` tells what a command takes.
    [Some(2)]
    ");
}
