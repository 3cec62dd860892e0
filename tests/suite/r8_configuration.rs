//! R8: the configuration: what it says holds, and what cannot be is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use annals::ErrorKind;
use annals::repository::LiveOptions;
use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;

fn file(sandbox: &Sandbox) -> PathBuf {
    sandbox.root().join("config/annals/config.toml")
}

fn configure(sandbox: &Sandbox, text: &str) {
    fs::create_dir_all(file(sandbox).parent().expect("a folder")).expect("it can be made");
    fs::write(file(sandbox), text).expect("it can be written");
}

/// The key as `config list --json` tells of it.
fn setting(ran: &Ran, key: &str) -> Value {
    let list: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let settings = list["settings"].as_array().expect("settings");
    settings.iter().find(|it| it["key"] == key).expect("every key is listed").clone()
}

/// Whether a list has that row, however wide its columns are.
fn has_row(list: &Ran, row: &str) -> bool {
    list.stdout.lines().any(|line| line.split_whitespace().eq(row.split_whitespace()))
}

/// Has the program's editor replace the text by that of `$NEXT`, or fail.
fn edit(sandbox: &Sandbox, next: &str) -> Ran {
    let script = sandbox.root().join("editor");
    fs::write(&script, "#!/bin/sh\ncat \"$1\" > \"$SEEN\"\ncat \"$NEXT\" > \"$1\"\n")
        .expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).expect("it is ours");
    fs::write(sandbox.root().join("next"), next).expect("written");
    let mut program = sandbox.program();
    program.env("EDITOR", &script).env("NEXT", sandbox.root().join("next"));
    program.env("SEEN", sandbox.root().join("seen")).env("TMPDIR", sandbox.root());
    Ran::of(program.args(["config", "edit"]))
}

#[test]
fn p23_the_store_lies_where_the_file_says_unless_environment_or_flag_outdo_it() {
    let sandbox = Sandbox::new();
    let place = |name: &str| sandbox.root().join(name).to_string_lossy().into_owned();
    let [in_file, in_environment, in_flag] = ["a.git", "b.git", "c.git"].map(place);
    sandbox.run(["config", "set", "store.path", &in_file]).ok();
    let with = |variable: Option<&str>, args: &[&str]| {
        let mut program = sandbox.program();
        program.envs(variable.map(|path| ("ANNALS_STORE", path)));
        Ran::of(program.args(args)).ok()
    };
    let flag: &[&str] = &["--store", &in_flag];
    for (variable, flag, path, origin) in [
        (None, [].as_slice(), &in_file, "config.toml"),
        (Some(in_environment.as_str()), &[], &in_environment, "ANNALS_STORE"),
        (Some(in_environment.as_str()), flag, &in_flag, "--store"),
    ] {
        with(variable, &[flag, &["init"]].concat());
        assert!(PathBuf::from(path).join("annals").is_dir(), "the store is made at {path}");
        let told = with(variable, &[flag, &["--json", "config", "list"]].concat());
        let told = setting(&told, "store.path");
        assert_eq!((&told["value"], &told["origin"]), (&json!(path), &json!(origin)));
        let told = with(variable, &[flag, &["config", "get", "store.path"]].concat());
        assert_eq!(told.stdout.trim_end(), path);
    }
    let told = with(Some(&in_environment), &["config", "set", "store.path", &in_file]);
    assert!(told.stderr.contains("warning: ANNALS_STORE outdoes it now"), "{}", told.stderr);
}

#[test]
fn r8_keys_are_listed_set_and_unset() {
    let sandbox = Sandbox::new();
    let list = sandbox.run(["config", "list", "--origin"]).ok();
    assert!(has_row(&list, "save.interval 5 (default)"), "{}", list.stdout);
    assert!(has_row(&list, "store.path (in the data folder) (default)"), "{}", list.stdout);
    let none = sandbox.run(["config", "get", "store.path"]).code(1);
    assert_eq!(none.stderr, "`store.path` has no value: in the data folder.\n");
    let set = sandbox.run(["config", "set", "save.interval", "30"]).ok();
    let file = file(&sandbox);
    assert_eq!(set.stderr, format!("save.interval = 30 in {}\n", file.display()));
    assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    let list = sandbox.run(["config", "list", "--origin"]).ok();
    assert!(has_row(&list, "save.interval 30 (config.toml:2)"), "{}", list.stdout);
    assert_eq!(
        sandbox.json(["config", "get", "save.interval"]),
        json!({
            "kind": "annals.config/1",
            "file": file.to_string_lossy(),
            "settings": [{
                "key": "save.interval",
                "value": 30,
                "origin": "config.toml",
                "line": 2,
                "default": 5,
                "range": "5 to 300 seconds",
                "about": "a live session's records wait no longer for their commit",
            }],
            "faults": [],
        })
    );
    let again = sandbox.run(["config", "set", "save.interval", "30"]).ok();
    assert!(again.stderr.starts_with("Nothing to change: save.interval = 30"), "{}", again.stderr);
    sandbox.run(["config", "unset", "save.interval"]).ok();
    assert_eq!(sandbox.run(["config", "get", "save.interval"]).ok().stdout, "5\n");
    let wrong = sandbox.run(["config", "get", "save.intervall"]).code(3);
    assert!(wrong.stderr.contains("is \"save.interval\" meant?"), "{}", wrong.stderr);
    assert_eq!(wrong.stdout, "");
}

#[test]
fn p24_an_interval_outside_5_to_300_is_refused() {
    let sandbox = Sandbox::new();
    for typed in ["4", "301", "-1", "soon"] {
        let refused = sandbox.run(["config", "set", "save.interval", typed]).code(3);
        let told = refused.stderr;
        assert!(
            told.starts_with("refused: `save.interval`") && told.contains("5 to 300"),
            "{told}"
        );
        assert!(!file(&sandbox).exists(), "nothing is written");
    }
    configure(&sandbox, "\n[save]\ninterval = 4\n");
    let repository = sandbox.repository();
    let error = repository.live_options().expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("line 3: `save.interval` is 4"), "{error}");
    let refused = sandbox.run(["shell", "-c", "/help"]).code(3);
    assert!(refused.stderr.contains("line 3: `save.interval` is 4"), "{}", refused.stderr);
}

#[test]
fn p23_live_sessions_are_saved_as_configured() {
    let sandbox = Sandbox::new();
    let mut repository = sandbox.repository();
    assert_eq!(repository.live_options().expect("defaults"), LiveOptions::default());
    configure(&sandbox, "[save]\ninterval = 300\nrecords = 3\nidle = 300\n");
    let options = repository.live_options().expect("they can be used");
    assert_eq!((options.interval.as_secs(), options.idle.as_secs()), (300, 300));
    let live = repository.create("my-agent", &options).expect("created");
    let changes = live.watch();
    let say = |text: &str| {
        let message = annals::session::Message::new("user", text);
        live.append(vec![message.into()]).expect("appended");
    };
    say("a");
    say("b");
    assert_eq!(live.status().saved, 0, "two wait for the third");
    say("c");
    let saved = changes.recv_timeout(std::time::Duration::from_secs(60));
    assert!(matches!(saved, Ok(annals::repository::LiveChange::Saved { records: 3, .. })));
}

#[test]
fn r8_3_a_higher_level_packs_smaller_and_a_wrong_one_stops_gc_alone() {
    let mut sizes = Vec::new();
    for level in ["1", "9"] {
        let sandbox = Sandbox::new();
        let words: Vec<String> = (0..9_000_u64).map(|n| format!("{:x}", n * n % 4_093)).collect();
        let text = words.join(" ");
        sandbox
            .save(&json!({"agent": "a", "messages": [{"role": "user", "text": text}]}).to_string());
        sandbox.run(["config", "set", "packing.level", level]).ok();
        sizes.push(sandbox.json(["gc"])["after"].as_u64().expect("bytes"));
    }
    assert!(sizes[1] < sizes[0], "level 9 is smaller than level 1: {sizes:?}");
    let sandbox = Sandbox::new();
    sandbox.transcript(1).user("hello").write();
    configure(&sandbox, "[packing]\nlevel = 12\n");
    sandbox.capture();
    assert!(sandbox.run(["list"]).ok().stdout.contains("hello"));
    let refused = sandbox.run(["gc"]).code(3);
    assert!(refused.stderr.contains("line 2: `packing.level` is 12"), "{}", refused.stderr);
}

#[test]
fn r8_a_broken_file_is_told_with_line_and_key_and_stops_only_what_needs_it() {
    let sandbox = Sandbox::new();
    configure(&sandbox, "[save]\nidle = 0\n[output]\ncolor = 'red'\n[store]\n");
    let list = sandbox.run(["config", "list"]).ok();
    assert_eq!(list.stderr.matches("line 2: `save.idle` is 0").count(), 1, "{}", list.stderr);
    assert_eq!(list.stderr.matches("line 4: `output.color`").count(), 1, "{}", list.stderr);
    let refused = sandbox.run(["config", "get", "save.interval"]).code(3);
    assert!(refused.stderr.contains("line 2: `save.idle`"), "{}", refused.stderr);
    assert_eq!(sandbox.run(["config", "get", "packing.level"]).ok().stdout, "6\n");
    let list = sandbox.json(["config", "list"]);
    assert_eq!(list["faults"].as_array().map(Vec::len), Some(2), "{list}");
    sandbox.run(["init"]).ok();
    sandbox.run(["config", "set", "save.idle", "3"]).ok();
    sandbox.run(["config", "unset", "output.color"]).ok();
    assert_eq!(
        fs::read_to_string(file(&sandbox)).expect("there"),
        "[save]\nidle = 3\n[output]\n[store]\n"
    );
    configure(&sandbox, "[save\n");
    let refused = sandbox.run(["config", "set", "save.idle", "3"]).code(3);
    assert!(refused.stderr.contains("config.toml, line 1:"), "{}", refused.stderr);
    sandbox.run(["config", "list"]).ok();
}

#[test]
fn r8_what_the_editor_leaves_is_taken_only_when_all_of_it_can_be_used() {
    let sandbox = Sandbox::new();
    let edited = edit(&sandbox, "[save]\nidle = 4\n").ok();
    assert!(edited.stderr.starts_with("Changed "), "{}", edited.stderr);
    let seen = fs::read_to_string(sandbox.root().join("seen")).expect("the editor saw a text");
    assert!(seen.contains("# interval = 5  # "), "a new file shows what can be set: {seen}");
    assert_eq!(sandbox.run(["config", "get", "save.idle"]).ok().stdout, "4\n");
    for (text, expected) in [
        ("[save]\nidle = 400\n", "line 2: `save.idle` is 400"),
        ("[save\n", "line 1: "),
        ("[[redact.rules]]\nname = 'x'\npattern = 'abc('\n", "line 3: `redact.rules[1].pattern`"),
    ] {
        let refused = edit(&sandbox, text).code(3);
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
        let (_, kept) = refused.stderr.split_once("is kept in ").expect("it says where");
        assert_eq!(fs::read_to_string(kept.trim_end()).expect("it is kept"), text);
        assert_eq!(fs::read_to_string(file(&sandbox)).expect("there"), "[save]\nidle = 4\n");
    }
    let same = edit(&sandbox, "[save]\nidle = 4\n").ok();
    assert_eq!(same.stderr, "Nothing was changed.\n");
}
