//! What `--json` prints, whole: documents, errors and exit codes. `docs/json.md` describes them.

use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Transcript;

const ID: &str = "7f188a6e-4e79-5ad4-b3f9-d4f28992cafe";
const SHORT: &str = "8992cafe";
const NATIVE: &str = "00000001-1111-4222-8333-444444444444";

/// A session that was captured twice: four messages at noon, one more an hour later.
fn stage() -> (Sandbox, Transcript, [String; 2]) {
    let mut sandbox = Sandbox::new();
    let input = json!({"command": "ls"});
    let begun = sandbox.transcript(1).user("Fix the login").agent("On it.");
    let begun = begun.tool("Bash", &input, "a b").write();
    sandbox.capture();
    let first = sandbox.tip();
    sandbox.set_now("2026-11-22T13:00:00Z");
    let whole = begun.user("Thanks.").write();
    sandbox.capture();
    let revisions = [first, sandbox.tip()];
    (sandbox, whole, revisions)
}

/// The session of the stage, as every document shows it.
fn session() -> Value {
    json!({
        "short": SHORT,
        "schema": 4,
        "id": ID,
        "preview": "Fix the login",
        "agent": {"name": "claude-code", "version": "2.1.0", "session": NATIVE},
        "models": ["claude-opus-4-5"],
        "created": "2026-11-20T10:00:00.000Z",
        "modified": "2026-11-20T10:00:04.000Z",
        "workspace": {"root": "/work/demo", "branch": "main"},
        "counts": {"records": 5, "messages": 5, "turns": 2, "tool_calls": 1, "bytes": 265},
        "tokens": {"input": 20, "output": 10, "cache_read": 0, "cache_write": 0, "total": 30},
        "origin": "captured",
    })
}

/// That session with other values in some fields.
fn session_with(fields: &Value) -> Value {
    let mut session = session();
    for (key, value) in fields.as_object().expect("fields") {
        session[key] = value.clone();
    }
    session
}

fn uuid(number: u32) -> String {
    format!("00000001-aaaa-4bbb-8ccc-{number:012}")
}

fn thanks() -> Value {
    json!({
        "message": "user", "id": uuid(4), "parent": uuid(3), "at": "2026-11-20T10:00:04.000Z",
        "cwd": "/work/demo", "branch": "main", "version": "2.1.0", "content": "Thanks.",
        "native": {"isSidechain": false, "sessionId": NATIVE, "userType": "external"},
    })
}

#[test]
fn list() {
    let (sandbox, ..) = stage();
    let row = session_with(&json!({"subagents": 0}));
    let expected = json!({"kind": "annals.list/1", "total": 1, "sessions": [row]});
    assert_eq!(sandbox.json(["list"]), expected);
    let nothing = json!({"kind": "annals.list/1", "total": 0, "sessions": []});
    assert_eq!(sandbox.json(["list", "--tag", "none"]), nothing, "no match is an empty list");
}

#[test]
fn show() {
    let (sandbox, _, [_, tip]) = stage();
    let shown = sandbox.json(["show", SHORT]);
    let origin = json!({
        "annals": "origin", "id": shown["events"][0]["id"], "agent": "claude-code",
        "session": NATIVE, "how": "captured",
    });
    let place = json!({"cwd": "/work/demo", "branch": "main", "version": "2.1.0"});
    let message = |number: u32, role: &str, content: Value, native: &Value| {
        let mut message = place.clone();
        message["message"] = json!(role);
        message["id"] = json!(uuid(number));
        message["at"] = json!(format!("2026-11-20T10:00:0{number}.000Z"));
        message["content"] = content;
        message["native"] =
            json!({"isSidechain": false, "sessionId": NATIVE, "userType": "external"});
        for (key, value) in native.as_object().expect("fields") {
            message["native"][key] = value.clone();
        }
        if number > 0 {
            message["parent"] = json!(uuid(number - 1));
        }
        if role == "assistant" {
            message["model"] = json!("claude-opus-4-5");
            message["answer"] = json!(format!("msg_000{number}"));
            message["usage"] = json!({"input": 10, "output": 5});
        }
        message
    };
    let call = json!([{"tool_call": "Bash", "id": "toolu_00000002", "input": {"command": "ls"}}]);
    let result = json!([{"tool_result": "toolu_00000002", "output": "a b"}]);
    let inner = json!({"message": {"type": "message"}});
    let messages = json!([
        message(0, "user", json!("Fix the login"), &json!({"parentUuid": null})),
        message(1, "assistant", json!([{"text": "On it."}]), &inner),
        message(2, "assistant", call, &inner),
        message(3, "user", result, &json!({})),
        thanks(),
    ]);
    let expected = json!({
        "kind": "annals.show/1", "revision": tip, "session": session(),
        "messages": messages, "events": [origin],
    });
    assert_eq!(shown, expected);
    let part = sandbox.json(["show", SHORT, "--messages", "5.."]);
    assert_eq!(part["messages"], json!([thanks()]), "--messages chooses among them");
    assert_eq!(sandbox.json(["show", SHORT, "--tools"]), expected, "nothing is ever folded");
}

#[test]
fn log() {
    let (sandbox, _, [first, second]) = stage();
    let revision = |revision: &str, time: &str, messages: u64, added: u64| {
        json!({
            "revision": revision, "time": time, "operation": "capture",
            "messages": messages, "added": added, "removed": 0,
        })
    };
    let expected = json!({
        "kind": "annals.log/1",
        "session": ID,
        "revisions": [
            revision(&second, "2026-11-22T13:00:00Z", 5, 1),
            revision(&first, "2026-11-22T12:00:00Z", 4, 4),
        ],
    });
    assert_eq!(sandbox.json(["log", SHORT]), expected);
}

#[test]
fn diff() {
    let (sandbox, _, [first, second]) = stage();
    let side = |revision: &str| json!({"id": ID, "short": SHORT, "revision": revision});
    let expected = json!({
        "kind": "annals.diff/1",
        "left": side(&first),
        "right": side(&second),
        "fields": {},
        "equal": 4,
        "changes": [{"change": "added", "message": thanks()}],
    });
    let ran = Ran::of(sandbox.program().args(["--json", "diff", SHORT])).code(1);
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(found, expected);
    let same = sandbox.json(["diff", SHORT, SHORT]);
    let expected = json!({
        "kind": "annals.diff/1", "left": side(&second), "right": side(&second),
        "fields": {}, "equal": 5, "changes": [],
    });
    assert_eq!(same, expected, "no changes, and the exit code 0");
    sandbox.run(["tag", SHORT, "bug"]).ok();
    let ran = Ran::of(sandbox.program().args(["--json", "diff", SHORT])).code(1);
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(found["fields"], json!({"tags": {"left": [], "right": ["bug"]}}));
    assert_eq!(found["changes"], json!([]), "no message differs, but what people say does");
}

#[test]
fn capture() {
    let (sandbox, whole, _) = stage();
    let nothing = json!({
        "kind": "annals.capture/1", "dry_run": false, "captured": [], "updated": [],
        "unchanged": 1, "deleted": 0, "skipped": [], "redactions": {}, "notices": [],
        "revision": null,
    });
    assert_eq!(sandbox.json(["capture"]), nothing);
    whole.agent("Welcome.").write();
    let other = sandbox.transcript(2).user("Another").write();
    let torn = other.path().with_file_name("00000003-1111-4222-8333-444444444444.jsonl");
    let line = sandbox.transcript(3).user("Third").text();
    std::fs::write(&torn, format!("{line}{{torn\n")).expect("it is written");
    let third = sandbox.transcript(3);
    let row = |id: &str, short: &str, title: &str, messages: u64, added: u64| {
        json!({
            "id": id, "short": short, "agent": "claude-code", "title": title,
            "messages": messages, "added": added, "removed": 0,
        })
    };
    let planned = sandbox.json(["capture", "--dry-run"]);
    let found = sandbox.json(["capture"]);
    let reason = found["skipped"][0]["reason"].clone();
    assert!(reason.is_string(), "{found}");
    let expected = json!({
        "kind": "annals.capture/1",
        "dry_run": false,
        "captured": [
            row(&other.session().to_string(), &other.short(), "Another", 1, 1),
            row(&third.session().to_string(), &third.short(), "Third", 1, 1),
        ],
        "updated": [row(ID, SHORT, "Fix the login", 6, 1)],
        "unchanged": 0,
        "deleted": 0,
        "skipped": [{"path": format!("{}:2", torn.display()), "reason": reason}],
        "redactions": {},
        "notices": [],
        "revision": sandbox.tip(),
    });
    assert_eq!(found, expected);
    let mut expected = expected;
    expected["dry_run"] = json!(true);
    expected["revision"] = Value::Null;
    assert_eq!(planned, expected, "--dry-run says the same beforehand");
}

#[test]
fn restore_and_resume() {
    let (sandbox, whole, _) = stage();
    let home = sandbox.root().join("other");
    let file = home.join(whole.path().strip_prefix(sandbox.home()).expect("below the home"));
    let outcome = |kind: &str, file: &std::path::Path| {
        json!({
            "kind": kind,
            "session": ID,
            "files": [file.to_string_lossy()],
            "command": ["claude", "--resume", NATIVE],
            "workspace": "/work/demo",
            "workspace_exists": false,
            "workspace_source": "recorded",
            "redacted": 0,
            "missing_files": [],
            "notices": [],
        })
    };
    let shown = home.to_string_lossy();
    let planned = sandbox.json(["restore", SHORT, "--home", &shown, "--dry-run"]);
    assert_eq!(planned, outcome("annals.restore/1", &file));
    assert!(!file.exists(), "--dry-run writes nothing");
    let found = sandbox.json(["restore", SHORT, "--home", &shown]);
    assert_eq!(found, outcome("annals.restore/1", &file));
    assert!(file.exists());
    std::fs::remove_file(whole.path()).expect("the agent lost it");
    assert_eq!(sandbox.json(["resume", SHORT]), outcome("annals.resume/1", &whole.path()));
    assert!(whole.path().exists());
}

#[test]
fn commands_that_leave_one_session_in_a_new_state() {
    let (sandbox, ..) = stage();
    let done = |kind: &str, fields: Value| json!({"kind": kind, "session": session_with(&fields), "revision": sandbox.tip()});
    let at = |millis: u32| format!("2026-11-22T13:00:00.00{millis}Z");
    let found = sandbox.json(["rename", SHORT, "A", "title"]);
    let fields = json!({"title": "A title", "modified": at(0)});
    assert_eq!(found, done("annals.rename/1", fields));
    let found = sandbox.json(["tag", SHORT, "y", "x"]);
    let fields = json!({"title": "A title", "modified": at(1), "tags": ["x", "y"]});
    assert_eq!(found, done("annals.tag/1", fields.clone()));
    let again = sandbox.json(["tag", SHORT, "x"]);
    let mut expected = done("annals.tag/1", fields);
    expected["revision"] = Value::Null;
    assert_eq!(again, expected, "no revision where nothing changed");
    let found = sandbox.json(["note", SHORT, "N"]);
    let fields = json!({
        "title": "A title", "modified": at(2), "tags": ["x", "y"], "notes": "N",
    });
    assert_eq!(found, done("annals.note/1", fields.clone()));
    let shown = sandbox.json(["note", SHORT]);
    let mut expected = done("annals.note/1", fields);
    expected["revision"] = Value::Null;
    assert_eq!(shown, expected, "note without a text shows");
    let found = sandbox.json(["pin", SHORT]);
    let fields = json!({
        "title": "A title", "modified": at(3), "tags": ["x", "y"], "notes": "N", "pinned": true,
    });
    assert_eq!(found, done("annals.pin/1", fields));
    let found = sandbox.json(["rollback", SHORT, "~4"]);
    let fields = json!({"modified": at(4)});
    assert_eq!(found, done("annals.rollback/1", fields));
}

#[test]
fn save_fork_delete_undelete() {
    let (sandbox, ..) = stage();
    let document = "id: 01890000-0000-7000-8000-00000000abcd\ntitle: Parser\nagent: mine\n\
        created: \"2026-11-22T10:00:00Z\"\nmessages:\n- {role: user, text: Why?}\n";
    let ran = sandbox.run_with(["--json", "save", "-"], document).ok();
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let saved = json!({
        "short": "0000abcd",
        "schema": 4,
        "id": "01890000-0000-7000-8000-00000000abcd",
        "title": "Parser",
        "preview": "Why?",
        "agent": {"name": "mine"},
        "created": found["session"]["created"],
        "modified": found["session"]["modified"],
        "counts": {"records": 1, "messages": 1, "turns": 1, "tool_calls": 0, "bytes": 4},
        "origin": "created",
    });
    let expected = json!({"kind": "annals.save/1", "session": saved, "revision": sandbox.tip()});
    assert_eq!(found, expected);
    let deleted = sandbox.json(["delete", "0000abcd", "--yes"]);
    let expected =
        json!({"kind": "annals.delete/1", "deleted": [saved], "revision": sandbox.tip()});
    assert_eq!(deleted, expected);
    let back = sandbox.json(["undelete", "0000abcd"]);
    let mut again = saved;
    again["modified"] = back["session"]["modified"].clone();
    let expected =
        json!({"kind": "annals.undelete/1", "session": again, "revision": sandbox.tip()});
    assert_eq!(back, expected);
    let forked = sandbox.json(["fork", SHORT, "--at", "2"]);
    let fork = &forked["session"];
    let expected = session_with(&json!({
        "short": fork["short"],
        "id": fork["id"],
        "title": "Fix the login (fork)",
        "agent": {"name": "claude-code", "version": "2.1.0", "session": fork["agent"]["session"]},
        "modified": "2026-11-22T13:00:00.000Z",
        "counts": {"records": 2, "messages": 2, "turns": 1, "tool_calls": 0, "bytes": 114},
        "tokens": {"input": 10, "output": 5, "cache_read": 0, "cache_write": 0, "total": 15},
        "origin": format!("forked from {ID}"),
    }));
    let expected = json!({"kind": "annals.fork/1", "session": expected, "revision": sandbox.tip()});
    assert_eq!(forked, expected);
}

#[test]
fn edit_without_a_change_makes_no_revision() {
    let (sandbox, ..) = stage();
    let mut command = sandbox.program();
    command.env("EDITOR", "true").args(["--json", "edit", SHORT]);
    let ran = Ran::of(&mut command).ok();
    let found: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let expected = json!({"kind": "annals.edit/1", "session": session(), "revision": null});
    assert_eq!(found, expected);
}

#[test]
fn init_checkout_gc_and_doctor() {
    let sandbox = Sandbox::new();
    let made = sandbox.json(["init"]);
    let folder = sandbox.store().to_string_lossy().into_owned();
    assert_eq!(made, json!({"kind": "annals.init/1", "folder": folder}));
    let checkout = sandbox.root().join("checkout").to_string_lossy().into_owned();
    let made = sandbox.json(["checkout", &checkout]);
    assert_eq!(made, json!({"kind": "annals.checkout/1", "folder": checkout}));
    let doctor = sandbox.json(["doctor"]);
    let check = |name: &str, found: &str| json!({"name": name, "verdict": "fine", "found": found});
    let git = doctor["checks"][6]["found"].as_str().expect("a version").to_owned();
    assert!(git.starts_with("git version"), "{git}");
    let disk = doctor["checks"][11]["found"].as_str().expect("what is free").to_owned();
    let expected = json!({
        "kind": "annals.doctor/1",
        "verdict": "fine",
        "checks": [
            check("objects", "4, all whole"),
            check("refs", "each leads somewhere"),
            check("sessions", "0, each as its head says"),
            check("index", "it says of each what the store does"),
            check("modes", "nobody else can read the store"),
            check("owners", "all of it is yours"),
            check("git", &git),
            check("audit", "no audit log is kept"),
            check("config", "nothing in it is refused"),
            check("journals", "each line was read"),
            check("locks", "git holds none"),
            check("disk", &disk),
        ],
    });
    assert_eq!(doctor, expected);
    let packed = sandbox.json(["gc"]);
    assert_eq!(packed["kind"], "annals.gc/1");
    let keys: Vec<&String> = packed.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["kind", "before", "after", "whole"]);
    assert!(packed["before"].as_u64().is_some() && packed["after"].as_u64() > Some(0));
}

#[test]
fn audit() {
    let (sandbox, ..) = stage();
    let folder = sandbox.store().join("annals/audit");
    let nothing = json!({
        "kind": "annals.audit/1", "enabled": false, "folder": folder, "entries": [],
        "more": false, "skipped": 0,
    });
    assert_eq!(sandbox.json(["audit"]), nothing);
    sandbox.run(["config", "set", "audit.enabled", "true"]).ok();
    sandbox.run(["pin", SHORT]).ok();
    sandbox.run(["import", "none.json"]).code(3);
    let mut all = sandbox.json(["audit", "-n", "1"]);
    assert_eq!((&all["more"], &all["enabled"]), (&json!(true), &json!(true)));
    assert!(all["entries"][0]["ms"].as_f64().is_some_and(|ms| ms > 0.0));
    let failed = json!([{
        "time": "2026-11-22T13:00:00Z", "operation": "import", "level": "error",
        "outcome": "failed", "ms": all["entries"][0]["ms"], "sessions": [], "counts": {},
        "error": {"kind": "io", "message": all["entries"][0]["error"]["message"]},
    }]);
    assert_eq!(all["entries"].take(), failed);
    let mut all = sandbox.json(["audit", "--operation", "pin"]);
    let ms = all["entries"][0]["ms"].take();
    let pinned = json!([{
        "time": "2026-11-22T13:00:00Z", "operation": "pin", "level": "change", "outcome": "done",
        "ms": null, "sessions": [ID], "revision": sandbox.tip(), "counts": {},
    }]);
    assert!(ms.is_f64());
    assert_eq!(all["entries"].take(), pinned);
}

/// Runs a command that fails, and gives its exit code and error.
fn failure<const N: usize>(sandbox: &Sandbox, args: [&str; N]) -> (i32, Value) {
    let ran = Ran::of(sandbox.program().arg("--json").args(args));
    assert_eq!(ran.stdout, "", "{args:?}: a command that fails prints no document");
    assert_eq!(ran.stderr.lines().count(), 1, "{args:?}: one line of error: {}", ran.stderr);
    let error: Value = serde_json::from_str(&ran.stderr).expect("an error is JSON");
    (ran.code, error["error"].clone())
}

#[test]
fn errors_have_a_kind_a_message_a_hint_and_a_code() {
    let (sandbox, ..) = stage();
    let look =
        "`annals list` shows the sessions of all folders; `annals capture` takes in new ones.";
    let usage = "`annals help COMMAND` tells what a command takes.";
    let error = |kind: &str, message: &str, hint: Option<&str>| json!({"kind": kind, "message": message, "hint": hint});
    let fails = |args: [&str; 2]| failure(&sandbox, args);
    let found = fails(["show", "nothing"]);
    assert_eq!(found, (3, error("not_found", "no session is called nothing", Some(look))));
    let found = fails(["show", "8992cafe@~9"]);
    let message = "session 8992cafe has no ~9; its first is ~1";
    let log = "`annals log 8992cafe` lists its revisions.";
    assert_eq!(found, (3, error("not_found", message, Some(log))));
    let found = fails(["capture", "nosuch"]);
    let message = "annals does not know the agent nosuch, only claude-code";
    assert_eq!(found, (3, error("invalid", message, None)));
    let found = fails(["delete", SHORT]);
    let message = "Nothing was deleted: without a terminal, `annals delete` needs --yes.";
    assert_eq!(found, (3, error("declined", message, None)));
    let found = fails(["undelete", SHORT]);
    assert_eq!(found, (3, error("conflict", "session 8992cafe is not deleted", None)));
    let found = fails(["tour", "--no-scan"]);
    let message = "The tour is for people; it has no --json.";
    assert_eq!(found, (2, error("usage", message, Some(usage))));
    let (code, found) = fails(["list", "--nope"]);
    assert_eq!((code, &found["kind"]), (2, &json!("usage")), "an unknown flag");
    assert!(found["message"].as_str().is_some_and(|it| it.contains("--nope")), "{found}");
    let (code, found) = fails(["nosuch", "x"]);
    assert_eq!((code, &found["kind"]), (2, &json!("usage")), "an unknown command");
    let (code, found) = fails(["show", "8992cafe@~x"]);
    assert_eq!((code, &found["kind"]), (3, &json!("invalid")));
}

#[test]
fn a_locked_store_ends_with_4() {
    let (sandbox, ..) = stage();
    let lock = sandbox.store().join("annals/lock");
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(&lock);
    let file = file.expect("the lock file opens");
    file.lock().expect("nobody else holds it");
    let (code, error) = failure(&sandbox, ["tag", SHORT, "x"]);
    assert_eq!((code, &error["kind"]), (4, &json!("locked")), "{error}");
    assert_eq!(error["hint"], "Another annals is writing. Try again in a moment.");
    sandbox.json(["list"]);
    sandbox.json(["show", SHORT]);
    drop(file);
    sandbox.json(["tag", SHORT, "x"]);
}

#[test]
fn a_damaged_store_ends_with_5() {
    let (sandbox, ..) = stage();
    let name = format!("main:sessions/fe/{ID}/messages/{SHORT}-000001.yaml");
    let object = sandbox.git(["rev-parse", &name]).trim().to_owned();
    let path = sandbox.store().join("objects").join(&object[..2]).join(&object[2..]);
    std::fs::remove_file(&path).expect("it is a loose object");
    std::fs::write(&path, "torn").expect("it is ours");
    let (code, error) = failure(&sandbox, ["show", SHORT]);
    assert_eq!((code, &error["kind"]), (5, &json!("corrupt")), "{error}");
    assert_eq!(
        error["hint"],
        "`annals doctor` says what is damaged, `annals doctor --repair` mends it."
    );
    let ran = Ran::of(sandbox.program().args(["--json", "doctor"])).code(5);
    let doctor: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(doctor["verdict"], "damaged");
    let text = doctor.to_string();
    assert!(text.contains(ID), "the doctor names the session: {text}");
    assert!(text.contains(&object[..8]), "and the object: {text}");
}

#[test]
fn share_and_import() {
    let (sandbox, ..) = stage();
    let home = sandbox.home();
    let shared = sandbox.json(["share", SHORT, "-o", "x.bundle"]);
    let bundle = home.join("x.bundle");
    let bytes = std::fs::metadata(&bundle).expect("it is written").len();
    let id = shared["sessions"][0]["id"].as_str().expect("an id").to_owned();
    let removed = json!({"agent version": 5, "branch": 5, "workspace path": 5});
    let document = json!({
        "kind": "annals.shared/1", "dry_run": false, "file": bundle, "bytes": bytes,
        "sessions": [{
            "id": id, "source": ID, "agent": "claude-code", "title": "Fix the login", "messages": 5,
        }],
        "removed": removed,
    });
    assert_eq!(shared, document);
    let dry = sandbox.json(["share", SHORT, "--dry-run"]);
    assert_eq!((&dry["file"], &dry["dry_run"]), (&Value::Null, &json!(true)));
    assert_eq!(dry["removed"], removed);
    let ran = sandbox.run(["--json", "share", SHORT, "-o", "-"]).code(2);
    assert!(ran.stderr.contains("usage"), "{}", ran.stderr);

    let imported = sandbox.json(["import", "x.bundle"]);
    let new = imported["imported"][0]["id"].as_str().expect("an id").to_owned();
    let program = json!({"kind": "program", "message": "its agent, claude, is not installed here"});
    let mut warnings = vec![
        json!({"kind": "workspace", "message": "its workspace, workspace, is not on this machine"}),
    ];
    let is_installed = imported["imported"][0]["warnings"].as_array().map(Vec::len) == Some(1);
    warnings.extend(Some(program).filter(|_| !is_installed));
    let document = json!({
        "kind": "annals.import/1", "dry_run": false,
        "imported": [{
            "id": new, "short": new[28..], "source": id, "file": bundle, "agent": "claude-code",
            "title": "Fix the login", "messages": 5, "warnings": warnings,
        }],
        "known": [], "redactions": {}, "revision": sandbox.tip(),
    });
    assert_eq!(imported, document);
    let again = sandbox.json(["import", "x.bundle"]);
    let document = json!({
        "kind": "annals.import/1", "dry_run": false, "imported": [],
        "known": [{"id": new, "source": id, "file": bundle, "deleted": false}],
        "redactions": {}, "revision": null,
    });
    assert_eq!(again, document);
    std::fs::write(home.join("x.bundle"), "# v2 git bundle\n").expect("it is written");
    let (code, error) = failure(&sandbox, ["import", "x.bundle"]);
    assert_eq!((code, &error["kind"]), (3, &json!("invalid")), "{error}");
    assert_eq!(error["hint"], "Nothing was imported.");
}

#[test]
fn ids_are_typed_in_many_ways() {
    let (sandbox, whole, [first, second]) = stage();
    let revision = |name: &str| {
        let shown = sandbox.json(["show", name]);
        assert_eq!(shown["session"]["id"], ID, "{name} means the session");
        shown["revision"].as_str().expect("a revision").to_owned()
    };
    for name in [ID, SHORT, "7f188a6e", "7f18", "cafe", &ID.to_uppercase(), &whole.id()] {
        assert_eq!(revision(name), second, "{name}");
    }
    for back in ["~0", "2026-11-22T13:00:00Z", "2026-11-22 13:30", "2026-11-22", &second[..7]] {
        assert_eq!(revision(&format!("{SHORT}@{back}")), second, "{back}");
    }
    for back in ["~", "~1", "2026-11-22T12:59:59Z", "2026-11-22 12:00", &first[..7], &first] {
        assert_eq!(revision(&format!("{SHORT}@{back}")), first, "{back}");
    }
    for (name, kind) in [("7f1", "not_found"), ("8992cafe@2026-11-21", "not_found")] {
        assert_eq!(failure(&sandbox, ["show", name]).1["kind"], kind, "{name}");
    }
}

#[test]
fn the_newest_here_is_at() {
    let sandbox = Sandbox::new();
    let home = sandbox.home().to_string_lossy().into_owned();
    let older = sandbox.transcript(1).workspace(&home).user("older").write();
    let newer = sandbox.transcript(2).workspace(&home).user("newer").agent("yes").write();
    sandbox.transcript(3).user("elsewhere").agent("yes").user("and newer").write();
    sandbox.capture();
    let id = |name: &str| sandbox.json(["show", name])["session"]["id"].clone();
    assert_eq!(id("@"), json!(newer.session().to_string()));
    assert_eq!(id("@1"), json!(newer.session().to_string()));
    assert_eq!(id("@2"), json!(older.session().to_string()));
    assert_eq!(id("@2@~0"), json!(older.session().to_string()));
    for name in ["@3", "@x"] {
        assert_eq!(failure(&sandbox, ["show", name]).0, 3, "{name}");
    }
}

#[test]
fn an_ambiguous_id_names_its_candidates() {
    let sandbox = Sandbox::new();
    for (number, title) in [(1, "First"), (2, "Second")] {
        let document = format!(
            "id: 01890000-0000-7000-8000-00000000beb{number}\ntitle: {title}\n\
             messages:\n- {{role: user, text: Hi}}\n"
        );
        sandbox.save(&document);
    }
    let (code, error) = failure(&sandbox, ["show", "01890000"]);
    assert_eq!((code, &error["kind"]), (3, &json!("ambiguous")));
    let message = error["message"].as_str().expect("a message");
    for part in ["beb1", "First", "beb2", "Second"] {
        assert!(message.contains(part), "{part} is named in {message}");
    }
    assert_eq!(error["hint"], "Give more characters of the id.");
}
