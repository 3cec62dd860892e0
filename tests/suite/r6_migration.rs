//! R6: migration, as far as newer stores and sessions go.

use std::fs;
use std::process::Command;

use crate::support::Ran;
use crate::support::Sandbox;

/// Writes, with git, what a later version of annals might have written: another marker.
fn make_newer(sandbox: &Sandbox) {
    let folder = sandbox.root().join("clone");
    let git = |arguments: &[&str], folder: &std::path::Path| {
        let mut command = Command::new("git");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.current_dir(folder).args(["-c", "user.name=x", "-c", "user.email=x@example.org"]);
        Ran::of(command.args(arguments)).ok();
    };
    let store = sandbox.store().to_string_lossy().into_owned();
    git(&["clone", "-q", &store, &folder.to_string_lossy()], sandbox.root());
    let marker = folder.join("annals.yaml");
    let text = fs::read_to_string(&marker).expect("the marker is there");
    assert!(text.contains("schema: 4"), "{text}");
    fs::write(&marker, text.replace("schema: 4", "schema: 5")).expect("it is written");
    git(&["commit", "-qam", "a later version"], &folder);
    git(&["push", "-q", "origin", "HEAD:main"], &folder);
}

#[test]
fn r6_5_a_newer_store_is_refused_for_writing_and_read_nevertheless() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("one").agent("two").write();
    sandbox.capture();
    let id = transcript.short();
    sandbox.run(["tag", &id, "before"]).ok();
    let before = sandbox.json(["show", &id]);
    make_newer(&sandbox);
    let tip = sandbox.tip();
    transcript.clone().user("three").write();
    sandbox.transcript(2).user("another").write();
    let writes: [&[&str]; 9] = [
        &["capture"],
        &["rename", &id, "x"],
        &["tag", &id, "x"],
        &["note", &id, "x"],
        &["pin", &id],
        &["fork", &id],
        &["rollback", &id, "~1"],
        &["delete", &id, "--yes"],
        &["save", "-"],
    ];
    for write in writes {
        let mut command = sandbox.program();
        let input = sandbox.root().join("input");
        fs::write(&input, "messages:\n- {role: user, text: Hi}\n").expect("it is written");
        command.args(write).stdin(fs::File::open(&input).expect("it opens"));
        let ran = Ran::of(&mut command);
        assert_eq!(ran.code, 5, "{write:?} is refused: {ran:?}");
        let advice = "A later version of annals wrote it. Update this one.\n";
        assert!(ran.stderr.starts_with("too new:"), "{write:?}: {}", ran.stderr);
        assert!(ran.stderr.ends_with(advice), "it says what to do: {}", ran.stderr);
        assert_eq!(sandbox.tip(), tip, "{write:?} wrote nothing");
    }
    let ran = Ran::of(sandbox.program().args(["--json", "tag", &id, "x"])).code(5);
    assert!(ran.stderr.contains(r#""kind":"too_new""#), "{}", ran.stderr);
    assert_eq!(sandbox.json(["list"])["total"], 1);
    let after = sandbox.json(["show", &id]);
    assert_eq!(after["messages"], before["messages"], "reading goes on");
    sandbox.run(["log", &id]).ok();
    sandbox.run(["doctor"]);
    sandbox.run(["restore", &id, "--force", "--dry-run"]).ok();
}

#[test]
fn r6_5_a_newer_document_is_refused() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run_with(["save", "-"], "schema: 5\nmessages:\n- {role: user, text: Hi}\n");
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.starts_with("too new:"), "{}", ran.stderr);
}

#[test]
fn r6_4_unknown_fields_survive_saving_and_showing() {
    let sandbox = Sandbox::new();
    let text = "messages:\n- role: user\n  text: Hi\n  novelty: {a: [1, null]}\n  native: {b: 2}\n";
    let id = sandbox.save(text);
    let shown = sandbox.json(["show", &id]);
    let native = &shown["messages"][0]["native"];
    assert_eq!(native["novelty"], serde_json::json!({"a": [1, null]}), "{shown}");
    assert_eq!(native["b"], 2);
    let raw = sandbox.run(["show", "--raw", &id]).ok().stdout;
    let other = Sandbox::new();
    let copy = other.save(&raw);
    assert_eq!(copy, id);
    assert_eq!(other.run(["show", "--raw", &id]).ok().stdout, raw, "the same in another store");
}
