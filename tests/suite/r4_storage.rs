//! R4: where the store lies, what its files are, and what is never in them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use jsonschema::Validator;
use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::say;

#[test]
fn r4_1_the_store_lies_where_flag_environment_config_or_default_say() {
    let sandbox = Sandbox::new();
    let place = |name: &str| sandbox.root().join(name);
    let init = |variable: Option<&str>, flag: Option<&str>| -> PathBuf {
        let mut command = sandbox.program();
        command.arg("--json");
        if let Some(name) = variable {
            command.env("ANNALS_STORE", place(name));
        }
        if let Some(name) = flag {
            command.arg("--store").arg(place(name));
        }
        let ran = Ran::of(command.arg("init")).ok();
        let made: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        made["folder"].as_str().expect("a folder").into()
    };
    assert_eq!(init(None, None), sandbox.store(), "by default it lies in the data folder");
    let config = place("config/annals");
    fs::create_dir_all(&config).expect("a folder is made");
    let text = format!("[store]\npath = {:?}\n", place("by-config.git"));
    fs::write(config.join("config.toml"), text).expect("a configuration is written");
    assert_eq!(init(None, None), place("by-config.git"), "the configuration outdoes the default");
    let by_variable = init(Some("by-variable.git"), None);
    assert_eq!(by_variable, place("by-variable.git"), "ANNALS_STORE outdoes the configuration");
    let by_flag = init(Some("by-variable.git"), Some("by-flag.git"));
    assert_eq!(by_flag, place("by-flag.git"), "--store outdoes all else");
    for name in ["data/annals/store.git", "by-config.git", "by-variable.git", "by-flag.git"] {
        assert!(place(name).join("HEAD").is_file(), "{name} is a bare repository");
    }
}

#[test]
fn r4_1_a_store_is_made_only_where_nothing_is() {
    let sandbox = Sandbox::new();
    sandbox.run(["init"]).ok();
    let again = sandbox.run(["init"]).code(3);
    assert!(again.stderr.starts_with("in the way: there is a store at"), "{}", again.stderr);
    let folder = sandbox.home();
    fs::write(folder.join("x"), "mine").expect("a file is written");
    let ran = sandbox.run(["--store", &folder.to_string_lossy(), "init"]).code(3);
    assert!(ran.stderr.starts_with("in the way: there is something else"), "{}", ran.stderr);
}

#[test]
fn r4_1_without_a_store_reading_says_so() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(["list"]).code(3);
    assert!(ran.stderr.starts_with("not found:"), "{}", ran.stderr);
    assert!(!sandbox.store().exists(), "reading makes no store");
}

/// A store with a session of every kind of record, large payloads, a deleted session.
fn full(sandbox: &Sandbox) {
    let input = json!({"command": "git status", "n": 1.5, "list": [null, true, "x"]});
    let large = "A line of output that is long.\n".repeat(12_000);
    let png = "iVBORw0KGgo".to_owned() + &"A".repeat(2_001);
    let transcript = sandbox
        .transcript(1)
        .user("Fix the login")
        .agent("On it.")
        .tool("Bash", &input, &large)
        .line(json!({"type": "summary", "summary": "Login", "leafUuid": "x"}))
        .line(json!({"type": "image", "source": {"data": png}}))
        .line(json!([1, "no object"]))
        .line(json!("a text"));
    let transcript = transcript.write();
    transcript.write_subagent("abc123", "toolu_00000002", "look");
    let mut bytes = transcript.text().into_bytes();
    bytes.extend(
        b"{torn\n\xff\xfe\n{\"a\":1,\"a\":2}\n{\"n\":123456789012345678901234567890}\ntail",
    );
    fs::write(transcript.path(), bytes).expect("it is written");
    sandbox.transcript(2).user("Never mind").write();
    sandbox.capture();
    let id = transcript.short();
    sandbox.run(["rename", &id, "A: title # with 'quotes'"]).ok();
    sandbox.run(["tag", &id, "bug"]).ok();
    sandbox.run(["tag", &id, "--remove", "bug"]).ok();
    sandbox.run(["note", &id, "several\nlines"]).ok();
    sandbox.run(["pin", &id]).ok();
    sandbox.run(["rollback", &id, "~3"]).ok();
    transcript.without_last(3).write();
    sandbox.capture();
    sandbox.run(["fork", &id]).ok();
    sandbox.run(["delete", &sandbox.transcript(2).short(), "--yes"]).ok();
    sandbox.save("agent: mine\nworkspace: /src\ncontext_files: [a.rs]\nmessages:\n- {role: user, text: Hi}\n");
}

#[test]
fn r4_2_every_file_is_yaml_that_the_published_schema_accepts() {
    let sandbox = Sandbox::new();
    full(&sandbox);
    let [head, record, marker, tombstone] =
        ["session", "record", "marker", "tombstone"].map(schema);
    let mut kinds = std::collections::BTreeSet::new();
    let mut checked = 0;
    for (name, text) in sandbox.tree() {
        let (schema, documents) = if name == ".gitattributes" || name.contains("/files/") {
            continue;
        } else if name == "annals.yaml" {
            (&marker, vec![yaml(&text)])
        } else if name.starts_with("tombstones/") {
            (&tombstone, vec![yaml(&text)])
        } else if name.ends_with("/session.yaml") {
            (&head, vec![yaml(&text)])
        } else {
            assert!(name.contains("/messages/"), "no file of another kind is there: {name}");
            (&record, text.split("---\n").skip(1).map(yaml).collect())
        };
        for document in documents {
            if document.get("common").is_some() {
                continue;
            }
            let faults: Vec<String> =
                schema.iter_errors(&document).map(|it| it.to_string()).collect();
            assert!(faults.is_empty(), "{name}: {faults:?}\n{document:#}");
            let kind = document.as_object().and_then(|it| it.keys().next().cloned());
            kinds.extend(kind);
            checked += 1;
        }
    }
    for kind in ["message", "event", "annals", "unreadable", "store", "schema", "id"] {
        assert!(kinds.contains(kind), "a file of this kind was checked: {kind} in {kinds:?}");
    }
    assert!(checked > 25, "{checked} documents were checked");
    assert!(!record.is_valid(&json!({"message": 7})), "the schema refuses what is wrong");
}

fn schema(name: &str) -> Validator {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
    let text = fs::read(folder.join(format!("{name}.schema.json"))).expect("it is published");
    let schema = serde_json::from_slice(&text).expect("a schema is JSON");
    jsonschema::validator_for(&schema).expect("it is a schema")
}

fn yaml(text: &str) -> Value {
    annals::repository::parse_yaml(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn r4_5_the_store_is_closed_to_others() {
    let sandbox = Sandbox::new();
    full(&sandbox);
    sandbox.run(["gc"]).ok();
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&sandbox.store()), 0o700, "nobody else enters the store");
    let own = sandbox.store().join("annals");
    assert_eq!(mode(&own), 0o700);
    for entry in fs::read_dir(&own).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}

#[test]
fn r4_5_what_restore_writes_is_closed_to_others() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("hello").write();
    sandbox.capture();
    fs::remove_file(transcript.path()).expect("the agent lost it");
    sandbox.run(["restore", &transcript.short()]).ok();
    let mode = fs::metadata(transcript.path()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn r4_5_wrong_modes_are_mended_when_the_store_is_opened_and_told() {
    let sandbox = Sandbox::new();
    full(&sandbox);
    let index = sandbox.store().join("annals/index.db");
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    set(&sandbox.store(), 0o755);
    set(&index, 0o666);
    let told = sandbox.run(["list"]).ok().stderr;
    let store = sandbox.store();
    let line = format!(
        "warning: {} and 1 file more could be read by others, and no longer can\n",
        store.display()
    );
    assert_eq!(told, line);
    assert_eq!((mode(&store), mode(&index)), (0o700, 0o600));
    assert_eq!(sandbox.run(["list"]).ok().stderr, "", "it is told once");
    set(&index, 0o644);
    let doctor = sandbox.json(["doctor"]);
    assert_eq!(doctor["verdict"], "warning", "{doctor}");
    let checks = doctor["checks"].as_array().expect("checks");
    let found = checks.iter().find(|it| it["name"] == "modes");
    let found = found.and_then(|it| it["found"].as_str()).expect("it is told");
    assert!(found.contains("index.db was open to others, and is closed now"), "{found}");
}

/// Runs the program under a umask.
fn under(umask: &str, sandbox: &Sandbox, args: &[&str]) -> Ran {
    let program = sandbox.program();
    let mut command = Command::new("sh");
    command.args(["-c", "umask \"$0\" && exec \"$@\"", umask]).arg(program.get_program());
    command.args(args).env_clear().current_dir(sandbox.home());
    for (name, value) in program.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    Ran::of(&mut command)
}

/// What others may do anything with below a folder; not what lies behind a folder closed to them.
fn open_to_others(folder: &Path, found: &mut Vec<(PathBuf, u32)>) {
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        let mode = fs::symlink_metadata(&path).expect("it is there").permissions().mode() & 0o777;
        assert!(mode & 0o400 != 0, "its owner reads it: {}", path.display());
        if mode & 0o077 != 0 {
            found.push((path.clone(), mode));
        }
        let is_closed = path.ends_with("store.git/objects") || path.ends_with("checked/.git");
        if path.is_dir() && !is_closed {
            open_to_others(&path, found);
        }
    }
}

#[test]
fn r4_5_all_that_is_made_is_closed_to_others_whatever_the_umask() {
    for umask in ["000", "077"] {
        let sandbox = Sandbox::new();
        let transcript = sandbox.transcript(1).user("hello").agent("Good morning.").write();
        let id = &*transcript.short();
        let place =
            |name: &str| sandbox.root().join("made").join(name).to_string_lossy().into_owned();
        let [html, other, checked] = ["x.html", "other", "checked"].map(place);
        fs::create_dir(sandbox.root().join("made")).expect("a folder can be made");
        let run = |args: &[&str]| under(umask, &sandbox, args).ok();
        run(&["capture"]);
        run(&["tag", id, "kept"]);
        run(&["config", "set", "retention.count", "9"]);
        run(&["shell", "-c", "hello"]);
        run(&["export", id, "--format", "html", "-o", &html]);
        run(&["restore", id, "--home", &other]);
        run(&["checkout", &checked]);
        run(&["gc"]);
        run(&["delete", id, "--yes"]);
        run(&["undelete", id]);
        fs::remove_file(sandbox.store().join("annals/index.db")).expect("it is derived");
        run(&["list"]);
        let mut found = Vec::new();
        for folder in ["data", "config", "made"] {
            open_to_others(&sandbox.root().join(folder), &mut found);
        }
        // Behind the closed folder git's own files have git's modes.
        let store = sandbox.store();
        let checked = Path::new(&checked);
        let is_own = |(path, _): &(PathBuf, u32)| {
            let is_gits = path.starts_with(&store) && !path.starts_with(store.join("annals"));
            (!is_gits || *path == store) && (!path.starts_with(checked) || path == checked)
        };
        found.retain(is_own);
        assert!(found.is_empty(), "under {umask}: {found:?}");
        let mode = |name: &str| {
            let path = store.join(name);
            fs::metadata(path).expect("it is there").permissions().mode() & 0o777
        };
        assert_eq!((mode("refs/heads/main"), mode("logs/HEAD")), (0o600, 0o600), "under {umask}");
    }
}

#[test]
fn r4_5_a_store_of_somebody_else_is_refused_and_not_touched() {
    if !rustix::process::geteuid().is_root() {
        say("skipped: only root can give a folder away");
        return;
    }
    let sandbox = Sandbox::new();
    full(&sandbox);
    std::os::unix::fs::chown(sandbox.store(), Some(12_345), None).expect("given away");
    fs::set_permissions(sandbox.store(), fs::Permissions::from_mode(0o755)).expect("it is root's");
    let refused = sandbox.run(["list"]).code(3);
    assert!(refused.stderr.contains("it belongs to another user"), "{}", refused.stderr);
    let mode = fs::metadata(sandbox.store()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o755, "what is somebody else's is left alone");
}

#[test]
fn r4_5_an_index_that_cannot_be_opened_keeps_nobody_from_reading() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("hello").write();
    sandbox.capture();
    let index = sandbox.store().join("annals/index.db");
    fs::remove_file(&index).expect("it is derived");
    fs::create_dir(&index).expect("something else stands there");
    assert!(sandbox.run(["list"]).ok().stdout.contains("hello"));
    sandbox.run(["tag", &transcript.short(), "kept"]).ok();
    assert_eq!(sandbox.json(["list", "--tag", "kept"])["total"], 1);
}

/// A folder that this process can read and not write, until it is dropped: a read-only medium
/// for all, or for anybody but root what the modes say.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn new(folder: &Path) -> Self {
        set_modes(folder, false);
        Self(folder.to_owned())
    }

    /// The program as it finds the folder: root, whom no mode stops, mounts it read-only first,
    /// where only the program sees it.
    fn command(&self, sandbox: &Sandbox) -> Command {
        let program = sandbox.program();
        if fs::write(self.0.join("probe"), "").is_err() {
            return program;
        }
        let mount =
            "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", mount, "sh"]).arg(&self.0).arg(program.get_program());
        command.env_clear().current_dir(sandbox.home());
        for (name, value) in program.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
    }
}

/// Whether a folder can be made read-only for this process at all.
fn can_be_locked_out() -> bool {
    let can = !rustix::process::geteuid().is_root()
        || Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|it| it.success());
    if !can {
        say("skipped: root may write everywhere here, and mount nothing");
    }
    can
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        set_modes(&self.0, true);
    }
}

fn set_modes(folder: &Path, is_writable: bool) {
    let change = || {
        let mode = if is_writable { 0o700 } else { 0o500 };
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    // A folder that cannot be written cannot be put right inside either.
    change();
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            set_modes(&path, is_writable);
        }
    }
}

#[test]
fn r4_1_a_store_that_cannot_be_written_can_be_read() {
    if !can_be_locked_out() {
        return;
    }
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("hello").agent("Good morning.").write();
    sandbox.capture();
    sandbox.run(["tag", &transcript.short(), "kept"]).ok();
    let index = sandbox.store().join("annals/index.db");
    let whole = fs::read(&index).expect("there is an index");
    for has_index in [true, false] {
        if !has_index {
            fs::remove_file(&index).expect("it is removed");
        }
        let store = ReadOnly::new(&sandbox.store());
        let run = |args: &[&str]| Ran::of(store.command(&sandbox).args(args));
        let id = &*transcript.short();
        let other = sandbox.root().join("other");
        let home = other.to_string_lossy();
        assert!(run(&["list"]).ok().stdout.contains("hello"), "with an index: {has_index}");
        assert!(run(&["show", id]).ok().stdout.contains("Good morning."));
        assert!(run(&["log", id]).ok().stdout.contains("capture"));
        assert!(run(&["diff", id]).code(1).stdout.contains("{+kept+}"));
        assert!(run(&["export", id, "-o", "-"]).ok().stdout.contains("Good morning."));
        run(&["restore", id, "--home", &home]).ok();
        let restored = other.join(transcript.path().strip_prefix(sandbox.home()).expect("below"));
        assert_eq!(crate::support::lines(&restored), transcript.lines());
        let refused = run(&["tag", id, "more"]).code(3);
        assert!(refused.stderr.starts_with("denied: locking the store:"), "{}", refused.stderr);
    }
    fs::write(&index, whole).expect("the older index is back");
    assert!(sandbox.run(["list"]).ok().stdout.contains("hello"), "nothing was harmed");
}

#[test]
fn r4_1_an_index_that_is_behind_is_not_read_for_the_newest_state() {
    if !can_be_locked_out() {
        return;
    }
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("hello").write();
    sandbox.capture();
    let index = sandbox.store().join("annals/index.db");
    let old = fs::read(&index).expect("there is an index");
    sandbox.run(["rename", &transcript.short(), "The new title"]).ok();
    fs::write(&index, old).expect("it is behind");
    let store = ReadOnly::new(&sandbox.store());
    let listed = Ran::of(store.command(&sandbox).arg("list")).ok().stdout;
    assert!(listed.contains("The new title"), "{listed}");
}

#[test]
fn r9_2_a_session_that_turns_out_to_be_unreadable_is_marked_in_lists_until_it_is_whole() {
    let sandbox = Sandbox::new();
    let ids: Vec<String> = (1..=3)
        .map(|number| sandbox.transcript(number).user("hello").agent("Yes.").write().short())
        .collect();
    sandbox.capture();
    let listed = sandbox.json(["list"]);
    let marked = || -> Vec<String> {
        let rows = sandbox.json(["list"])["sessions"].clone();
        let rows =
            rows.as_array().expect("sessions").iter().filter(|row| !row["damaged"].is_null());
        rows.map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
    };
    let whole: Vec<(PathBuf, Vec<u8>, String)> = ids[..2]
        .iter()
        .map(|short| {
            let rows = listed["sessions"].as_array().expect("sessions");
            let all = rows.iter().map(|row| row["id"].as_str().expect("an id"));
            let id = all.into_iter().find(|id| id.ends_with(short.as_str())).expect("it is listed");
            let folder = &id[id.len() - 2..];
            let place = format!("main:sessions/{folder}/{id}/messages/{short}-000001.yaml");
            let object = sandbox.git(["rev-parse", &place]).trim().to_owned();
            let (folder, name) = object.split_at(2);
            let path = sandbox.store().join("objects").join(folder).join(name);
            let bytes = fs::read(&path).expect("it is loose");
            (path, bytes, id.to_owned())
        })
        .collect();
    for (path, bytes, _) in &whole {
        fs::remove_file(path).expect("removed");
        fs::write(path, &bytes[..bytes.len() / 2]).expect("torn");
    }
    sandbox.run(["show", &ids[0]]).code(5);
    assert_eq!(marked(), [whole[0].2.clone()], "whoever reads it notes it");
    assert!(sandbox.run(["list"]).ok().stdout.contains("! damaged: "));
    sandbox.run(["doctor"]).code(5);
    assert_eq!(marked().len(), 2, "so does the doctor");
    for (path, bytes, _) in &whole {
        fs::write(path, bytes).expect("mended");
    }
    sandbox.run(["doctor"]).ok();
    assert_eq!(marked(), [""; 0]);
    assert_eq!(sandbox.json(["list"])["sessions"], listed["sessions"]);
}
