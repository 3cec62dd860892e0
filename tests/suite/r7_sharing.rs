//! R7, P20 to P22: what is shared is clean and complete, what is imported is checked and new.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use annals::exchange::IncomingFile;
use annals::exchange::Package;
use annals::exchange::ShareChoice;
use annals::redact::Profile;
use annals::redact::Rules;
use annals::repository::ImportOptions;
use annals::session::Action;
use annals::session::AnnalsEvent;
use annals::session::Block;
use annals::session::BlockKind;
use annals::session::Content;
use annals::session::Envelope;
use annals::session::Event;
use annals::session::Head;
use annals::session::How;
use annals::session::Message;
use annals::session::Native;
use annals::session::Origin;
use annals::session::Raw;
use annals::session::Record;
use annals::session::Session;
use annals::session::Timestamp;
use annals::session::Unreadable;
use annals::session::Usage;
use annals::store::Bundle;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::corpus;
use crate::support::lines;

/// A secret that every set of rules knows, put together so that no scanner takes this file for one
/// that holds it.
fn token() -> String {
    ["ghp", "_", "k3Jd82nfLq0ZxVb7YtRw5HsGpE1mCa6uNo4T"].concat()
}

/// Runs git, sealed off from the user's settings.
fn git(folder: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    Ran::of(command.arg("-C").arg(folder).args(["-c", "init.defaultBranch=main"]).args(args))
}

fn all_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { all_files(&path, found) } else { found.push(path) }
    }
}

/// A sandbox whose user has a name, with one session that tells all about him, and a sub-agent.
fn told() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let home = sandbox.home();
    fs::write(
        home.join(".gitconfig"),
        "[user]\n\tname = Quentin Castellane\n\temail = quentin@acme-corp.com\n",
    )
    .expect("written");
    let home = home.display().to_string();
    let token = token();
    let session = sandbox
        .transcript(1)
        .workspace(&format!("{home}/work/shop"))
        .user(&format!("Look at {home}/work/shop/login.rs, says Quentin Castellane."))
        .agent(&format!("Mail quentin@acme-corp.com; the token is {token}."))
        .tool("Bash", &json!({"command": format!("cat {home}/.netrc")}), &format!("{home} {token}"))
        .write();
    session.write_subagent("a1b2c3d", "toolu_1", &format!("I read {home}/x."));
    sandbox.capture();
    let short = session.short();
    sandbox.run(["rename", &short, "Fix the login of quentin@acme-corp.com"]).ok();
    sandbox.run(["tag", &short, "login"]).ok();
    (sandbox, short)
}

#[test]
fn r7_1_plain_git_opens_a_share_and_finds_nothing_wrong() {
    let (sandbox, id) = told();
    let store = sandbox.every_object();
    let ran = sandbox.run(["share", &id, "-o", "fix.bundle"]).ok();
    assert!(ran.stderr.contains("Shared 2 sessions"), "sub-agents go along: {}", ran.stderr);
    for kind in ["home folder", "e-mail address", "workspace path", "branch"] {
        assert!(ran.stderr.contains(kind), "{kind} is told: {}", ran.stderr);
    }
    let home = sandbox.home();
    git(&home, &["init", "-q", "somewhere"]).ok();
    git(&home.join("somewhere"), &["bundle", "verify", "../fix.bundle"]).ok();
    let ran = git(&home, &["clone", "-q", "fix.bundle", "fix"]).ok();
    assert_eq!(ran.stderr, "", "main is checked out, and nothing is odd");
    let clone = home.join("fix");
    let said = git(&clone, &["fsck", "--strict", "--full"]).ok();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    let log = git(&clone, &["log", "--format=%an <%ae> %cn <%ce> %aI %cI %P%n%B"]).ok().stdout;
    let author = "annals <annals@localhost>";
    assert!(log.starts_with(&format!("{author} {author} 2026-11-20T10:00:04")), "{log}");
    assert!(log.contains("share: 2 sessions"), "{log}");
    let status = git(&clone, &["status", "--short", "--branch"]).ok().stdout;
    assert_eq!(status, "## main...origin/main\n", "a clean folder");
    assert!(fs::read_to_string(clone.join("README.md")).expect("text").contains("annals import"));
    assert_eq!(sandbox.every_object(), store, "nothing of it enters the store");
    // The same again: the same bytes, and no file is written over.
    let first = fs::read(home.join("fix.bundle")).expect("a bundle");
    let ran = sandbox.run(["share", &id, "-o", "fix.bundle"]).code(3);
    assert!(ran.stderr.contains("is there already"), "{}", ran.stderr);
    sandbox.run(["share", &id, "-o", "second.bundle"]).ok();
    assert_eq!(fs::read(home.join("second.bundle")).expect("a bundle"), first);
    let mode = fs::metadata(home.join("fix.bundle")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn r7_2_a_share_holds_nothing_of_its_maker() {
    let (sandbox, id) = told();
    sandbox.run(["share", &id, "-o", "fix.bundle"]).ok();
    let home = sandbox.home();
    git(&home, &["clone", "-q", "fix.bundle", "fix"]).ok();
    let native = format!("{:08}-1111-4222-8333-444444444444", 1);
    let mut files = Vec::new();
    all_files(&home.join("fix"), &mut files);
    let git_folder = home.join("fix/.git");
    files.retain(|path| !path.starts_with(&git_folder));
    let log = git(&home.join("fix"), &["log", "--format=raw"]).ok().stdout;
    let texts = files.iter().map(|path| fs::read_to_string(path).expect("text"));
    let host = annals::platform::host_name().unwrap_or_default();
    let mut gone = vec![
        home.display().to_string(),
        "quentin".to_owned(),
        "Castellane".to_owned(),
        "acme-corp".to_owned(),
        token(),
        native,
        "a1b2c3d".to_owned(),
        "2.1.0".to_owned(),
    ];
    gone.extend(Some(host).filter(|host| host.len() > 3 && host != "localhost"));
    for text in texts.chain([log]) {
        for value in &gone {
            let found = text.to_lowercase().contains(&value.to_lowercase());
            assert!(!found, "{value} stands in\n{text}");
        }
    }
}

#[test]
fn r7_4_shared_cloned_imported_elsewhere_and_resumed() {
    let (mine, id) = told();
    mine.run(["share", &id, "-o", "fix.bundle"]).ok();
    let other = Sandbox::new();
    let bundle = mine.home().join("fix.bundle");
    let import = |args: &[&str]| Ran::of(other.program().arg("import").arg(&bundle).args(args));
    let ran = import(&["--dry-run"]).ok();
    assert!(ran.stderr.contains("Would import 2 sessions"), "{}", ran.stderr);
    let revisions = |sandbox: &Sandbox| sandbox.git(["rev-list", "--count", "main"]);
    assert_eq!(revisions(&other).trim(), "1", "a dry run writes nothing");
    let ran = import(&[]).ok();
    assert!(ran.stderr.contains("Imported 2 sessions"), "{}", ran.stderr);
    assert!(ran.stderr.contains("workspace"), "it warns of the workspace: {}", ran.stderr);
    assert_eq!(revisions(&other).trim(), "2", "one commit takes in all");
    let tip = other.tip();
    let ran = import(&["--yes"]).ok();
    assert!(ran.stderr.contains("was imported before"), "{}", ran.stderr);
    assert_eq!(other.tip(), tip, "twice gives no doubles");
    other.fsck();

    let list = other.json(["list"]);
    let head = &list["sessions"][0];
    assert_eq!(head["title"], "Fix the login of <email>", "{list}");
    assert_eq!(
        (&head["agent"]["name"], &head["models"][0]),
        (&json!("claude-code"), &json!("claude-opus-4-5"))
    );
    assert_eq!((&head["tokens"]["total"], &head["tags"]), (&json!(30), &json!(["login"])));
    assert_eq!(head["created"], "2026-11-20T10:00:00.000Z");
    assert_eq!(head["workspace"], json!({"root": "workspace"}), "a neutral name");
    assert!(head["origin"].as_str().expect("an origin").starts_with("imported from "), "{head}");
    let short = head["short"].as_str().expect("an id");
    assert_ne!(short, id, "a new id");
    let shown = other.run(["show", short]).ok().stdout;
    assert!(shown.contains("~/work/shop/login.rs"), "{shown}");

    let ran = other.run(["resume", short, "--print"]).code(3);
    assert!(ran.stderr.contains("--workspace"), "a stand-in is no path: {}", ran.stderr);
    let work = other.home().join("here");
    fs::create_dir(&work).expect("a folder");
    let restored = Ran::of(
        other.program().args(["--json", "resume", short, "--print", "--workspace"]).arg(&work),
    )
    .ok();
    let restored: Value = serde_json::from_str(&restored.stdout).expect("JSON");
    let files = restored["files"].as_array().expect("files");
    assert!(files.len() >= 2, "the sub-agent's too: {restored}");
    let written = lines(Path::new(files[0].as_str().expect("a path")));
    assert_eq!(written.len(), 4, "{written:?}");
    assert!(written[1]["parentUuid"] == written[0]["uuid"], "links still lead: {written:?}");
    let captured = other.json(["capture"]);
    assert_eq!(captured["captured"], json!([]), "what was restored is known: {captured}");
    assert_eq!(captured["updated"], json!([]), "{captured}");

    let ran = import(&["--again"]).ok();
    assert!(ran.stderr.contains("Imported 2 sessions"), "{}", ran.stderr);
    assert_eq!(other.json(["list"])["total"], 2, "another one beside it, sub-agents folded");
    // A deleted one does not come back by itself.
    other.run(["delete", short, "--yes"]).ok();
    let ran = import(&[]).ok();
    assert!(ran.stderr.contains("and deleted"), "{}", ran.stderr);
}

#[test]
fn r7_3_exports_and_older_sessions_are_imported() {
    let (mine, id) = told();
    let home = mine.home();
    mine.run(["export", &id, "-o", "one.json"]).ok();
    mine.run(["export", &id, "-o", "one.yaml"]).ok();
    let second = mine.save("title: Second\nmessages:\n- {role: user, text: hello}\n");
    mine.run(["export", &id, &second, "-o", "two.json"]).ok();
    let other = Sandbox::new();
    let import =
        |file: &str| Ran::of(other.program().arg("--json").arg("import").arg(home.join(file))).ok();
    let parsed = |ran: &Ran| serde_json::from_str::<Value>(&ran.stdout).expect("JSON");
    let one = parsed(&import("one.json"));
    assert_eq!(one["imported"][0]["source"], json!(mine.json(["show", &id])["session"]["id"]));
    let same = parsed(&import("one.yaml"));
    assert_eq!(same["known"][0]["id"], one["imported"][0]["id"], "JSON and YAML say the same");
    let two = parsed(&import("two.json"));
    assert_eq!(two["imported"].as_array().map(Vec::len), Some(1), "{two}");
    assert_eq!(two["known"][0]["id"], one["imported"][0]["id"]);

    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/json");
    let other = Sandbox::new();
    for (name, messages, blocks) in [
        ("0.7.0", 2, 0),
        ("0.8.0", 4, 4),
        ("0.9.0", 4, 4),
        ("1.0.0", 4, 4),
        ("1.0.0-wrapped", 4, 4),
    ] {
        let file = fixtures.join(format!("{name}.json"));
        let ran = Ran::of(other.program().args(["--json", "import", "--again"]).arg(&file)).ok();
        let imported = parsed(&ran);
        let id = imported["imported"][0]["id"].as_str().expect("an id").to_owned();
        let shown = other.json(["show", &id]);
        let head = &shown["session"];
        assert_eq!(head["counts"]["messages"], messages, "{name}: {head}");
        assert_eq!(head["tokens"]["total"], 117, "{name}: {head}");
        assert_eq!(head["models"], json!(["gpt-4o"]), "{name}");
        assert_eq!(head["created"], "2025-06-27T13:30:00.000Z", "{name}");
        assert_eq!(head["modified"], "2025-06-27T13:31:05.250Z", "{name}");
        if name.starts_with('1') {
            assert_eq!(
                (&head["tags"], &head["notes"]),
                (&json!(["bug"]), &json!("check the fix on Windows"))
            );
            assert_eq!(head["workspace"]["root"], "/home/dev/parser");
        }
        let texts = shown.to_string();
        let parts =
            texts.matches("\"tool_call\"").count() + texts.matches("\"tool_result\"").count();
        assert_eq!(parts, blocks, "{name}: {texts}");
    }
    other.fsck();
}

#[test]
fn r7_3_several_files_come_whole_or_not_at_all() {
    let sandbox = Sandbox::new();
    let home = sandbox.home();
    fs::write(home.join("good.yaml"), "messages:\n- {role: user, text: hello}\n").expect("written");
    fs::write(home.join("bad.yaml"), "messages:\n- {role: [], text: hello}\n").expect("written");
    let ran = sandbox.run(["import", "good.yaml", "bad.yaml"]).code(3);
    assert!(ran.stderr.contains("bad.yaml is not imported"), "{}", ran.stderr);
    assert_eq!(sandbox.json(["list"])["total"], 0);
    let ran = sandbox.run(["import", "good.yaml", "nothing.yaml"]).code(3);
    assert!(ran.stderr.contains("nothing.yaml"), "{}", ran.stderr);
    let ran = sandbox.run(["import", "good.yaml", "good.yaml"]).ok();
    assert!(ran.stderr.contains("Imported 1 session"), "one file named twice: {}", ran.stderr);
    let text = format!("messages:\n- {{role: user, text: \"the token {}\"}}\n", token());
    fs::write(home.join("secret.yaml"), text).expect("written");
    let ran = sandbox.run(["import", "secret.yaml"]).ok();
    assert!(ran.stderr.contains("github"), "what enters is redacted: {}", ran.stderr);
    let objects = sandbox.every_object();
    assert!(memchr::memmem::find(&objects, token().as_bytes()).is_none());
    for (name, said) in [("folder", "no plain file"), ("x.md", "nothing stands there")] {
        let path = home.join(name);
        if name == "folder" { fs::create_dir(&path) } else { fs::write(&path, "") }.expect("made");
        let ran = sandbox.run(["import", name]).code(3);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[test]
fn r7_1_pictures_and_files_stay_unless_they_are_asked_for() {
    let sandbox = Sandbox::new();
    let picture = format!("iVBORw0KGgo{}", "AAAA".repeat(1500));
    let long = "a long log line\n".repeat(20_000);
    let document = json!({"messages": [
        {"role": "user", "content": [{"text": "look"}, {"image": "image/png", "data": picture}]},
        {"role": "tool", "content": [{"tool_result": "t1", "output": long}]},
        {"role": "assistant", "content": "I see.", "native": {"copy": picture, "signature": "abc"}},
    ]});
    let id = sandbox.save(&document.to_string());
    let text = |file: &str| {
        git(&sandbox.home(), &["clone", "-q", file, &format!("{file}.d")]).ok();
        let mut files = Vec::new();
        all_files(&sandbox.home().join(format!("{file}.d/sessions")), &mut files);
        let texts = files
            .iter()
            .map(|path| String::from_utf8_lossy(&fs::read(path).expect("bytes")).into_owned());
        (texts.collect::<String>(), files.len())
    };
    let ran = sandbox.run(["share", &id, "-o", "without.bundle"]).ok();
    assert!(ran.stderr.contains("picture") && ran.stderr.contains("large text"), "{}", ran.stderr);
    let (without, _) = text("without.bundle");
    assert!(without.contains("[left out: image/png, "), "{without}");
    assert!(without.contains("[left out: text, 320 kB]"), "{without}");
    assert!(!without.contains("iVBORw0KGgo") && !without.contains("a long log line"), "{without}");
    assert!(!without.contains("signature"), "{without}");
    sandbox.run(["share", &id, "-o", "with.bundle", "--with-files"]).ok();
    let (with, _) = text("with.bundle");
    assert!(with.contains("a long log line") && !with.contains("left out"));
    let other = Sandbox::new();
    let bundle = sandbox.home().join("with.bundle");
    Ran::of(other.program().arg("import").arg(bundle)).ok();
    let list = other.json(["list"]);
    let shown = other.json(["show", list["sessions"][0]["short"].as_str().expect("an id")]);
    assert!(shown.to_string().contains("iVBORw0KGgo"), "it comes whole");
}

#[test]
fn r7_5_times_keep_their_day_alone_where_that_is_asked_for() {
    let (sandbox, id) = told();
    sandbox.run(["share", &id, "-o", "days.bundle", "--coarse-times"]).ok();
    let bundle = fs::read(sandbox.home().join("days.bundle")).expect("a bundle");
    let read = Bundle::parse(&bundle).expect("our own");
    for session in read.sessions() {
        let head = read.head(session).expect("a head");
        let day = Some("2026-11-20T00:00:00.000Z".to_owned());
        assert_eq!(dates(&head), (day.clone(), day));
    }
    for text in read.texts() {
        assert!(memchr::memmem::find(text, b"T10:0").is_none(), "an hour is left");
    }
}

#[test]
fn r3_4_a_bundle_is_a_form_of_export() {
    let (sandbox, id) = told();
    let home = sandbox.home();
    sandbox.run(["share", &id, "-o", "shared.bundle"]).ok();
    sandbox.run(["export", &id, "--format", "bundle", "-o", "a.bundle"]).ok();
    sandbox.run(["export", &id, "-o", "b.bundle"]).ok();
    let mut command = sandbox.program();
    let printed = command.args(["export", &id, "--format", "bundle", "-o", "-"]).output();
    let printed = printed.expect("it runs").stdout;
    let shared = fs::read(home.join("shared.bundle")).expect("a bundle");
    for file in ["a.bundle", "b.bundle"] {
        assert_eq!(fs::read(home.join(file)).expect("a bundle"), shared, "{file}");
    }
    assert_eq!(printed, shared);
    let named = sandbox.run(["share", &id]).ok().stderr;
    let name = "fix-the-login-of-email-";
    assert!(named.contains(name), "named after what is left of the title: {named}");
}

#[test]
fn r7_1_sessions_of_real_agents_are_shared_clean() {
    let Some(corpus) = corpus() else {
        return skip();
    };
    let sandbox = Sandbox::new();
    let home = corpus.join("home");
    Ran::of(sandbox.program().args(["capture", "--home"]).arg(&home)).ok();
    let list = sandbox.json(["list", "-n", "4"]);
    let ids: Vec<&str> = list["sessions"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["id"].as_str())
        .collect();
    let bundle = sandbox.home().join("all.bundle");
    Ran::of(sandbox.program().arg("share").args(&ids).arg("-o").arg(&bundle)).ok();
    let read = Bundle::parse(&fs::read(&bundle).expect("a bundle")).expect("our own");
    let mut users = BTreeSet::new();
    for session in list["sessions"].as_array().expect("a list") {
        let root = session["workspace"]["root"].as_str().unwrap_or_default();
        users.extend(Profile::of_folder(root).map(|profile| profile.home));
    }
    assert!(!users.is_empty(), "real sessions lie in homes");
    for text in read.texts() {
        for home in &users {
            assert!(memchr::memmem::find(text, home.as_bytes()).is_none(), "{home}");
        }
    }
    let other = Sandbox::new();
    let ran = Ran::of(other.program().arg("import").arg(&bundle)).ok();
    assert!(ran.stderr.contains("Imported"), "{}", ran.stderr);
    let again = other.json(["list", "-n", "100"]);
    let counts = |list: &Value| {
        let sessions = list["sessions"].as_array().expect("a list").iter();
        sessions
            .map(|it| (it["tokens"].to_string(), it["models"].to_string()))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(counts(&again), counts(&list), "tokens and models travel along");
    other.fsck();
}

#[expect(clippy::print_stderr, reason = "a test that checks nothing says so")]
fn skip() {
    eprintln!("skipped: ANNALS_CORPUS is not set");
}

// ---- Properties ----

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| Rules::builtin().expect("the rules load"))
}

/// Users with names that are words, that are none, with signs and with letters beyond ASCII.
fn profiles() -> Vec<Profile> {
    let profile = |home: &str, user: &str, host: &str, name: &str, email: &str| Profile {
        home: home.into(),
        user: user.into(),
        host: host.into(),
        name: name.into(),
        email: email.into(),
    };
    vec![
        profile(
            "/home/quentin",
            "quentin",
            "heron-t14",
            "Quentin Castellane",
            "q.castellane@acme-corp.com",
        ),
        profile(
            "/Users/zoë.müller",
            "zoë.müller",
            "studio-9.lan",
            "Zoë Müller",
            "zoe@müller-werke.de",
        ),
        profile(
            r"C:\Users\Bo Larsen",
            "bolarsen77",
            "DESKTOP-8QX2",
            "Bo Larsen",
            "bo@larsen.example.net",
        ),
    ]
}

/// Forms in which a value stands in a text.
fn in_form(value: &str, form: usize) -> String {
    let quoted = || serde_json::to_string(value).expect("a text");
    match form {
        0 => value.to_owned(),
        1 => format!("see {value}/x and {value}."),
        2 => quoted(),
        3 => serde_json::to_string(&quoted()).expect("a text"),
        4 => format!("\u{1b}[1m{value}\u{1b}[0m"),
        5 => format!("```\n{value}\n```\n"),
        6 => format!("x={value}; y"),
        _ => format!("line\\n{value}\\nline"),
    }
}

/// What must not leave, each in some form, at some place.
fn planted() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    proptest::collection::vec((0..6_usize, 0..8_usize, 0..14_usize), 1..8)
}

fn value_of(profile: &Profile, which: usize) -> String {
    match which {
        0 => profile.home.clone(),
        1 => profile.user.clone(),
        2 => profile.host.clone(),
        3 => profile.name.clone(),
        4 => profile.email.clone(),
        _ => token(),
    }
}

#[expect(clippy::many_single_char_names, reason = "fourteen texts for fourteen fields")]
fn session_with(profile: &Profile, planted: &[(usize, usize, usize)]) -> Session {
    let mut texts: Vec<String> = (0..14).map(|number| format!("text {number}")).collect();
    for (which, form, place) in planted {
        texts[*place] = format!("{} {}", texts[*place], in_form(&value_of(profile, *which), *form));
    }
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] =
        <[String; 14]>::try_from(texts).expect("there are 14");
    let at = |second: u32| Timestamp::parse(&format!("2026-11-20T10:00:{second:02}.000Z"));
    let block = |kind| Block { kind, native: Native::new() };
    let mut asked = Message::new("user", &a);
    asked.envelope.at = at(1);
    asked.envelope.id = Some("0f8fad5b-d9cb-469f-a165-70867728950e".into());
    asked.envelope.place.cwd = Some(format!("{}/work/shop", profile.home));
    asked.envelope.place.branch = Some(format!("fix/{b}"));
    let mut answered = Message::new("assistant", "");
    answered.envelope.at = at(2);
    answered.model = Some("claude-opus-4-5".into());
    answered.usage = Some(Usage { input: Some(7), output: Some(5), ..Usage::default() });
    answered.native = Native::from_iter([(c, Value::from(d)), ("deep".into(), json!([{"x": e}]))]);
    answered.content = Content::Blocks(vec![
        block(BlockKind::Thinking { text: f }),
        block(BlockKind::ToolCall {
            name: "Bash".into(),
            id: Some("toolu_01HkATuZJsQXYwXPZkkvYVpn".into()),
            input: Some(json!({"command": g})),
        }),
        block(BlockKind::ToolResult {
            id: "toolu_01HkATuZJsQXYwXPZkkvYVpn".into(),
            output: Some(Content::Text(h)),
            error: None,
        }),
    ]);
    let event = Event {
        envelope: Envelope::default(),
        name: "progress".into(),
        title: None,
        native: json!({ "data": i }),
    };
    let raw = Unreadable { raw: Raw::Text(j), is_tail: false, after: None };
    let fact = |action| Record::Annals(AnnalsEvent::fact(action));
    let origin = Origin {
        agent: "claude-code".into(),
        session: Some("1f8fad5b-d9cb-469f-a165-70867728950e".into()),
        how: How::Captured,
    };
    let records = vec![
        fact(Action::Origin(origin)),
        fact(Action::Rename { title: k }),
        fact(Action::Tag { tags: vec![l] }),
        fact(Action::Note { text: m }),
        fact(Action::ContextFiles { paths: vec![n] }),
        Record::Message(asked),
        Record::Message(answered),
        Record::Event(event),
        Record::Unreadable(raw),
    ];
    let id = "01890000-0000-7000-8000-00005e550011".parse().expect("an id");
    Session { id, records }
}

/// Whether a value stands in a text, by itself: no rule of annals is asked.
fn stands_in(text: &str, value: &str) -> bool {
    let (text, value) = (text.to_lowercase(), value.to_lowercase());
    let goes_on = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    text.match_indices(&value).any(|(at, found)| {
        !goes_on(text[..at].chars().next_back())
            && !goes_on(text[at + found.len()..].chars().next())
    })
}

fn dates(head: &Head) -> (Option<String>, Option<String>) {
    (head.created.clone(), head.modified.clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn p20_a_shared_bundle_is_clean_and_keeps_its_metadata(
        who in 0..3_usize,
        planted in planted(),
        with_files in any::<bool>(),
    ) {
        let profile = &profiles()[who];
        let session = session_with(profile, &planted);
        let before = session.head();
        let choice = ShareChoice { with_files, coarse_times: false };
        let package = Package::new(&[session], profile, rules(), choice).expect("it is shared");
        let bytes = package.render().expect("nothing is left in it");
        let bundle = Bundle::parse(&bytes).expect("our own");
        for text in bundle.texts() {
            let text = String::from_utf8_lossy(text);
            for which in 0..6 {
                let value = value_of(profile, which);
                prop_assert!(!stands_in(&text, &value), "{value} stands in {text}");
            }
            for id in ["0f8fad5b", "1f8fad5b", "5e550011", "HkATuZ", "fix/text"] {
                prop_assert!(!text.contains(id), "{id} leads back from {text}");
            }
        }
        let head = bundle.head(&bundle.sessions()[0]).expect("a head");
        prop_assert_eq!(dates(&head), dates(&before));
        prop_assert_eq!(&head.models, &before.models);
        prop_assert_eq!(head.tokens, before.tokens);
        prop_assert_eq!(head.counts.messages, before.counts.messages);
        prop_assert_eq!(&head.agent.name, &before.agent.name);
        prop_assert_eq!(head.workspace.root.as_deref(), Some("workspace"));
        prop_assert!(head.title.is_some_and(|title| title.starts_with("text 10")));
    }

    #[test]
    fn p21_an_import_gives_new_ids_the_same_for_the_same_file(
        texts in proptest::collection::vec("[a-zA-Z0-9 :#-]{0,20}", 1..4),
        other in "[a-z]{1,12}",
    ) {
        let document = |texts: &[String]| {
            let messages: Vec<Value> =
                texts.iter().map(|text| json!({"role": "user", "text": text})).collect();
            json!({"id": "01890000-0000-7000-8000-00005e550011", "messages": messages}).to_string()
        };
        let read = |text: String| {
            let file = IncomingFile::parse(text.into_bytes()).expect("it is read");
            file.session(0).expect("a session")
        };
        let incoming = read(document(&texts));
        let name = incoming.name(0, None);
        prop_assert_eq!(&name, &read(document(&texts)).name(0, None));
        prop_assert_ne!(name.id.to_string(), incoming.source.clone());
        prop_assert_ne!(name.id, incoming.name(1, None).id);
        prop_assert_ne!(&name.native, &incoming.name(1, None).native);
        let changed = [texts.as_slice(), &[other]].concat();
        prop_assert_ne!(name.id, read(document(&changed)).name(0, None).id);
        let records = incoming.records(&name, None);
        let head = Session { id: name.id, records }.head();
        let origin = "imported from 01890000-0000-7000-8000-00005e550011";
        prop_assert_eq!(head.origin.as_deref(), Some(origin));
        prop_assert_eq!(head.agent.session, Some(name.native));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn p22_an_import_is_checked_whole_and_warns_of_what_is_missing(
        files in proptest::collection::btree_map("[a-z]{1,8}", any::<bool>(), 0..4),
        has_workspace in any::<bool>(),
        agent in prop::sample::select(vec!["claude-code", "some-agent"]),
        has_program in any::<bool>(),
        damage in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        thread_local! {
            static SCENE: (Sandbox, std::cell::RefCell<annals::repository::Repository>) = {
                let sandbox = Sandbox::new();
                let repository = sandbox.repository();
                (sandbox, std::cell::RefCell::new(repository))
            };
        }
        SCENE.with(|(sandbox, repository)| -> Result<(), TestCaseError> {
            let case = tempfile::tempdir_in(sandbox.root()).expect("a folder");
            let (work, bin) = (case.path().join("work"), case.path().join("bin"));
            let file = case.path().join("session.json");
            if has_workspace {
                fs::create_dir(&work).expect("made");
            }
            fs::create_dir(&bin).expect("made");
            if has_program {
                fs::write(bin.join("claude"), "").expect("made");
            }
            for (name, _) in files.iter().filter(|(_, is_there)| has_workspace && **is_there) {
                fs::write(work.join(name), "").expect("made");
            }
            let names: Vec<&String> = files.keys().collect();
            let mut text = json!({
                "agent": agent, "workspace": work.display().to_string(), "context_files": names,
                "messages": [{"role": "user", "text": "hello"}],
            })
            .to_string();
            if let Some(damage) = damage {
                text.truncate(damage.index(text.len()));
            }
            fs::write(&file, text).expect("written");
            let options = ImportOptions { again: false, programs: vec![bin] };
            let plan = repository.borrow().plan_import(&[file], &options);
            if damage.is_some() {
                let error = plan.expect_err("it is cut off");
                prop_assert!(error.to_string().contains("is not imported"), "{error}");
                return Ok(());
            }
            let plan = plan.expect("it is whole");
            let warned: Vec<(&str, &str)> =
                plan.sessions[0].warnings.iter().map(|it| (it.kind, it.message.as_str())).collect();
            let count = |kind: &str| warned.iter().filter(|(found, _)| *found == kind).count();
            let missing = files.values().filter(|is_there| !(has_workspace && **is_there)).count();
            prop_assert_eq!(count("file"), missing, "{:?}", &warned);
            prop_assert_eq!(count("workspace"), usize::from(!has_workspace), "{:?}", &warned);
            let is_known = agent == "claude-code";
            prop_assert_eq!(count("agent"), usize::from(!is_known), "{:?}", &warned);
            prop_assert_eq!(count("program"), usize::from(is_known && !has_program), "{:?}", &warned);
            Ok(())
        })?;
    }
}
