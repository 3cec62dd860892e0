//! Hooks: agents that capture their sessions by themselves.

use std::fs;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::support::Sandbox;

fn settings(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.home().join(".claude/settings.json")).unwrap_or_default()
}

/// What the agent tells its hook.
fn word(path: &std::path::Path) -> String {
    json!({"session_id": "x", "transcript_path": path, "hook_event_name": "Stop"}).to_string()
}

#[test]
fn they_are_installed_once_and_removed_without_a_trace() {
    let sandbox = Sandbox::new();
    let before = "{\n  \"model\": \"opus\" // mine\n}\n";
    fs::create_dir_all(sandbox.home().join(".claude")).expect("made");
    fs::write(sandbox.home().join(".claude/settings.json"), before).expect("written");
    let planned = sandbox.run(["hooks", "install", "claude-code", "--dry-run"]).ok();
    assert!(planned.stderr.contains("Would change ~/.claude/settings.json"), "{planned:?}");
    assert_eq!(settings(&sandbox), before, "a plan changes nothing");
    sandbox.run(["hooks", "install", "claude-code"]).ok();
    let installed = settings(&sandbox);
    assert!(installed.contains("// mine") && installed.contains("hooks run claude-code"));
    let copy = sandbox.home().join(".claude/settings.json.before-annals");
    assert_eq!(fs::read_to_string(&copy).expect("a copy"), before);
    let agents = sandbox.json(["hooks", "list"])["agents"].clone();
    assert_eq!(agents[0]["installed"], true);
    let again = sandbox.run(["hooks", "install", "claude-code"]).ok();
    assert!(again.stderr.starts_with("Nothing to change"), "{again:?}");
    assert_eq!(settings(&sandbox), installed);
    let removed = sandbox.json(["hooks", "remove", "claude-code"]);
    assert_eq!(removed["kind"], "annals.hooks/1");
    assert_eq!(removed["files"].as_array().map(Vec::len), Some(3));
    assert_eq!(settings(&sandbox), before);
    assert!(!sandbox.home().join(".claude/commands/recall.md").exists());
    assert_eq!(sandbox.json(["hooks", "list"])["agents"][0]["installed"], false);
    let one = sandbox.json(["hooks", "list", "claude-code"]);
    assert_eq!(one["agents"].as_array().map(Vec::len), Some(1), "{one}");
    sandbox.run(["hooks", "list", "no-such-agent"]).code(3);
}

#[test]
fn settings_that_cannot_be_read_stay_as_they_are() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.home().join(".claude")).expect("made");
    fs::write(sandbox.home().join(".claude/settings.json"), "{ broken").expect("written");
    let refused = sandbox.run(["hooks", "install", "claude-code"]).code(3);
    assert!(refused.stderr.contains("settings.json cannot be edited"), "{refused:?}");
    assert_eq!(settings(&sandbox), "{ broken");
    let unknown = sandbox.run(["hooks", "install", "emacs"]).code(3);
    assert!(unknown.stderr.contains("there are for claude-code"), "{unknown:?}");
}

/// Runs the command that the settings hold, as the agent does: by a shell.
fn run_hook(sandbox: &Sandbox, word: &str) -> i32 {
    let settings: Value = serde_json::from_str(&settings(sandbox)).expect("JSON");
    let command = settings["hooks"]["Stop"][0]["hooks"][0]["command"].as_str().expect("a command");
    let annals = sandbox.program();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", command]).env_clear();
    for (name, value) in annals.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell.stdin(std::process::Stdio::piped());
    let mut child = shell.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // The hook may have ended before it read all.
    drop(std::io::Write::write_all(&mut stdin, word.as_bytes()));
    drop(stdin);
    child.wait().expect("it ends").code().unwrap_or(-1)
}

fn wait_for_sessions(sandbox: &Sandbox, count: u64) {
    let start = Instant::now();
    // The capture goes on behind the hook, so there is nothing else to wait for.
    while start.elapsed() < Duration::from_secs(60) {
        let listed = sandbox.run(["--json", "list"]);
        let value: Value = serde_json::from_str(&listed.stdout).unwrap_or_default();
        if value["total"] == count {
            return;
        }
        std::thread::yield_now();
    }
    panic!("{count} sessions are captured behind the hook");
}

#[test]
fn the_hook_captures_what_the_agent_names_and_never_fails_it() {
    let sandbox = Sandbox::new();
    sandbox.run(["hooks", "install", "claude-code"]).ok();
    let transcript = sandbox.transcript(1).user("hello").agent("hi").write();
    assert_eq!(run_hook(&sandbox, &word(&transcript.path())), 0);
    wait_for_sessions(&sandbox, 1);
    sandbox.transcript(2).user("one more").write();
    for word in ["", "no JSON", "[]", "{\"transcript_path\": \"/gone.jsonl\"}"] {
        assert_eq!(run_hook(&sandbox, word), 0, "{word:?}");
    }
    wait_for_sessions(&sandbox, 2);
}

#[test]
fn the_hook_waits_for_no_agent_that_says_nothing() {
    let sandbox = Sandbox::new();
    sandbox.transcript(1).user("hello").agent("hi").write();
    let mut hook = sandbox.program();
    hook.args(["hooks", "run", "claude-code"]).stdin(std::process::Stdio::piped());
    let mut child = hook.spawn().expect("it starts");
    let open = child.stdin.take().expect("a pipe");
    let start = Instant::now();
    let code = child.wait().expect("it ends").code();
    assert_eq!(code, Some(0), "it ends although its input does not");
    // Far more than it takes, far less than for ever.
    assert!(start.elapsed() < Duration::from_secs(30));
    drop(open);
    wait_for_sessions(&sandbox, 1);
}

#[test]
fn inside_an_agent_only_what_reads_answers() {
    let sandbox = Sandbox::new();
    sandbox.transcript(1).user("hello there").agent("hi").write();
    sandbox.capture();
    let listed = sandbox.run(["hooks", "answer", "list"]).ok();
    assert!(listed.stdout.contains("hello there"), "{listed:?}");
    let id = sandbox.json(["list"])["sessions"][0]["id"].as_str().expect("an id").to_owned();
    let shown = sandbox.run(["hooks", "answer", "show", &id, "--messages", "1"]).ok();
    assert!(shown.stdout.contains("hello there"), "{shown:?}");
    for words in [["delete", "--yes"], ["purge", "--yes"], ["hooks", "answer"]] {
        let refused = sandbox.run(["hooks", "answer", words[0], &id, words[1]]);
        assert_eq!(refused.code, 2, "{refused:?}");
    }
    assert_eq!(sandbox.json(["list"])["total"], 1);
}
