//! A session in its several states: replayed, compared, gone back to, forked, edited.

use std::fs;

use annals::session::Message;
use annals::session::Record;
use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Transcript;
use crate::support::lines;

/// A transcript in five states: as it began, appended to, reworded in the middle, with a message
/// gone from the middle, shortened.
fn states(sandbox: &Sandbox) -> Vec<Transcript> {
    let first = sandbox.transcript(1).user("one").agent("two").user("three").agent("four");
    let longer = first.clone().user("five").tool("Bash", &json!({"command": "ls"}), "a b");
    let reworded = longer.clone().reworded(2, "three, in other words");
    let holed = reworded.clone().without(3);
    let shorter = holed.clone().without_last(2);
    vec![first, longer, reworded, holed, shorter]
}

fn replay(sandbox: &Sandbox) -> Vec<Transcript> {
    let states = states(sandbox);
    for state in &states {
        state.clone().write();
        sandbox.capture();
    }
    states
}

/// Restores a revision into a home of its own, and gives the lines of its file.
fn restored(sandbox: &Sandbox, name: &str) -> Vec<Value> {
    let home = tempfile::tempdir_in(sandbox.root()).expect("a folder is made");
    let outcome = sandbox.json(["restore", name, "--home", &home.path().to_string_lossy()]);
    let file = outcome["files"][0].as_str().expect("a file");
    lines(file.as_ref())
}

fn changes(sandbox: &Sandbox, left: &str, right: &str) -> Vec<(String, String)> {
    let ran = Ran::of(sandbox.program().args(["--json", "diff", left, right]));
    assert!(ran.code <= 1, "{ran:?}");
    let diff: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let text = |message: &Value| match &message["content"] {
        Value::String(text) => text.clone(),
        blocks => blocks[0]["text"].as_str().unwrap_or("(tool)").to_owned(),
    };
    let changes = diff["changes"].as_array().expect("changes");
    let of = |change: &Value| {
        let what = change["change"].as_str().expect("a name").to_owned();
        let text = match what.as_str() {
            "changed" => format!("{} → {}", text(&change["left"]), text(&change["right"])),
            _ => text(&change["message"]),
        };
        (what, text)
    };
    let changes: Vec<(String, String)> = changes.iter().map(of).collect();
    assert_eq!(ran.code == 1, !changes.is_empty(), "the exit code tells whether they differ");
    changes
}

fn owned(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    changes.iter().map(|&(what, text)| (what.to_owned(), text.to_owned())).collect()
}

#[test]
fn each_state_is_one_revision_and_comes_back_exactly() {
    let sandbox = Sandbox::new();
    let states = replay(&sandbox);
    let id = states[0].short();
    let log = sandbox.json(["log", &id]);
    let revisions = log["revisions"].as_array().expect("revisions");
    assert_eq!(revisions.len(), states.len(), "one revision each: {log}");
    for (back, state) in states.iter().rev().enumerate() {
        let by_number = restored(&sandbox, &format!("{id}@~{back}"));
        assert_eq!(by_number, state.lines(), "{back} saves back, line for line");
        let commit = revisions[back]["revision"].as_str().expect("a commit");
        assert_eq!(restored(&sandbox, &format!("{id}@{}", &commit[..10])), state.lines());
    }
    assert_eq!(restored(&sandbox, &id), states[4].lines(), "and the newest without more words");
    let none = sandbox.run(["restore", &format!("{id}@~5")]).code(3);
    assert!(none.stderr.starts_with("not found:"), "{}", none.stderr);
    sandbox.fsck();
}

#[test]
fn the_log_tells_what_came_and_went() {
    let sandbox = Sandbox::new();
    let id = replay(&sandbox)[0].short();
    let log = sandbox.json(["log", &id]);
    let counts: Vec<[u64; 3]> = log["revisions"]
        .as_array()
        .expect("revisions")
        .iter()
        .rev()
        .map(|it| ["messages", "added", "removed"].map(|key| it[key].as_u64().expect("a count")))
        .collect();
    let expected = [[4, 4, 0], [7, 3, 0], [7, 1, 1], [6, 0, 1], [4, 0, 2]];
    assert_eq!(counts, expected, "messages, added, removed of each revision, oldest first");
}

#[test]
fn neighbours_differ_in_exactly_what_was_changed() {
    let sandbox = Sandbox::new();
    let id = replay(&sandbox)[0].short();
    let diff =
        |back: u32| changes(&sandbox, &format!("{id}@~{}", back + 1), &format!("{id}@~{back}"));
    let added = [("added", "five"), ("added", "(tool)"), ("added", "(tool)")];
    assert_eq!(diff(3), owned(&added), "appended");
    assert_eq!(diff(2), owned(&[("changed", "three → three, in other words")]), "reworded");
    assert_eq!(diff(1), owned(&[("removed", "four")]), "gone from the middle");
    assert_eq!(diff(0), owned(&[("removed", "(tool)"), ("removed", "(tool)")]), "shortened");
    let all =
        [("changed", "three → three, in other words"), ("removed", "four"), ("added", "five")];
    assert_eq!(changes(&sandbox, &format!("{id}@~4"), &id), owned(&all), "first and last");
    assert_eq!(changes(&sandbox, &id, &id), [], "nothing differs from itself");
}

#[test]
fn words_that_changed_are_marked_within_the_message() {
    let sandbox = Sandbox::new();
    let id = replay(&sandbox)[0].short();
    let diff = sandbox.run(["diff", &format!("{id}@~3"), &format!("{id}@~2")]).code(1).stdout;
    assert!(diff.contains("three{+, in other words+}"), "{diff}");
}

#[test]
fn two_sessions_can_be_compared() {
    let sandbox = Sandbox::new();
    let left = sandbox.transcript(1).user("one").agent("two").write();
    let right = sandbox.transcript(2).user("one").agent("three").write();
    sandbox.capture();
    let ran = sandbox.run(["diff", &left.short(), &right.short()]).code(1);
    assert!(ran.stdout.contains("two"), "{}", ran.stdout);
    assert!(ran.stdout.contains("three"), "{}", ran.stdout);
}

#[test]
fn a_rollback_is_a_revision_and_capture_does_not_undo_it() {
    let sandbox = Sandbox::new();
    let states = states(&sandbox);
    let id = states[0].short();
    for state in &states[..2] {
        state.clone().write();
        sandbox.capture();
    }
    sandbox.run(["rollback", &id, "~1"]).ok();
    let log = sandbox.json(["log", &id]);
    assert_eq!(log["revisions"][0]["operation"], "rollback");
    assert_eq!(log["revisions"][0]["messages"], 4);
    assert_eq!(restored(&sandbox, &id), states[0].lines(), "the session is what it was");
    let again = sandbox.json(["capture"]);
    assert_eq!(again["revision"], Value::Null, "the agent's longer file adds nothing: {again}");
    fs::remove_file(sandbox.store().join("annals/sources.db")).expect("it is there");
    let again = sandbox.json(["capture"]);
    assert_eq!(again["revision"], Value::Null, "nor when it is read afresh: {again}");
    sandbox.run(["rollback", &id, "~1"]).ok();
    assert_eq!(restored(&sandbox, &id), states[1].lines(), "and forward again");
    let nothing = sandbox.json(["rollback", &id, "~0"]);
    assert_eq!(nothing["revision"], Value::Null, "to where it is: {nothing}");
}

#[test]
fn a_session_grows_on_from_where_it_was_rolled_back_to() {
    let sandbox = Sandbox::new();
    let states = states(&sandbox);
    let id = states[0].short();
    for state in &states[..2] {
        state.clone().write();
        sandbox.capture();
    }
    sandbox.run(["rollback", &id, "~1"]).ok();
    sandbox.run(["restore", &id, "--force"]).ok();
    assert_eq!(lines(&states[0].path()), states[0].lines(), "the agent's file is rolled back too");
    let again = sandbox.json(["capture"]);
    assert_eq!(again["revision"], Value::Null, "which is nothing new: {again}");
    let grown = states[0].clone().line(json!({
        "type": "user", "uuid": "0000beef-aaaa-4bbb-8ccc-000000000001",
        "parentUuid": states[0].lines()[3]["uuid"], "timestamp": "2026-11-21T10:00:00.000Z",
        "cwd": "/work/demo", "sessionId": states[0].id(),
        "message": {"role": "user", "content": "another way"},
    }));
    let grown = grown.write();
    let again = sandbox.json(["capture"]);
    assert_eq!(again["updated"][0]["added"], 1, "{again}");
    assert_eq!(again["updated"][0]["messages"], 5, "what was rolled back stays away: {again}");
    assert_eq!(restored(&sandbox, &id), grown.lines());
    assert_eq!(restored(&sandbox, &format!("{id}@~2")), states[1].lines(), "history has it all");
    sandbox.fsck();
}

#[test]
fn growth_after_a_rollback_without_restore_is_taken_in() {
    let sandbox = Sandbox::new();
    let states = states(&sandbox);
    let id = states[0].short();
    for state in &states[..2] {
        state.clone().write();
        sandbox.capture();
    }
    sandbox.run(["rollback", &id, "~1"]).ok();
    let grown = states[1].clone().agent("eight").write();
    let again = sandbox.json(["capture"]);
    assert!(again["revision"].is_string(), "the agent wrote a new record: {again}");
    assert_eq!(restored(&sandbox, &id), grown.lines(), "the view is again the agent's file");
}

#[test]
fn a_fork_is_a_session_of_its_own() {
    let sandbox = Sandbox::new();
    let state = states(&sandbox).remove(1).write();
    sandbox.capture();
    let id = state.short();
    let forked = sandbox.json(["fork", &id, "--at", "3"]);
    let fork = forked["session"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(forked["session"]["counts"]["messages"], 3);
    assert_eq!(forked["session"]["origin"], json!(format!("forked from {}", state.session())));
    let native = forked["session"]["agent"]["session"].as_str().expect("an id").to_owned();
    assert_ne!(native, state.id(), "the agent knows it by another id");
    let messages = |id: &str| sandbox.json(["show", id])["messages"].clone();
    let (whole, part) = (messages(&id), messages(&fork));
    assert_eq!(part.as_array().map(Vec::as_slice), whole.as_array().map(|it| &it[..3]));
    let tip = sandbox.tip();
    assert_eq!(sandbox.json(["capture"])["revision"], Value::Null);
    assert_eq!(sandbox.tip(), tip, "the session that was forked is as it was");
    let restored = sandbox.json(["restore", &fork]);
    let file = restored["files"][0].as_str().expect("a file");
    assert!(file.ends_with(&format!("{native}.jsonl")), "{file}");
    assert_eq!(lines(file.as_ref()).len(), 3);
    assert_eq!(lines(&state.path()), state.lines(), "and its file too");
    let again = sandbox.json(["capture"]);
    assert_eq!(again["revision"], Value::Null, "a restored fork is nothing new: {again}");
    let all = sandbox.json(["list"]);
    assert_eq!(all["total"], 2, "and no third session: {all}");
}

#[test]
fn a_fork_ends_at_a_message_that_is_there() {
    let sandbox = Sandbox::new();
    let state = states(&sandbox).remove(0).write();
    sandbox.capture();
    let uuid = state.lines()[1]["uuid"].as_str().expect("an id").to_owned();
    let forked = sandbox.json(["fork", &state.short(), "--at", &uuid]);
    assert_eq!(forked["session"]["counts"]["messages"], 2);
    sandbox.run(["fork", &state.short(), "--at", "5"]).code(2);
    sandbox.run(["fork", &state.short(), "--at", "no-such-id"]).code(3);
}

#[test]
fn a_restored_fork_grows_in_its_agent() {
    let sandbox = Sandbox::new();
    let state = states(&sandbox).remove(0).write();
    sandbox.capture();
    let forked = sandbox.json(["fork", &state.short()]);
    let fork = forked["session"]["id"].as_str().expect("an id").to_owned();
    let restored = sandbox.json(["restore", &fork]);
    let file = restored["files"][0].as_str().expect("a file").to_owned();
    let text = fs::read_to_string(&file).expect("it is there");
    let mut line = state.clone().user("five").lines()[4].clone();
    line["uuid"] = json!("0000beef-aaaa-4bbb-8ccc-000000000001");
    line["sessionId"] = forked["session"]["agent"]["session"].clone();
    fs::write(&file, format!("{text}{line}\n")).expect("the agent writes");
    let again = sandbox.json(["capture"]);
    assert_eq!(
        again["captured"],
        json!([]),
        "it is the fork that grows, and no new session: {again}"
    );
    assert_eq!(again["updated"][0]["id"], json!(fork));
    assert_eq!(sandbox.json(["show", &fork])["session"]["counts"]["messages"], 5);
}

#[test]
fn edit_changes_what_people_say_and_nothing_else() {
    let sandbox = Sandbox::new();
    let state = states(&sandbox).remove(0).write();
    sandbox.capture();
    let before = sandbox.json(["show", &state.short()]);
    let edit = |editor: &str| {
        let mut command = sandbox.program();
        Ran::of(command.env("EDITOR", editor).args(["edit", &state.short()]))
    };
    let tip = sandbox.tip();
    assert!(edit("true").ok().stderr.contains("Nothing to change"));
    assert_eq!(sandbox.tip(), tip, "closing without a change changes nothing");
    let program = sandbox.root().join("editor");
    let text = "#!/bin/sh\nprintf 'title: A new title\\ntags: [x, y]\\nnotes: mine\\npinned: true\\n' > \"$1\"\n";
    fs::write(&program, text).expect("a program is written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&program, mode).expect("it may be run");
    edit(&program.to_string_lossy()).ok();
    let after = sandbox.json(["show", &state.short()]);
    assert_eq!(after["session"]["title"], "A new title");
    assert_eq!(after["session"]["tags"], json!(["x", "y"]));
    assert_eq!(after["session"]["notes"], "mine");
    assert_eq!(after["session"]["pinned"], true);
    assert_eq!(after["messages"], before["messages"]);
    assert_eq!(
        restored(&sandbox, &state.short()),
        state.lines(),
        "the agent's file has none of it"
    );
    let count = sandbox.git(["rev-list", "--count", &format!("{tip}..main")]);
    assert_eq!(count.trim(), "1", "an edit is one commit");
    assert_eq!(edit("false").code, 3, "an editor that fails changes nothing");
}

#[test]
fn what_came_from_elsewhere_stays_in_view_when_the_file_grows_or_shrinks() {
    let sandbox = Sandbox::new();
    let begun = sandbox.transcript(1).user("one").agent("two").write();
    sandbox.capture();
    let elsewhere = Record::from(Message::new("user", "from elsewhere"));
    sandbox.repository().append(begun.session(), vec![elsewhere]).expect("it is appended");
    let said = || -> Vec<String> {
        let shown = sandbox.json(["show", &begun.short()]);
        let messages = shown["messages"].as_array().expect("a list").clone();
        messages.iter().map(|it| it["content"].to_string()).collect()
    };
    let grown = begun.clone().user("three").write();
    sandbox.capture();
    assert_eq!(said().len(), 4, "nothing is hidden: {:?}", said());
    grown.user("four").write();
    sandbox.capture();
    assert_eq!(said().len(), 5, "nor later: {:?}", said());
    begun.clone().without_last(1).write();
    sandbox.capture();
    assert_eq!(said(), [r#""one""#, r#""from elsewhere""#], "what the file dropped goes");
    sandbox.fsck();
}
