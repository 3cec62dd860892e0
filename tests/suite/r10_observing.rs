//! R10: seeing what happens: the audit log.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use annals::repository::AuditFilter;
use annals::repository::LiveOptions;
use annals::session::Message;
use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;

/// What no rule knows, and a person might call a secret all the same.
const VALUE: &str = "PolarisSubmarine";

fn token() -> String {
    ["ghp_", "a8Fj2kLm9Qr4TzXw7Yb3Nc6Vd1Pe5Hs0UgAi"].concat()
}

fn folder(sandbox: &Sandbox) -> PathBuf {
    sandbox.store().join("annals/audit")
}

/// A sandbox with a session, and a log of that level from then on.
fn stage(level: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let id = sandbox.save("{title: Fix it, messages: [{role: user, text: hello}]}");
    sandbox.run(["config", "set", "audit.enabled", "true"]).ok();
    sandbox.run(["config", "set", "audit.level", level]).ok();
    (sandbox, id)
}

/// Operation, outcome and sessions of each line, the earliest first.
fn told(sandbox: &Sandbox) -> Vec<(String, String, Vec<String>)> {
    let all = sandbox.json(["audit", "-n", "1000"]);
    let entries = all["entries"].as_array().expect("entries").iter().rev();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let sessions =
        |entry: &Value| entry["sessions"].as_array().expect("sessions").iter().map(text).collect();
    entries.map(|it| (text(&it["operation"]), text(&it["outcome"]), sessions(it))).collect()
}

fn names(sandbox: &Sandbox) -> Vec<String> {
    told(sandbox).into_iter().map(|(operation, ..)| operation).collect()
}

#[test]
fn r10_1_every_operation_is_a_line_with_its_sessions_and_its_outcome() {
    let (sandbox, id) = stage("read");
    let short = &id[id.len() - 8..];
    sandbox.transcript(1).user("Fix the login").write();
    sandbox.run(["list"]).ok();
    sandbox.run(["show", short]).ok();
    sandbox.run(["search", "hello"]).ok();
    sandbox.run(["log", short]).ok();
    sandbox.run(["rename", short, "Another"]).ok();
    sandbox.run(["tag", short, "bug"]).ok();
    sandbox.run(["pin", short]).ok();
    sandbox.run(["diff", short]).code(1);
    sandbox.run(["fork", short]).ok();
    sandbox.run(["rollback", short, "~1"]).ok();
    sandbox.capture();
    sandbox.run(["export", short, "--format", "json", "-o", "out.json"]).ok();
    sandbox.run(["share", short, "-o", "out.bundle"]).ok();
    sandbox.run(["import", "out.json"]).ok();
    sandbox.run(["prune"]).ok();
    sandbox.run(["scan"]).ok();
    sandbox.run(["delete", short, "--yes"]).ok();
    sandbox.run(["undelete", short]).ok();
    sandbox.run(["gc"]).ok();
    sandbox.run(["doctor"]).ok();
    sandbox.run(["purge", short, "--yes"]).ok();
    sandbox.run(["config", "set", "save.idle", "9"]).ok();
    sandbox.run(["hooks", "install", "claude-code"]).ok();
    let all = told(&sandbox);
    for name in [
        "config", "list", "load", "search", "log", "rename", "tag", "pin", "diff", "fork",
        "rollback", "capture", "export", "share", "import", "scan", "delete", "undelete", "gc",
        "doctor", "purge", "hooks",
    ] {
        assert!(all.iter().any(|(operation, ..)| operation == name), "{name}: {all:?}");
    }
    assert!(all.iter().all(|(_, outcome, _)| outcome == "done"), "{all:?}");
    for name in ["load", "rename", "rollback", "export", "share", "delete", "undelete", "purge"] {
        let is_it = |it: &&(String, String, Vec<String>)| it.0 == name && it.2.contains(&id);
        assert!(all.iter().any(|it| is_it(&it)), "{name} was about {id}: {all:?}");
    }
    let of_session = sandbox.json(["audit", "--session", &id, "--operation", "delete"]);
    assert_eq!(of_session["entries"].as_array().map(Vec::len), Some(1), "{of_session}");
    assert_eq!(of_session["entries"][0]["revision"].as_str().map(str::len), Some(40));
}

#[test]
fn r10_1_a_level_says_which_operations_are_written_down() {
    for (level, expected) in
        [("error", vec!["rename"]), ("change", vec!["rename", "pin", "config"])]
    {
        let (sandbox, id) = stage(level);
        sandbox.run(["list"]).ok();
        // A session that is deleted while its title is typed, say.
        let mut repository = sandbox.repository();
        let gone = repository.create_id();
        let title = annals::repository::Edit::Rename("x".to_owned());
        repository.edit(gone, &[title]).expect_err("there is no such session");
        drop(repository);
        sandbox.run(["pin", &id]).ok();
        sandbox.run(["config", "set", "audit.enabled", "false"]).ok();
        sandbox.run(["unpin-all"]).code(2);
        sandbox.run(["tag", &id, "late"]).ok();
        let mut seen = names(&sandbox);
        // That the level was set stands before, where changes are written down.
        seen.retain(|name| name != "config" || level == "change");
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        let from = seen.iter().position(|name| *name == "rename").expect("it failed");
        assert_eq!(seen[from..], expected, "with the level {level}");
        let failed = sandbox.json(["audit", "--failed"]);
        let error = &failed["entries"][0]["error"];
        assert_eq!(error["kind"], "not_found");
        assert_eq!(error["message"], json!(format!("there is no session {gone}")));
    }
}

#[test]
fn r10_1_off_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.save("{messages: [{role: user, text: hello}]}");
    sandbox.run(["list"]).ok();
    assert!(!folder(&sandbox).exists());
    let none = sandbox.run(["audit"]).ok();
    assert_eq!(none.stdout, "");
    assert_eq!(none.stderr, "No log is kept: annals config set audit.enabled true\n");
}

#[test]
fn r10_1_no_secret_is_in_the_log_whatever_was_typed() {
    let (sandbox, id) = stage("read");
    let secret = token();
    let in_name = format!("{secret}.json");
    sandbox.save(&format!("{{title: {secret}, messages: [{{role: user, text: {secret}}}]}}"));
    sandbox.run(["rename", &id, &secret]).ok();
    sandbox.run(["tag", &id, &secret]).ok();
    sandbox.run(["note", &id, &secret]).ok();
    let words = ["list", "--text", &secret, "--tag", &secret, "--workspace", &secret];
    sandbox.run(words).ok();
    sandbox.run(["search", &secret]).code(1);
    sandbox.run(["import", &in_name]).code(3);
    sandbox.run(["export", &id, "-o", &format!("no/{in_name}")]).code(3);
    sandbox.run(["restore", &id, "--agent", &secret]).code(3);
    sandbox.run(["undelete", "--revision", &secret]).code(3);
    sandbox.run(["capture", "--path", &in_name]).code(3);
    sandbox.run(["tag", &id, &format!("two words {secret}")]).code(3);
    sandbox.run(["config", "set", "store.path", &secret]).code(3);
    sandbox.run(["checkout", &secret]).ok();
    sandbox.run(["checkout", &secret]).code(3);
    let log = fs::read_to_string(folder(&sandbox).join("audit.jsonl")).expect("it is kept");
    assert!(log.matches("\"failed\"").count() >= 7, "the failures are in it: {log}");
    assert!(log.contains("[redacted:github-token]"), "errors that held it are told: {log}");
    for (path, bytes) in sandbox.every_file() {
        if path.starts_with(sandbox.store()) {
            let is_there = bytes.windows(secret.len()).any(|it| it == secret.as_bytes());
            assert!(!is_there, "{} holds the secret", path.display());
        }
    }
    let metrics = fs::read_to_string(sandbox.store().join("annals/metrics.json"));
    let metrics = metrics.expect("operations are counted");
    for text in ["Fix it", "hello", "words", "redacted"] {
        assert!(!metrics.contains(text) && !log.contains("hello"), "{text} is no metric");
    }
}

#[test]
fn r10_1_scrub_and_purge_clean_the_log() {
    let (sandbox, id) = stage("change");
    sandbox.save(&format!("{{messages: [{{role: user, text: see {VALUE}}}]}}"));
    sandbox.run(["import", &format!("{VALUE}.json")]).code(3);
    let closed = folder(&sandbox).join("audit-000007.jsonl");
    fs::copy(folder(&sandbox).join("audit.jsonl"), &closed).expect("copied");
    let text = || {
        let read = |path: PathBuf| fs::read_to_string(path).expect("it is there");
        read(folder(&sandbox).join("audit.jsonl")) + &read(closed.clone())
    };
    assert_eq!(text().matches(VALUE).count(), 2);
    let lines = text().lines().count();
    sandbox.run_with(["scrub", "--value", "--yes"], VALUE).ok();
    assert!(!text().contains(VALUE), "{}", text());
    assert_eq!(text().lines().count(), lines + 1, "no line went, and the scrub is one");
    let before = told(&sandbox).len();
    fs::OpenOptions::new()
        .append(true)
        .open(folder(&sandbox).join("audit.jsonl"))
        .and_then(|mut file| {
            use std::io::Write;
            let rest = r#""level":"error","operation":"restore","outcome":"failed","ms":1.0"#;
            let error = r#""error":{"kind":"io","message":"cannot write Plan B"}"#;
            writeln!(
                file,
                r#"{{"time":"2026-11-22T12:00:00Z",{rest},"sessions":["{id}"],{error}}}"#
            )
        })
        .expect("written");
    sandbox.run(["purge", &id, "--yes"]).ok();
    assert!(!text().contains("Plan B"), "{}", text());
    assert_eq!(told(&sandbox).len(), before + 2, "that it failed stays, and the purge is a line");
}

#[test]
fn r10_1_a_log_that_cannot_be_cleaned_stops_a_scrub() {
    let (sandbox, _) = stage("change");
    sandbox.save(&format!("{{messages: [{{role: user, text: see {VALUE}}}]}}"));
    let tip = sandbox.tip();
    fs::remove_file(folder(&sandbox).join("lock")).expect("it was there");
    fs::create_dir(folder(&sandbox).join("lock")).expect("made");
    let ran = sandbox.run_with(["scrub", "--value", "--yes"], VALUE).code(3);
    assert!(ran.stderr.contains("cannot be cleaned, so nothing was changed"), "{}", ran.stderr);
    assert_eq!(sandbox.tip(), tip);
}

#[test]
fn r10_1_a_log_that_cannot_be_written_stops_nothing_and_is_told() {
    let (sandbox, id) = stage("change");
    let blocked = sandbox.root().join("file");
    fs::write(&blocked, "no folder").expect("written");
    let path = blocked.join("log").to_string_lossy().into_owned();
    sandbox.run(["config", "set", "audit.path", &path]).ok();
    for _ in 0..3 {
        let ran = sandbox.run(["pin", &id]).ok();
        assert_eq!(ran.stderr.matches("warning").count(), 0, "{}", ran.stderr);
    }
    let doctor = sandbox.run(["doctor"]).ok();
    let line =
        doctor.stdout.lines().find(|line| line.contains("audit")).expect("a line").to_owned();
    assert!(line.contains("3 lines could not be written, last 2026-11-22 12:00 UTC"), "{line}");
    sandbox.run(["config", "set", "audit.path", "~/log"]).ok();
    sandbox.run(["pin", &id]).ok();
    assert!(sandbox.home().join("log/audit.jsonl").exists());
}

#[test]
fn r10_1_a_fault_in_its_settings_stops_only_the_log() {
    let (sandbox, id) = stage("change");
    let file = sandbox.root().join("config/annals/config.toml");
    let text = fs::read_to_string(&file).expect("there");
    fs::write(&file, text.replace("\"change\"", "\"all\"")).expect("written");
    sandbox.run(["pin", &id]).ok();
    let ran = sandbox.run(["audit"]).code(3);
    assert!(ran.stderr.contains("`audit.level` is \"all\""), "{}", ran.stderr);
    let doctor = sandbox.run(["doctor"]).ok();
    assert!(doctor.stdout.contains("`audit.level` is \"all\""), "{}", doctor.stdout);
}

#[test]
fn r10_1_several_processes_write_while_the_file_is_closed_by_its_size() {
    let (sandbox, id) = stage("change");
    sandbox.run(["config", "set", "audit.size", "1 MB"]).ok();
    let path = folder(&sandbox).join("audit.jsonl");
    let line = fs::read_to_string(&path).expect("there").lines().next().expect("a line").to_owned();
    let count = 1_000_000 / (line.len() + 1) - 2;
    fs::write(&path, format!("{line}\n").repeat(count)).expect("written");
    let pin = |number: usize| {
        let mut program = sandbox.program();
        program.args([if number.is_multiple_of(2) { "tag" } else { "note" }, &id]);
        program.arg(format!("t{number}"));
        program.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
        program.spawn().expect("it starts")
    };
    let running: Vec<_> = (0..8).map(pin).collect();
    for child in running {
        let ended = child.wait_with_output().expect("it ends");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let files = fs::read_dir(folder(&sandbox)).expect("there").flatten();
    let mut files: Vec<String> =
        files.map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    assert_eq!(files, ["audit-000001.jsonl", "audit.jsonl", "lock"]);
    let all = sandbox.json(["audit", "-n", "100000"]);
    let done: Vec<&str> = all["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .filter_map(|it| it["operation"].as_str())
        .filter(|name| matches!(*name, "tag" | "note"))
        .collect();
    assert_eq!((done.len(), &all["skipped"]), (8, &json!(0)));
    assert_eq!(all["entries"].as_array().map(Vec::len), Some(8 + count));
    for file in ["audit.jsonl", "audit-000001.jsonl", "lock", ""] {
        let mode = fs::metadata(folder(&sandbox).join(file)).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is closed to others");
    }
}

#[test]
fn r10_1_dates_are_meant_as_everywhere_and_what_is_torn_is_counted() {
    let (mut sandbox, id) = stage("change");
    for day in [18, 19, 20] {
        sandbox.set_now(&format!("2026-11-{day}T08:00:00Z"));
        sandbox.run(["tag", &id, &format!("t{day}")]).ok();
    }
    let file = folder(&sandbox).join("audit.jsonl");
    let text = fs::read_to_string(&file).expect("there");
    fs::write(&file, format!("{text}{{\"time\":\"2026-11\nwho?\n")).expect("written");
    let days = |args: &[&str]| -> Vec<String> {
        let ran = Ran::of(sandbox.program().args(["--json", "audit"]).args(args)).ok();
        let all: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let entries = all["entries"].as_array().expect("entries").iter();
        entries.map(|it| it["time"].as_str().expect("a time")[8..10].to_owned()).collect()
    };
    assert_eq!(days(&["--date", "yesterday"]), ["19"]);
    assert_eq!(days(&["--since", "2026-11-19", "--operation", "tag"]), ["20", "19"]);
    assert_eq!(days(&["--until", "2026-11-19"]), ["19", "18"]);
    assert_eq!(days(&["--date", "2026-11-18", "--date", "2026-11-20"]), ["20", "18"]);
    assert_eq!(days(&["-n", "1", "--operation", "tag"]), ["20"]);
    let ran = sandbox.run(["audit", "--operation", "tag", "-n", "2"]).ok();
    assert_eq!(ran.stdout.lines().count(), 3);
    assert_eq!(
        ran.stderr,
        "warning: 2 lines of the log cannot be understood, and were passed over\n\
         There are earlier ones: -n shows more.\n"
    );
    sandbox.run(["audit", "--operation", "tagg"]).code(2);
    sandbox.run(["audit", "--date", "soon"]).code(2);
    sandbox.run(["audit", "--session", "nobody"]).code(3);
}

#[test]
fn r10_1_what_live_sessions_save_and_what_recovery_finds_is_written_down() {
    let (sandbox, _) = stage("change");
    let mut repository = sandbox.repository();
    let live = repository.create("my-agent", &LiveOptions::default()).expect("created");
    live.append(vec![Message::new("user", "Why?").into()]).expect("appended");
    let head = live.close().expect("closed");
    drop(repository);
    let repository = sandbox.repository();
    // The saver's thread has its own handle, which is closed a moment after the session.
    let reading = repository.audit(&AuditFilter::default(), 10).expect("read");
    let names: Vec<&str> = reading.entries.iter().map(|it| it.operation.as_str()).collect();
    assert!(names.contains(&"autosave") && names.contains(&"create"), "{names:?}");
    let saved = reading.entries.iter().find(|it| it.operation == "autosave").expect("it is there");
    assert_eq!(saved.sessions, [head.id.to_string()]);
    assert!(saved.revision.is_some() && saved.ms > 0.0);
}

#[test]
fn r9_4_what_is_mended_by_itself_is_in_the_log() {
    let (sandbox, _) = stage("change");
    let private = sandbox.store().join("annals");
    fs::set_permissions(private.join("index.db"), fs::Permissions::from_mode(0o644)).expect("ours");
    sandbox.run(["list"]).ok();
    fs::write(private.join("index.db"), "no database at all, but a text of some length")
        .expect("written");
    for name in ["index.db-wal", "index.db-shm"] {
        drop(fs::remove_file(private.join(name)));
    }
    sandbox.run(["list"]).ok();
    let all = sandbox.json(["audit", "--operation", "repair"]);
    let counts: Vec<&Value> =
        all["entries"].as_array().expect("entries").iter().map(|it| &it["counts"]).collect();
    assert_eq!(counts, [&json!({"index": 1}), &json!({"modes": 1})]);
}
