//! `annals scrub` and `annals purge`: what must go leaves every revision and the disk, and nothing
//! else changes; killed anywhere, they go on or leave all as it was.

use std::fs;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use annals::repository::Edit;
use annals::repository::LiveOptions;
use annals::session::Message;
use serde_json::json;

use crate::support::Sandbox;

/// What must go. No rule knows it.
const VALUE: &str = "plum-tree-77/orchard";

/// A token that the rules know, in two halves, so that no scanner takes this file for a leak.
fn token() -> String {
    ["ghp_", "a8Fj2kLm9Qr4TzXw7Yb3Nc6Vd1Pe5Hs0UgAi"].concat()
}

/// A store in which the value stands nearly everywhere, and one session that has none of it.
fn orchard() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let transcript = sandbox
        .transcript(1)
        .user(&format!("Look at {VALUE} please"))
        .tool("Bash", &json!({"command": format!("echo {VALUE}")}), &format!("out: {VALUE}\n"))
        .agent("It is there.")
        .write();
    sandbox.transcript(2).user("What of the pears?").agent("They are ripe.").write();
    sandbox.capture();
    let id = transcript.id();
    sandbox.run(["rename", &id, &format!("About {VALUE}")]).ok();
    sandbox.run(["note", &id, &format!("see {VALUE}")]).ok();
    sandbox.run(["tag", &id, "fruit"]).ok();
    (sandbox, id)
}

fn scrub(sandbox: &Sandbox) -> crate::support::Ran {
    sandbox.run_with(["scrub", "--value", "--yes"], VALUE)
}

/// The value stands nowhere outside the home.
fn assert_gone(sandbox: &Sandbox, value: &str) {
    let holds = |bytes: &[u8]| memchr::memmem::find(bytes, value.as_bytes()).is_some();
    for (path, bytes) in sandbox.every_file() {
        assert!(!holds(&bytes), "{} holds it", path.display());
    }
    assert!(!holds(&sandbox.every_object()), "some object holds it");
}

fn assert_whole(sandbox: &Sandbox) {
    sandbox.run(["doctor"]).ok();
    sandbox.fsck();
}

fn total(sandbox: &Sandbox) -> u64 {
    sandbox.json(["list"])["total"].as_u64().expect("a number")
}

#[test]
fn a_value_leaves_every_revision_and_the_disk() {
    let (sandbox, id) = orchard();
    sandbox.git(["update-ref", "refs/annals/backup/before", "main~1"]);
    sandbox.git(["tag", "mine", "main~2"]);
    sandbox.run(["gc"]).ok();
    let revisions = sandbox.json(["log", &id])["revisions"].as_array().map(Vec::len);
    let ran = scrub(&sandbox).ok();
    assert!(ran.stderr.contains("4 of 5 revisions"), "the init stays as it was: {}", ran.stderr);
    assert_gone(&sandbox, VALUE);
    assert_whole(&sandbox);
    let after = sandbox.json(["log", &id])["revisions"].as_array().map(Vec::len);
    assert_eq!(after, revisions, "each revision of the session is still there");
    let shown = sandbox.run(["show", &id, "--tools"]).ok().stdout;
    assert!(shown.contains("Look at [redacted:scrubbed] please"), "{shown}");
    assert!(shown.contains("out: [redacted:scrubbed]"), "{shown}");
    let again = sandbox.run_with(["scrub", "--value", "--yes"], VALUE).ok();
    assert!(again.stderr.contains("Nothing to scrub"), "{}", again.stderr);
}

#[test]
fn what_does_not_hold_it_keeps_its_tree() {
    let (sandbox, _) = orchard();
    let trees = |sandbox: &Sandbox| {
        let listed = sandbox.git(["ls-tree", "-d", "-r", "main", "sessions/"]);
        let ids = listed.lines().filter(|line| line.split('/').count() == 3);
        ids.map(str::to_owned).collect::<std::collections::BTreeSet<String>>()
    };
    let before = trees(&sandbox);
    scrub(&sandbox).ok();
    assert_eq!(before.intersection(&trees(&sandbox)).count(), 1, "one of the two sessions");
}

#[test]
fn capture_adds_nothing_after_a_scrub_and_then_only_what_is_new() {
    let (sandbox, id) = orchard();
    scrub(&sandbox).ok();
    let ran = sandbox.json(["capture"]);
    assert_eq!(ran["revision"], json!(null), "{ran}");
    let transcript = sandbox
        .transcript(1)
        .user(&format!("Look at {VALUE} please"))
        .tool("Bash", &json!({"command": format!("echo {VALUE}")}), &format!("out: {VALUE}\n"))
        .agent("It is there.")
        .user("And now?")
        .write();
    assert_eq!(transcript.id(), id);
    let ran = sandbox.json(["capture"]);
    assert_eq!(ran["updated"][0]["added"], 1, "{ran}");
    assert_gone(&sandbox, VALUE);
    assert_whole(&sandbox);
}

#[test]
fn what_todays_rules_find_goes_too() {
    let (sandbox, id) = orchard();
    // As an older version, with fewer rules, would have stored it.
    let clone = sandbox.root().join("clone");
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        let names = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
        let ran = command.arg("-C").arg(&clone).args(names).args(args).output().expect("it runs");
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    sandbox.run(["checkout", clone.to_str().expect("UTF-8")]).ok();
    let chunk = sandbox.tree().into_iter().find(|(_, text)| text.contains("It is there."));
    let (name, text) = chunk.expect("a file has it");
    fs::write(clone.join(name), text.replace("It is there.", &format!("It is {}.", token())))
        .expect("it is written");
    fs::write(clone.join("README.md"), format!("use {}\n", token())).expect("it is written");
    git(&["add", "."]);
    git(&["commit", "-q", "-m", &format!("a change by hand, with {}", token())]);
    git(&["push", "-q", "origin", "HEAD:main"]);
    fs::remove_dir_all(&clone).expect("it is removed");
    sandbox.run(["tag", &id, "more"]).ok();
    let found = sandbox.run(["scan", "--all", "--history"]).code(1);
    assert!(found.stdout.contains("github-token"), "{}", found.stdout);
    let plan = sandbox.json(["scrub", "--dry-run"]);
    assert_eq!(plan["sessions"][0]["versions"], 2, "{plan}");
    assert_eq!(plan["revision"], json!(null), "a dry run changes nothing");
    sandbox.run(["scrub", "--yes"]).ok();
    sandbox.run(["scan", "--all", "--history"]).code(0);
    assert_gone(&sandbox, &token());
    assert_whole(&sandbox);
    let readme = sandbox.git(["show", "main:README.md"]);
    assert_eq!(readme, "use [redacted:github-token]\n");
    let log = sandbox.git(["log", "--format=%s", "main"]);
    assert!(log.contains("a change by hand, with [redacted:github-token]"), "{log}");
}

#[test]
fn a_purge_takes_a_session_and_its_subagents_out_of_all_history() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user(&format!("Grow {VALUE}")).agent("Yes.");
    transcript.write_subagent("a1b2c3", "toolu_1", &format!("for {VALUE}"));
    let transcript = transcript.write();
    sandbox.transcript(2).user("Another one").write();
    sandbox.capture();
    sandbox.run(["rename", &transcript.id(), &format!("Of {VALUE}")]).ok();
    sandbox.run(["delete", &transcript.id(), "--yes"]).ok();
    let plan = sandbox.json(["purge", &transcript.id(), "--dry-run"]);
    assert_eq!(plan["sessions"].as_array().map(Vec::len), Some(2), "with its sub-agent's: {plan}");
    sandbox.run(["purge", &transcript.id(), "--yes"]).ok();
    assert_gone(&sandbox, VALUE);
    assert_whole(&sandbox);
    assert_eq!(total(&sandbox), 1);
    sandbox.run(["undelete", &transcript.id()]).code(3);
    let log = sandbox.git(["log", "--format=%B", "main"]);
    let ours = log.matches(&transcript.session().to_string()).count();
    assert_eq!(ours, 1, "only the purge itself names it:\n{log}");
    let ran = sandbox.json(["capture"]);
    assert_eq!((&ran["revision"], &ran["captured"]), (&json!(null), &json!([])), "{ran}");
    let path = transcript.path();
    assert!(path.exists(), "the agent's own file is not touched");
}

#[test]
fn a_purged_session_comes_back_only_when_its_agent_goes_on_with_it() {
    let (sandbox, id) = orchard();
    sandbox.run(["purge", &id, "--yes"]).ok();
    assert_eq!(total(&sandbox), 1);
    let transcript = sandbox.transcript(1).user("One").agent("Two").user("Three");
    transcript.agent("Four").user("Five, and that is more than it had").write();
    let ran = sandbox.run(["capture"]).ok();
    assert!(ran.stderr.contains("came back"), "{}", ran.stderr);
    assert_eq!(total(&sandbox), 2);
    assert_whole(&sandbox);
}

#[test]
fn nothing_is_rewritten_unasked() {
    let (sandbox, id) = orchard();
    let tip = sandbox.tip();
    sandbox.run_with(["scrub", "--value"], VALUE).code(3);
    sandbox.run(["scrub", "--value", "--yes"]).code(3);
    let short = sandbox.run_with(["scrub", "--value", "--yes"], "pear").code(3);
    assert!(short.stderr.contains("too short"), "{}", short.stderr);
    sandbox.run(["purge", &id]).code(3);
    sandbox.run(["purge", "nosuch99", "--yes"]).code(3);
    sandbox.run(["scrub", "--yes"]).ok();
    assert_eq!(sandbox.tip(), tip, "all is as it was");
}

#[test]
fn a_ref_that_leads_to_no_commit_stops_it_before_anything_changes() {
    let (sandbox, _) = orchard();
    let tree = sandbox.git(["rev-parse", "main^{tree}"]);
    sandbox.git(["update-ref", "refs/odd", tree.trim()]);
    let tip = sandbox.tip();
    let ran = scrub(&sandbox).code(3);
    assert!(ran.stderr.contains("refs/odd"), "{}", ran.stderr);
    assert_eq!(sandbox.tip(), tip);
}

#[test]
fn a_store_that_is_open_elsewhere_goes_on_after_it() {
    let (sandbox, id) = orchard();
    sandbox.run(["gc"]).ok();
    let mut open = sandbox.repository();
    let session = open.resolve(&id, None).expect("it is there").id;
    open.edit(session, &[Edit::Tag(vec!["before".to_owned()])]).expect("it is tagged");
    scrub(&sandbox).ok();
    open.edit(session, &[Edit::Tag(vec!["after".to_owned()])]).expect("it is tagged");
    let created = open.create("mine", &LiveOptions::default()).expect("a session is made").id();
    open.append(created, vec![Message::new("user", "still here").into()]).expect("appended");
    drop(open);
    assert_gone(&sandbox, VALUE);
    assert_whole(&sandbox);
    let tags = sandbox.json(["show", &id])["session"]["tags"].clone();
    assert_eq!(tags, json!(["after", "before", "fruit"]));
}

/// Live options under which only the test itself makes a save due.
fn by_hand(journal: bool) -> LiveOptions {
    let never = Duration::from_secs(300);
    LiveOptions { interval: never, idle: never, journal, ..LiveOptions::default() }
}

#[test]
fn what_a_running_program_has_not_saved_yet_is_never_brought_back() {
    let (sandbox, id) = orchard();
    let mut open = sandbox.repository();
    let session = open.resolve(&id, None).expect("it is there").id;
    let (live, _) = open.resume(session, &by_hand(true)).expect("it is held");
    live.append(vec![Message::new("user", &format!("Still of {VALUE}")).into()]).expect("appended");
    let tip = sandbox.tip();
    let refused = scrub(&sandbox).code(4);
    let short = session.short();
    assert!(
        refused.stderr.contains(&format!("session {short} is held by a program")),
        "{refused:?}"
    );
    let process = format!("(process {})", std::process::id());
    assert!(refused.stderr.contains(&process), "it says which: {}", refused.stderr);
    assert!(refused.stderr.contains("Then try again"), "and what to do: {}", refused.stderr);
    assert_eq!(sandbox.tip(), tip, "nothing was changed");
    let plan = sandbox.run_with(["--json", "scrub", "--value", "--dry-run"], VALUE).ok();
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).expect("it is JSON");
    assert_eq!(plan["unsaved"], json!([session.to_string()]));
    live.save().expect("it saves");
    scrub(&sandbox).ok();
    assert_gone(&sandbox, VALUE);
    // The program goes on, as if nothing had been.
    live.append(vec![Message::new("user", "And now of pears").into()]).expect("appended");
    live.close().expect("it saves what is new");
    drop(open);
    assert_gone(&sandbox, VALUE);
    assert_whole(&sandbox);
    let shown = sandbox.run(["show", &id]).ok().stdout;
    assert!(shown.contains("Still of [redacted:scrubbed]"), "{shown}");
    assert!(shown.contains("And now of pears"), "{shown}");
}

#[test]
fn a_value_that_only_a_running_program_holds_is_told_of() {
    let sandbox = Sandbox::new();
    let mut open = sandbox.repository();
    let live = open.create("mine", &by_hand(true)).expect("created");
    live.append(vec![Message::new("user", &format!("of {VALUE}")).into()]).expect("appended");
    let refused = scrub(&sandbox).code(4);
    assert!(!refused.stderr.contains("Nothing to scrub"), "{}", refused.stderr);
    assert!(refused.stderr.contains(&live.id().short()), "{}", refused.stderr);
    sandbox.run_with(["scrub", "--value", "--dry-run"], VALUE).ok();
    live.close().expect("saved");
    scrub(&sandbox).ok();
    assert_gone(&sandbox, VALUE);
}

#[test]
fn of_a_program_without_a_journal_nobody_knows_what_it_holds() {
    let (sandbox, id) = orchard();
    let mut open = sandbox.repository();
    let session = open.resolve(&id, None).expect("it is there").id;
    let (live, _) = open.resume(session, &by_hand(false)).expect("it is held");
    live.append(vec![Message::new("user", &format!("Still of {VALUE}")).into()]).expect("appended");
    scrub(&sandbox).code(4);
    // Other sessions are none of its business.
    sandbox.run(["scrub", &sandbox.transcript(2).short(), "--yes"]).ok();
    live.close().expect("it saves");
    scrub(&sandbox).ok();
    assert_gone(&sandbox, VALUE);
    assert!(sandbox.json(["show", &id])["session"]["counts"]["messages"].as_u64() > Some(2));
}

#[test]
fn a_scrub_leaves_alone_who_holds_nothing_of_it() {
    let (sandbox, _) = orchard();
    let mut open = sandbox.repository();
    let live = open.create("mine", &by_hand(true)).expect("created");
    live.append(vec![Message::new("user", "of pears").into()]).expect("appended");
    scrub(&sandbox).ok();
    live.append(vec![Message::new("user", "of plums").into()]).expect("appended");
    let head = live.close().expect("it saves");
    assert_eq!(head.counts.messages, 2);
    assert_gone(&sandbox, VALUE);
    assert_whole(&sandbox);
}

#[test]
fn a_session_that_is_held_is_not_purged() {
    let (sandbox, id) = orchard();
    let mut open = sandbox.repository();
    let session = open.resolve(&id, None).expect("it is there").id;
    let (live, _) = open.resume(session, &by_hand(true)).expect("it is held");
    let refused = sandbox.run(["purge", &id, "--yes"]).code(4);
    assert!(refused.stderr.contains(&session.short()), "{}", refused.stderr);
    assert_eq!(total(&sandbox), 2);
    live.close().expect("it ends");
    sandbox.run(["purge", &id, "--yes"]).ok();
    assert_gone(&sandbox, VALUE);
}

#[test]
fn what_is_kept_of_a_damaged_journal_and_of_a_failed_start_goes_too() {
    let (sandbox, id) = orchard();
    let mut open = sandbox.repository();
    let session = open.resolve(&id, None).expect("it is there").id;
    let reason = format!("line 3: {VALUE} is no time");
    open.mark_failed_start(session, &reason).expect("it is marked");
    let folder = sandbox.store().join("annals/journal");
    fs::create_dir_all(&folder).expect("a folder");
    let kept = folder.join(format!("{session}-{session}.damaged"));
    let line = json!({"text": VALUE}).to_string().replace('/', "\\/");
    fs::write(&kept, format!("{{}}\n0123456789abcdef {line}\nmore\n")).expect("written");
    scrub(&sandbox).ok();
    assert_gone(&sandbox, VALUE);
    let text = fs::read_to_string(&kept).expect("it is still there");
    assert!(text.ends_with("{\"text\":\"[redacted:scrubbed]\"}\nmore\n"), "{text}");
}

#[test]
fn the_json_of_both_is_as_documented() {
    let (sandbox, id) = orchard();
    let remote = "https://me:secret@example.com/store.git";
    sandbox.git(["remote", "add", "origin", remote]);
    let before = sandbox.tip();
    let ran = sandbox.run_with(["--json", "scrub", "--value", "--yes"], VALUE).ok();
    let session = sandbox.json(["show", &id])["session"]["id"].clone();
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    let remotes = json!([{"name": "origin", "url": "https://example.com/store.git"}]);
    let short = sandbox.transcript(1).short();
    let expected = json!({
        "kind": "annals.scrub/1", "dry_run": false,
        "sessions": [{"session": session, "short": short, "versions": 4, "rules": {}}],
        "revisions": 5, "rewritten": 4, "before": before, "revision": sandbox.tip(),
        "remotes": remotes,
    });
    assert_eq!(found, expected);
    let mut head = sandbox.json(["show", &id])["session"].clone();
    head["revisions"] = json!(4);
    let expected = json!({
        "kind": "annals.purge/1", "dry_run": true, "sessions": [head],
        "revisions": 6, "rewritten": null, "before": null, "revision": null,
        "remotes": remotes,
    });
    assert_eq!(sandbox.json(["purge", &id, "--dry-run"]), expected);
}

/// Kills a scrub after some time; whether it was killed.
fn scrub_for(sandbox: &Sandbox, time: Duration) -> bool {
    let input = sandbox.root().join("value");
    fs::write(&input, VALUE).expect("it is written");
    let mut command = sandbox.program();
    command.args(["scrub", "--value", "--yes"]);
    command.stdin(fs::File::open(&input).expect("it opens"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    fs::remove_file(&input).expect("it is removed");
    let start = Instant::now();
    while start.elapsed() < time {
        if child.try_wait().expect("it can be waited for").is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    true
}

#[test]
fn a_scrub_may_be_killed_at_any_moment() {
    let start = Instant::now();
    let whole = {
        let (sandbox, _) = orchard();
        let begun = Instant::now();
        scrub(&sandbox).ok();
        begun.elapsed()
    };
    let mut kills = 0;
    for part in [2, 9, 5, 7, 3, 8, 6, 4, 10] {
        if start.elapsed() > Duration::from_secs(6) {
            break;
        }
        let (sandbox, id) = orchard();
        sandbox.git(["tag", "mine", "main~2"]);
        let tip = sandbox.tip();
        let is_killed = scrub_for(&sandbox, whole.mul_f64(f64::from(part) / 10.0));
        kills += u32::from(is_killed);
        // Whoever comes next finishes it, if main had moved or was to move.
        assert_eq!(total(&sandbox), 2, "killed after {part} tenths");
        assert_whole(&sandbox);
        if sandbox.tip() == tip {
            assert!(is_killed, "a scrub that ends has done something");
            scrub(&sandbox).ok();
        }
        assert_gone(&sandbox, VALUE);
        sandbox.run(["tag", &id, "later"]).ok();
        assert_whole(&sandbox);
    }
    assert!(kills > 0, "some runs were killed");
}
