//! Remotes that are synced with by themselves, behind what is saved.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::Sandbox;
use crate::support::bare_remote;

fn machine(url: &str) -> Sandbox {
    let machine = Sandbox::new();
    machine.run(["init"]).ok();
    machine.run(["remote", "add", "origin", url, "--auto"]).ok();
    machine
}

/// How many sessions a remote has.
fn sessions(remote: &Path) -> usize {
    let mut command = Command::new("git");
    command.arg("-C").arg(remote).args(["ls-tree", "-r", "--name-only", "main"]);
    let output = command.output().expect("git runs");
    String::from_utf8_lossy(&output.stdout).matches("session.yaml").count()
}

/// What goes on behind a command is waited for as long as it may take.
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{what}");
}

fn state(machine: &Sandbox) -> Value {
    machine.json(["stats"])["remotes"][0].clone()
}

#[test]
fn what_is_captured_and_saved_goes_by_itself_at_most_every_so_often() {
    let (remote, url) = bare_remote();
    let mut machine = machine(&url);
    assert_eq!(machine.json(["remote"])["remotes"][0]["auto"], true);
    assert_eq!(state(&machine)["synced"], Value::Null);
    machine.transcript(1).user("what is up?").write();
    let captured = machine.capture();
    assert!(!captured.stderr.contains("origin"), "a capture tells nothing of it");
    wait_until("it goes behind the capture", || sessions(remote.path()) == 1);
    wait_until("that is noted", || state(&machine)["synced"] == "2026-11-22T12:00:00Z");
    let told = machine.run(["stats"]).ok().stdout;
    assert!(told.contains("The remote origin was synced with by itself just now.\n"), "{told}");

    machine.transcript(2).user("what else is up?").write();
    machine.capture();
    machine.set_now("2026-11-22T12:14:59Z");
    assert_eq!(machine.run(["sync", "--auto"]).ok().stderr, "No remote is due.\n");
    assert_eq!(sessions(remote.path()), 1, "not within the quarter of an hour");
    machine.set_now("2026-11-22T12:15:00Z");
    let told = machine.run(["sync", "--auto"]).ok().stderr;
    assert_eq!(told, "1 session went to origin.\n");

    machine.run(["config", "set", "sync.interval", "1"]).ok();
    machine.set_now("2026-11-22T12:16:00Z");
    machine.run(["shell", "-c", "said in the shell"]).ok();
    wait_until("so does what the shell saves", || sessions(remote.path()) == 3);
    // The sync behind it may not have ended yet.
    wait_until("nothing is left behind", || machine.json(["sync"])["went"] == Value::Array(vec![]));
    machine.fsck();
}

#[test]
fn what_a_hook_captures_goes_too() {
    let (remote, url) = bare_remote();
    let machine = machine(&url);
    let transcript = machine.transcript(1).user("what is up?").write().path();
    let word = serde_json::json!({"transcript_path": transcript}).to_string();
    machine.run_with(["hooks", "run", "claude-code"], &word).ok();
    wait_until("it goes behind the hook", || sessions(remote.path()) == 1);
}

#[test]
fn a_remote_that_is_not_reached_is_no_error_but_told() {
    let (remote, url) = bare_remote();
    let mut machine = machine(&url);
    machine.run(["config", "set", "audit.enabled", "true"]).ok();
    machine.transcript(1).user("what is up?").write();
    machine.run(["capture"]).ok();
    wait_until("it goes", || state(&machine)["synced"] != Value::Null);
    drop(remote);
    machine.set_now("2026-11-22T13:00:00Z");
    let told = machine.run(["sync", "--auto"]).ok().stderr;
    assert!(
        told.starts_with("warning: origin was not synced: the remote origin: asking"),
        "{told}"
    );
    let known = state(&machine);
    assert_eq!(known["synced"], "2026-11-22T12:00:00Z");
    assert_eq!(known["failed"]["at"], "2026-11-22T13:00:00Z");
    let reason = known["failed"]["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("the remote origin: asking what it has: "), "{reason}");
    machine.set_now("2026-11-22T14:00:00Z");
    let told = machine.run(["stats"]).ok().stdout.replace('\n', " ");
    let line =
        "The remote origin was synced with by itself 2 h ago; that failed 1 h ago: the remote";
    assert!(told.contains(line), "{told}");
    assert_eq!(machine.json(["stats"])["alerts"], Value::Array(vec![]), "nothing to look at");
    let audit = machine.json(["audit"]);
    let last = &audit["entries"][0];
    assert_eq!((&last["operation"], &last["outcome"]), (&"sync".into(), &"failed".into()));
    machine.transcript(2).user("what else is up?").write();
    let captured = machine.capture();
    assert!(!captured.stderr.contains("origin"), "{}", captured.stderr);
}

#[cfg(unix)]
#[test]
fn no_save_waits_for_a_remote_and_only_one_sync_runs() {
    use std::os::unix::fs::PermissionsExt;
    let mut machine = machine("ssh://127.0.0.1/nowhere.git");
    // An ssh that does not end before it is told to, and notes that it was called.
    let (script, calls, end) =
        (machine.root().join("ssh"), machine.root().join("calls"), machine.root().join("end"));
    let text = format!(
        "#!/bin/sh\necho \"$GIT_TERMINAL_PROMPT$GIT_ASKPASS$SSH_ASKPASS\" >> {}\n\
         n=0; while [ ! -e {} ] && [ $n -lt 1200 ]; do sleep 0.05; n=$((n+1)); done; exit 1\n",
        calls.display(),
        end.display()
    );
    fs::write(&script, text).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("made to run");
    machine.set_git("core.sshCommand", &script.display().to_string());
    machine.transcript(1).user("what is up?").write();
    // Were it waited for, it would not have been told to end.
    machine.capture();
    wait_until("a sync runs", || calls.exists());
    // It is due again, but the one before has not ended.
    machine.set_now("2026-11-22T12:20:00Z");
    machine.transcript(2).user("what else is up?").write();
    machine.capture();
    assert_eq!(machine.run(["sync", "--auto"]).ok().stderr, "No remote is due.\n");
    assert_eq!(state(&machine)["failed"], Value::Null);
    fs::write(&end, "").expect("written");
    wait_until("it ends", || state(&machine)["failed"] != Value::Null);
    let calls = fs::read_to_string(&calls).expect("it is readable");
    assert_eq!(calls, "0\n", "one was made, which can ask nobody");
    assert_eq!(machine.json(["list"])["total"], 2);
}

#[test]
fn a_mistake_in_the_settings_stops_nothing_else() {
    let (remote, url) = bare_remote();
    let machine = machine(&url);
    let config = machine.root().join("config/annals");
    fs::create_dir_all(&config).expect("made");
    fs::write(config.join("config.toml"), "[sync]\ninterval = 0\n").expect("written");
    machine.transcript(1).user("what is up?").write();
    let captured = machine.capture();
    assert!(
        captured.stderr.contains("Nothing is synced by itself: the configuration"),
        "{captured:?}"
    );
    assert_eq!(sessions(remote.path()), 0);
    machine.run(["sync"]).ok();
    assert_eq!(sessions(remote.path()), 1, "by hand it is");
    // Somebody's remote for plain git, which annals cannot use, is in nobody's way.
    fs::remove_file(config.join("config.toml")).expect("it is there");
    machine.git(["config", "remote.other.url", "git://example.org/x"]);
    machine.transcript(2).user("what else is up?").write();
    assert!(!machine.capture().stderr.contains("warning"));
    assert_eq!(machine.json(["stats"])["remotes"].as_array().map(Vec::len), Some(1));
}
