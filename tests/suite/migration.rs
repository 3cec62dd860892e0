//! Stores of older schemas: read without being written, migrated before the first write, brought
//! back, killed in the midst of it, synced with others.

use std::fs;
use std::process::Command;
use std::process::Stdio;

use annals::repository::LiveOptions;
use annals::session::Content;
use annals::session::Message;
use annals::session::Record;
use proptest::prelude::*;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use crate::support::fault::CALLS;
use crate::support::fault::Fault;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use crate::support::fault::WAYS;
use crate::support::fault::Wrong;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use crate::support::fault::sample;
use crate::support::say;

/// The session that all examples have.
const ID: &str = "0197b3c2-5d1e-7c44-9a0b-3f6f2f9d81aa";
/// The one with fields that no version knows.
const ODD: &str = "0197b3c2-6e2f-7d55-8b1c-4a7a3a0e92bb";
/// Those that cannot be migrated.
const BROKEN: [&str; 2] =
    ["0197b3c2-7f3a-7e66-9c2d-5b8b4b1fa3cc", "0197b3c2-803b-7f77-8d3e-6c9c5c20b4dd"];

/// What is said in a session, and what is known of it.
fn shown(sandbox: &Sandbox, id: &str) -> Value {
    let mut shown = sandbox.json(["show", id]);
    shown.as_object_mut().expect("a map").remove("revision");
    shown
}

/// The operations of main, newest first.
fn operations(sandbox: &Sandbox) -> Vec<String> {
    let said = sandbox.git(["log", "--format=%(trailers:key=Annals-Operation,valueonly)|", "main"]);
    let operations = said.split('|').map(|it| it.trim().to_owned());
    let mut operations: Vec<String> = operations.collect();
    operations.pop();
    operations
}

fn older_files(sandbox: &Sandbox) -> Vec<String> {
    let names = sandbox.tree().into_iter().map(|(name, _)| name);
    names.filter(|name| name.starts_with("sessions/") && name.matches('/').count() == 1).collect()
}

fn backups(sandbox: &Sandbox) -> Vec<String> {
    let refs = sandbox.git(["for-each-ref", "--format=%(objectname)", "refs/annals/backup"]);
    refs.lines().map(str::to_owned).collect()
}

#[test]
fn r6_1_an_older_store_is_read_without_being_written_and_migrated_by_the_first_write() {
    for schema in ["1", "2", "3"] {
        let sandbox = Sandbox::new();
        sandbox.older_store(schema);
        let tip = sandbox.tip();
        assert_eq!(sandbox.json(["list"])["total"], 2, "schema {schema}");
        let before = [ID, ODD].map(|id| shown(&sandbox, id));
        assert_eq!(sandbox.json(["search", "parser"])["total"], if schema == "3" { 2 } else { 1 });
        sandbox.run(["log", ID]).ok();
        sandbox.run(["export", ID, "-o", "out.md"]).ok();
        sandbox.run(["doctor"]).ok();
        assert_eq!((sandbox.tip(), backups(&sandbox)), (tip.clone(), vec![]), "only read");

        let ran = sandbox.run(["tag", ODD, "mine"]).ok();
        assert!(ran.stderr.contains(&format!("Migrated 2 sessions from schema {schema} to 4.")));
        assert_eq!(operations(&sandbox), ["tag", "migrate", ""], "one commit for all");
        assert_eq!(backups(&sandbox), [tip.as_str()]);
        assert_eq!(older_files(&sandbox), Vec::<String>::new());
        let marker = sandbox.git(["show", "main:annals.yaml"]);
        assert!(marker.contains("schema: 4\n"), "the marker moves: {marker}");
        assert_eq!(shown(&sandbox, ID), before[0], "nothing of it changed, schema {schema}");
        assert_eq!(shown(&sandbox, ODD)["messages"], before[1]["messages"]);
        sandbox.fsck();
        let told = sandbox.run(["doctor"]).ok();
        assert!(!told.stdout.contains("! git"), "git is told how to keep it, too: {told:?}");
        let migrated = sandbox.tip();
        sandbox.run(["migrate"]).ok();
        assert_eq!(sandbox.tip(), migrated, "a second migration changes nothing");
    }
}

#[test]
fn r6_2_a_session_that_cannot_be_migrated_stays_and_the_others_go_on() {
    let sandbox = Sandbox::new();
    sandbox.older_store("broken");
    let tip = sandbox.tip();
    let files: Vec<_> = sandbox.tree();
    let plan = Ran::of(sandbox.program().args(["--json", "migrate", "--dry-run"])).code(5);
    let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
    assert_eq!((&plan["migrated"], &plan["revision"]), (&json!(1), &Value::Null), "{plan}");
    assert_eq!(plan["sessions"][0]["id"], ID);
    assert_eq!(sandbox.tip(), tip, "nothing was written");

    let ran = Ran::of(sandbox.program().args(["--json", "migrate"])).code(5);
    let done: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(done["failed"], plan["failed"]);
    let reasons = [("line 10", "messages[1].role: is missing"), ("line 5", "")];
    for ((failed, id), (line, cause)) in
        done["failed"].as_array().expect("a list").iter().zip(BROKEN).zip(reasons)
    {
        assert_eq!(failed["session"], id);
        let reason = failed["reason"].as_str().expect("a text");
        for part in [id, &format!("sessions/{id}.yaml"), line, cause] {
            assert!(reason.contains(part), "it names session, file, line and cause: {reason}");
        }
        let name = format!("sessions/{id}.yaml");
        let before = files.iter().find(|(it, _)| *it == name);
        assert_eq!(sandbox.tree().iter().find(|(it, _)| *it == name), before, "untouched");
    }
    assert_eq!(backups(&sandbox), [tip.as_str()], "the original is kept");
    assert_eq!(operations(&sandbox), ["migrate", ""]);

    let listed = sandbox.json(["list"]);
    assert_eq!(listed["total"], 3, "what cannot be opened is listed, and marked: {listed}");
    let damaged = listed["sessions"].as_array().expect("a list").iter();
    assert_eq!(damaged.filter(|it| it["damaged"].is_string()).count(), 2, "{listed}");
    sandbox.run(["show", BROKEN[0]]).code(5);
    let done = sandbox.tip();
    sandbox.run(["tag", ID, "goes-on"]).ok();
    assert_eq!(operations(&sandbox), ["tag", "migrate", ""], "it is not tried again by itself");
    sandbox.run(["migrate"]).code(5);
    assert_eq!(sandbox.git(["rev-parse", "main~1"]).trim(), done, "nothing is new");
    sandbox.fsck();
}

#[test]
fn r6_2_what_is_no_session_of_its_name_stays_where_it_is() {
    let sandbox = Sandbox::new();
    sandbox.older_store("2");
    let mut files: Vec<(String, Vec<u8>)> =
        sandbox.tree().into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    let copy = files.iter().find(|(name, _)| name.contains(ODD)).expect("it is there").1.clone();
    let other = "0197b3c2-bbbb-7d55-8b1c-4a7a3a0e92bb";
    files.push((format!("sessions/{other}.yaml"), copy.clone()));
    files.push(("sessions/0197b3c2-cccc-7d55-8b1c-4a7a3a0e92bb.yaml".into(), b"\xff\xfe".to_vec()));
    files.push(("sessions/notes.yaml".into(), copy));
    files.push(("README.md".into(), b"mine".to_vec()));
    sandbox.commit_files(&files);
    let listed = sandbox.json(["list"]);
    let damaged = listed["sessions"].as_array().expect("a list").iter();
    assert_eq!(damaged.filter(|it| it["damaged"].is_string()).count(), 2, "{listed}");
    let ran = Ran::of(sandbox.program().args(["--json", "migrate"])).code(5);
    let done: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&done["migrated"], &done["failed"][0]["session"]), (&json!(2), &json!(other)));
    let reason = done["failed"][0]["reason"].as_str().expect("a text");
    assert!(reason.contains(&format!("it is that of session {ODD}")), "{reason}");
    assert_eq!(older_files(&sandbox).len(), 3, "{:?}", older_files(&sandbox));
    assert!(sandbox.tree().iter().any(|(name, text)| name == "README.md" && text == "mine"));
    sandbox.fsck();
}

#[test]
fn r6_2_a_session_that_was_mended_is_migrated_when_it_is_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.older_store("broken");
    sandbox.run(["migrate"]).code(5);
    let mut files: Vec<(String, Vec<u8>)> =
        sandbox.tree().into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    for (name, bytes) in &mut files {
        if name.contains(BROKEN[0]) {
            let text =
                String::from_utf8_lossy(bytes).replace("- id: m2\n", "- id: m2\n  role: tool\n");
            *bytes = text.into_bytes();
        }
    }
    sandbox.commit_files(&files);
    let ran = sandbox.run(["migrate"]).code(5);
    assert!(ran.stderr.contains("Migrated 1 session "), "{}", ran.stderr);
    assert_eq!(sandbox.json(["show", BROKEN[0]])["messages"].as_array().map(Vec::len), Some(2));
    assert_eq!(older_files(&sandbox), [format!("sessions/{}.yaml", BROKEN[1])]);
    sandbox.fsck();
}

#[test]
fn r6_a_migration_that_is_taken_back_is_not_done_again_by_itself() {
    let sandbox = Sandbox::new();
    sandbox.older_store("3");
    let tree = sandbox.git(["rev-parse", "main^{tree}"]);
    sandbox.run(["migrate"]).ok();
    let since = sandbox.save("title: Saved since\nmessages:\n- {role: user, text: Hi}\n");
    sandbox.run(["tag", ID, "since"]).ok();
    let (tip, session) = (sandbox.tip(), shown(&sandbox, ID));
    let plan = sandbox.json(["migrate", "--undo", "--dry-run"]);
    assert_eq!(plan["set_aside"].as_array().map(Vec::len), Some(2), "{plan}");
    assert_eq!(sandbox.tip(), tip);

    let ran = sandbox.run(["migrate", "--undo"]).ok();
    assert!(ran.stderr.contains("The store is back at schema 3"), "{}", ran.stderr);
    assert_eq!(sandbox.git(["rev-parse", "main^{tree}"]), tree, "what it was before, by a commit");
    assert!(backups(&sandbox).contains(&tip), "what was there is kept");
    assert_eq!(sandbox.json(["list"])["total"], 2);
    sandbox.run(["show", ID]).ok();
    let undone = sandbox.tip();
    sandbox.transcript(1).user("one").agent("two").write();
    for write in [vec!["tag", ID, "x"], vec!["capture"], vec!["delete", ID, "--yes"]] {
        let ran = Ran::of(sandbox.program().args(&write)).code(3);
        assert!(ran.stderr.starts_with("too old:"), "{write:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("`annals migrate`"), "{write:?}: {}", ran.stderr);
    }
    assert_eq!(sandbox.tip(), undone, "it is only read");
    sandbox.run(["migrate", "--undo"]).code(3);

    sandbox.run(["migrate"]).ok();
    assert_eq!(shown(&sandbox, ID), session, "all that was saved since is back");
    assert_eq!(shown(&sandbox, &since)["session"]["title"], "Saved since");
    assert_eq!(
        sandbox.git(["rev-parse", "main^{tree}"]),
        sandbox.git(["rev-parse", &format!("{tip}^{{tree}}")])
    );
    sandbox.capture();
    sandbox.fsck();
    sandbox.run(["doctor"]).ok();
}

#[test]
fn r6_what_an_older_program_saves_after_the_way_back_is_kept_too() {
    let sandbox = Sandbox::new();
    sandbox.older_store("3");
    sandbox.run(["tag", ID, "since"]).ok();
    sandbox.run(["migrate", "--undo"]).ok();
    let mut files: Vec<(String, Vec<u8>)> =
        sandbox.tree().into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    for (name, bytes) in &mut files {
        if name.contains(ID) {
            bytes.extend_from_slice(
                b"- id: later\n  role: user\n  at: 2025-06-28T00:00:00Z\n  content:\n  - text: Later.\n",
            );
        }
    }
    sandbox.commit_files(&files);
    sandbox.run(["tag", ID, "x"]).code(3);
    sandbox.run(["migrate"]).ok();
    let shown = shown(&sandbox, ID);
    assert_eq!(shown["messages"].as_array().map(Vec::len), Some(5), "{shown}");
    assert_eq!(shown["session"]["tags"], json!(["bug", "parser", "since"]));
    sandbox.fsck();
    sandbox.run(["doctor"]).ok();
}

#[test]
fn r6_1_several_processes_at_once_migrate_once() {
    let sandbox = Sandbox::new();
    sandbox.older_store("2");
    let names: Vec<String> = (0..5).map(|number| format!("tag-{number}")).collect();
    let tag = |name: &String| {
        let mut program = sandbox.program();
        program.args(["tag", ID, name]).stdout(Stdio::null()).stderr(Stdio::null());
        program.spawn().expect("it starts")
    };
    let children: Vec<_> = names.iter().map(tag).collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    let operations = operations(&sandbox);
    assert_eq!(operations.iter().filter(|it| *it == "migrate").count(), 1, "{operations:?}");
    let tags = shown(&sandbox, ID)["session"]["tags"].clone();
    assert_eq!(tags.as_array().map(Vec::len), Some(7), "{tags}");
    sandbox.fsck();
}

#[test]
fn r6_revisions_before_a_migration_are_read_compared_and_gone_back_to() {
    let sandbox = Sandbox::new();
    sandbox.older_store("3");
    let mut files: Vec<(String, Vec<u8>)> =
        sandbox.tree().into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    let place = files.iter().position(|(name, _)| name.contains(ID)).expect("it is there");
    files[place].1.extend_from_slice(
        b"- id: later\n  role: user\n  at: 2025-06-28T00:00:00Z\n  content:\n  - text: A zebra.\n",
    );
    sandbox.commit_files(&files);
    sandbox.run(["tag", ID, "since"]).ok();
    let log = sandbox.json(["log", ID]);
    let entries = log["revisions"].as_array().expect("a list");
    let entry = |it: &Value| (it["operation"].clone(), it["messages"].clone(), it["added"].clone());
    assert_eq!(
        entries.iter().map(entry).collect::<Vec<_>>(),
        [
            (json!("tag"), json!(5), json!(0)),
            (json!("migrate"), json!(5), json!(0)),
            (json!("commit"), json!(5), json!(1)),
            (json!("commit"), json!(4), json!(4)),
        ],
        "{log}"
    );
    let first = format!("{ID}@~3");
    assert_eq!(sandbox.json(["show", &first])["messages"].as_array().map(Vec::len), Some(4));
    let ran = sandbox.run(["diff", &first, ID]).code(1);
    assert!(ran.stdout.contains("A zebra."), "{}", ran.stdout);
    let (before, after) = (format!("{ID}@~2"), format!("{ID}@~1"));
    sandbox.run(["diff", &before, &after]).ok();
    sandbox.run(["restore", &first, "--dry-run"]);
    sandbox.run(["rollback", ID, "~3"]).ok();
    assert_eq!(sandbox.json(["show", ID])["messages"].as_array().map(Vec::len), Some(4));
    sandbox.run(["search", "zebra"]).code(1);
    sandbox.run(["delete", ID, "--yes"]).ok();
    sandbox.run(["undelete", ID]).ok();
    // The index says the same when it is made anew.
    fs::remove_file(sandbox.store().join("annals/index.db")).expect("it was there");
    assert_eq!(sandbox.json(["log", ID])["revisions"].as_array().map(Vec::len), Some(7));
    sandbox.fsck();
}

#[test]
fn r6_a_program_on_a_store_that_cannot_be_written_reads_older_sessions() {
    let sandbox = Sandbox::new();
    sandbox.older_store("1");
    let set = |mode: &str| {
        let ran = Command::new("chmod").args(["-R", mode]).arg(sandbox.store()).status();
        assert!(ran.expect("chmod runs").success());
    };
    sandbox.run(["list"]).ok();
    set("a-w");
    let listed = Ran::of(sandbox.program().args(["--json", "list"]));
    let shown = sandbox.run(["show", ID]);
    set("u+w");
    assert!(listed.ok().stdout.contains("\"total\": 2"));
    assert!(shown.ok().stdout.contains("It splits on"));
    assert_eq!(operations(&sandbox), [""]);
}

/// All that a run says.
fn whole(ran: &Ran) -> String {
    format!("{}--- {}\n{}", ran.stdout, ran.code, ran.stderr)
}

#[test]
fn what_migrate_says() {
    let sandbox = Sandbox::new();
    sandbox.older_store("broken");
    sandbox.run(["list"]).ok();
    insta::assert_snapshot!(whole(&sandbox.run(["migrate", "--dry-run"])), @r"
    2f9d81aa “Parser drops the last line”: schema 3 → 4, 4 messages
    --- 5
    warning: Session 4b1fa3cc stays as it is: sessions/0197b3c2-7f3a-7e66-9c2d-5b8b4b1fa3cc.yaml is damaged: line 10: messages[1].role: is missing
    warning: Session 5c20b4dd stays as it is: sessions/0197b3c2-803b-7f77-8d3e-6c9c5c20b4dd.yaml is damaged: line 5: unclosed quote at line 5, column 12
    1 session would be migrated, the store from schema 3 to 4.
    ");
    insta::assert_snapshot!(whole(&sandbox.run(["migrate"])), @r"
    --- 5
    warning: Session 4b1fa3cc stays as it is: sessions/0197b3c2-7f3a-7e66-9c2d-5b8b4b1fa3cc.yaml is damaged: line 10: messages[1].role: is missing
    warning: Session 5c20b4dd stays as it is: sessions/0197b3c2-803b-7f77-8d3e-6c9c5c20b4dd.yaml is damaged: line 5: unclosed quote at line 5, column 12
    Migrated 1 session from schema 3 to 4.
    `annals migrate --undo` goes back.
    ");
    sandbox.run(["tag", ID, "x"]).ok();
    insta::assert_snapshot!(whole(&sandbox.run(["migrate", "--undo", "--dry-run"])), @r"
    --- 0
    The store would be back at schema 3, as in 76a36f6b.
    warning: 1 session saved since the migration would be in history only; `annals migrate` brings it all back.
    Until `annals migrate`, this program only reads the store.
    ");
    insta::assert_snapshot!(whole(&sandbox.run(["migrate", "--undo"])), @r"
    --- 0
    The store is back at schema 3, as in 76a36f6b.
    warning: 1 session saved since the migration is in history only; `annals migrate` brings it all back.
    Until `annals migrate`, this program only reads the store.
    ");
    insta::assert_snapshot!(whole(&sandbox.run(["tag", ID, "y"])), @r"
    --- 3
    too old: the store was brought back to schema 3, and is only read by this program
    `annals migrate` brings it to the form that this program writes.
    ");
    insta::assert_snapshot!(whole(&sandbox.run(["migrate", "--undo"])), @r"
    --- 3
    in the way: there is nothing to take back: the store has schema 3
    ");
    insta::assert_snapshot!(whole(&sandbox.run(["migrate", "--dry-run"])), @r"
    2f9d81aa “Parser drops the last line”: schema 3 → 4, 4 messages
    --- 5
    warning: Session 4b1fa3cc stays as it is: sessions/0197b3c2-7f3a-7e66-9c2d-5b8b4b1fa3cc.yaml is damaged: line 10: messages[1].role: is missing
    warning: Session 5c20b4dd stays as it is: sessions/0197b3c2-803b-7f77-8d3e-6c9c5c20b4dd.yaml is damaged: line 5: unclosed quote at line 5, column 12
    1 session would be migrated, the store from schema 3 to 4.
    It was brought back to that by `annals migrate --undo`: what it had then comes back as it was.
    ");
    let plain = Sandbox::new();
    plain.run(["init"]).ok();
    insta::assert_snapshot!(whole(&plain.run(["migrate"])), @r"
    --- 0
    Nothing to migrate: the store has schema 4.
    ");
    insta::assert_snapshot!(whole(&plain.run(["--json", "migrate"])), @r#"
    {
      "kind": "annals.migration/1",
      "dry_run": false,
      "from": 4,
      "to": 4,
      "migrated": 0,
      "before": "df717ae4ecd77789f5448cdf67b5d5b4d124a5b2",
      "revision": null
    }
    --- 0
    "#);
    insta::assert_snapshot!(whole(&plain.run(["migrate", "--undo"])), @r"
    --- 3
    in the way: there is no migration to take back: this store was made in its present schema, or merged with another one since
    ");
}

/// A token, in pieces: it must not stand in this file.
fn token() -> String {
    ["ghp_", "a8Fj2kLm9Qr4TzXw7Yb3Nc6Vd1Pe5Hs0UgAi"].concat()
}

fn hold(bytes: &[u8], what: &str) -> bool {
    memchr::memmem::find(bytes, what.as_bytes()).is_some()
}

/// An older store of which one session holds a token in a message and in a field that nobody knows.
fn with_token(sandbox: &Sandbox) {
    let id = "0197b3c2-9999-7d55-8b1c-4a7a3a0e92ee";
    let token = token();
    let text = format!(
        "schema: 3\nid: {id}\ntitle: Keys\nunknown: {{deep: [\"{token}\"]}}\nmessages:\n\
         - role: user\n  content:\n  - text: \"use {token} for it\"\n"
    );
    sandbox.older_store("3");
    let mut files: Vec<(String, Vec<u8>)> =
        sandbox.tree().into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    files.push((format!("sessions/{id}.yaml"), text.into_bytes()));
    sandbox.commit_files(&files);
}

#[test]
fn p11_what_an_older_program_let_pass_goes_no_further() {
    let sandbox = Sandbox::new();
    with_token(&sandbox);
    let listed = sandbox.json(["list"]);
    assert_eq!(listed["total"], 3);
    let shown = sandbox.run(["show", "0e92ee"]).ok().stdout;
    assert!(shown.contains("use [redacted:github-token] for it"), "{shown}");
    sandbox.run(["search", "use"]).ok();
    let leaks = |sandbox: &Sandbox| -> Vec<_> {
        let files = sandbox.every_file().into_iter();
        let private = files.filter(|(path, _)| path.to_string_lossy().contains("/annals/"));
        private.filter(|(_, bytes)| hold(bytes, &token())).map(|(path, _)| path).collect()
    };
    assert_eq!(leaks(&sandbox), Vec::<std::path::PathBuf>::new(), "not into the index either");
    sandbox.run(["scan"]).code(1);
    let plan = sandbox.run(["migrate", "--dry-run"]).ok();
    assert!(plan.stdout.contains("2 redactions"), "{}", plan.stdout);
    sandbox.run(["migrate"]).ok();
    for (name, text) in sandbox.tree() {
        assert!(!text.contains(&token()), "{name}");
    }
    sandbox.run(["scan"]).ok();
    assert!(hold(&sandbox.every_object(), &token()), "history has it as it was");
    sandbox.run(["scan", "--history"]).code(1);
    sandbox.run(["scrub", "--yes"]).ok();
    assert!(!hold(&sandbox.every_object(), &token()), "until it is scrubbed");
    sandbox.run(["scan", "--history"]).ok();
    let log = sandbox.json(["log", "0e92ee"]);
    assert!(log["revisions"].as_array().is_some_and(|it| it.len() == 2), "{log}");
    let past = sandbox.run(["show", "0e92ee@~1"]).ok().stdout;
    assert!(past.contains("use [redacted:github-token] for it"), "{past}");
    sandbox.fsck();
}

#[test]
fn r3_3_a_purge_takes_a_session_out_of_the_revisions_of_older_schemas_too() {
    let sandbox = Sandbox::new();
    sandbox.older_store("2");
    let said = "Why does the parser drop the last line?";
    sandbox.run(["purge", ID, "--yes"]).ok();
    assert!(!hold(&sandbox.every_object(), said));
    assert_eq!(sandbox.json(["list"])["total"], 1);
    assert_eq!(sandbox.json(["show", ODD])["messages"].as_array().map(Vec::len), Some(2));
    sandbox.fsck();
    sandbox.run(["doctor"]).ok();
}

#[test]
fn r6_5_a_newer_session_in_the_store_is_read_and_never_written() {
    let sandbox = Sandbox::new();
    let newer = sandbox.save("title: Newer\nmessages:\n- {role: user, text: Hi}\n");
    let other = sandbox.save("title: Other\nmessages:\n- {role: user, text: Hi}\n");
    let transcript = sandbox.transcript(1).user("one").agent("two");
    let captured = transcript.clone().write().short();
    sandbox.capture();
    let mut files: Vec<(String, Vec<u8>)> =
        sandbox.tree().into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    let session = |id: &str| {
        let shown = sandbox.json(["show", id]);
        shown["session"]["id"].as_str().expect("an id").to_owned()
    };
    let captured = session(&captured);
    for (name, bytes) in &mut files {
        let is_head = name.ends_with("session.yaml");
        if is_head && (name.contains(&newer) || name.contains(&captured)) {
            let text = String::from_utf8_lossy(bytes).replace("schema: 4", "schema: 5");
            *bytes = (text + "novelty: [1]\n").into_bytes();
        }
    }
    let tip = sandbox.commit_files(&files);
    sandbox.run(["show", &newer]).ok();
    assert_eq!(sandbox.json(["list"])["total"], 3);
    sandbox.run(["doctor"]).ok();
    for write in [vec!["tag", &newer, "x"], vec!["delete", &newer, "--yes"], vec!["pin", &newer]] {
        let ran = Ran::of(sandbox.program().args(&write)).code(5);
        assert!(ran.stderr.starts_with("too new:"), "{write:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("Update this one."), "{write:?}: {}", ran.stderr);
    }
    assert_eq!(sandbox.tip(), tip);
    sandbox.run(["tag", &other, "x"]).ok();
    transcript.user("three").write();
    sandbox.transcript(2).user("another").write();
    let outcome = sandbox.json(["capture"]);
    assert_eq!(
        outcome["captured"].as_array().map(Vec::len),
        Some(1),
        "the others go on: {outcome}"
    );
    let skipped = outcome["skipped"][0]["reason"].as_str().expect("a reason");
    assert!(skipped.contains("schema 5"), "{skipped}");
    let kept = |files: &[(String, String)]| {
        let ours = files.iter().filter(|(name, _)| name.contains(&newer));
        ours.cloned().collect::<Vec<_>>()
    };
    let before: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (name.clone(), String::from_utf8_lossy(bytes).into_owned()))
        .collect();
    assert_eq!(kept(&sandbox.tree()), kept(&before), "byte for byte");
    sandbox.run(["config", "set", "retention.count", "1"]).ok();
    sandbox.run(["prune", "--yes"]).ok();
    assert_eq!(kept(&sandbox.tree()), kept(&before), "retention leaves it alone");
    assert!(sandbox.json(["list"])["total"].as_u64() < Some(4), "others went");
}

/// A remote that plain git made, with what a sandbox has.
fn remote_of(sandbox: &Sandbox) -> String {
    let remote = sandbox.root().join("remote.git").display().to_string();
    sandbox.git(["init", "-q", "--bare", "-b", "main", &remote]);
    sandbox.git(["push", "-q", &remote, "main"]);
    remote
}

#[test]
fn r6_an_older_side_is_migrated_before_it_is_merged() {
    let (older, a, b) = (Sandbox::of_machine(1), Sandbox::of_machine(2), Sandbox::of_machine(3));
    older.older_store("3");
    let remote = remote_of(&older);
    let tip = older.tip();
    // One machine had nothing to do with it, the other has the same store and migrated it itself.
    let own = a.save("title: Of a\nmessages:\n- {role: user, text: Hi}\n");
    b.older_store("3");
    assert_eq!(b.tip(), tip);
    b.run(["tag", ID, "of-b"]).ok();
    for machine in [&a, &b] {
        machine.run(["remote", "add", "origin", &remote]).ok();
    }
    let dry = a.json(["sync", "--dry-run"]);
    assert_eq!(dry["came"].as_array().map(Vec::len), Some(2), "{dry}");
    a.run(["sync"]).ok();
    assert_eq!(a.json(["list"])["total"], 3);
    assert_eq!(older_files(&a), Vec::<String>::new(), "it was migrated");
    assert_eq!(a.git(["ls-remote", &remote, "main"]).split('\t').next(), Some(a.tip().as_str()));
    a.run(["tag", ID, "of-a"]).ok();
    for machine in [&b, &a, &b, &a] {
        machine.run(["sync"]).ok();
    }
    assert_eq!(a.tip(), b.tip(), "they come to rest");
    let shown = shown(&b, ID);
    assert_eq!(shown["session"]["tags"], json!(["bug", "of-a", "of-b", "parser"]), "{shown}");
    assert_eq!(shown["messages"].as_array().map(Vec::len), Some(4));
    assert_eq!(b.json(["show", &own])["session"]["title"], "Of a");
    for machine in [&a, &b] {
        machine.fsck();
        machine.run(["doctor"]).ok();
    }
    // The older program still has what it had, and the new one's history comes from it.
    older.git(["fetch", "-q", &remote, "main"]);
    older.git(["merge-base", "--is-ancestor", &tip, "FETCH_HEAD"]);
}

#[test]
fn r6_two_machines_that_migrate_the_same_store_come_to_rest() {
    let (older, b) = (Sandbox::of_machine(1), Sandbox::of_machine(2));
    older.older_store("1");
    let remote = remote_of(&older);
    b.older_store("1");
    for machine in [&older, &b] {
        machine.run(["remote", "add", "origin", &remote]).ok();
        machine.run(["sync"]).ok();
    }
    for machine in [&older, &b, &older] {
        machine.run(["sync"]).ok();
    }
    assert_eq!(older.tip(), b.tip());
    assert_eq!(b.json(["list"])["total"], 2);
    b.fsck();
}

#[test]
fn r6_a_store_that_was_merged_since_is_not_brought_back() {
    let (a, b) = (Sandbox::of_machine(1), Sandbox::of_machine(2));
    a.older_store("3");
    let remote = remote_of(&a);
    b.run(["init"]).ok();
    for machine in [&a, &b, &a] {
        drop(machine.run(["remote", "add", "origin", &remote]));
        machine.run(["sync"]).ok();
    }
    let tip = a.tip();
    let ran = a.run(["migrate", "--undo"]).code(3);
    assert!(ran.stderr.contains("merged with another"), "{}", ran.stderr);
    assert_eq!(a.tip(), tip, "what the other one saved would go");
}

#[test]
fn r6_a_store_that_was_brought_back_is_not_synced() {
    let (a, b) = (Sandbox::of_machine(1), Sandbox::of_machine(2));
    a.older_store("3");
    a.run(["migrate"]).ok();
    let remote = remote_of(&a);
    a.run(["remote", "add", "origin", &remote]).ok();
    let copied = Command::new("cp").arg("-a").args([&a.root().join("data"), b.root()]).status();
    assert!(copied.expect("cp runs").success());
    a.run(["migrate", "--undo"]).ok();
    let ran = a.run(["sync"]).code(3);
    assert!(ran.stderr.starts_with("too old:"), "{}", ran.stderr);
    a.git(["push", "-q", &remote, "main"]);
    for has_saved in [false, true] {
        if has_saved {
            b.run(["tag", ID, "of-b"]).ok();
        }
        let before = b.tip();
        let ran = b.run(["sync"]).code(3);
        assert!(ran.stderr.contains("brought back to schema 3"), "{}", ran.stderr);
        assert_eq!(b.tip(), before, "neither side is changed");
    }
    assert_eq!(shown(&b, ID)["session"]["tags"], json!(["bug", "of-b", "parser"]));
    // Whoever brought it back goes forward again.
    a.run(["migrate"]).ok();
    for machine in [&a, &b, &a] {
        machine.run(["sync"]).ok();
    }
    assert_eq!(a.tip(), b.tip());
    assert_eq!(shown(&a, ID)["session"]["tags"], json!(["bug", "of-b", "parser"]));
    a.fsck();
}

#[test]
fn r6_2_a_session_that_one_machine_cannot_migrate_comes_to_the_others_as_it_is() {
    let (a, b) = (Sandbox::of_machine(1), Sandbox::of_machine(2));
    a.older_store("broken");
    let remote = remote_of(&a);
    a.run(["migrate"]).code(5);
    b.save("title: Of b\nmessages:\n- {role: user, text: Hi}\n");
    for machine in [&a, &b] {
        machine.run(["remote", "add", "origin", &remote]).ok();
        machine.run(["sync"]).ok();
    }
    a.run(["sync"]).ok();
    assert_eq!(a.tip(), b.tip());
    assert_eq!(older_files(&b).len(), 2, "as they are: {:?}", older_files(&b));
    assert_eq!(b.json(["list"])["total"], 4);
    b.run(["migrate"]).code(5);
    b.run(["delete", BROKEN[0], "--yes"]).code(5);
    b.fsck();
}

/// A session of an older program: what was said in it, and what is wrong with its file.
#[derive(Debug, Clone)]
struct Older {
    texts: Vec<String>,
    broken: Option<&'static str>,
}

impl Older {
    fn id(number: usize) -> String {
        format!("0197b3c2-0000-7000-8000-{number:012x}")
    }

    /// Its file in that schema.
    fn render(&self, number: usize, schema: u64) -> String {
        let mut text =
            format!("schema: {schema}\nid: {}\nextra: {number}\nmessages:\n", Self::id(number));
        for (place, said) in self.texts.iter().enumerate() {
            let said = json!(said);
            let role = ["user", "assistant"][place % 2];
            text += &match schema {
                1 => format!("- role: {role}\n  timestamp: 1{place}00\n  content: {said}\n"),
                2 => {
                    format!("- role: {role}\n  at: 2026-01-01T00:00:0{place}Z\n  content: {said}\n")
                }
                _ => format!(
                    "- role: {role}\n  at: 2026-01-01T00:00:0{place}Z\n  content:\n  - text: {said}\n"
                ),
            };
        }
        text + self.broken.unwrap_or_default()
    }
}

fn older_sessions() -> impl Strategy<Value = Vec<Older>> {
    let ways = [
        "- content: no role\n",
        "- role: user\n  at: noon\n  timestamp: noon\n  content: x\n",
        "tail: \"never closed\n",
        "messages: [twice]\n",
        "id: 0197b3c2-0000-7000-8000-00000000ffff\n",
    ];
    let broken =
        prop_oneof![3 => Just(None), 1 => prop::sample::select(ways.to_vec()).prop_map(Some)];
    let texts = prop::collection::vec("[ -~\u{e4}\u{4e2d}\n]{0,20}", 0..4);
    let session = (texts, broken).prop_map(|(texts, broken)| Older { texts, broken });
    prop::collection::vec(session, 1..5)
}

fn texts_of(records: &[Record]) -> Vec<String> {
    let text = |message: &Message| match &message.content {
        Content::Text(text) => text.clone(),
        Content::Blocks(_) => String::new(),
    };
    records.iter().filter_map(Record::as_message).map(text).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn p17_p18_p19_older_stores_are_migrated_whole_and_what_fails_is_kept(
        schema in 1_u64..4,
        sessions in older_sessions(),
    ) {
        let sandbox = Sandbox::new();
        let mut files: Vec<(String, Vec<u8>)> = sessions
            .iter()
            .enumerate()
            .map(|(number, session)| {
                let name = format!("sessions/{}.yaml", Older::id(number));
                (name, session.render(number, schema).into_bytes())
            })
            .collect();
        let marker = format!("store: 6a0b9d3e-1c52-4c0e-8a51-0d6f0c1b2a33\nschema: {schema}\n");
        files.push(("annals.yaml".to_owned(), marker.into_bytes()));
        let before = sandbox.commit_files(&files);
        let tree = sandbox.git(["rev-parse", "main^{tree}"]);
        let mut repository = sandbox.repository();
        let outcome = repository.migrate(&mut |_| {}).expect("the others go on");
        let failed: Vec<String> =
            outcome.failed.iter().map(|failed| failed.session.to_string()).collect();
        let broken = |it: &(usize, &Older)| it.1.broken.is_some();
        let expected = sessions.iter().enumerate().filter(broken).map(|(number, _)| Older::id(number));
        prop_assert_eq!(&failed, &expected.collect::<Vec<_>>(), "those that are broken, no other");
        for failed in &outcome.failed {
            let file = format!("sessions/{}.yaml", failed.session);
            prop_assert!(failed.reason.contains(&file), "{}", failed.reason);
            let is_other = failed.reason.contains("it is that of session");
            prop_assert!(is_other || failed.reason.contains("line "), "{}", failed.reason);
        }
        prop_assert_eq!(backups(&sandbox), vec![before], "the original is kept");
        let migrated = sandbox.tree();
        prop_assert!(migrated.iter().any(|(name, text)| name == "annals.yaml" && text.contains("schema: 4\n")));
        for (number, session) in sessions.iter().enumerate() {
            let name = format!("sessions/{}.yaml", Older::id(number));
            let file = migrated.iter().find(|(it, _)| *it == name).map(|(_, text)| text.as_bytes());
            let wanted = session.broken.map(|_| files[number].1.as_slice());
            prop_assert_eq!(file, wanted, "what failed is as it was, what did not has moved");
            if session.broken.is_none() {
                let at = repository.resolve(&Older::id(number), None).expect("it is there");
                let records = repository.load(&at).expect("it loads").records;
                prop_assert_eq!(&texts_of(&records), &session.texts);
            }
        }
        let again = repository.migrate(&mut |_| {}).expect("nothing to do");
        prop_assert_eq!(again.revision, None, "a second one changes nothing");
        repository.undo_migration(false).expect("it goes back");
        prop_assert_eq!(sandbox.git(["rev-parse", "main^{tree}"]), tree);
        repository.migrate(&mut |_| {}).expect("and forward");
        prop_assert_eq!(sandbox.tree(), migrated);
    }
}

/// Every way in which a migration may go wrong, at some of its calls: then it is done by the next
/// command, nothing is lost, and it is done once.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn r6_1_a_migration_that_is_cut_short_anywhere_is_done_by_the_next_command() {
    let Some(fault) = Fault::tool() else { return };
    let older = Sandbox::new();
    older.older_store("3");
    let tip = older.tip();
    let again = || {
        let sandbox = Sandbox::new();
        let (from, to) = (older.root().join("data"), sandbox.root().join("data"));
        let copied = Command::new("cp").arg("-a").args([&from, &to]).status();
        assert!(copied.expect("cp runs").success());
        sandbox
    };
    let migrate = |sandbox: &Sandbox| {
        let mut program = sandbox.program();
        program.arg("migrate");
        program
    };
    let counted = again();
    let calls = fault.count(&migrate(&counted), CALLS).calls.len();
    assert_eq!(operations(&counted), ["migrate", ""]);
    let mut runs = 0;
    for (way, wrong) in WAYS.into_iter().enumerate() {
        for nth in sample(calls, 2, way) {
            let sandbox = again();
            let faulted = fault.run(&migrate(&sandbox), CALLS, nth, wrong);
            let when = format!("{wrong:?} at {nth} ({:?}): {:?}", faulted.at(nth), faulted.ran);
            assert!(!faulted.ran.stderr.contains("panicked"), "{when}");
            let done = operations(&sandbox);
            let is_done = done == ["migrate", ""];
            assert!(is_done || done == [""], "the old state or the new one: {when}");
            let is_fault = matches!(wrong, Wrong::Fails(..));
            assert!(!(is_fault && faulted.ran.code == 0) || is_done, "no false success: {when}");
            let ran = sandbox.run(["tag", ID, "after"]);
            assert_eq!(ran.code, 0, "{when}: {ran:?}");
            assert_eq!(operations(&sandbox), ["tag", "migrate", ""], "{when}");
            assert_eq!(backups(&sandbox), [tip.as_str()], "{when}");
            assert_eq!(shown(&sandbox, ID)["messages"].as_array().map(Vec::len), Some(4), "{when}");
            assert_eq!(
                shown(&sandbox, ODD)["messages"].as_array().map(Vec::len),
                Some(4),
                "{when}"
            );
            sandbox.fsck();
            sandbox.run(["doctor"]).ok();
            runs += 1;
        }
    }
    say(&format!("{runs} runs, {calls} calls each"));
}

#[test]
fn a_journal_in_an_older_store_waits_for_whoever_writes() {
    // What a program that died left in a store of the present schema, in one of an older schema.
    let other = Sandbox::of_machine(2);
    let mut repository = other.repository();
    let interval = std::time::Duration::from_secs(300);
    let options = LiveOptions { interval, ..LiveOptions::default() };
    let session = repository.create("helper", &options).expect("begun");
    let record = Record::Message(Message::new("user", "not committed"));
    session.append(vec![record]).expect("acknowledged");
    let left = other.store().join("annals/journal");
    let sandbox = Sandbox::new();
    sandbox.older_store("3");
    let journals = sandbox.store().join("annals/journal");
    fs::create_dir_all(&journals).expect("made");
    for entry in fs::read_dir(&left).expect("there").flatten() {
        fs::copy(entry.path(), journals.join(entry.file_name())).expect("copied");
    }
    drop(session);
    let tip = sandbox.tip();
    for command in [&["list"][..], &["search", "parser"], &["show", ID], &["stats"], &["doctor"]] {
        Ran::of(sandbox.program().args(command)).ok();
        assert_eq!(sandbox.tip(), tip, "{command:?} only reads");
    }
    assert_eq!(fs::read_dir(&journals).expect("there").count(), 1);
    sandbox.run(["tag", ODD, "mine"]).ok();
    assert_eq!(fs::read_dir(&journals).expect("there").count(), 0);
    assert_eq!(sandbox.json(["search", "committed"])["total"], 1);
    sandbox.run(["doctor"]).ok();
}

#[test]
fn names_among_the_sessions_that_are_none_are_told() {
    let sandbox = Sandbox::new();
    sandbox.older_store("3");
    let mut files: Vec<_> =
        sandbox.tree().into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    files.push(("sessions/notes.txt".to_owned(), b"mine".to_vec()));
    sandbox.commit_files(&files);
    for args in [["migrate", "--dry-run"], ["migrate", "--json"]] {
        let ran = sandbox.run(args).ok();
        assert!((ran.stdout + &ran.stderr).contains("sessions/notes.txt"));
    }
    assert_eq!(sandbox.git(["show", "main:sessions/notes.txt"]), "mine");
}
