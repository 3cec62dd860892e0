//! R3: managing: lists, deleting and bringing back.

use serde_json::Value;
use serde_json::json;

use crate::support::Sandbox;

/// Three sessions that differ in all that a list can be sorted by.
fn three(sandbox: &Sandbox) {
    for (number, title, times, output) in [
        (1, "Beta", ["2026-11-01T10:00:00Z", "2026-11-05T10:00:00Z"], 300),
        (2, "alpha", ["2026-11-03T10:00:00Z", "2026-11-04T10:00:00Z"], 100),
        (3, "Gamma", ["2026-11-02T10:00:00Z", "2026-11-06T10:00:00Z"], 200),
    ] {
        let text = "x".repeat([900, 500, 700][number - 1]);
        let mut messages = vec![
            json!({"role": "user", "at": times[0], "text": text}),
            json!({
                "role": "assistant", "at": times[1], "model": "m-1", "text": "Yes",
                "usage": {"input": 1, "output": output},
            }),
        ];
        let more = json!({"role": "user", "at": times[0], "text": "More."});
        messages.extend(std::iter::repeat_n(more, [1, 3, 2][number - 1]));
        let document = json!({
            "id": format!("01890000-0000-7000-8000-00000000000{number}"),
            "created": times[0],
            "title": title,
            "agent": "my-agent",
            "workspace": format!("/src/{title}"),
            "messages": messages,
        });
        sandbox.save(&document.to_string());
    }
}

fn numbers(list: &Value) -> Vec<u64> {
    let rows = list["sessions"].as_array().expect("rows");
    let number = |row: &Value| row["short"].as_str().and_then(|it| it.parse().ok());
    rows.iter().map(|row| number(row).expect("a number")).collect()
}

#[test]
fn r3_1_lists_are_sorted_by_each_key_both_ways() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    let expected = [
        ("modified", [3, 1, 2]),
        ("created", [2, 3, 1]),
        ("messages", [2, 3, 1]),
        ("tokens", [1, 3, 2]),
        ("size", [1, 3, 2]),
        ("title", [2, 1, 3]),
    ];
    for (key, order) in expected {
        assert_eq!(numbers(&sandbox.json(["list", "--sort", key])), order, "by {key}");
        let mut reversed = order;
        reversed.reverse();
        let list = sandbox.json(["list", "--sort", key, "--reverse"]);
        assert_eq!(numbers(&list), reversed, "by {key}, turned around");
    }
    assert_eq!(numbers(&sandbox.json(["list"])), [3, 1, 2], "newest first unless asked");
}

#[test]
fn r3_1_lists_are_paged() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    let mut seen = Vec::new();
    for page in ["1", "2", "3", "4"] {
        let list = sandbox.json(["list", "-n", "1", "--page", page, "--sort", "title"]);
        assert_eq!(list["total"], 3, "each page tells how many match");
        seen.extend(numbers(&list));
    }
    assert_eq!(seen, [2, 1, 3], "the pages together hold each session once, in order");
    let text = sandbox.run(["list", "-n", "2"]).ok();
    assert!(text.stderr.contains("1–2 of 3. The next: --page 2"), "{}", text.stderr);
}

#[test]
fn r3_2_each_row_has_what_tells_a_session() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("Fix the login").agent("On it.").write();
    sandbox.capture();
    let list = sandbox.json(["list"]);
    let row = &list["sessions"][0];
    assert_eq!(row["short"], json!(transcript.short()));
    assert_eq!(row["preview"], "Fix the login", "what was asked first, as nobody gave a title");
    assert_eq!(row["created"], "2026-11-20T10:00:00.000Z");
    assert_eq!(row["modified"], "2026-11-20T10:00:01.000Z");
    assert_eq!(row["counts"]["messages"], 2);
    assert_eq!(row["tokens"]["total"], 15);
    assert_eq!(row["models"], json!(["claude-opus-4-5"]));
    assert_eq!(row["agent"]["name"], "claude-code");
    assert_eq!(row["workspace"], json!({"root": "/work/demo", "branch": "main"}));
    let text = sandbox.run(["list"]).ok().stdout;
    for part in [&*transcript.short(), "Fix the login", "2 d ago", "opus-4-5", "claude-code"] {
        assert!(text.contains(part), "a row shows {part}:\n{text}");
    }
}

#[test]
fn r3_2_ids_that_end_alike_are_told_apart() {
    let sandbox = Sandbox::new();
    for first in ["aaaa", "bbbb"] {
        let document = json!({
            "id": format!("0189{first}-0000-7000-8000-0000deadbeef"),
            "messages": [{"role": "user", "text": first}],
        });
        sandbox.save(&document.to_string());
    }
    let list = sandbox.run(["list"]).ok().stdout;
    let ids: Vec<&str> =
        list.lines().skip(1).filter_map(|row| row.split_whitespace().next()).collect();
    assert_eq!(ids.len(), 2, "{list}");
    let refused = sandbox.run(["show", "deadbeef"]).code(3);
    for first in ["aaaa", "bbbb"] {
        let whole = format!("0189{first}-0000-7000-8000-0000deadbeef");
        assert!(refused.stderr.contains(&whole), "candidates are named whole: {}", refused.stderr);
        let shown = sandbox.json(["show", &whole[..8]]);
        assert_eq!(shown["session"]["id"], json!(whole), "a beginning tells them apart");
    }
}

#[test]
fn r3_3_delete_asks_and_without_a_terminal_refuses() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    let tip = sandbox.tip();
    let refused = sandbox.run(["delete", "00000001"]).code(3);
    assert_eq!(refused.stdout, "");
    let text = "not done: Nothing was deleted: without a terminal, `annals delete` needs --yes.\n";
    assert_eq!(refused.stderr, text);
    sandbox.run_with(["delete", "00000001"], "y\n").code(3);
    assert_eq!(sandbox.tip(), tip, "nothing happened");
}

#[test]
fn r3_3_delete_leaves_a_tombstone_without_content_and_nothing_in_lists() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    sandbox.run(["note", "00000001", "quixotic"]).ok();
    sandbox.run(["tag", "00000001", "zanzibar"]).ok();
    sandbox.run(["delete", "00000001", "--yes"]).ok();
    let id = "01890000-0000-7000-8000-000000000001";
    let tree = sandbox.tree();
    assert!(
        !tree.iter().any(|(name, _)| name.starts_with(&format!("sessions/01/{id}"))),
        "the session's folder is gone from the tip"
    );
    let name = format!("tombstones/01/{id}.yaml");
    let (_, tombstone) = tree.iter().find(|(it, _)| *it == name).expect("a tombstone");
    for word in ["Beta", "quixotic", "zanzibar", "More.", "xxx", "/src"] {
        assert!(!tombstone.contains(word), "a tombstone has no content:\n{tombstone}");
    }
    assert!(
        !tree.iter().any(|(name, text)| name.starts_with("sessions/") && text.contains("Beta")),
        "nor has any other file at the tip"
    );
    let list = sandbox.json(["list", "--all"]);
    assert_eq!((list["total"].as_u64(), numbers(&list)), (Some(2), vec![3, 2]));
    for filter in [["--tag", "zanzibar"], ["--workspace", "Beta"], ["--date", "2026-11-01"]] {
        let list = sandbox.json(["list", filter[0], filter[1]]);
        assert_eq!(list["total"], 0, "no filter finds it: {filter:?}");
    }
    for command in ["show", "log", "diff", "restore"] {
        let ran = sandbox.run([command, "00000001"]).code(3);
        assert!(ran.stderr.starts_with("not found:"), "{command}: {}", ran.stderr);
    }
    sandbox.fsck();
}

#[test]
fn r3_3_undelete_brings_it_back_as_it_was() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    sandbox.run(["tag", "00000001", "zanzibar"]).ok();
    let before = sandbox.json(["show", "00000001"]);
    sandbox.run(["delete", "00000001", "--yes"]).ok();
    let back = sandbox.json(["undelete", "00000001"]);
    assert_eq!(back["kind"], "annals.undelete/1");
    let after = sandbox.json(["show", "00000001"]);
    assert_eq!(after["messages"], before["messages"], "the conversation is as it was");
    for field in ["title", "tags", "tokens", "counts", "created", "workspace"] {
        assert_eq!(after["session"][field], before["session"][field], "{field} is as it was");
    }
    assert!(
        !sandbox.tree().iter().any(|(name, _)| name.starts_with("tombstones/")),
        "the tombstone goes"
    );
    assert_eq!(numbers(&sandbox.json(["list", "--tag", "zanzibar"])), [1]);
    let again = sandbox.run(["undelete", "00000001"]).code(3);
    assert!(again.stderr.starts_with("in the way:"), "{}", again.stderr);
}

#[test]
fn r3_3_history_keeps_what_was_deleted() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    let tip = sandbox.tip();
    sandbox.run(["delete", "00000001", "00000002", "--yes"]).ok();
    let count = sandbox.git(["rev-list", "--count", &format!("{tip}..main")]);
    assert_eq!(count.trim(), "1", "several sessions are deleted in one commit");
    let path = "sessions/01/01890000-0000-7000-8000-000000000001/session.yaml";
    let head = sandbox.git(["cat-file", "blob", &format!("{tip}:{path}")]);
    assert!(head.contains("title: Beta"), "the revision before has it:\n{head}");
}

#[test]
fn r3_3_capture_brings_a_deleted_session_back_only_if_its_agent_went_on() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("one").agent("two").write();
    sandbox.capture();
    sandbox.run(["delete", &transcript.short(), "--yes"]).ok();
    let tip = sandbox.tip();
    for _ in 0..2 {
        let again = sandbox.json(["capture"]);
        assert_eq!(again["revision"], Value::Null, "it stays deleted: {again}");
    }
    std::fs::remove_file(sandbox.store().join("annals/sources.db")).expect("it is there");
    let again = sandbox.json(["capture"]);
    assert_eq!(again["deleted"], 1, "also when the file is read afresh: {again}");
    transcript.clone().reworded(1, "two, in other words").write();
    sandbox.json(["capture"]);
    assert_eq!(sandbox.tip(), tip, "and when no record is new");
    transcript.clone().user("three").write();
    let back = sandbox.json(["capture"]);
    assert_eq!(back["notices"].as_array().map(Vec::len), Some(1), "it is told: {back}");
    let shown = sandbox.json(["show", &transcript.short()]);
    assert_eq!(shown["messages"].as_array().map(Vec::len), Some(3), "the session is whole again");
    assert!(
        !sandbox.tree().iter().any(|(name, _)| name.starts_with("tombstones/")),
        "the tombstone goes"
    );
}

#[test]
fn r3_3_sub_agents_go_and_come_with_their_session() {
    let sandbox = Sandbox::new();
    let input = json!({"prompt": "look"});
    let transcript = sandbox.transcript(1).user("one").tool("Task", &input, "found").write();
    let child = transcript.write_subagent("abc123", "toolu_00000001", "look");
    let other = sandbox.transcript(2).user("another").write();
    sandbox.capture();
    let list = sandbox.json(["list"]);
    assert_eq!(list["total"], 2, "lists fold sub-agents: {list}");
    let all = sandbox.json(["list", "--all"]);
    assert_eq!(all["total"], 3);
    let row = sandbox.json(["show", &child.to_string()]);
    let parent =
        json!({"session": transcript.session().to_string(), "tool_call": "toolu_00000001"});
    assert_eq!(row["session"]["parent"], parent);
    let deleted = sandbox.json(["delete", &transcript.short(), "--yes"]);
    assert_eq!(deleted["deleted"].as_array().map(Vec::len), Some(2), "it goes along: {deleted}");
    let all = sandbox.json(["list", "--all"]);
    assert_eq!(all["sessions"][0]["short"], json!(other.short()), "only the other is left");
    assert_eq!(all["total"], 1);
    sandbox.run(["undelete", &transcript.short()]).ok();
    assert_eq!(sandbox.json(["list", "--all"])["total"], 3, "and comes back along");
    sandbox.run(["delete", &child.to_string(), "--yes"]).ok();
    assert_eq!(sandbox.json(["list"])["total"], 2, "a sub-agent can be deleted alone");
    sandbox.fsck();
}

#[test]
fn r3_3_delete_of_several_is_all_or_nothing() {
    let sandbox = Sandbox::new();
    three(&sandbox);
    let tip = sandbox.tip();
    sandbox.run(["delete", "00000001", "99999999", "--yes"]).code(3);
    assert_eq!(sandbox.tip(), tip, "one unknown id, and none is deleted");
    sandbox.run(["delete", "00000001@~1", "--yes"]).code(3);
    assert_eq!(sandbox.tip(), tip, "a revision cannot be deleted");
}
