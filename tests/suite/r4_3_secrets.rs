//! R4.3: no secret is written anywhere, told anywhere, or given to another program; and what a
//! user says about the rules holds wherever they run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use annals::repository::Edit;
use annals::repository::LiveOptions;
use annals::repository::Update;
use annals::session::Message;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Transcript;

/// A token in the form of GitHub's that nobody has; made up here so that no file holds it.
fn token(seed: u64) -> String {
    let digits = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let digits: String = (0..36)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(digits[usize::try_from(state >> 33).expect("it fits") % digits.len()])
        })
        .collect();
    ["gh", "p_"].concat() + &digits
}

/// Tokens that were put somewhere, each another one.
#[derive(Default)]
struct Markers(Vec<String>);

impl Markers {
    fn plant(&mut self) -> String {
        let token = token(self.0.len() as u64 + 1);
        self.0.push(token.clone());
        token
    }

    /// Which of them some bytes hold, by number.
    fn held_by(&self, bytes: &[u8]) -> Vec<usize> {
        let is_held = |token: &String| contains(bytes, token);
        (0..).zip(&self.0).filter(|(_, token)| is_held(token)).map(|(at, _)| at).collect()
    }

    /// None of them stands in a file outside the home, in the name of one, or in an object,
    /// whether a revision has it or not.
    fn assert_nowhere_on_disk(&self, sandbox: &Sandbox, when: &str) {
        let mut leaks = Vec::new();
        if sandbox.store().join("HEAD").exists() {
            leaks.extend(
                self.held_by(&sandbox.every_object()).iter().map(|at| format!("{at} in an object")),
            );
        }
        for (path, bytes) in sandbox.every_file() {
            let shown =
                path.strip_prefix(sandbox.root()).unwrap_or(&path).to_string_lossy().into_owned();
            let held = self.held_by(&bytes).into_iter().chain(self.held_by(shown.as_bytes()));
            leaks.extend(held.map(|at| format!("{at} in {shown}")));
        }
        assert!(leaks.is_empty(), "{when}: a token is found again: {leaks:?}");
    }

    /// What a run told holds none of them.
    fn assert_untold(&self, ran: &Ran, what: &str) {
        for said in [&ran.stdout, &ran.stderr] {
            assert_eq!(self.held_by(said.as_bytes()), [0; 0], "{what} tells none: {said}");
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

/// A file in base64, large enough to be stored by itself, with a text in its bytes.
fn file(head: &[u8], text: &str) -> String {
    let rest: Vec<u8> = (0..=u8::MAX).cycle().take(3_000).collect();
    STANDARD.encode([head, b"/Author (", text.as_bytes(), b")\n", &rest].concat())
}

/// A transcript with a token in every place that there is, whole lines and broken ones.
fn planted(sandbox: &Sandbox, markers: &mut Markers) -> Transcript {
    let mut plant = || markers.plant();
    let workspace = format!("/src/{}/app", plant());
    let mut key_map = serde_json::Map::new();
    key_map.insert(plant(), json!(1));
    let input = json!({"command": format!("curl -H {}", plant()), "deep": [{"x": [plant()]}], "map": key_map});
    let png = "iVBORw0KGgo".to_owned() + &"A".repeat(2_000);
    let large = format!("{}{}\n", "A line of output that is long.\n".repeat(12_000), plant());
    let transcript = sandbox
        .transcript(1)
        .workspace(&workspace)
        .user(&format!("Use {} please", plant()))
        .agent(&format!("I use `{}`.", plant()))
        .tool(&format!("Tool-{}", plant()), &input, &format!("out: {}\n", plant()))
        .tool("Bash", &json!({"command": "make"}), &large)
        .line(json!({"type": "summary", "summary": plant(), "leafUuid": plant()}))
        .line(json!({"type": "custom-title", "customTitle": plant()}))
        .line(json!({"type": "queue-operation", "operation": "enqueue", "content": plant()}))
        .line(json!({"type": "last-prompt", "lastPrompt": plant(), "leafUuid": plant()}))
        .line(json!({"type": "system", "subtype": plant(), "content": plant(),
            "compactMetadata": {"trigger": plant(), "preservedMessages": [plant()]}}))
        .line(json!({"type": "attachment", "attachment": {"type": "file", "filename": plant(),
            "displayPath": plant(), "content": {"file": {"filePath": plant(), "content": plant()}}}}))
        .line(json!({"type": plant(), "value": plant()}))
        .line(json!({"type": "file-history-snapshot", "snapshot": {plant(): {"path": plant()}}}))
        .line(json!([plant()]))
        .line(json!(plant()))
        .line(json!({"type": "user", "uuid": plant(), "parentUuid": plant(), "version": plant(),
            "gitBranch": plant(), "cwd": plant(), "sessionId": plant(), "timestamp": plant(),
            "requestId": plant(), "toolUseResult": {"stdout": plant(), "file": {"filePath": plant()}},
            "message": {"role": "user", "model": plant(), "id": plant(), "usage": {plant(): 1, "service_tier": plant()},
            "content": [
                {"type": "text", "text": plant()}, {"type": "thinking", "thinking": plant(), "signature": plant()},
                {"type": "redacted_thinking", "data": plant()},
                {"type": "tool_use", "id": plant(), "name": plant(), "input": plant()},
                {"type": "tool_result", "tool_use_id": plant(), "content": [{"type": "text", "text": plant()}]},
                {"type": "image", "source": {"type": "base64", "media_type": plant(), "data": plant()}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": format!("{png} {}", plant())}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": file(b"\x89PNG\r\n\x1a\n", &plant())}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": file(b"%PDF-1.7\n", &plant())}},
                {"type": "document", "title": plant(), "source": {"type": "text", "data": plant()}},
                {"type": "novel", "x": plant()}]}}));
    let text = [
        transcript.text(),
        format!("{{torn {}\n", plant()),
        format!("{{\"a\": \"{}\", \"a\": \"{}\"}}\n", plant(), plant()),
        format!("{{\"n\": 1e999, \"b\": \"\\ud800 {}\"}}\n", plant()),
        format!("{{\"n\": 123456789012345678901234567890, \"{}\": 1}}\n", plant()),
    ];
    let mut bytes = text.concat().into_bytes();
    bytes.extend(format!("\u{7f} {} ", plant()).bytes().chain([0xff, b'\n']));
    bytes.extend(format!("tail {}", plant()).bytes());
    fs::create_dir_all(transcript.path().parent().expect("a folder")).expect("it is made");
    fs::write(transcript.path(), bytes).expect("it is written");
    transcript.write_subagent("abc123", &plant(), &plant());
    let meta = transcript.path().with_extension("").join("subagents/agent-abc123.meta.json");
    let about =
        json!({"agentType": plant(), "description": plant(), "toolUseId": plant(), plant(): 1});
    fs::write(meta, about.to_string()).expect("it is written");
    transcript
}

/// A store with a token in everything that comes from a file, a person or a program, that writes
/// down every operation.
fn full(sandbox: &Sandbox, markers: &mut Markers) -> Transcript {
    configure(sandbox, "[audit]\nenabled = true\nlevel = \"read\"\n");
    let transcript = planted(sandbox, markers);
    markers.assert_untold(&sandbox.capture(), "capture");
    let id = transcript.short();
    for edit in ["rename", "note", "tag"] {
        let ran = sandbox.run([edit, &id, &markers.plant()]).ok();
        markers.assert_untold(&ran, edit);
    }
    let mut plant = || markers.plant();
    let document = json!({
        "title": plant(), "tags": [plant()], "notes": plant(), "context_files": [plant()],
        "agent": {"name": plant(), "version": plant(), "session": plant()},
        "workspace": {"root": plant(), "branch": plant(), "repository": plant()},
        "later": plant(),
        "messages": [{"role": plant(), "text": plant(), "id": plant(), "model": plant(), "more": plant()}],
    });
    sandbox.save(&document.to_string());
    transcript
}

#[test]
fn r4_3_no_secret_is_in_any_file_whatever_field_it_came_in() {
    let (sandbox, mut markers) = (Sandbox::new(), Markers::default());
    let transcript = full(&sandbox, &mut markers);
    let named = sandbox.home().join(format!("{}.jsonl", markers.plant()));
    fs::write(&named, sandbox.transcript(3).user("hello").text()).expect("it is written");
    sandbox.run(["capture", "--path", &named.to_string_lossy()]);
    markers.assert_nowhere_on_disk(&sandbox, "before it is packed");
    assert!(contains(&sandbox.every_object(), "[redacted:github-token]"), "they were not lost");
    sandbox.run(["rollback", &transcript.short(), "~1"]).ok();
    sandbox.run(["delete", &transcript.short(), "--yes"]).ok();
    sandbox.run(["gc"]).ok();
    markers.assert_nowhere_on_disk(&sandbox, "packed, with reflogs");
}

#[test]
fn r4_3_no_command_tells_a_secret_or_writes_it_elsewhere() {
    let (sandbox, mut markers) = (Sandbox::new(), Markers::default());
    let transcript = full(&sandbox, &mut markers);
    let id = &*transcript.short();
    let file = |name: &str| sandbox.root().join(name).to_string_lossy().into_owned();
    let (out, other) = (&*file("out"), &*file("other"));
    let source = transcript.path().to_string_lossy().into_owned();
    let commands: &[&[&str]] = &[
        &["list"],
        &["list", "--sort", "title"],
        &["show", id, "--tools"],
        &["show", id, "--raw"],
        &["show", id, "--messages", "1..3"],
        &["log", id],
        &["diff", id],
        &["diff", id, &format!("{id}@~1")],
        &["capture"],
        &["capture", "--dry-run"],
        &["scan"],
        &["scan", "--history"],
        &["scrub", "--dry-run"],
        &["doctor"],
        &["export", id, "-o", "-"],
        &["export", id, "--format", "json", "-o", "-"],
        &["export", id, "--format", "yaml", "-o", "-"],
        &["export", id, "--format", "html", "-o", out],
        &["restore", id, "--home", other],
        &["resume", id, "--print"],
        &["fork", id],
        &["redact", "--list", &source],
        &["redact", &source],
        &["undelete", id],
        &["share", id, "--dry-run"],
        &["search", "redacted"],
        &["search", "--exact", "redacted"],
        &["prune", "--dry-run"],
        &["config", "list"],
        &["checkout", &file("checkout")],
        &["stats"],
        &["stats", "--html", &file("dashboard.html")],
        &["list", "--text", "redacted"],
        &["audit", "-n", "1000"],
    ];
    for args in commands {
        for form in [&[][..], &["--json"]] {
            if !form.is_empty() && args.contains(&"-") {
                continue;
            }
            let ran = Ran::of(sandbox.program().args(form).args(*args));
            assert_ne!(ran.code, 70, "{args:?}: {ran:?}");
            assert_ne!(ran.code, 2, "{args:?} is well said: {ran:?}");
            markers.assert_untold(&ran, &format!("{args:?}"));
        }
    }
    markers.assert_nowhere_on_disk(&sandbox, "after every command, with all that they wrote");
    assert_is_written_down(&sandbox, "export");
}

/// The audit log and the counters are there, so that it was looked into them, and know of an
/// operation.
fn assert_is_written_down(sandbox: &Sandbox, operation: &str) {
    for name in ["audit/audit.jsonl", "metrics.json"] {
        let bytes = fs::read(sandbox.store().join("annals").join(name)).expect("it is there");
        assert!(contains(&bytes, &format!("\"{operation}\"")), "{name} knows of {operation}");
    }
}

#[test]
fn r4_3_what_is_asked_for_is_neither_told_nor_written_down() {
    let (sandbox, mut markers) = (Sandbox::new(), Markers::default());
    full(&sandbox, &mut markers);
    let token = markers.plant();
    let (path, field) = (format!("/src/{token}"), format!("tag:{token}"));
    let asked: [&[&str]; 15] = [
        &["search", &token],
        &["search", "--exact", &token],
        &["search", "--regex", &token],
        &["search", &field, "redacted"],
        &["search", "--tag", &token, "redacted"],
        &["list", "--text", &token],
        &["list", "--tag", &token],
        &["list", "--branch", &token],
        &["list", "--model", &token],
        &["list", "--workspace", &path],
        &["stats", "--tag", &token],
        &["prune", "--dry-run", "--workspace", &path],
        &["export", "--tag", &token, "-o", "-"],
        &["search", "\"", &token],
        &["audit", "--operation", &token],
    ];
    for args in asked {
        for form in [&[][..], &["--json"]] {
            let ran = Ran::of(sandbox.program().args(form).args(args));
            assert!(matches!(ran.code, 0..=3), "{args:?}: {ran:?}");
            markers.assert_untold(&ran, &format!("{args:?}"));
        }
    }
    markers.assert_nowhere_on_disk(&sandbox, "after it was asked for");
    assert_is_written_down(&sandbox, "search");
    assert_is_written_down(&sandbox, "stats");
}

#[test]
fn r4_3_an_error_does_not_repeat_a_secret() {
    let (sandbox, mut markers) = (Sandbox::new(), Markers::default());
    sandbox.transcript(1).user("hello").write();
    sandbox.capture();
    let id = sandbox.transcript(1).short();
    let token = markers.plant();
    for document in [
        format!("title: {token}\nmessages:\n- role: [{token}]\n"),
        format!("{{\"messages\": \"{token}\""),
    ] {
        let ran = sandbox.run_with(["save", "-"], &document).code(3);
        markers.assert_untold(&ran, "save");
    }
    let folder = sandbox.home().join(&token);
    let folder = folder.to_string_lossy();
    let bad_tag = format!("{token} x");
    let bad_config = format!("[output]\ncolor = \"{token}\"\n[redact]\noff = [\"{token}\"]\n");
    let wrong: [&[&str]; 10] = [
        &["show", &token],
        &["tag", &id, &bad_tag],
        &["capture", "--home", &folder],
        &[&token],
        &["capture", "--path", &folder],
        &["capture", &token],
        &["list", "--date", &token],
        &["redact", &folder],
        &["export", &id, "--format", &token],
        &["--store", &folder, "list"],
    ];
    for args in wrong {
        for form in [&[][..], &["--json"]] {
            let ran = Ran::of(sandbox.program().args(form).args(args));
            assert!(matches!(ran.code, 1..=3), "{args:?} is refused: {ran:?}");
            markers.assert_untold(&ran, &format!("{args:?}"));
        }
    }
    configure(&sandbox, &bad_config);
    for args in [&["list"][..], &["capture"]] {
        markers.assert_untold(&Ran::of(sandbox.program().args(args)), "a bad configuration");
    }
}

#[test]
fn r4_3_no_program_that_is_started_is_given_a_secret() {
    let (sandbox, mut markers) = (Sandbox::new(), Markers::default());
    let folder = sandbox.root().join("bin");
    fs::create_dir(&folder).expect("a folder is made");
    let told = sandbox.home().join("told");
    let script = format!(
        "#!/bin/sh\n{{ printf '%s\\n' \"$0\" \"$@\"; env; }} >> '{}'\nPATH=${{PATH#*:}} exec git \"$@\"\n",
        told.display()
    );
    fs::write(folder.join("git"), script).expect("it is written");
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let transcript = full(&sandbox, &mut markers);
    let id = transcript.short();
    let checkout = sandbox.root().join("checkout").to_string_lossy().into_owned();
    for args in [
        &["gc"][..],
        &["checkout", &checkout],
        &["doctor"],
        &["scrub", "--yes"],
        &["purge", &id, "--yes"],
    ] {
        let ran = Ran::of(sandbox.program().env("PATH", &path).args(args)).ok();
        markers.assert_untold(&ran, args[0]);
    }
    let told = fs::read(&told).expect("git was started");
    assert!(contains(&told, "clone") && contains(&told, "pack-objects"), "it was watched");
    assert_eq!(markers.held_by(&told), [0; 0], "neither as argument nor in the environment");
    markers.assert_nowhere_on_disk(&sandbox, "after git ran");
}

#[test]
fn r4_3_an_agent_that_is_started_is_given_no_secret() {
    let (sandbox, mut markers) = (Sandbox::new(), Markers::default());
    let transcript = full(&sandbox, &mut markers);
    let folder = sandbox.root().join("bin");
    fs::create_dir(&folder).expect("a folder is made");
    let told = sandbox.home().join("told");
    let script = format!(
        "#!/bin/sh\n{{ printf '%s\\n' \"$0\" \"$@\"; env; pwd; }} > '{}'\n",
        told.display()
    );
    fs::write(folder.join("claude"), script).expect("it is written");
    let ours = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.join("claude"), ours).expect("it is ours");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let workspace = sandbox.root().join("work").to_string_lossy().into_owned();
    fs::create_dir(&workspace).expect("a folder is made");
    let home = sandbox.root().join("other").to_string_lossy().into_owned();
    let mut command = sandbox.program();
    command.env("PATH", &path).env("CLAUDE_CONFIG_DIR", &home);
    command.args(["resume", &transcript.short(), "--yes", "--workspace", &workspace]);
    markers.assert_untold(&Ran::of(&mut command).ok(), "resume");
    let told = fs::read(&told).expect("it was started");
    assert!(contains(&told, "--resume"), "it was watched");
    assert_eq!(markers.held_by(&told), [0; 0], "neither as argument nor in the environment");
    markers.assert_nowhere_on_disk(&sandbox, "after the agent was started");
}

#[test]
fn r4_3_a_live_session_keeps_no_secret_on_disk() {
    let (sandbox, mut markers) = (Sandbox::new(), Markers::default());
    let mut plant = || markers.plant();
    let mut repository = sandbox.repository();
    let never = Duration::from_secs(300);
    let options = LiveOptions { interval: never, idle: never, ..LiveOptions::default() };
    let live = repository.create(&plant(), &options).expect("created");
    let blocks = vec![
        json!({"text": plant()}),
        json!({"thinking": plant(), "signature": plant()}),
        json!({"tool_call": plant(), "id": plant(), "input": {plant(): [plant(), {"a": plant()}]}}),
        json!({"tool_result": plant(), "output": plant()}),
    ];
    let document = json!({"messages": [
        {"role": plant(), "text": plant(), "id": plant(), "model": plant(), "more": {plant(): plant()}},
        {"role": "assistant", "content": blocks},
    ]});
    let message = Message::new(&plant(), &plant());
    live.append(vec![message.into()]).expect("appended");
    for update in [
        Update::Edit(Edit::Rename(plant())),
        Update::Edit(Edit::Note(plant())),
        Update::Edit(Edit::Tag(vec![plant()])),
        Update::Model(plant()),
        Update::ContextFiles(vec![plant()]),
        Update::State(json!({plant(): [plant()]})),
    ] {
        live.update(update).expect("updated");
    }
    // What was recognised last is in the journal already.
    live.append(vec![Message::new("user", "it is q7Lz9Vb2Xc4Nm6Kj8Hg1Fd3S").into()])
        .expect("appended");
    live.append(vec![Message::new("user", "DB_PASSWORD=q7Lz9Vb2Xc4Nm6Kj8Hg1Fd3S").into()])
        .expect("appended");
    let id = live.id();
    repository.mark_failed_start(id, &plant()).expect("marked");
    markers.0.push("q7Lz9Vb2Xc4Nm6Kj8Hg1Fd3S".to_owned());
    let is_kept = |(path, text): &(PathBuf, Vec<u8>)| {
        path.extension().is_some_and(|ending| ending == "journal")
            && contains(text, "[redacted:github-token]")
    };
    assert!(sandbox.every_file().iter().any(is_kept), "the journal keeps the marks");
    markers.assert_nowhere_on_disk(&sandbox, "while the journal holds it");
    live.save().expect("saved");
    markers.assert_nowhere_on_disk(&sandbox, "saved");
    live.append(vec![Message::new("user", &markers.plant()).into()]).expect("appended");
    markers.assert_nowhere_on_disk(&sandbox, "not saved yet");
    live.close().expect("saved");
    sandbox.save(&document.to_string());
    markers.assert_nowhere_on_disk(&sandbox, "after the end");
}

#[test]
fn r4_3_what_is_shared_or_taken_in_holds_no_secret() {
    let (sandbox, mut markers) = (Sandbox::new(), Markers::default());
    let transcript = full(&sandbox, &mut markers);
    let id = &*transcript.short();
    let place = |name: &str| sandbox.root().join(name).to_string_lossy().into_owned();
    for (name, with) in [("small", &[][..]), ("whole", &["--with-files"])] {
        let bundle = place(&format!("{name}.bundle"));
        let shared = Ran::of(sandbox.program().args(["share", id, "-o", &bundle]).args(with)).ok();
        markers.assert_untold(&shared, "share");
        let bytes = fs::read(&bundle).expect("it is there");
        assert_eq!(markers.held_by(&bytes), [0; 0], "as it is packed");
        let clone = place(name);
        let mut git = std::process::Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        Ran::of(git.args(["clone", "-q", &bundle, &clone])).ok();
    }
    markers.assert_nowhere_on_disk(&sandbox, "with the shares, unpacked");
    let mut plant = || markers.plant();
    let document = json!({
        "id": "01890000-0000-7000-8000-00005e550011", "title": plant(), "agent": plant(), "workspace": plant(),
        "context_files": [plant()], "tags": [plant()], "notes": plant(), plant(): plant(),
        "messages": [{"role": "user", "text": plant(), "id": plant()}, {"role": "assistant", "text": plant()}],
    });
    let file = sandbox.home().join("taken.json");
    fs::write(&file, document.to_string()).expect("it is written");
    let taken = sandbox.run(["import", &file.to_string_lossy()]).ok();
    markers.assert_untold(&taken, "import");
    let small = place("small.bundle");
    markers.assert_untold(&sandbox.run(["import", &small]).ok(), "import of the share");
    markers.assert_nowhere_on_disk(&sandbox, "after both were taken in");
}

#[test]
fn r4_3_a_killed_capture_leaves_no_secret_behind() {
    let (whole, mut markers) = (Sandbox::new(), Markers::default());
    planted(&whole, &mut markers);
    let start = Instant::now();
    whole.capture();
    let time = start.elapsed();
    let mut kills = 0;
    for part in 1..=8_u32 {
        let (sandbox, mut markers) = (Sandbox::new(), Markers::default());
        planted(&sandbox, &mut markers);
        kills += u32::from(is_killed(&sandbox, time.mul_f64(f64::from(part) / 9.0)));
        markers.assert_nowhere_on_disk(&sandbox, &format!("killed after {part}/9 of the time"));
        markers.assert_untold(&sandbox.capture(), "the next capture");
        markers.assert_nowhere_on_disk(&sandbox, "after the next capture");
    }
    assert!(kills > 0, "some captures were killed");
}

/// Runs a capture and kills it after a while; false: it had ended.
fn is_killed(sandbox: &Sandbox, time: Duration) -> bool {
    let mut command = sandbox.program();
    command.arg("capture").stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let start = Instant::now();
    while start.elapsed() < time {
        if child.try_wait().expect("it can be waited for").is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends").code().is_none()
}

#[test]
fn r4_3_what_was_recognised_late_is_found_in_history_and_scrubbed() {
    let sandbox = Sandbox::new();
    let mut markers = Markers::default();
    markers.0.push("q7Lz9Vb2Xc4Nm6Kj8Hg1Fd3S".to_owned());
    let value = markers.0[0].clone();
    let transcript = sandbox.transcript(1).user(&format!("it is {value}")).write();
    sandbox.capture();
    let id = transcript.short();
    let late = transcript.user(&format!("DB_PASSWORD={value}")).write();
    let ran = sandbox.capture();
    assert!(ran.stderr.contains("earlier revisions still hold it, in 1 record"), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("`annals scrub {id}` takes it out")), "{}", ran.stderr);
    let found = sandbox.run(["scan", "--history"]).code(1);
    assert!(found.stdout.contains("password"), "{}", found.stdout);
    sandbox.run(["scan"]).ok();
    sandbox.run(["scrub", &id, "--yes"]).ok();
    markers.assert_nowhere_on_disk(&sandbox, "after the scrub");
    sandbox.run(["scan", "--history"]).ok();
    let more = late.user(&format!("so {value} it is")).write();
    let ran = sandbox.capture();
    assert!(!ran.stderr.contains("only now"), "it is known: {}", ran.stderr);
    markers.assert_nowhere_on_disk(&sandbox, "after more was said");
    sandbox.run(["show", &more.short()]).ok();
}

// ---- What a user says about the rules ----

fn configure(sandbox: &Sandbox, text: &str) {
    let folder = sandbox.root().join("config/annals");
    fs::create_dir_all(&folder).expect("a folder is made");
    fs::write(folder.join("config.toml"), text).expect("it is written");
}

const OWN: &str = "\
[redact]
off = [\"github-token\"]

[[redact.rules]]
name = \"acme-key\"
pattern = \"acme_([a-z0-9]{12})\"

[[redact.allow]]
name = \"FIXTURE_[A-Z]+\"
";

#[test]
fn r4_3_rules_of_ones_own_hold_wherever_rules_run() {
    let sandbox = Sandbox::new();
    let (acme, github) = ("acme_k3m9x2q7v5t1", token(5));
    let said = format!("{acme} {github} FIXTURE_KEY=q7Lz9Vb2Xc4Nm6Kj8Hg1");
    let clean = said.replace("k3m9x2q7v5t1", "[redacted:acme-key]");
    // Saved before the rule was there.
    let old = sandbox.transcript(2).user(&format!("old {acme}")).write();
    sandbox.capture();
    configure(&sandbox, OWN);
    let transcript = sandbox.transcript(1).user(&said).write();
    let ran = sandbox.capture();
    assert!(ran.stderr.contains("Redacted 1 secret (acme-key)."), "{}", ran.stderr);
    let shown = sandbox.run(["show", &transcript.short()]).ok().stdout;
    assert!(shown.replace('\n', " ").contains(&clean), "{shown}");
    assert!(shown.contains("redacted  1 secret (acme-key)"), "{shown}");
    let saved = sandbox.save(&format!("messages:\n- {{role: user, text: '{said}'}}\n"));
    let export = sandbox.run(["export", &saved, "-o", "-"]).ok().stdout;
    assert!(export.contains("[redacted:acme-key]") && !export.contains("k3m9x2q7v5t1"));
    let redacted = sandbox.run_with(["redact"], &said).ok().stdout;
    assert_eq!(redacted, clean);
    let listed = sandbox.run_with(["redact", "--list"], &said).code(1).stdout;
    assert_eq!(listed, "1:6  acme-key  is what your own rule finds near acme_\n");
    let lines =
        sandbox.run_with(["redact", "--lines"], &format!("{}\n", json!({"text": said}))).ok();
    assert_eq!(lines.stdout, format!("{}\n", json!({"text": clean})));
    let again = sandbox.run_with(["redact"], &clean).ok().stdout;
    assert_eq!(again, clean, "a mark of one's own is a mark");
    let found = sandbox.run(["scan"]).code(1).stdout;
    assert!(found.contains(&old.short()) && found.contains("acme-key"), "{found}");
    let leaving = sandbox.run(["export", &old.short(), "-o", "-"]).ok();
    assert!(leaving.stdout.contains("old acme_[redacted:acme-key]"), "{}", leaving.stdout);
    sandbox.run(["scrub", "--yes"]).ok();
    assert!(!contains(&sandbox.every_object(), "k3m9x2q7v5t1"), "the old one went");
    sandbox.run(["scan", "--history"]).ok();
    sandbox.fsck();
}

#[test]
fn r4_3_while_a_rule_cannot_be_loaded_nothing_is_saved() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("hello").write();
    sandbox.capture();
    let (id, tip) = (&*transcript.short(), sandbox.tip());
    sandbox.transcript(1).user("hello").agent("more").write();
    let config = sandbox.root().join("config/annals/config.toml").to_string_lossy().into_owned();
    for (text, place) in [
        (
            "[[redact.rules]]\nname = \"a\"\npattern = \"aaa(\"\n",
            "line 3: `redact.rules[1].pattern` is no regular",
        ),
        (
            "[redact]\noff = [\n  \"jvt\",\n]\n",
            "line 3: `redact.off[1]` names no rule; is \"jwt\" meant?",
        ),
        ("[[redact.allow]]\nsha256 = \"x\"\n", "line 2: `redact.allow[1].sha256` must be 64"),
        (
            "[redact]\nofff = []\n",
            "line 2: `redact.offf` is no key that annals knows; is \"redact.off\" meant?",
        ),
    ] {
        configure(&sandbox, text);
        let refusing: [&[&str]; 8] = [
            &["capture"],
            &["capture", "--dry-run"],
            &["rename", id, "x"],
            &["scan"],
            &["scrub", "--yes"],
            &["export", id, "-o", "-"],
            &["redact"],
            &["fork", id],
        ];
        for args in refusing {
            let ran = Ran::of(sandbox.program().args(args)).code(3);
            assert!(ran.stderr.starts_with("refused: "), "{args:?}: {}", ran.stderr);
            assert!(ran.stderr.contains(&format!("{config}, {place}")), "{args:?}: {}", ran.stderr);
            assert_eq!(ran.stdout, "", "{args:?} shows nothing");
        }
        let ran = sandbox.run_with(["save", "-"], "messages:\n- {role: user, text: Hi}\n");
        assert_eq!(ran.code, 3, "{ran:?}");
        let ran = sandbox.run_with(["redact", "--allow"], "Kx9mmQ2zz7");
        assert_eq!((ran.code, fs::read_to_string(&config).expect("there")), (3, text.to_owned()));
        assert_eq!(sandbox.tip(), tip, "nothing was saved");
        let goes_on: [&[&str]; 5] = [&["list"], &["show", id], &["log", id], &["doctor"], &["gc"]];
        for args in goes_on {
            let ran = Ran::of(sandbox.program().args(args)).ok();
            assert!(!ran.stderr.contains("warning"), "{args:?} needs no rules: {}", ran.stderr);
        }
    }
    configure(&sandbox, "");
    assert!(sandbox.capture().stderr.contains("1 message"), "and then it is saved");
}

#[test]
fn r4_3_a_fault_elsewhere_in_the_configuration_stops_only_what_needs_it() {
    let sandbox = Sandbox::new();
    sandbox.transcript(1).user("hello").write();
    configure(&sandbox, "[output]\ncolor = \"red\"\n");
    let ran = sandbox.capture();
    assert!(ran.stderr.contains("line 2: `output.color` is \"red\""), "a warning: {}", ran.stderr);
    for text in ["[output\n", "[outptu]\ncolor = \"auto\"\n"] {
        configure(&sandbox, text);
        let ran = sandbox.run(["list"]).code(3);
        assert!(ran.stderr.starts_with("refused: the configuration"), "{}", ran.stderr);
        let named = sandbox.run(["--store", &sandbox.store().to_string_lossy(), "list"]).ok();
        assert!(named.stdout.contains("hello"), "the store is named: {}", named.stderr);
        assert!(named.stderr.starts_with("warning: the configuration"), "{}", named.stderr);
    }
}

#[test]
fn r4_3_a_value_is_allowed_by_its_hash_and_no_longer_redacted() {
    let sandbox = Sandbox::new();
    configure(&sandbox, "# my settings\n[output]\npager = \"\"  # none\n");
    let value = "Kx9mmQ2zz7";
    let line = format!("DB_PASSWORD={value}");
    let ran = sandbox.run_with(["redact", "--allow"], &format!("{line}\n")).ok();
    insta::assert_snapshot!(ran.stderr.replace(&*sandbox.root().to_string_lossy(), "…"), @r"
    Allowed from now on (found by password).
    Its SHA-256 (3d77e34a…) was added to …/config/annals/config.toml
    To undo it, take that entry of [[redact.allow]] out again. A password that is in use should never be there: whoever guesses it can check the guess.
    ");
    let path = sandbox.root().join("config/annals/config.toml");
    let text = fs::read_to_string(&path).expect("it is there");
    assert!(text.starts_with("# my settings\n[output]\npager = \"\"  # none\n"), "{text}");
    assert!(text.contains("# no secret, though found by password\n[[redact.allow]]\n"), "{text}");
    assert!(!text.contains(value), "the value itself is nowhere: {text}");
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    let transcript = sandbox.transcript(1).user(&line).write();
    sandbox.capture();
    assert!(sandbox.run(["show", &transcript.short()]).ok().stdout.contains(&line));
    let again = sandbox.run_with(["redact", "--allow"], value).ok();
    assert!(again.stderr.starts_with("It is allowed already"), "{}", again.stderr);
    sandbox.run(["redact", "--allow", value]).code(2);
    let both =
        sandbox.run_with(["redact", "--allow"], "A_PASSWORD=Kx9mmQ2zz8 B_PASSWORD=Kx9mmQ2zz9");
    assert!(both.code(3).stderr.contains("several values"));
    let none = sandbox.run(["redact", "--allow"]).code(3);
    assert!(none.stderr.starts_with("not done: Nothing was allowed"), "{}", none.stderr);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), text);
}

#[test]
fn r4_3_what_allow_prints_as_json_is_frozen() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run_with(["--json", "redact", "--allow"], "DB_PASSWORD=Kx9mmQ2zz7").ok();
    let mut printed: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let file = printed["file"].take();
    assert!(Path::new(file.as_str().expect("a path")).is_file());
    let digest = "3d77e34a923eaceb949c4c76b9b9b2aaf9c38281ed1c1425f9bbe6ef540914a0";
    let expected = json!({"kind": "annals.allow/1", "file": null, "added": true,
        "sha256": [digest], "rules": ["password"]});
    assert_eq!(printed, expected);
    assert_eq!(ran.stderr, "");
}

#[test]
fn r4_3_redactions_are_counted_by_rule() {
    let sandbox = Sandbox::new();
    let said = format!("{} and {} and DB_PASSWORD=Kx9mmQ2zz7", token(1), token(2));
    let transcript = sandbox.transcript(1).user(&said).write();
    let captured = sandbox.json(["capture"]);
    let counts = json!({"github-token": 2, "password": 1});
    assert_eq!(captured["redactions"], counts);
    let id = transcript.short();
    assert_eq!(sandbox.json(["show", &id])["session"]["redactions"], counts);
    let shown = sandbox.run(["show", &id]).ok().stdout;
    assert!(shown.contains("redacted  3 secrets (github-token 2, password 1)"), "{shown}");
    transcript.user("SMTP_PASSWORD=Kx9mmQ2zz8").write();
    let ran = sandbox.capture();
    assert!(
        ran.stderr.contains("Redacted 1 secret (password)."),
        "only what is new: {}",
        ran.stderr
    );
}
