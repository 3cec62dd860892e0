//! R2: resuming, as far as restoring and telling go.

use std::fs;

use serde_json::Value;
use serde_json::json;

use crate::support::Sandbox;
use crate::support::Transcript;
use crate::support::lines;

fn talk(sandbox: &Sandbox) -> Transcript {
    let workspace = sandbox.root().join("shop");
    fs::create_dir_all(&workspace).expect("a folder is made");
    sandbox
        .transcript(1)
        .workspace(&workspace.to_string_lossy())
        .user("Fix the login.\n\n  It drops the query.")
        .agent("I'll look. – “ok” 🦀")
        .tool("Bash", &json!({"command": "git status --short"}), " M src/auth.rs\n")
        .line(json!({"type": "summary", "summary": "Login", "leafUuid": "x", "extra": [1.0, 2.5e-9, null]}))
        .agent("Done.")
}

#[test]
fn r2_2_restoring_gives_back_all_exactly() {
    let sandbox = Sandbox::new();
    let transcript = talk(&sandbox).write();
    sandbox.capture();
    let home = sandbox.root().join("other");
    let restored =
        sandbox.json(["restore", &transcript.short(), "--home", &home.to_string_lossy()]);
    let file = restored["files"][0].as_str().expect("a file");
    assert_eq!(lines(file.as_ref()), transcript.lines(), "restore gives each line back as it was");
    let wanted = transcript.path();
    let below = |path: &std::path::Path, home: &std::path::Path| {
        path.strip_prefix(home).expect("it lies in the home").to_owned()
    };
    assert_eq!(
        below(file.as_ref(), &home),
        below(&wanted, &sandbox.home()),
        "the agent finds it where it looks for it"
    );
}

#[test]
fn r2_2_a_restored_file_is_nothing_new_to_capture() {
    let sandbox = Sandbox::new();
    let transcript = talk(&sandbox).write();
    sandbox.capture();
    fs::remove_file(transcript.path()).expect("the agent lost it");
    sandbox.run(["restore", &transcript.short()]).ok();
    assert_eq!(lines(&transcript.path()), transcript.lines());
    let again = sandbox.json(["capture"]);
    assert_eq!(again["revision"], Value::Null, "what restore wrote is known: {again}");
    let longer = transcript.clone().user("Go on.").write();
    let again = sandbox.json(["capture"]);
    assert_eq!(again["updated"][0]["added"], 1, "what the agent adds to it is new");
    assert_eq!(again["updated"][0]["messages"], 6);
    let shown = sandbox.json(["show", &longer.short()]);
    assert_eq!(shown["messages"].as_array().map(Vec::len), Some(6), "nothing is doubled");
}

#[test]
fn r2_2_restore_writes_over_nothing_that_the_store_does_not_hold() {
    let sandbox = Sandbox::new();
    let transcript = talk(&sandbox).write();
    sandbox.capture();
    let changed = transcript.clone().user("Said since then.").write();
    let refused = sandbox.run(["restore", &transcript.short()]).code(3);
    assert!(refused.stderr.starts_with("in the way:"), "{}", refused.stderr);
    assert_eq!(lines(&changed.path()), changed.lines(), "the file is as it was");
    sandbox.run(["restore", &transcript.short(), "--force"]).ok();
    let log = sandbox.json(["log", &transcript.short()]);
    let newest = &log["revisions"][0];
    assert_eq!(newest["added"], 1, "what --force writes over is in history first: {log}");
}

#[test]
fn r2_3_a_session_shows_its_models_and_tokens() {
    let sandbox = Sandbox::new();
    let transcript = talk(&sandbox).write();
    sandbox.capture();
    let shown = sandbox.run(["show", &transcript.short()]).ok().stdout;
    assert!(shown.contains("claude-opus-4-5"), "the header names the model:\n{shown}");
    assert!(shown.contains("45"), "the header tells the tokens:\n{shown}");
    let tokens = &sandbox.json(["show", &transcript.short()])["session"]["tokens"];
    let expected = json!({
        "input": 30, "output": 15, "cache_read": 0, "cache_write": 0, "total": 45,
    });
    assert_eq!(*tokens, expected, "three answers of 10 and 5 tokens");
}

#[test]
fn r2_4_a_workspace_that_is_gone_is_told_and_kept() {
    let sandbox = Sandbox::new();
    let transcript = talk(&sandbox).write();
    sandbox.capture();
    let home = sandbox.root().join("other").to_string_lossy().into_owned();
    let there = sandbox.json(["restore", &transcript.short(), "--home", &home]);
    assert_eq!(there["workspace_exists"], true);
    fs::remove_dir(sandbox.root().join("shop")).expect("the workspace goes");
    let gone = sandbox.json(["restore", &transcript.short(), "--home", &home]);
    assert_eq!(gone["workspace_exists"], false, "it is told");
    assert_eq!(gone["workspace"], there["workspace"], "and kept");
    let told = sandbox.run(["restore", &transcript.short(), "--home", &home]).ok();
    assert!(told.stderr.contains("There is no folder"), "{}", told.stderr);
}

#[test]
fn r2_4_context_files_are_kept_and_missing_ones_reported() {
    let sandbox = Sandbox::new();
    let workspace = sandbox.root().join("shop");
    fs::create_dir_all(&workspace).expect("a folder is made");
    fs::write(workspace.join("here.rs"), "").expect("a file is made");
    let shown = workspace.to_string_lossy().into_owned();
    let document = json!({
        "agent": {"name": "claude-code", "session": "0000000a-1111-4222-8333-444444444444"},
        "workspace": {"root": shown},
        "context_files": ["here.rs", "gone.rs"],
        "messages": [{"role": "user", "text": "hello"}],
    });
    let id = sandbox.save(&document.to_string());
    let session = &sandbox.json(["show", &id])["session"];
    assert_eq!(session["context_files"], json!(["here.rs", "gone.rs"]), "they are kept");
    assert_eq!(session["workspace"]["root"], json!(shown), "the workspace is kept");
    let restored = sandbox.json(["restore", &id]);
    assert_eq!(restored["missing_files"], json!(["gone.rs"]), "what is gone is reported");
    let told = sandbox.run(["restore", &id]).ok();
    assert!(told.stderr.contains("is not there: gone.rs"), "{}", told.stderr);
}

#[test]
fn r2_5_resume_tells_what_it_is_about_to_do() {
    let sandbox = Sandbox::new();
    let transcript = talk(&sandbox).write();
    sandbox.capture();
    fs::remove_file(transcript.path()).expect("the agent lost it");
    let refused = sandbox.run(["resume", &transcript.short()]).code(3);
    assert_eq!(
        refused.stderr,
        "not done: Without a terminal, `annals resume` needs --yes, or --print.\n"
    );
    assert!(!transcript.path().exists(), "nothing was written before it was confirmed");
    let printed = sandbox.run(["resume", &transcript.short(), "--print"]).ok();
    let folder = sandbox.root().join("shop").to_string_lossy().into_owned();
    let command = format!("cd {folder} && claude --resume {}\n", transcript.id());
    assert_eq!(printed.stdout, command, "--print gives the command and nothing else");
    assert!(printed.stderr.starts_with(&format!("Restored {}", transcript.short())));
    assert!(transcript.path().exists(), "--print writes the agent's file");
    let json = sandbox.json(["resume", &transcript.short()]);
    assert_eq!(json["kind"], "annals.resume/1");
    assert_eq!(json["command"], json!(["claude", "--resume", transcript.id()]));
    assert_eq!(json["workspace"], json!(folder));
}

#[test]
fn r2_5_resume_starts_the_agent_in_the_workspace() {
    let sandbox = Sandbox::new();
    let transcript = talk(&sandbox).write();
    sandbox.capture();
    let bin = sandbox.root().join("bin");
    fs::create_dir(&bin).expect("a folder is made");
    let program = bin.join("claude");
    fs::write(&program, "#!/bin/sh\necho \"$PWD $*\"\nexit 7\n").expect("a program is written");
    make_executable(&program);
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = sandbox.program();
    command.env("PATH", format!("{}:{path}", bin.display()));
    command.args(["resume", &transcript.short(), "--yes"]);
    let ran = crate::support::Ran::of(&mut command);
    let folder = sandbox.root().join("shop");
    assert_eq!(ran.stdout, format!("{} --resume {}\n", folder.display(), transcript.id()));
    assert_eq!(ran.code, 7, "it becomes the agent, whose end is its own");
}

#[cfg(unix)]
fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it may be run");
}
