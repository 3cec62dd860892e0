//! Every door has a limit: what is beyond is refused with a clear line, in little memory and time,
//! nothing is written, and all else goes on. [`docs/limits.md`] lists them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;

/// How long a refusal may take, on a machine with much else to do.
const SOON: Duration = Duration::from_secs(60);

/// Runs it in little memory: it must end soon, with this code, and say why in few lines.
fn refused(what: &str, command: &mut Command, code: i32, why: &str) {
    let begun = Instant::now();
    let ran = Ran::of(command);
    assert!(begun.elapsed() < SOON, "{what} took {:?}", begun.elapsed());
    assert_eq!(ran.code, code, "{what}: {}", short(&ran.stderr));
    assert!(ran.stderr.contains(why), "{what} tells why: {}", short(&ran.stderr));
    assert!(ran.stderr.lines().count() <= 4, "{what} is told in few lines: {}", short(&ran.stderr));
    assert!(!ran.stderr.contains("panicked"), "{what}: {}", short(&ran.stderr));
}

fn short(text: &str) -> String {
    text.chars().take(600).collect()
}

fn file(sandbox: &Sandbox, name: &str, text: &[u8]) -> String {
    let path = sandbox.root().join(name);
    fs::write(&path, text).expect("it is written");
    path.display().to_string()
}

/// A file of so many bytes that are nowhere on the disk.
fn sparse(sandbox: &Sandbox, name: &str, bytes: u64) -> String {
    let path = sandbox.root().join(name);
    let made = fs::File::create(&path).expect("it is made");
    made.set_len(bytes).expect("it is as long as that");
    path.display().to_string()
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("it runs");
    assert!(made.success());
}

#[test]
fn yaml_and_json_grow_neither_in_depth_nor_in_width() {
    let sandbox = Sandbox::new();
    let id = sandbox.save("title: good\nmessages:\n- {role: user, text: Why?}\n");
    let mut laughs = "a: &a [lol, lol]\n".to_owned();
    for (name, before) in ('b'..='j').zip('a'..='i') {
        laughs += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 9].join(", "));
    }
    let head = "title: x\nmessages:\n- {role: user, text: y}\nn: ";
    let deep = format!("{head}{}{}\n", "[".repeat(300), "]".repeat(300));
    let wide = format!("{{\"messages\": [{}0]}}", "0,".repeat(10_000_001));
    let anchors = "anchors, aliases and merge keys are not read";
    let texts: [(&str, String, &str); 8] = [
        ("a billion laughs", laughs, anchors),
        ("an anchor that holds itself", "title: &a [*a]\n".into(), anchors),
        ("a merge key", "title: x\n<<: {a: 1}\nmessages: []\n".into(), anchors),
        (
            "a key twice",
            "title: x\ntitle: y\nmessages: []\n".into(),
            "line 2: duplicate mapping key",
        ),
        ("deep lists", deep, "nested deeper than 256 levels"),
        ("deep JSON", format!("{{\"a\":{}", "[".repeat(1_000_000)), "recursion limit"),
        ("many values", wide, "more than 10000000 values"),
        ("a zero byte", "title: \"\0\"\nmessages: []\n".into(), "line 1"),
    ];
    let tip = sandbox.tip();
    for (what, text, why) in &texts {
        let path = file(&sandbox, "input", text.as_bytes());
        refused(what, sandbox.limited().args(["save", &path]), 3, why);
        refused(what, sandbox.limited().args(["import", "--yes", &path]), 3, "is not imported");
    }
    let latin = file(&sandbox, "input", b"title: \xff\n");
    refused("no UTF-8", sandbox.limited().args(["save", &latin]), 3, "is no UTF-8 at byte 7");
    let long = sparse(&sandbox, "long", (512 << 20) + 1);
    let mut command = Command::new("sh");
    // What is read of it must fit into memory.
    let program = sandbox.program();
    command.args(["-c", "ulimit -v 2097152; exec \"$0\" \"$@\""]).arg(program.get_program());
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    refused("a long file", command.args(["save", &long]), 3, "is longer than 512 MiB");
    refused("a long file", sandbox.limited().args(["import", &long]), 3, "more than 96 MiB");
    assert_eq!(sandbox.tip(), tip, "nothing was written");
    sandbox.run(["show", &id]).ok();
}

#[test]
fn a_transcript_beyond_the_limits_is_named_and_the_others_are_taken_in() {
    let sandbox = Sandbox::new();
    let good = sandbox.transcript(1).user("hello").agent("hi").write();
    let folder = good.path().parent().expect("a folder").to_owned();
    let long = folder.join("22222222-1111-4222-8333-444444444444.jsonl");
    // One line that is all on no disk, and one that would be gigabytes of values.
    fs::File::create(&long).and_then(|it| it.set_len(1 << 40)).expect("it is made");
    let wide = folder.join("33333333-1111-4222-8333-444444444444.jsonl");
    let values = format!("{{\"type\":\"user\",\"n\":[{}0]}}\n", "[],".repeat(1_000_001));
    let line = sandbox.transcript(3).user("beside it").lines()[0].to_string();
    fs::write(&wide, values.clone() + &line + "\n").expect("it is written");
    let ran = Ran::of(sandbox.limited().args(["capture", "--verbose"]));
    assert!(matches!(ran.code, 0 | 1 | 3), "{}", short(&ran.stderr));
    assert!(ran.stderr.contains("line 1 is longer than 256 MiB"), "{}", short(&ran.stderr));
    assert!(ran.stderr.contains("more than 1000000 values"), "{}", short(&ran.stderr));
    let list = sandbox.json(["list"]);
    assert_eq!(list["total"], 2, "the good one, and the one with a wide line: {list}");
    // That line is kept to the letter.
    let session = list["sessions"].as_array().expect("a list").iter();
    let mut ids = session.map(|it| it["id"].as_str().expect("an id").to_owned());
    let id = ids.find(|id| !id.starts_with(&good.session().to_string())).expect("the other");
    sandbox.run(["restore", &id, "--home", "out"]).ok();
    let out = sandbox.home().join("out/.claude/projects");
    let restored = fs::read_dir(out)
        .expect("it is there")
        .flatten()
        .find_map(|project| fs::read(project.path().join(wide.file_name().expect("a name"))).ok());
    let restored = restored.expect("it is restored");
    assert!(restored.starts_with(values.as_bytes()), "it comes back as it was");
}

#[test]
fn settings_beyond_the_limits_are_refused_and_never_waited_for() {
    let sandbox = Sandbox::new();
    sandbox.save("title: good\nmessages:\n- {role: user, text: Why?}\n");
    let config = sandbox.root().join("config/annals/config.toml");
    fs::create_dir_all(config.parent().expect("a folder")).expect("a folder is made");
    let check = |what: &str, why: &str| {
        // What is read goes on with the defaults, and says so.
        refused(what, sandbox.limited().args(["config", "list"]), 0, why);
        refused(what, sandbox.limited().args(["config", "set", "save.interval", "9"]), 3, why);
        fs::remove_file(&config).expect("it is there");
    };
    fs::File::create(&config).and_then(|it| it.set_len(1 << 40)).expect("it is made");
    check("a huge file", "it has more than 1024 KiB");
    pipe(&config);
    check("a pipe", "it is no plain file");
    fs::write(&config, b"[output]\ncolor = \"\xff\"\n").expect("it is written");
    check("no UTF-8", "it is no UTF-8 at byte 18");
    fs::write(&config, format!("x = {}", "[".repeat(100_000))).expect("it is written");
    check("deep lists", "config.toml, line 1");
    // A pattern of one's own that is a bomb.
    let bomb = "[[redact.rules]]\nname = \"own\"\npattern = \"((a{1000}){1000}){1000}\"\n";
    fs::write(&config, bomb).expect("it is written");
    refused("a bomb", sandbox.limited().args(["capture"]), 3, "pattern");
    fs::remove_file(&config).expect("it is there");
    for name in ["machine.toml", "upkeep.json", "sizes.json", "remotes.json", "startup.json"] {
        let path = sandbox.store().join("annals").join(name);
        fs::File::create(&path).and_then(|it| it.set_len(1 << 40)).expect("it is made");
        let ran = Ran::of(sandbox.limited().args(["list"]));
        assert!(matches!(ran.code, 0 | 3), "{name}: {}", short(&ran.stderr));
        fs::remove_file(&path).expect("it is still there");
    }
    let journal = sandbox.store().join("annals/journal");
    fs::create_dir_all(&journal).expect("a folder is made");
    let long = journal.join("00000000-0000-4000-8000-000000000000-1.journal");
    fs::File::create(&long).and_then(|it| it.set_len(1 << 40)).expect("it is made");
    let ran = Ran::of(sandbox.limited().args(["doctor"]));
    let told = ran.stdout.contains("more than 1 GiB") || ran.stderr.contains("more than 1 GiB");
    assert!(told, "{ran:?}");
    sandbox.run(["list"]).ok();
    assert!(long.exists(), "what cannot be read is left");
}

#[test]
fn an_agents_settings_that_cannot_be_read_are_not_replaced() {
    let sandbox = Sandbox::new();
    let settings = sandbox.home().join(".claude/settings.json");
    fs::create_dir_all(settings.parent().expect("a folder")).expect("a folder is made");
    let long = format!("{{\"x\": \"{}\"}}", "y".repeat(5 << 20));
    let install = |why: &str| {
        let mut command = sandbox.limited();
        refused(why, command.args(["hooks", "install", "claude-code"]), 3, why);
    };
    for (text, why) in [(long.as_bytes(), "more than 4096 KiB"), (b"{\xff}", "no UTF-8 at byte 1")]
    {
        fs::write(&settings, text).expect("it is written");
        install(why);
        assert_eq!(fs::read(&settings).expect("it is there"), text);
    }
    fs::remove_file(&settings).expect("it is there");
    pipe(&settings);
    install("it is no plain file");
    assert!(!settings.is_file(), "it is still a pipe");
}

#[test]
fn arguments_and_variables_may_be_absurd() {
    let sandbox = Sandbox::new();
    let id = sandbox.save("title: good\nmessages:\n- {role: user, text: Why?}\n");
    let many = u64::MAX.to_string();
    let long = |what: &str| what.repeat(100_000 / what.len());
    let at = |revision: &str| format!("{id}@{revision}");
    let cases: Vec<(i32, Vec<String>)> = [
        (0, vec!["list", "--limit", &many, "--page", &many]),
        (0, vec!["search", "why", "--limit", &many, "--page", &many, "--hits", &many]),
        (2, vec!["list", "--limit", "0"]),
        (2, vec!["list", "--limit", "99999999999999999999"]),
        (2, vec!["list", "--date", "99999-99-99"]),
        (2, vec!["list", "--since", "+262142-12-31"]),
        (2, vec!["list", "--since", "99999999999999999999 days"]),
        (3, vec!["show", "../../etc/passwd"]),
        (3, vec!["show", "@99999999999999999999"]),
        (3, vec!["show", &at("~99999999999999999999")]),
        (3, vec!["show", &at(&long("a"))]),
        (3, vec!["show", &long("f")]),
        (3, vec!["show", ""]),
        (2, vec!["show", &id, "--messages", &format!("{many}..{many}")]),
        (2, vec!["show", &id, "--branch", &many]),
        (3, vec!["rollback", &id, &format!("~{many}")]),
        (2, vec!["search", "--regex", "((a{1000}){1000}){1000}"]),
        (2, vec!["search", "--regex", &("(".repeat(50_000) + &")".repeat(50_000))]),
        (1, vec!["search", "--regex", "(x*)*z|(x+x+)+y"]),
        (2, vec!["search", &long("a OR ")]),
        (2, vec!["search", &long("\"")]),
        (2, vec!["search", &long("tag:a ")]),
        (0, vec!["rename", &id, &long("t")]),
    ]
    .into_iter()
    .map(|(code, args)| (code, args.into_iter().map(str::to_owned).collect()))
    .collect();
    for (code, args) in cases {
        let what = short(&args.join(" "));
        let begun = Instant::now();
        let ran = Ran::of(sandbox.limited().args(&args));
        assert_eq!(ran.code, code, "{what}: {}", short(&ran.stderr));
        assert!(begun.elapsed() < SOON, "{what} took {:?}", begun.elapsed());
    }
    for args in [["show", "\u{1}"], ["--store", "x"], ["capture", "--path"]] {
        let mut command = sandbox.limited();
        let ran = Ran::of(command.args(args).arg(OsStr::from_bytes(b"no \xff UTF-8")));
        assert!(matches!(ran.code, 2 | 3), "{args:?}: {ran:?}");
    }
    let variables: [(&str, &[u8]); 14] = [
        ("HOME", b"relative"),
        ("HOME", b"/no \xff UTF-8"),
        ("HOME", b""),
        ("XDG_DATA_HOME", b"relative"),
        ("XDG_CONFIG_HOME", b"/dev/null"),
        ("XDG_CONFIG_HOME", b"/no \xff"),
        ("ANNALS_STORE", b"/dev/null/x"),
        ("ANNALS_STORE", b"\xff"),
        ("ANNALS_TEST_NOW", b"+999999-01-01T00:00:00Z"),
        ("TZ", b"Nowhere/At_All<99>"),
        ("COLUMNS", b"99999999999999999999"),
        ("COLUMNS", b"0"),
        ("TERM", b"\xff"),
        ("PAGER", b"/nowhere --x"),
    ];
    for (name, value) in variables {
        for args in [&["list"][..], &["show", &id], &["stats"], &["config", "list"]] {
            let ran = Ran::of(sandbox.program().env(name, OsStr::from_bytes(value)).args(args));
            assert!(matches!(ran.code, 0 | 2 | 3), "{name} {value:?} {args:?}: {ran:?}");
            assert!(!ran.stderr.contains("panicked"), "{name} {value:?} {args:?}: {ran:?}");
        }
    }
    let ran = Ran::of(sandbox.program().env_remove("HOME").args(["list"]));
    assert!(matches!(ran.code, 0 | 3), "{ran:?}");
}

#[test]
fn lines_that_are_redacted_have_limits_too() {
    let sandbox = Sandbox::new();
    let long = sparse(&sandbox, "long", 1 << 40);
    let why = "line 1 is longer than 64 MiB";
    refused("a long line", sandbox.limited().args(["redact", "--lines", &long]), 3, why);
    let profiles: String = (0..500)
        .map(|it| {
            json!({"text": "at /x", "profile": {"home": format!("/home/{it}")}}).to_string() + "\n"
        })
        .collect();
    let path = file(&sandbox, "profiles", profiles.as_bytes());
    let ran = Ran::of(sandbox.limited().args(["redact", "--lines", "--share", &path])).ok();
    assert_eq!(ran.stdout.lines().count(), 500);
}

#[test]
fn what_no_other_store_would_take_in_is_not_pushed() {
    let sandbox = Sandbox::new();
    let (_bare, address) = crate::support::bare_remote();
    let notes = "n".repeat(1 << 20);
    let document =
        json!({"title": "t", "notes": notes, "messages": [{"role": "user", "text": "x"}]});
    let id = sandbox.save(&document.to_string());
    sandbox.run(["remote", "add", "origin", &address]).ok();
    let ran = sandbox.run(["sync"]).code(3);
    let short = &id[id.len() - 8..];
    assert!(ran.stderr.contains(&format!("session {short} is larger than")), "{}", ran.stderr);
    assert!(ran.stderr.contains("session.yaml: it has more than 1 MiB"), "{}", ran.stderr);
    let refs = Ran::of(Command::new("git").args(["ls-remote", &address])).ok();
    assert_eq!(refs.stdout, "", "nothing was pushed");
    sandbox.run(["note", &id, "short"]).ok();
    sandbox.run(["sync"]).ok();
}
