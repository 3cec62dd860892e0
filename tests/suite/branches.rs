//! Sessions that went on in several ways from one message.

use std::path::Path;
use std::time::Duration;

use annals::repository::LiveOptions;
use annals::repository::LiveSession;
use annals::repository::Restored;
use annals::session::Message;
use annals::session::Record;
use annals::session::SessionId;
use serde_json::Value;

use crate::support::Sandbox;
use crate::support::lines;
use crate::sync::World;
use crate::sync::begun;
use crate::sync::said;

/// A session of Claude Code that two machines continued, merged on both.
fn forked() -> (World, String) {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    begun(a).write();
    a.capture();
    world.settle();
    begun(a).by(1).user("make it faster").agent("done").write();
    begun(b).by(2).user("with a cache?").agent("yes").user("which one?").write();
    a.capture();
    b.capture();
    world.settle();
    let id = begun(a).short();
    (world, id)
}

#[test]
fn branches_are_drawn_shown_forked_and_compared() {
    let (world, id) = forked();
    let a = &world.machines[0];
    insta::assert_snapshot!(a.run(["show", &id, "--tree"]).ok().stdout, @r"
    2 messages in common
    ├─ 1  make it faster  2 messages, 2 d ago
    └─ 2  with a cache?   3 messages, 2 d ago  last used

    annals show ID --branch N shows one of them; fork and diff take them too.
    ");
    let tree = a.json(["show", &id, "--tree"]);
    assert_eq!(tree["common"], 2, "{tree}");
    let last_used = |it: &&Value| it["is_last_used"] == true;
    let branches = tree["branches"].as_array().expect("branches");
    assert_eq!(branches.iter().filter(last_used).count(), 1);
    let texts = |number: &str| -> Vec<String> {
        let shown = a.json(["show", &id, "--branch", number]);
        let messages = shown["messages"].as_array().expect("messages").iter();
        let text = |it: &Value| match &it["content"] {
            Value::String(text) => text.clone(),
            blocks => blocks[0]["text"].as_str().unwrap_or_default().to_owned(),
        };
        messages.map(text).collect()
    };
    let mut both = [texts("1"), texts("2")];
    both.sort();
    assert_eq!(both[0], ["what is up?", "not much", "make it faster", "done"]);
    assert_eq!(both[1], ["what is up?", "not much", "with a cache?", "yes", "which one?"]);

    // The agent goes on with the end of its file.
    let restored = a.json(["restore", &id, "--force"]);
    let file = restored["files"][0].as_str().expect("a file");
    let last = lines(Path::new(file)).into_iter().rfind(|it| it["uuid"].is_string());
    assert_eq!(last.expect("a line")["message"]["content"], "which one?");

    let forked = a.json(["fork", &id, "--branch", "1"]);
    let fork = forked["session"]["id"].as_str().expect("an id");
    assert_eq!(said(a, fork), texts("1"), "a fork has that branch alone");
    let compared = a.run(["diff", &id, "--branches", "1", "2", "--stat"]).code(1).stdout;
    assert!(compared.contains("branch 1 of") && compared.contains("2 equal"), "{compared}");
    for (command, code) in [("show", 2), ("fork", 3)] {
        let refused = a.run([command, &id, "--branch", "3"]).code(code).stderr;
        assert!(refused.to_lowercase().contains("there is no branch 3"), "{refused}");
    }
}

fn held(machine: &Sandbox, id: SessionId) -> (LiveSession, Restored) {
    let never = Duration::from_secs(200);
    let options = LiveOptions { interval: never, idle: never, ..LiveOptions::default() };
    machine.repository().resume(id, &options).expect("it is held")
}

fn texts(records: &[Record]) -> Vec<String> {
    records.iter().filter_map(|it| it.as_message()?.preview()).collect()
}

#[test]
fn a_program_goes_on_with_the_branch_last_used_and_what_it_says_joins_that() {
    let mut world = World::new(2);
    world.machines[1].set_now("2026-11-20T13:00:00Z");
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    let say = |live: &LiveSession, text: &str| {
        live.append(vec![Message::new("user", text).into()]).expect("appended");
    };
    let live = a.repository().create("mine", &LiveOptions::default()).expect("created");
    let id = live.id();
    say(&live, "in common");
    live.close().expect("saved");
    world.settle();
    for (machine, text) in [(b, "later, on b"), (a, "earlier, on a")] {
        let (live, _) = held(machine, id);
        say(&live, text);
        live.close().expect("saved");
    }
    world.settle();
    let (live, restored) = held(a, id);
    assert_eq!(texts(&restored.records), ["in common", "later, on b"]);
    say(&live, "and on");
    live.close().expect("saved");
    world.settle();
    let (live, restored) = held(b, id);
    assert_eq!(texts(&restored.records), ["in common", "later, on b", "and on"]);
    live.close().expect("nothing to save");
    let tree = b.json(["show", &id.to_string(), "--tree"]);
    assert_eq!(tree["branches"].as_array().map(Vec::len), Some(2), "{tree}");
    assert_eq!(said(b, &id.to_string()).len(), 4, "the other branch is still there");
}
