//! A store that somebody else made: no program that it names is started, no file that it leads to
//! is read, written or waited for, whatever is done with it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::bare_remote;

/// All hooks that git knows and that could run at a store, and what git takes for one.
const HOOKS: [&str; 12] = [
    "fsmonitor-watchman",
    "post-checkout",
    "post-index-change",
    "post-rewrite",
    "post-update",
    "pre-auto-gc",
    "pre-commit",
    "pre-push",
    "pre-receive",
    "proc-receive",
    "reference-transaction",
    "update",
];

/// A store with two sessions, which was synced once, and a program that leaves a mark.
struct Scene {
    sandbox: Sandbox,
    _remote: tempfile::TempDir,
    id: String,
    mark: PathBuf,
    program: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let (remote, address) = bare_remote();
        sandbox.transcript(1).user("hello").agent("hi").write();
        sandbox.transcript(2).user("other").agent("hi").write();
        sandbox.capture();
        sandbox.run(["remote", "add", "origin", &address]).ok();
        sandbox.run(["sync"]).ok();
        let list = sandbox.json(["list"]);
        let id = list["sessions"][0]["id"].as_str().expect("an id").to_owned();
        let (mark, program) = (sandbox.root().join("mark"), sandbox.root().join("program"));
        fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >> {}\n", mark.display()))
            .expect("it is written");
        executable(&program);
        Self { sandbox, _remote: remote, id, mark, program }
    }

    /// Every command that does something with a store, each once.
    fn commands(&self) -> Vec<Vec<String>> {
        let sandbox = &self.sandbox;
        sandbox.transcript(3).user("a new one").agent("hi").write();
        let remote = sandbox.root().join("bare.git");
        let lines = [
            "list",
            "show ID",
            "log ID",
            "diff ID",
            "search hello",
            "stats",
            "audit",
            "scan --all --history",
            "prune --dry-run",
            "workspace list",
            "remote list",
            "remote test origin",
            "config list",
            "hooks list",
            "resume ID --print",
            "capture",
            "rename ID named",
            "tag ID word",
            "note ID words",
            "pin ID",
            "fork ID",
            "export ID -o out.md",
            "share ID -o out.bundle",
            "import out.bundle --yes",
            "rollback ID ~1",
            "delete ID --yes",
            "undelete ID",
            "sync --dry-run",
            "sync",
            "migrate --dry-run",
            "scrub --dry-run",
            "gc",
            "purge ID --yes",
            "sync",
            "checkout clone",
            "doctor",
        ];
        let word = |word: &str| match word {
            "ID" => self.id.clone(),
            "out.md" | "out.bundle" | "clone" => remote.with_file_name(word).display().to_string(),
            word => word.to_owned(),
        };
        lines.iter().map(|line| line.split(' ').map(word).collect()).collect()
    }

    /// Runs the program. Who waits for a pipe that nobody writes is ended, with another code.
    fn run(&self, args: &[String]) -> Ran {
        let program = self.sandbox.program();
        let mut command = Command::new("timeout");
        command.arg("60").arg(program.get_program()).args(args).env_clear();
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ran::of(command.current_dir(self.sandbox.home()).stdin(Stdio::null()))
    }

    fn assert_unmarked(&self, after: &[String]) {
        let mark = fs::read_to_string(&self.mark).unwrap_or_default();
        assert!(mark.is_empty(), "{after:?} started a program of the store's: {mark}");
    }
}

fn executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

#[test]
fn hooks_attributes_and_replaced_objects_of_a_store_are_passed_over() {
    let scene = Scene::new();
    let store = scene.sandbox.store();
    // Whoever obeyed this would see an empty store.
    let sandbox = &scene.sandbox;
    let tip = sandbox.tip();
    let first = sandbox.git(["rev-list", "--max-parents=0", "main"]);
    sandbox.git(["update-ref", &format!("refs/replace/{tip}"), first.trim()]);
    fs::create_dir_all(store.join("hooks")).expect("a folder is made");
    for hook in HOOKS {
        drop(fs::remove_file(store.join("hooks").join(hook)));
        symlink(&scene.program, store.join("hooks").join(hook)).expect("a link is made");
    }
    fs::write(store.join("info/attributes"), "* filter=x diff=x merge=x\n").expect("written");
    for args in scene.commands() {
        let ran = scene.run(&args);
        assert!(matches!(ran.code, 0 | 1), "{args:?}: {ran:?}");
        scene.assert_unmarked(&args);
    }
    let clone = scene.sandbox.root().join("clone");
    assert!(clone.join("sessions").is_dir(), "it is a clone of what is there");
    scene.sandbox.git(["update-ref", "-d", &format!("refs/replace/{tip}")]);
    scene.sandbox.fsck();
}

#[test]
fn settings_of_a_store_start_no_program_and_keep_it_from_its_remotes() {
    let scene = Scene::new();
    let config = scene.sandbox.store().join("config");
    let sound = fs::read_to_string(&config).expect("it is readable");
    let program = scene.program.display();
    let hostile = format!(
        "[core]\n\tfsmonitor = {program}\n\thooksPath = {hooks}\n\tsshCommand = {program}\n\
         \tgitProxy = {program}\n\taskPass = {program}\n\tpager = {program}\n\teditor = {program}\n\
         \talternateRefsCommand = {program}\n\
         [credential]\n\thelper = !{program}\n[diff]\n\texternal = {program}\n\
         [filter \"x\"]\n\tclean = {program}\n\tsmudge = {program}\n\
         [gpg]\n\tprogram = {program}\n[gc]\n\trecentObjectsHook = {program}\n\
         [uploadpack]\n\tpackObjectsHook = {program}\n[protocol \"ext\"]\n\tallow = always\n\
         [remote \"origin\"]\n\tuploadpack = {program}\n\treceivepack = {program}\n\
         [pack]\n\tthreads = 1\n",
        hooks = scene.sandbox.root().display(),
    );
    for hook in HOOKS {
        symlink(&scene.program, scene.sandbox.root().join(hook)).expect("a link is made");
    }
    fs::write(&config, format!("{sound}{hostile}")).expect("it is written");
    for args in scene.commands() {
        let ran = scene.run(&args);
        scene.assert_unmarked(&args);
        let is_talk = args[0] == "sync" || args[0] == "remote" && args[1] == "test";
        if !is_talk {
            assert!(matches!(ran.code, 0 | 1), "{args:?}: {ran:?}");
            continue;
        }
        assert_eq!(ran.code, 3, "{args:?} is refused: {ran:?}");
        let why = ran.stderr.contains("its git setting core.fsmonitor is none that annals obeys");
        assert!(why && ran.stderr.contains("--unset-all core.fsmonitor"), "{args:?}: {ran:?}");
    }
    fs::write(&config, sound).expect("it is written");
    scene.sandbox.run(["sync"]).ok();
    scene.sandbox.fsck();
}

#[test]
fn what_a_store_leads_to_is_neither_followed_nor_waited_for() {
    let scene = Scene::new();
    let store = scene.sandbox.store();
    let letter = scene.sandbox.root().join("letter");
    fs::write(&letter, "dear\n").expect("it is written");
    let files = [
        "HEAD",
        "config",
        "packed-refs",
        "refs/heads/main",
        "logs/HEAD",
        "annals/moving-ref",
        "annals/lock",
        "annals/index.db",
        "annals/index.db-wal",
        "annals/remotes.json",
        "info/attributes",
        "objects/pack/pack-1.idx",
        "objects/info/alternates",
    ];
    for name in files {
        let path = store.join(name);
        let kept = scene.sandbox.root().join("kept");
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        let was = fs::rename(&path, &kept).is_ok();
        for is_pipe in [true, false] {
            if is_pipe {
                let made = Command::new("mkfifo").arg(&path).status();
                assert!(made.expect("it runs").success());
            } else {
                symlink(&letter, &path).expect("a link is made");
            }
            let args = if is_pipe { vec!["list"] } else { vec!["rename", &scene.id, "named"] };
            let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
            let ran = scene.run(&args);
            assert_eq!(ran.code, 3, "{name} {is_pipe} {args:?}: {ran:?}");
            assert!(ran.stderr.contains(name), "{name} is named: {ran:?}");
            fs::remove_file(&path).expect("it is still there");
        }
        assert_eq!(fs::read_to_string(&letter).expect("there"), "dear\n", "{name}");
        if was {
            fs::rename(&kept, &path).expect("it comes back");
        }
    }
    // Whole folders, and what leads to other objects.
    for name in ["objects", "refs", "annals"] {
        let elsewhere = scene.sandbox.root().join("elsewhere");
        fs::rename(store.join(name), &elsewhere).expect("it is moved");
        symlink(&elsewhere, store.join(name)).expect("a link is made");
        let ran = scene.sandbox.run(["list"]).code(3);
        assert!(ran.stderr.contains(&format!("{name} is a link")), "{ran:?}");
        fs::remove_file(store.join(name)).expect("it is removed");
        fs::rename(&elsewhere, store.join(name)).expect("it is moved");
    }
    for name in ["commondir", "info/grafts", "objects/info/alternates", "shallow"] {
        fs::write(store.join(name), "/nowhere\n").expect("it is written");
        let ran = scene.sandbox.run(["list"]).code(3);
        assert!(ran.stderr.contains(&format!("{name} leads git elsewhere")), "{ran:?}");
        fs::remove_file(store.join(name)).expect("it is removed");
    }
    scene.sandbox.run(["list"]).ok();
}

#[test]
fn a_note_of_a_store_has_no_other_file_removed() {
    let scene = Scene::new();
    let lock = scene.sandbox.root().join("letter.lock");
    fs::write(&lock, "").expect("it is written");
    let tip = scene.sandbox.tip();
    let name = "refs/heads/../../../../../letter";
    let note = scene.sandbox.store().join("annals/moving-ref");
    for name in [name, lock.with_extension("").to_str().expect("UTF-8")] {
        fs::write(&note, format!("{tip} {name}\n")).expect("it is written");
        scene.sandbox.run(["rename", &scene.id, name]).ok();
        assert!(lock.exists(), "{name}");
        assert!(!note.exists(), "the note was read");
    }
}

#[test]
fn an_index_of_somebody_else_runs_nothing_and_is_made_anew() {
    let scene = Scene::new();
    let index = scene.sandbox.store().join("annals/index.db");
    for order in [
        "CREATE TRIGGER t AFTER INSERT ON commits BEGIN DELETE FROM sessions; END",
        "CREATE VIEW v AS SELECT 1",
    ] {
        let connection = rusqlite::Connection::open(&index).expect("it opens");
        connection.execute_batch(order).expect("it is done");
        drop(connection);
        scene.sandbox.run(["rename", &scene.id, order]).ok();
        let list = scene.sandbox.json(["list"]);
        assert_eq!(list["total"], 2, "{order}: {list}");
        let connection = rusqlite::Connection::open(&index).expect("it opens");
        let kinds = "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')";
        let left: u32 = connection.query_row(kinds, [], |row| row.get(0)).expect("it is read");
        assert_eq!(left, 0, "{order} is gone");
    }
}
