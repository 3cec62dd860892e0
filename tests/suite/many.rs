//! Several processes at once: all is there, nothing is doubled, nobody sees an error.

use std::collections::BTreeSet;
use std::thread;

use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;

/// How many processes work side by side.
pub(crate) const WORKERS: u64 = 8;

/// How often each saves.
pub(crate) const SAVES: u64 = 50;

/// Runs `saves` real processes one after the other in each of the workers, side by side.
fn at_once(sandbox: &Sandbox, workers: u64, saves: u64, run: impl Fn(u64, u64) -> Ran + Sync) {
    let _ = sandbox;
    thread::scope(|scope| {
        for worker in 0..workers {
            let run = &run;
            scope.spawn(move || {
                for save in 0..saves {
                    let ran = run(worker, save);
                    assert_eq!(ran.code, 0, "no caller sees an error: {ran:?}");
                }
            });
        }
    });
}

/// The document of a session with `count` messages of one worker.
fn document(id: &str, worker: u64, count: u64) -> String {
    let message = |number: u64| {
        json!({
            "role": "user", "id": format!("w{worker}-{number}"),
            "at": format!("2026-11-20T{:02}:{:02}:{:02}Z", worker, number / 60, number % 60),
            "text": format!("worker {worker} says {number}"),
        })
    };
    let messages: Vec<Value> = (0..count).map(message).collect();
    json!({"id": id, "agent": "many", "messages": messages}).to_string()
}

pub(crate) fn id(worker: u64) -> String {
    format!("01890000-0000-7000-8000-00000000a0{worker:02}")
}

pub(crate) fn said(sandbox: &Sandbox, id: &str) -> Vec<String> {
    let shown = sandbox.json(["show", id]);
    let messages = shown["messages"].as_array().expect("messages");
    messages.iter().map(|it| it["content"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn eight_processes_save_fifty_times_each_to_sessions_of_their_own() {
    let sandbox = Sandbox::new();
    at_once(&sandbox, WORKERS, SAVES, |worker, save| {
        sandbox.run_with(["save", "-"], &document(&id(worker), worker, save + 1))
    });
    for worker in 0..WORKERS {
        let expected: Vec<String> =
            (0..SAVES).map(|number| format!("worker {worker} says {number}")).collect();
        assert_eq!(said(&sandbox, &id(worker)), expected, "all are there, in order, once");
        let log = sandbox.json(["log", &id(worker)]);
        let revisions = log["revisions"].as_array().map(Vec::len);
        assert_eq!(revisions, Some(50), "each save that was acknowledged is a revision");
    }
    assert_eq!(sandbox.json(["list"])["total"], WORKERS);
    assert_eq!(sandbox.json(["doctor"])["verdict"], "fine");
    sandbox.fsck();
}

#[test]
fn eight_processes_save_fifty_times_each_to_one_session() {
    let sandbox = Sandbox::new();
    at_once(&sandbox, WORKERS, SAVES, |worker, save| {
        sandbox.run_with(["save", "-"], &document(&id(0), worker, save + 1))
    });
    let said = said(&sandbox, &id(0));
    let all: BTreeSet<String> = said.iter().cloned().collect();
    assert_eq!(said.len(), 400, "nothing is doubled");
    assert_eq!(all.len(), 400, "nothing is lost");
    for worker in 0..WORKERS {
        let prefix = format!("worker {worker} says ");
        let own: Vec<u64> =
            said.iter().filter_map(|it| it.strip_prefix(&prefix)?.parse().ok()).collect();
        assert_eq!(own, (0..SAVES).collect::<Vec<_>>(), "each one's messages keep their order");
    }
    assert_eq!(sandbox.json(["doctor"])["verdict"], "fine");
    sandbox.fsck();
}

#[test]
fn processes_that_capture_one_growing_home_double_nothing() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1);
    let path = transcript.path();
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
    let growing = (0..120).fold(transcript, |it, number| it.user(&format!("number {number}")));
    std::fs::write(&path, "").expect("the file is there");
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            use std::io::Write as _;
            let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("it opens");
            for line in growing.lines() {
                let (start, end) = {
                    let text = format!("{line}\n");
                    let at = text.len() / 2;
                    (text[..at].to_owned(), text[at..].to_owned())
                };
                file.write_all(start.as_bytes()).expect("it grows");
                thread::yield_now();
                file.write_all(end.as_bytes()).expect("it grows");
                thread::yield_now();
            }
        });
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..8 {
                    let ran = sandbox.run(["capture"]);
                    assert_eq!(ran.code, 0, "no caller sees an error: {ran:?}");
                }
            });
        }
        writer.join().expect("the agent writes to the end");
    });
    sandbox.capture();
    let expected: Vec<String> = (0..120).map(|number| format!("number {number}")).collect();
    assert_eq!(said(&sandbox, &growing.short()), expected, "all lines are there once, in order");
    let shown = sandbox.json(["show", &growing.short()]);
    assert_eq!(shown["session"]["counts"].get("unreadable"), None, "no torn line is left");
    let tip = sandbox.tip();
    sandbox.capture();
    assert_eq!(sandbox.tip(), tip, "and a capture of what is there adds nothing");
    assert_eq!(sandbox.json(["doctor"])["verdict"], "fine");
    sandbox.fsck();
}

#[test]
fn edits_at_once_are_all_kept() {
    let sandbox = Sandbox::new();
    let id = sandbox.save("messages:\n- {role: user, text: Hi}\n");
    at_once(&sandbox, 4, 8, |worker, save| sandbox.run(["tag", &id, &format!("t{worker}-{save}")]));
    let tags = &sandbox.json(["show", &id])["session"]["tags"];
    assert_eq!(tags.as_array().map(Vec::len), Some(32), "no edit is lost: {tags}");
    sandbox.fsck();
}

#[test]
fn reading_goes_on_while_others_write_and_pack() {
    let sandbox = Sandbox::new();
    let id = sandbox.save("messages:\n- {role: user, text: Hi}\n");
    at_once(&sandbox, 4, 6, |worker, save| match worker {
        0 => sandbox.run(["gc"]),
        1 => sandbox.run(["show", &id]),
        2 => sandbox.run(["list"]),
        _ => sandbox.run(["note", &id, &format!("{save}")]),
    });
    sandbox.fsck();
}
