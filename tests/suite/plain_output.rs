//! Nothing that stands in a session, a file name, a setting, a remote or the environment steers the
//! terminal of whoever looks, whichever command he uses and whatever goes wrong.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Terminal;
use crate::support::bare_remote;

/// Colours, a clipboard and a link by OSC, C1's forms of them, a device's answer, line ends that
/// write over a line, marks, overrides and isolates of direction, what nobody sees.
const EVIL: &str = "\u{1b}[31m\u{1b}]52;c;aGk=\u{7}\u{1b}]8;;http://x/\u{1b}\\y\u{1b}]8;;\u{1b}\\\
                    \u{9b}2J\u{9d}0;t\u{9c}\u{90}q\u{1b}[6n\u{85}\r\u{8}\u{7f}\u{200e}\u{200f}\u{61c}\
                    \u{202e}\u{202a}\u{2066}\u{2069}evil\u{200b}\u{2060}\u{feff}\u{2028}\u{2029}\
                    \u{e0041}\u{fff9}";

/// The same as a name that a folder can hold and a shell can give.
fn evil(name: &str) -> String {
    format!("{name}{}", EVIL.replace('/', "|"))
}

/// Nothing that a terminal obeys, nothing that turns the direction of writing, nothing hidden.
pub(crate) fn assert_plain(what: &str, text: &str) {
    let is_bad = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
            || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    if let Some((at, c)) = text.char_indices().find(|(_, c)| is_bad(*c)) {
        let line = text[..at].matches('\n').count();
        let shown = text.lines().nth(line).unwrap_or_default();
        unreachable!("{what}: {c:?} goes out in line {line}: {shown:?}");
    }
}

fn is_plain(what: &str, ran: &Ran) {
    assert_plain(&format!("stdout of {what}"), &ran.stdout);
    assert_plain(&format!("stderr of {what}"), &ran.stderr);
    assert!(matches!(ran.code, 0..=5), "{what}: {ran:?}");
}

/// A machine whose user works among people that mean harm.
struct Scene {
    sandbox: Sandbox,
    _remote: tempfile::TempDir,
    ids: Vec<String>,
}

impl Scene {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let (remote, address) = bare_remote();
        sandbox.run(["init"]).ok();
        // Who makes the commits, and what the remotes are called, somebody else may have written.
        sandbox.git(["config", "user.name", &evil("Kim")]);
        sandbox.git(["config", "user.email", &evil("kim@example.com")]);
        let plain = sandbox.transcript(1).workspace("/work/demo").user("hello").agent("hi");
        let mut line = plain.lines()[1].clone();
        for field in ["/gitBranch", "/version", "/cwd", "/message/model", "/uuid"] {
            *line.pointer_mut(field).expect("it is there") = json!(evil("/work"));
        }
        let input = json!({
            "command": evil("run"), "description": evil("why"), "file_path": evil("/file"),
            "pattern": evil("p"), "url": evil("https://x"), evil("key"): evil("value"),
        });
        let block = json!({"type": evil("kind"), evil("key"): evil("value")});
        line["message"]["content"].as_array_mut().expect("a list").push(block);
        let first = plain
            .line(line)
            .line(json!({"type": evil("event"), evil("key"): evil("value")}))
            .line(json!({"type": "custom-title", "customTitle": evil("title")}))
            .line(json!({"type": "summary", "summary": evil("summary"), "leafUuid": evil("u")}))
            .user(&evil("hello"))
            .tool(&evil("Tool"), &input, &evil("output"))
            .tool("Bash", &input, &evil("output"))
            .tool(
                "Edit",
                &json!({"file_path": evil("a"), "old_string": evil("b"), "new_string": evil("c")}),
                "ok",
            )
            .tool("Write", &json!({"file_path": evil("a"), "content": evil("b")}), "ok")
            .tool(
                "TodoWrite",
                &json!({"todos": [{"content": evil("b"), "status": evil("s")}]}),
                &evil("ok"),
            )
            .agent(&evil("done"))
            .write();
        fs::write(first.path(), first.text() + &evil("no JSON") + "\n").expect("it is written");
        let project = sandbox.home().join(".claude/projects").join(evil("-p"));
        fs::create_dir_all(&project).expect("a folder is made");
        let other = sandbox.transcript(2).user(&evil("two")).agent("hi").text();
        fs::write(project.join(evil("file") + ".jsonl"), other).expect("it is written");
        fs::create_dir(project.join(evil("dir") + ".jsonl")).expect("a folder is made");
        std::os::unix::fs::symlink("/nowhere", project.join(evil("link"))).expect("a link");
        fs::write(project.join(OsString::from_vec(b"\x1b[31m\xff.jsonl".to_vec())), "{}\n")
            .expect("it is written");
        let scene = Self { sandbox, _remote: remote, ids: Vec::new() };
        scene.plain(&["capture", "--verbose"]);
        scene.sandbox.run(["remote", "add", "origin", &address]).ok();
        let document = json!({
            "agent": evil("agent"), "title": evil("saved"), "notes": evil("notes"),
            "tags": [evil("tag")], "workspace": {"root": evil("/w"), "branch": evil("b")},
            "context_files": [evil("/c")],
            "messages": [
                {"role": evil("role"), "text": evil("text"), "model": evil("model")},
                {"role": "user", "text": evil("text")},
            ],
        });
        let ran = scene.sandbox.run_with(["save", "-"], &document.to_string());
        is_plain("save", &ran);
        let list = scene.sandbox.json(["list"]);
        let rows = list["sessions"].as_array().expect("a list").clone();
        let ids = rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect();
        Self { ids, ..scene }
    }

    fn plain(&self, args: &[&str]) -> Ran {
        let ran = Ran::of(self.sandbox.program().args(["--color", "never"]).args(args));
        is_plain(&args.join(" "), &ran);
        ran
    }

    fn file(&self, name: &str) -> String {
        self.sandbox.root().join(evil(name)).display().to_string()
    }
}

#[test]
fn no_command_lets_through_what_a_session_holds() {
    let scene = Scene::new();
    assert_eq!(scene.ids.len(), 3, "{:?}", scene.ids);
    let lines = [
        "list",
        "list --all --sort title",
        "list --here",
        "show ID",
        "show ID --tools --thinking",
        "show ID --tree",
        "show ID --messages 1..3",
        "show ID --branch 1",
        "log ID",
        "diff ID",
        "diff ID --stat",
        "diff ID ID2",
        "search evil",
        "search hello --exact",
        "search e.il --regex",
        "search tag:x",
        "stats",
        "stats --author kim",
        "audit",
        "scan",
        "scan --all --history",
        "prune --dry-run",
        "purge ID --dry-run",
        "scrub --dry-run",
        "workspace list",
        "remote list",
        "remote test origin",
        "config list --origin",
        "hooks list",
        "migrate --dry-run",
        "resume ID --print",
        "resume ID",
        "restore ID --home HOME",
        "fork ID",
        "pin ID",
        "pin ID --off",
        "rename ID EVIL",
        "note ID EVIL",
        "note ID",
        "tag ID EVIL",
        "tag ID word",
        "share ID --dry-run",
        "share ID ID2 -o BUNDLE",
        "import BUNDLE --dry-run",
        "import BUNDLE --yes",
        "export ID -o PAGE.md",
        "export ID -o PAGE.html",
        "export ID --format markdown -o -",
        "sync --dry-run",
        "sync",
        "rollback ID ~1",
        "delete ID --yes",
        "undelete ID",
        "delete EVIL --yes",
        "checkout CLONE",
        "checkout CLONE",
        "workspace map EVIL HOME",
        "workspace list",
        "doctor",
        "gc",
    ];
    // The audit log keeps what commands were about.
    scene.plain(&["config", "set", "audit.enabled", "true"]);
    let run = |id: &str, line: &str| {
        let other = scene.ids.iter().find(|it| *it != id).expect("another");
        let word = |word: &str| match word {
            "ID" => id.to_owned(),
            "ID2" => other.clone(),
            "EVIL" => evil("name"),
            "HOME" | "BUNDLE" | "CLONE" => scene.file(word),
            word if word.starts_with("PAGE") => scene.file("page") + &word[4..],
            word => word.to_owned(),
        };
        let args: Vec<String> = line.split(' ').map(word).collect();
        scene.plain(&args.iter().map(String::as_str).collect::<Vec<_>>());
    };
    for (number, id) in scene.ids.iter().enumerate() {
        // What shows a session, of each; the rest once.
        let of_each =
            |line: &&&str| number == 0 || line.starts_with("show") || line.starts_with("export");
        lines.iter().filter(of_each).for_each(|line| run(id, line));
        for page in [".md", ".html"] {
            let page = scene.file("page") + page;
            assert_plain(&page, &fs::read_to_string(&page).expect("it was exported"));
            fs::remove_file(page).expect("it is there");
        }
    }
}

#[test]
fn no_error_repeats_what_was_typed_or_stands_in_files_as_it_is() {
    let scene = Scene::new();
    let id = scene.ids[0].clone();
    let mut wrong: Vec<Vec<String>> = Vec::new();
    for line in [
        "EVIL",
        "show EVIL",
        "show ID@EVIL",
        "log EVIL",
        "diff ID EVIL",
        "list --date EVIL",
        "list --sort EVIL",
        "list --model EVIL",
        "list --workspace EVIL",
        "list --EVIL",
        "list --limit EVIL",
        "list --color EVIL",
        "search tag:EVIL EVIL",
        "search (EVIL --regex",
        "search since:EVIL",
        "search --in EVIL x",
        "export ID --format EVIL",
        "import EVIL",
        "save EVIL",
        "redact EVIL",
        "capture EVIL",
        "capture --path EVIL",
        "capture --home EVIL",
        "capture --session EVIL --path EVIL",
        "remote add EVIL EVIL",
        "remote add x EVIL",
        "remote add x https://EVIL/",
        "remote remove EVIL",
        "remote test EVIL",
        "sync EVIL",
        "remote add x /nowhere --only EVIL",
        "config get EVIL",
        "config set EVIL 1",
        "config set output.color EVIL",
        "config set retention.age EVIL",
        "config unset EVIL",
        "workspace map EVIL EVIL",
        "workspace forget EVIL",
        "hooks install EVIL",
        "hooks install git --repo EVIL",
        "rollback ID EVIL",
        "undelete EVIL",
        "undelete --revision EVIL",
        "show ID --messages EVIL",
        "show ID --branch EVIL",
        "fork ID --at EVIL",
        "completions EVIL",
        "audit --operation EVIL",
        "audit --session EVIL",
        "man --output EVIL",
        "help EVIL",
        "--store EVIL list",
        "--store EVIL doctor",
        "checkout ID/EVIL",
        "tour EVIL",
        "merge-driver EVIL EVIL EVIL EVIL",
        "stats --html EVIL/x",
        "prune --agent EVIL --yes",
    ] {
        let word = |word: &str| word.replace("EVIL", EVIL).replace("ID", &id);
        wrong.push(line.split(' ').map(word).collect());
    }
    for args in wrong {
        scene.plain(&args.iter().map(String::as_str).collect::<Vec<_>>());
    }
    // Inputs that are no sessions.
    let garbage = [
        EVIL.to_owned(),
        format!("{{\"{}\": 1}}", "\\u001b[31m"),
        format!("{}: [", evil("k").replace(['\u{1b}', '\r'], "x")),
        format!("schema: {EVIL}\n"),
        format!("# v3 git bundle\n@{EVIL}\n"),
        json!({"messages": [{"role": "user", EVIL: 1, "content": EVIL}]}).to_string(),
        json!({"kind": EVIL, "messages": []}).to_string(),
        json!({"schema": 99, "title": EVIL, "messages": [{"role": EVIL}]}).to_string(),
    ];
    for text in garbage {
        let path = scene.file("input");
        fs::write(&path, &text).expect("it is written");
        for args in [["save", &path], ["import", &path], ["redact", &path]] {
            if args[0] != "redact" {
                scene.plain(&args);
            }
        }
        let ran = scene.sandbox.run_with(["redact", "--lines"], &text);
        assert_plain("redact --lines", &ran.stderr);
    }
}

#[test]
fn no_setting_remote_or_variable_gets_through() {
    let scene = Scene::new();
    let config = scene.sandbox.root().join("config/annals/config.toml");
    fs::create_dir_all(config.parent().expect("a folder")).expect("a folder is made");
    let quoted = serde_json::to_string(&evil("x")).expect("a text").replace("\\b", "\\u0008");
    let texts = [
        format!("[output]\ncolor = {quoted}\n"),
        format!("[output]\npager = {quoted}\n"),
        format!("{quoted} = 1\n"),
        format!("[{quoted}]\nx = 1\n"),
        format!("[[redact.rules]]\nname = {quoted}\npattern = {quoted}\n"),
        format!("[[redact.rules]]\nname = \"own\"\npattern = {quoted}\n"),
        format!("[redact]\noff = [{quoted}]\n"),
        format!("[store]\npath = {quoted}\n"),
        format!("[retention]\nkeep = [{quoted}]\nage = {quoted}\n"),
        format!("x = {EVIL}\n"),
        format!("# {EVIL}\n[["),
        EVIL.to_owned(),
    ];
    for text in texts {
        fs::write(&config, &text).expect("it is written");
        for args in [
            &["list"][..],
            &["config", "list"],
            &["doctor"],
            &["capture"],
            &["prune", "--dry-run"],
            &["config", "set", "save.interval", "30"],
            &["config", "get", "output.color"],
            &["scan"],
        ] {
            scene.plain(args);
        }
    }
    fs::remove_file(&config).expect("it is there");
    // What the machine's own file says of places.
    fs::write(
        scene.sandbox.store().join("annals/machine.toml"),
        format!("[[place]]\n{quoted} = {quoted}\n"),
    )
    .expect("it is written");
    scene.plain(&["workspace", "list"]);
    scene.plain(&["list"]);
    fs::remove_file(scene.sandbox.store().join("annals/machine.toml")).expect("it is there");
    // Remotes with such names and addresses, and one whose hook says such things.
    let (bare, address) = bare_remote();
    let hook = bare.path().join("hooks/pre-receive");
    fs::write(&hook, format!("#!/bin/sh\nprintf '%s\\n' '{EVIL}' >&2\nexit 1\n")).expect("written");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("it is ours");
    scene.sandbox.run(["remote", "add", "rude", &address]).ok();
    let said = scene.plain(&["sync", "rude"]).code(3);
    assert!(said.stderr.contains("evil"), "what its hook says is told: {}", said.stderr);
    let settings = scene.sandbox.store().join("config");
    let before = fs::read(&settings).expect("it is readable");
    let name = evil("r").replace(['\u{1b}', '|', ':'], "");
    scene.sandbox.git(["config", &format!("remote.{name}.url"), &evil("/nowhere")]);
    for args in [
        &["remote", "list"][..],
        &["sync", &name],
        &["sync"],
        &["remote", "test", &name],
        &["doctor"],
    ] {
        scene.plain(args);
    }
    fs::write(&settings, before).expect("it is written");
    // Damage is named, with whatever stands there.
    scene.sandbox.git(["config", "core.pager", EVIL]);
    scene.plain(&["list"]).ok();
    scene.plain(&["sync", "rude"]).code(3);
    scene.sandbox.git(["config", "--unset", "core.pager"]);
    fs::write(scene.sandbox.store().join("annals/journal").join(evil("j") + ".journal"), EVIL)
        .or_else(|_| fs::write(scene.sandbox.store().join("annals/x"), EVIL))
        .expect("it is written");
    scene.plain(&["doctor"]);
    for (name, value) in [
        ("EDITOR", evil("no-editor")),
        ("VISUAL", evil("no-editor")),
        ("PAGER", evil("p")),
        ("ANNALS_PAGER", evil("p")),
        ("TZ", evil("tz")),
        ("COLUMNS", evil("1")),
        ("LANG", evil("l")),
        ("TERM", evil("t")),
        ("NO_COLOR", evil("n")),
        ("ANNALS_TEST_NOW", evil("now")),
        ("ANNALS_TEST_IDS", evil("ids")),
        ("ANNALS_STORE", evil("/store")),
        ("XDG_CONFIG_HOME", evil("/config")),
        ("XDG_DATA_HOME", evil("/data")),
        ("HOME", evil("/home")),
        ("HOME", evil("relative")),
        ("CLAUDE_CONFIG_DIR", evil("/claude")),
        ("USER", evil("user")),
        ("PATH", evil("/path")),
    ] {
        for args in [&["list"][..], &["capture"], &["doctor"], &["edit", &scene.ids[0]], &["stats"]]
        {
            let mut program = scene.sandbox.program();
            let ran = Ran::of(program.env("EDITOR", "true").env(name, &value).args(args));
            is_plain(&format!("{name} {args:?}"), &ran);
        }
    }
}

#[test]
fn the_screens_of_the_picker_show_no_such_thing_either() {
    let scene = Scene::new();
    let terminal = Terminal::start(scene.sandbox.program().args(["list", "-i"]), 100, 30);
    terminal.wait_for("3/3");
    terminal.press("evil");
    terminal.wait_for("3/3");
    let screen = terminal.wait_for("evil");
    terminal.press("\u{3}");
    let left = terminal.end();
    assert_plain("the picker", &screen);
    let text = String::from_utf8_lossy(&left.bytes).into_owned();
    // Its own orders are there; none of those that the sessions hold.
    for order in [
        "\u{1b}]52",
        "\u{1b}]8;",
        "\u{9b}",
        "\u{9d}",
        "\u{90}",
        "\u{1b}[6n\u{85}",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{e0041}",
        "\u{feff}",
        "\u{7f}",
    ] {
        assert!(!text.contains(order), "{order:?} goes out: {text:?}");
    }
}

#[test]
fn an_older_session_is_as_plain_in_what_a_migration_would_do() {
    let sandbox = Sandbox::new();
    sandbox.older_store("1");
    let evil = serde_json::to_string(&evil("gpt")).expect("a text");
    let spoilt = sandbox.tree().into_iter().map(|(name, text)| {
        let text = text.replace("model: gpt-4o", &format!("model: {evil}"));
        (
            name,
            text.replace("content: The same id again.", &format!("content: {evil}")).into_bytes(),
        )
    });
    sandbox.commit_files(&spoilt.collect::<Vec<_>>());
    let mut told = String::new();
    for args in [
        &["list"][..],
        &["migrate", "--dry-run"],
        &["doctor"],
        &["search", "evil"],
        &["migrate"],
        &["list"],
        &["migrate", "--undo", "--dry-run"],
    ] {
        let ran = Ran::of(sandbox.program().args(["--color", "never"]).args(args));
        is_plain(&args.join(" "), &ran);
        told += &ran.stdout;
    }
    assert!(told.contains("gpt"), "it is shown at all: {told}");
}
