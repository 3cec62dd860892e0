//! Several machines that hold one store, through remotes that plain git made.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Transcript;
use crate::support::folder;

/// A remote on the disk, and machines that know it as `origin`.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) machines: Vec<Sandbox>,
}

impl World {
    pub(crate) fn new(count: u64) -> Self {
        Self::of((1..=count).map(Sandbox::of_machine).collect())
    }

    /// Of these machines, which may have stores already.
    pub(crate) fn of(machines: Vec<Sandbox>) -> Self {
        let folder = folder();
        let world = Self { folder, machines };
        git(world.folder.path(), &["init", "-q", "--bare", "remote.git"]);
        for machine in &world.machines {
            if !machine.store().exists() {
                machine.run(["init"]).ok();
            }
            machine.run(["remote", "add", "origin", &world.remote().display().to_string()]).ok();
        }
        world
    }

    pub(crate) fn remote(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    /// Syncs, and kills all that does it before its `nth` call that changes a file, where that can be
    /// done.
    fn killed_sync(&self, machine: &Sandbox, nth: usize) {
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        if let Some(fault) = crate::support::fault::Fault::tool() {
            let mut command = machine.program();
            command.arg("sync");
            fault.run(&command, "all", nth, crate::support::fault::Wrong::Killed);
            self.unlock_remote();
            return;
        }
        machine.run(["sync"]).ok();
        let _ = nth;
    }

    /// The remote's own git may die while it moves main; its locks are its owner's to remove.
    pub(crate) fn unlock_remote(&self) {
        for lock in ["HEAD.lock", "refs/heads/main.lock"] {
            fs::remove_file(self.remote().join(lock)).ok();
        }
    }

    /// Syncs all machines until nothing moves any more, and checks that they are the same then.
    pub(crate) fn settle(&self) {
        for _ in 0..2 {
            for machine in &self.machines {
                machine.run(["sync"]).ok();
            }
        }
        let tip = git(&self.remote(), &["rev-parse", "main"]);
        for machine in &self.machines {
            let synced = machine.json(["sync"]);
            assert_eq!(synced["revision"], tip.trim(), "all machines come to rest at one revision");
            let moved = ["came", "merged", "went"].map(|it| synced[it].as_array().map(Vec::len));
            assert_eq!(moved, [Some(0); 3], "then nothing is left to do");
            machine.fsck();
            let doctor = machine.json(["doctor"]);
            // A git that was killed may have left its lock, which a repair removes when it is old.
            let checks = doctor["checks"].as_array().expect("a list");
            let may_warn = |it: &Value| it["name"] == "locks";
            let is_fine =
                |it: &Value| it["verdict"] == "fine" || it["verdict"] == "warning" && may_warn(it);
            assert!(checks.iter().all(is_fine), "{doctor}");
        }
    }
}

pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command.args([
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@localhost",
        "-c",
        "init.defaultBranch=main",
    ]);
    let ran = Ran::of(command.args(arguments)).ok();
    ran.stdout
}

/// The texts of a session's messages, in the order of the stream.
pub(crate) fn said(machine: &Sandbox, id: &str) -> Vec<String> {
    let shown = machine.json(["show", id]);
    let messages = shown["messages"].as_array().expect("messages").iter();
    let text = |it: &Value| match &it["content"] {
        Value::String(text) => text.clone(),
        blocks => blocks[0]["text"].as_str().unwrap_or_default().to_owned(),
    };
    messages.map(text).collect()
}

pub(crate) fn begun(machine: &Sandbox) -> Transcript {
    machine.transcript(1).user("what is up?").agent("not much")
}

#[test]
fn who_knows_no_more_what_was_read_takes_nothing_of_others_out_of_view() {
    let world = World::new(2);
    let [a, b] = world.machines.as_slice() else { unreachable!("two were made") };
    let ours = begun(a).write();
    a.capture();
    a.run(["sync"]).ok();
    begun(b).by(2).user("b asks on").write();
    b.capture();
    world.settle();
    let id = ours.short();
    assert_eq!(said(a, &id), ["what is up?", "not much", "b asks on"]);
    for name in ["sources.db", "sources.db-wal", "sources.db-shm"] {
        drop(fs::remove_file(a.store().join("annals").join(name)));
    }
    // Its own file has nothing of what the other machine said.
    let ours = ours.user("a asks on").write();
    a.capture();
    let all = said(a, &id);
    for text in ["what is up?", "not much", "b asks on", "a asks on"] {
        assert_eq!(all.iter().filter(|it| *it == text).count(), 1, "{text}: {all:?}");
    }
    // What is known again is known: the file loses a line, and the view that line alone.
    ours.without_last(1).user("a asks something else").write();
    a.capture();
    let all = said(a, &id);
    assert!(all.contains(&"b asks on".to_owned()), "{all:?}");
    assert!(!all.contains(&"a asks on".to_owned()), "{all:?}");
    world.settle();
}

#[test]
fn a_session_that_went_on_on_two_machines_is_whole_on_both_and_resumes() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    let id = begun(a).write().short();
    begun(b).write();
    a.capture();
    b.capture();
    a.run(["sync"]).ok();
    let first = b.run(["sync"]).ok();
    assert_eq!(first.stderr, "Nothing to do: this store and origin are the same.\n");
    begun(a).by(1).user("from a").agent("answer to a").write();
    begun(b).by(2).user("from b").write();
    a.capture();
    b.capture();
    world.settle();
    let both = said(a, &id);
    assert_eq!(both.len(), 5, "{both:?}");
    assert_eq!(said(b, &id), both);
    assert_eq!(a.tree(), b.tree());

    // Each goes on in the file that it has, and nothing comes back or goes.
    begun(b).by(2).user("from b").agent("answer to b").write();
    b.capture();
    world.settle();
    assert_eq!(said(a, &id).len(), 6);
    b.run(["restore", &id, "--force", "--workspace", "/work/demo"]).ok();
    let lines = crate::support::lines(&begun(b).path());
    assert_eq!(lines.len(), 6, "the agent's file holds what both machines said");
    assert_eq!(b.capture().stderr.lines().next(), Some("Nothing new: 1 session unchanged."));
}

#[test]
fn what_is_deleted_stays_away_unless_the_other_side_went_on() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    let id = begun(a).write().short();
    a.capture();
    world.settle();
    a.run(["delete", &id, "--yes"]).ok();
    world.settle();
    assert_eq!(b.json(["list"])["total"], 0);
    b.run(["undelete", &id]).ok();
    world.settle();
    assert_eq!(a.json(["list"])["total"], 1);
    a.run(["delete", &id, "--yes"]).ok();
    b.run(["tag", &id, "kept"]).ok();
    a.run(["sync"]).ok();
    let told = b.run(["sync"]).ok().stderr;
    assert!(told.contains("was deleted on one side, but went on; it is kept."), "{told}");
    world.settle();
    assert_eq!(a.json(["list"])["sessions"][0]["tags"][0], "kept");
}

#[test]
fn what_both_deleted_comes_back_with_the_records_of_both() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    let id = begun(a).write().short();
    a.capture();
    world.settle();
    begun(b).user("said on b").write();
    b.capture();
    // The one that knows less deletes last.
    b.run(["delete", &id, "--yes"]).ok();
    a.run(["tag", &id, "of-a"]).ok();
    a.run(["delete", &id, "--yes"]).ok();
    world.settle();
    for machine in [a, b] {
        assert_eq!(machine.json(["list"])["total"], 0);
    }
    a.run(["undelete", &id]).ok();
    assert_eq!(said(a, &id), ["what is up?", "not much", "said on b"]);
    assert_eq!(a.json(["show", &id])["session"]["tags"], serde_json::json!(["of-a"]));
    world.settle();
}

#[test]
fn the_later_title_and_all_tags_of_both_are_kept() {
    let world = World::new(2);
    let id = begun(&world.machines[0]).write().short();
    world.machines[0].capture();
    world.settle();
    let mut machines = world.machines;
    machines[0].set_now("2026-11-22T15:00:00Z");
    machines[1].set_now("2026-11-22T14:00:00Z");
    machines[0].run(["rename", &id, "late"]).ok();
    machines[1].run(["rename", &id, "early"]).ok();
    machines[0].run(["tag", &id, "one"]).ok();
    machines[1].run(["tag", &id, "two"]).ok();
    let world = World { folder: world.folder, machines };
    world.settle();
    let shown = world.machines[1].json(["show", &id]);
    assert_eq!(shown["session"]["title"], "late");
    assert_eq!(shown["session"]["tags"], serde_json::json!(["one", "two"]));
    let log = world.machines[1].json(["log", &id]);
    let operations: Vec<&str> = log["revisions"]
        .as_array()
        .expect("revisions")
        .iter()
        .map(|it| it["operation"].as_str().expect("a word"))
        .collect();
    assert_eq!(operations[0], "merge");
    for done in ["rename", "tag", "capture"] {
        assert!(operations.contains(&done), "what both did is in the log: {operations:?}");
    }
}

#[test]
fn machines_that_sync_at_once_all_get_through() {
    let world = World::new(3);
    thread::scope(|scope| {
        for (number, machine) in (0..).zip(&world.machines) {
            scope.spawn(move || {
                for turn in 0..4 {
                    machine
                        .transcript(10 * number + turn)
                        .user(&format!("{number} {turn}"))
                        .write();
                    machine.capture();
                    machine.run(["sync"]).ok();
                }
            });
        }
    });
    world.settle();
    assert_eq!(world.machines[0].json(["list"])["total"], 12);
}

#[test]
fn a_dry_run_says_what_would_come_and_go_and_moves_nothing() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    begun(a).write();
    a.capture();
    a.run(["sync"]).ok();
    b.transcript(2).user("another").write();
    b.capture();
    let (here, there) = (b.tip(), git(&world.remote(), &["rev-parse", "main"]));
    insta::assert_snapshot!(b.run(["sync", "--dry-run"]).ok().stderr, @r"
    1 session would come from origin.
    1 session would go to origin.
    ");
    assert_eq!((b.tip(), git(&world.remote(), &["rev-parse", "main"])), (here, there));
}

#[test]
fn remotes_are_added_listed_asked_and_removed() {
    let world = World::new(1);
    let machine = &world.machines[0];
    let other = world.folder.path().join("other.git");
    git(world.folder.path(), &["init", "-q", "--bare", "other.git"]);
    machine.run(["remote", "add", "other", &other.display().to_string()]).ok();
    let listed = machine.json(["remote", "list"]);
    assert_eq!(listed["kind"], "annals.remotes/1");
    assert_eq!(listed["remotes"][1]["name"], "other");
    assert_eq!(
        machine.run(["remote", "test", "other"]).ok().stderr,
        "The remote other answers; it is empty.\n"
    );
    machine.run(["remote", "add", "other", "/elsewhere"]).code(3);
    let several = machine.run(["sync"]).code(3).stderr;
    assert!(several.contains("there are several remotes: origin, other"), "{several}");
    machine.run(["remote", "remove", "other"]).ok();
    assert_eq!(machine.json(["remote"])["remotes"].as_array().map(Vec::len), Some(1));
    for hostile in
        ["ext::sh -c true", "-oProxyCommand=x:y", "--upload-pack=x", "http://example.org/x"]
    {
        machine.run(["remote", "add", "bad", "--", hostile]).code(3);
    }
    machine.run(["remote", "add", "../x", "/tmp/x"]).code(3);
    // Whoever writes the setting by hand gets no further.
    machine.git(["config", "remote.evil.url", "ext::sh -c true"]);
    let refused = machine.run(["sync", "origin"]).code(3).stderr;
    assert!(refused.contains("the remote evil: ext:: is no way"), "{refused}");
}

#[test]
fn a_remote_that_holds_something_else_is_refused_and_leaves_nothing() {
    for story in
        ["no marker", "newer", "link", "traversal", "odd session", "no session.yaml", "torn"]
    {
        let world = World::new(1);
        let machine = &world.machines[0];
        begun(machine).write();
        machine.capture();
        machine.run(["sync"]).ok();
        let clone = world.folder.path().join("clone");
        git(world.folder.path(), &["clone", "-q", "remote.git", "clone"]);
        spoil(&clone, story);
        git(&clone, &["add", "-A"]);
        git(&clone, &["commit", "-q", "-m", "spoilt"]);
        git(&clone, &["push", "-q", "origin", "main"]);
        let (tip, objects) = (machine.tip(), machine.every_object());
        let ran = machine.run(["sync"]);
        assert!(ran.code == 3 || ran.code == 5, "{story}: {ran:?}");
        assert!(ran.stderr.lines().count() <= 2, "{story}: {}", ran.stderr);
        assert_eq!(machine.tip(), tip, "{story}");
        assert_eq!(machine.every_object(), objects, "nothing of it stays: {story}");
        let left = fs::read_dir(machine.store().join("annals")).expect("it is there");
        let names = left.map(|it| it.expect("an entry").file_name().into_string().expect("a name"));
        assert_eq!(names.filter(|it| it.starts_with("arriving")).count(), 0);
        assert_eq!(machine.json(["doctor"])["verdict"], "fine");
    }
}

#[test]
fn what_a_fetch_left_that_was_cut_short_goes_with_the_next() {
    let world = World::new(2);
    let [a, b] = &world.machines[..] else { unreachable!("there are two") };
    begun(a).write();
    a.capture();
    a.run(["sync"]).ok();
    let left = b.store().join("annals/arriving-1/pack");
    fs::create_dir_all(&left).expect("made");
    fs::write(left.join("tmp_pack_1"), "torn").expect("written");
    b.run(["sync"]).ok();
    assert!(!left.exists());
    assert_eq!(b.json(["list"])["total"], 1);
}

/// Makes of a clone what no store holds.
fn spoil(clone: &Path, story: &str) {
    let shard =
        fs::read_dir(clone.join("sessions")).expect("there").next().expect("one").expect("it");
    let session =
        fs::read_dir(shard.path()).expect("there").next().expect("one").expect("it").path();
    let write = |path: &Path, text: &str| fs::write(path, text).expect("it can be written");
    match story {
        "no marker" => fs::remove_file(clone.join("annals.yaml")).expect("it is there"),
        "newer" => {
            let path = clone.join("annals.yaml");
            let text = fs::read_to_string(&path).expect("it is there");
            write(&path, &text.replace("schema: 4", "schema: 5"));
        }
        "link" => {
            fs::remove_file(session.join("session.yaml")).expect("it is there");
            std::os::unix::fs::symlink("/etc/passwd", session.join("session.yaml")).expect("made");
        }
        "traversal" => write(&session.join("messages/..%2fx.yaml"), "---\n"),
        "odd session" => {
            fs::create_dir_all(clone.join("sessions/zz/any")).expect("made");
            write(&clone.join("sessions/zz/any/session.yaml"), "schema: 4\n");
        }
        "no session.yaml" => fs::remove_file(session.join("session.yaml")).expect("it is there"),
        _ => {
            let chunks = fs::read_dir(session.join("messages")).expect("there");
            let chunk = chunks.into_iter().next().expect("one").expect("it").path();
            let text = fs::read_to_string(&chunk).expect("it is there");
            write(&chunk, &text[..text.len() / 2]);
        }
    }
}

/// What a machine does next.
#[derive(Debug, Clone)]
enum Step {
    Say,
    Rename,
    Tag,
    Rollback,
    Delete,
    Fork,
    Sync,
    /// A sync in which every process is killed before its call of that number that changes a file.
    KilledSync(usize),
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = prop_oneof![
        4 => Just(Step::Say),
        1 => Just(Step::Rename),
        1 => Just(Step::Tag),
        1 => Just(Step::Rollback),
        1 => Just(Step::Delete),
        1 => Just(Step::Fork),
        3 => Just(Step::Sync),
        2 => (1_usize..200).prop_map(Step::KilledSync),
    ];
    prop::collection::vec((0_usize..3, step), 4..14)
}

/// How many schedules a run goes through; each is some thirty processes.
pub(crate) fn schedules() -> u32 {
    std::env::var("ANNALS_SCHEDULES").ok().and_then(|it| it.parse().ok()).unwrap_or(2)
}

#[test]
fn random_schedules_of_three_machines_end_alike_with_every_message_once() {
    let config =
        ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(schedules()) };
    let ran = TestRunner::new(config).run(&steps(), |steps| {
        let world = World::new(3);
        let mut files: Vec<Transcript> =
            (1..).zip(&world.machines).map(|(number, it)| begun(it).by(number)).collect();
        let id = files[0].short();
        let messages = format!("/{}/messages/", files[0].session());
        let mut wrote = [vec![], vec![], vec![]];
        for (turn, (place, step)) in steps.iter().enumerate() {
            let machine = &world.machines[*place];
            match step {
                Step::Say => {
                    let text = format!("machine {place} turn {turn}");
                    files[*place] = files[*place].clone().user(&text).write();
                    machine.capture();
                    wrote[*place].push(text);
                }
                // Each may come to nothing: the session may not be there.
                Step::Rename => drop(machine.run(["rename", &id, &format!("title {turn}")])),
                Step::Tag => drop(machine.run(["tag", &id, &format!("t{turn}")])),
                Step::Rollback => drop(machine.run(["rollback", &id, "~1"])),
                Step::Delete => drop(machine.run(["delete", &id, "--yes"])),
                Step::Fork => drop(machine.run(["fork", &id])),
                Step::Sync => drop(machine.run(["sync"]).ok()),
                Step::KilledSync(nth) => world.killed_sync(machine, *nth),
            }
        }
        world.settle();
        let trees: Vec<_> = world.machines.iter().map(Sandbox::tree).collect();
        prop_assert!(trees[0] == trees[1] && trees[1] == trees[2], "byte for byte");
        let text: String =
            trees[0].iter().filter(|it| it.0.contains(&messages)).map(|it| it.1.as_str()).collect();
        let is_deleted = text.is_empty();
        for own in wrote.iter().filter(|_| !is_deleted) {
            let places: Vec<Vec<usize>> = own
                .iter()
                .map(|said| text.match_indices(&format!("{said}\n")).map(|it| it.0).collect())
                .collect();
            for (said, places) in own.iter().zip(&places) {
                prop_assert_eq!(places.len(), 1, "{} is there once, in {}", said, text);
            }
            prop_assert!(places.is_sorted(), "each machine's own order is kept");
        }
        Ok(())
    });
    ran.expect("whatever they do, they come together");
}
