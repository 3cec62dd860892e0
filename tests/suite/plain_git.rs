//! Git itself in clones of a store: merges as `annals sync` makes them, and hooks that refuse.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Transcript;
use crate::support::folder;

/// A value that is nobody's, in the form of a secret.
const SECRET: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

/// Two machines, and a repository that both push to.
struct World {
    folder: TempDir,
    machines: Vec<Sandbox>,
}

/// Somebody's clone of a machine's store.
struct Clone<'w> {
    folder: PathBuf,
    machine: &'w Sandbox,
    /// Whether git finds the merge strategy.
    strategy: bool,
}

impl World {
    fn new() -> Self {
        let folder = folder();
        let machines: Vec<Sandbox> = (1..=2).map(Sandbox::of_machine).collect();
        let world = Self { folder, machines };
        let mut init = world.machines[0].plain_git(world.folder.path(), true);
        Ran::of(init.args(["init", "-q", "--bare", "--initial-branch=main", "remote.git"])).ok();
        for machine in &world.machines {
            machine.run(["init"]).ok();
            machine.run(["remote", "add", "origin", &world.remote().display().to_string()]).ok();
        }
        world
    }

    fn remote(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    fn machines(&self) -> [&Sandbox; 2] {
        [&self.machines[0], &self.machines[1]]
    }

    /// Both machines hold the same.
    fn settle(&self) {
        for turn in 0..3 {
            self.machines[turn % 2].run(["sync"]).ok();
        }
    }

    /// A clone of a machine's store, with hooks and merge, that knows the remote as `hub`.
    fn clone_of<'w>(&'w self, machine: &'w Sandbox, name: &str, strategy: bool) -> Clone<'w> {
        let clone = Clone { folder: self.folder.path().join(name), machine, strategy };
        let (store, place) = (machine.store(), clone.folder.display().to_string());
        let mut command = machine.plain_git(self.folder.path(), strategy);
        Ran::of(command.args(["clone", "-q", &store.display().to_string(), &place])).ok();
        clone.git(["remote", "add", "hub", &self.remote().display().to_string()]).ok();
        clone.install().ok();
        clone
    }
}

impl Clone<'_> {
    fn git<const N: usize>(&self, args: [&str; N]) -> Ran {
        Ran::of(self.machine.plain_git(&self.folder, self.strategy).args(args))
    }

    fn annals<const N: usize>(&self, args: [&str; N]) -> Ran {
        let mut program = self.machine.program();
        if self.strategy {
            program.env("PATH", Sandbox::path_with_programs());
        }
        Ran::of(program.args(args).current_dir(&self.folder))
    }

    fn install(&self) -> Ran {
        self.annals(["hooks", "install", "git"])
    }

    fn tree(&self) -> String {
        self.git(["rev-parse", "HEAD^{tree}"]).ok().stdout
    }

    /// The first file that git lists for a pattern.
    fn file(&self, pattern: &str) -> String {
        let listed = self.git(["ls-files", pattern]).ok().stdout;
        listed.lines().next().expect("there is one").to_owned()
    }

    fn edit(&self, name: &str, change: impl FnOnce(String) -> String) {
        let path = self.folder.join(name);
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, change(text)).expect("it can be written");
        self.git(["add", name]).ok();
    }

    /// All is committed, and git has nothing to say against it.
    fn is_sound(&self) {
        assert_eq!(self.git(["status", "--porcelain"]).ok().stdout, "");
        let said = self.git(["fsck", "--strict", "--no-dangling"]).ok();
        assert_eq!(said.stdout, "");
    }
}

/// The top folder of a machine's store.
fn tree_of(machine: &Sandbox) -> String {
    machine.git(["rev-parse", "main^{tree}"])
}

fn begun(machine: &Sandbox, number: u32) -> Transcript {
    machine.transcript(number).user("what is up?").agent("not much")
}

fn said(mut transcript: Transcript, count: usize, text: &str) -> Transcript {
    for number in 0..count {
        transcript = transcript.user(&format!("{text} {number}"));
    }
    transcript
}

/// What one side has pushed, the other pulls by plain git, then syncs: the two must be the same.
fn pulled_as_synced(world: &World, strategy: bool, story: &str) {
    let [a, b] = world.machines();
    a.run(["sync"]).ok();
    let clone = world.clone_of(b, "clone", strategy);
    let pulled = clone.git(["pull", "--no-edit", "hub", "main"]);
    if pulled.code != 0 {
        assert!(!strategy, "with the strategy git never stops: {story}: {pulled:?}");
        // Git before 2.50 looks for renames whatever the settings say.
        let known = ["CONFLICT (modify/delete)", "CONFLICT (rename/rename)"];
        assert!(known.iter().any(|it| pulled.stdout.contains(it)), "{story}: {pulled:?}");
        clone.git(["add", "-A"]).ok();
        clone.git(["commit", "--no-edit"]).ok();
    }
    b.run(["sync"]).ok();
    assert_eq!(clone.tree(), tree_of(b), "byte for byte: {story}");
    clone.is_sound();
    // What comes of it is pushed, and everybody is at rest.
    clone.git(["pull", "--no-edit", "hub", "main"]).ok();
    clone.git(["push", "-q", "hub", "HEAD:main"]).ok();
    world.settle();
    assert_eq!(tree_of(a), tree_of(b));
    assert_eq!(clone.tree(), tree_of(b), "nothing more is merged: {story}");
    a.fsck();
}

#[test]
fn a_pull_merges_a_session_that_both_continued_over_the_ends_of_chunks() {
    for (strategy, counts) in
        [(true, (20, 30)), (false, (20, 30)), (false, (3, 90)), (true, (60, 1))]
    {
        let world = World::new();
        let [a, b] = world.machines();
        for machine in [a, b] {
            said(begun(machine, 1), 40, "both").write();
            begun(machine, 2).write();
            machine.capture();
        }
        world.settle();
        said(said(begun(a, 1), 40, "both").by(1), counts.0, "of a").write();
        said(said(begun(b, 1), 40, "both").by(2), counts.1, "of b").write();
        begun(a, 3).write();
        begun(b, 4).write();
        a.capture();
        b.capture();
        a.run(["tag", &begun(a, 2).short(), "one"]).ok();
        b.run(["rename", &begun(a, 2).short(), "two"]).ok();
        pulled_as_synced(&world, strategy, &format!("{strategy} {counts:?}"));
        assert_eq!(b.json(["list"])["total"], 4);
    }
}

#[test]
fn a_pull_knows_of_deletions_and_of_what_went_on_after_all() {
    for (strategy, by) in [(true, 0), (true, 1), (false, 0), (false, 1)] {
        let world = World::new();
        let [a, b] = world.machines();
        for number in 1..=3 {
            begun(a, number).write();
        }
        a.capture();
        world.settle();
        let (one, other) = (world.machines()[by], world.machines()[1 - by]);
        let [gone, goes_on, twice] = [1, 2, 3].map(|number| begun(a, number).short());
        one.run(["delete", &gone, &goes_on, &twice, "--yes"]).ok();
        other.run(["tag", &goes_on, "kept"]).ok();
        other.run(["delete", &twice, "--yes"]).ok();
        pulled_as_synced(&world, strategy, &format!("{strategy} {by}"));
        let listed = b.json(["list"]);
        assert_eq!(
            (&listed["total"], &listed["sessions"][0]["tags"][0]),
            (&1.into(), &"kept".into())
        );
    }
}

#[test]
fn a_pull_joins_two_stores_that_began_apart() {
    let world = World::new();
    let [a, b] = world.machines();
    for (machine, number) in [(a, 1), (b, 2)] {
        begun(machine, number).write();
        begun(machine, 7).by(u16::try_from(number).expect("small")).user("on").write();
        machine.capture();
    }
    a.run(["sync"]).ok();
    let clone = world.clone_of(b, "clone", true);
    clone.git(["pull", "--no-edit", "hub", "main"]).code(128);
    clone.git(["pull", "--no-edit", "--allow-unrelated-histories", "hub", "main"]).ok();
    b.run(["sync"]).ok();
    assert_eq!(clone.tree(), tree_of(b));
    clone.is_sound();
}

#[test]
fn a_session_that_looks_like_a_deleted_one_is_not_taken_for_it() {
    for strategy in [true, false] {
        let world = World::new();
        let [a, b] = world.machines();
        for machine in [a, b] {
            for number in 1..=2 {
                said(begun(machine, number), 45, "both").write();
            }
            machine.capture();
        }
        world.settle();
        said(said(begun(a, 2), 45, "both").by(1), 22, "of a").write();
        a.capture();
        for (machine, number) in [(a, 13), (b, 14)] {
            machine.run(["delete", &begun(a, 2).short(), "--yes"]).ok();
            begun(machine, number).write();
            machine.capture();
        }
        pulled_as_synced(&world, strategy, &format!("{strategy}"));
        assert_eq!(b.json(["list"])["total"], 3);
    }
}

/// What a machine does before the merge.
#[derive(Debug, Clone)]
enum Step {
    Say(usize),
    New,
    Rename,
    Tag,
    Rollback,
    Delete,
    Undelete,
}

fn steps() -> impl Strategy<Value = Vec<(usize, u32, Step)>> {
    let step = prop_oneof![
        4 => (1_usize..60).prop_map(Step::Say),
        1 => Just(Step::New),
        1 => Just(Step::Rename),
        1 => Just(Step::Tag),
        1 => Just(Step::Rollback),
        2 => Just(Step::Delete),
        1 => Just(Step::Undelete),
    ];
    prop::collection::vec((0_usize..2, 1_u32..3, step), 2..9)
}

#[test]
fn whatever_two_machines_did_a_pull_gives_what_a_sync_gives() {
    let cases = std::env::var("ANNALS_SCHEDULES").ok().and_then(|it| it.parse().ok()).unwrap_or(2);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let ran = TestRunner::new(config).run(&(any::<bool>(), steps()), |(strategy, steps)| {
        let world = World::new();
        let mut files: Vec<Vec<Transcript>> = (1..)
            .zip(&world.machines)
            .map(|(by, it)| {
                (1..3).map(|number| said(begun(it, number), 45, "both").write().by(by)).collect()
            })
            .collect();
        world.machines.iter().for_each(|it| drop(it.capture()));
        world.settle();
        for (turn, (place, number, step)) in (0..).zip(&steps) {
            let machine = &world.machines[*place];
            let file = &mut files[*place][*number as usize - 1];
            let id = file.short();
            match step {
                Step::Say(count) => {
                    *file = said(file.clone(), *count, &format!("turn {turn}")).write();
                    machine.capture();
                }
                Step::New => {
                    begun(machine, 10 + turn).write();
                    machine.capture();
                }
                // Each may come to nothing: the session may not be there.
                Step::Rename => drop(machine.run(["rename", &id, &format!("title {turn}")])),
                Step::Tag => drop(machine.run(["tag", &id, &format!("t{turn}")])),
                Step::Rollback => drop(machine.run(["rollback", &id, "~1"])),
                Step::Delete => drop(machine.run(["delete", &id, "--yes"])),
                Step::Undelete => drop(machine.run(["undelete", &id])),
            }
        }
        pulled_as_synced(&world, strategy, &format!("{steps:?}"));
        Ok(())
    });
    ran.expect("a pull gives what a sync gives");
}

#[test]
fn a_rebase_with_the_strategy_comes_to_the_same_tree_too() {
    let world = World::new();
    let [a, b] = world.machines();
    for number in 1..=2 {
        said(begun(a, number), 40, "both").write();
        said(begun(b, number), 40, "both").write();
    }
    a.capture();
    b.capture();
    world.settle();
    said(said(begun(a, 1), 40, "both").by(1), 15, "of a").write();
    a.capture();
    a.run(["tag", &begun(a, 2).short(), "kept"]).ok();
    a.run(["sync"]).ok();
    let mut own = said(begun(b, 1), 40, "both").by(2);
    for turn in 0..3 {
        own = said(own, 9, &format!("of b {turn}")).write();
        b.capture();
    }
    b.run(["delete", &begun(a, 2).short(), "--yes"]).ok();
    begun(b, 3).write();
    b.capture();
    let clone = world.clone_of(b, "clone", true);
    clone.git(["pull", "--rebase", "hub", "main"]).ok();
    b.run(["sync"]).ok();
    assert_eq!(clone.tree(), tree_of(b));
    assert_eq!(clone.git(["rev-list", "--count", "--merges", "hub/main..HEAD"]).ok().stdout, "0\n");
    clone.is_sound();
}

#[test]
fn files_beside_the_sessions_merge_by_what_each_side_did_to_them() {
    for (strategy, b_merges) in [(true, true), (true, false), (false, true), (false, false)] {
        let world = World::new();
        let [a, b] = world.machines();
        begun(a, 1).write();
        a.capture();
        let first = world.clone_of(a, "first", strategy);
        let changed: Vec<String> = (0..8).map(|number| format!("changed-{number}")).collect();
        for name in changed.iter().map(String::as_str).chain(["gone", "same"]) {
            first.edit(name, |_| format!("{name} at first\n"));
        }
        first.git(["commit", "-q", "-m", "files of ours"]).ok();
        first.git(["push", "-q", "origin", "main"]).ok();
        world.settle();
        let second = world.clone_of(b, "second", strategy);
        for name in &changed {
            second.edit(name, |it| it + "changed by b\n");
        }
        second.git(["rm", "-q", "gone"]).ok();
        second.edit("new", |_| "of b\n".into());
        second.git(["commit", "-q", "-m", "what b did"]).ok();
        second.git(["push", "-q", "origin", "main"]).ok();
        begun(a, 1).by(1).user("of a").write();
        a.capture();
        // Either may be the one that merges.
        let (merging, machine, other) = if b_merges { (&second, b, a) } else { (&first, a, b) };
        other.run(["sync"]).ok();
        merging.git(["pull", "-q", "--no-edit", "origin", "main"]).ok();
        merging.git(["pull", "--no-edit", "hub", "main"]).ok();
        machine.run(["sync"]).ok();
        assert_eq!(merging.tree(), tree_of(machine));
        let files = merging.git(["ls-files", "gone", "same", "new"]).ok().stdout;
        assert_eq!(files, "new\nsame\n");
        for name in &changed {
            let text = fs::read_to_string(merging.folder.join(name)).expect("it is there");
            assert!(text.ends_with("by b\n"), "an edit never goes back to what was there: {text}");
        }
    }
}

#[test]
fn a_merge_that_is_squashed_or_not_committed_is_whole_too() {
    for strategy in [true, false] {
        let world = World::new();
        let [a, b] = world.machines();
        begun(a, 1).write();
        a.capture();
        world.settle();
        said(begun(a, 1).by(1), 70, "of a").write();
        said(begun(b, 1).by(2), 20, "of b").write();
        a.capture();
        b.capture();
        a.run(["sync"]).ok();
        let clone = world.clone_of(b, "clone", strategy);
        b.run(["sync"]).ok();
        clone.git(["fetch", "-q", "hub"]).ok();
        let theirs = a.tip();
        clone.git(["merge", "--squash", &theirs]).ok();
        assert_eq!(clone.git(["write-tree"]).ok().stdout, tree_of(b), "squashed");
        clone.git(["reset", "-q", "--hard"]).ok();
        clone.git(["merge", "--no-commit", &theirs]).ok();
        clone.git(["commit", "-q", "--no-edit"]).ok();
        assert_eq!(clone.tree(), tree_of(b), "committed later");
        clone.is_sound();
    }
}

#[test]
fn a_merge_keeps_what_is_changed_beside_it_and_refuses_what_it_would_overwrite() {
    let world = World::new();
    let [a, b] = world.machines();
    begun(a, 1).write();
    begun(a, 2).write();
    a.capture();
    world.settle();
    begun(a, 1).by(1).user("of a").write();
    begun(b, 1).by(2).user("of b").write();
    a.capture();
    b.capture();
    a.run(["sync"]).ok();
    let clone = world.clone_of(b, "clone", true);
    let head = clone.git(["rev-parse", "HEAD"]).ok().stdout;
    let changed = clone.git(["diff", "--name-only", "HEAD^"]).ok().stdout;
    let changed = changed.lines().next().expect("one file").to_owned();
    let path = clone.folder.join(&changed);
    let text = fs::read_to_string(&path).expect("it is there");
    for is_staged in [false, true] {
        fs::write(&path, format!("{text}\n")).expect("written");
        if is_staged {
            clone.git(["add", "-A"]).ok();
        }
        let refused = clone.git(["pull", "--no-edit", "hub", "main"]);
        assert_ne!(refused.code, 0, "{refused:?}");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), format!("{text}\n"));
        assert_eq!(clone.git(["rev-parse", "HEAD"]).ok().stdout, head);
    }
    clone.git(["reset", "-q", "--hard"]).ok();
    clone.edit("new", |_| "staged\n".into());
    let refused = clone.git(["pull", "--no-edit", "hub", "main"]).code(2);
    assert!(
        refused.stderr.contains("something is staged that is not committed yet"),
        "{refused:?}"
    );
    assert_eq!(clone.git(["status", "--porcelain"]).ok().stdout, "A  new\n");
    clone.git(["reset", "-q", "--hard"]).ok();
    fs::write(clone.folder.join("annals.yaml"), "mine\n").expect("written");
    fs::write(clone.folder.join("new"), "mine\n").expect("written");
    clone.git(["pull", "--no-edit", "hub", "main"]).ok();
    let status = clone.git(["status", "--porcelain"]).ok().stdout;
    assert_eq!(status, " M annals.yaml\n?? new\n");
}

#[test]
fn what_is_no_merge_of_two_branches_stops_and_says_what_to_do() {
    let world = World::new();
    let [a, b] = world.machines();
    begun(a, 1).write();
    a.capture();
    world.settle();
    begun(a, 1).by(1).user("of a").write();
    begun(b, 1).by(2).user("of b").write();
    a.capture();
    b.capture();
    a.run(["sync"]).ok();
    let clone = world.clone_of(b, "clone", false);
    let before = clone.tree();
    let stories: [(&[&str], &str); 3] = [
        (&["pull", "--rebase", "hub", "main"], "rebase"),
        (&["cherry-pick", &a.tip()], "cherry-pick"),
        (&["revert", "--no-edit", &a.tip()], "revert"),
    ];
    for (args, doing) in stories {
        clone.git(["fetch", "-q", "hub"]).ok();
        let told = Ran::of(b.plain_git(&clone.folder, false).args(args));
        assert_ne!(told.code, 0, "{doing}");
        if doing != "revert" {
            assert!(told.stderr.contains("merge the branch (`git merge`"), "{doing}: {told:?}");
        }
        clone.git([doing, "--abort"]).ok();
        assert_eq!(clone.tree(), before, "{doing}");
    }
    // A branch beside the store is merged as git does, when it is asked to.
    let clone = Clone { strategy: true, ..clone };
    clone.install().ok();
    clone.git(["switch", "-q", "--orphan", "pages"]).ok();
    clone.edit("index.html", |_| "one\n".into());
    clone.git(["commit", "-q", "-m", "pages"]).ok();
    clone.git(["switch", "-q", "-c", "more"]).ok();
    clone.edit("more.html", |_| "more\n".into());
    clone.git(["commit", "-q", "-m", "more"]).ok();
    clone.git(["switch", "-q", "pages"]).ok();
    clone.edit("index.html", |_| "two\n".into());
    clone.git(["commit", "-q", "-m", "pages"]).ok();
    let told = clone.git(["merge", "more"]).code(2);
    assert!(told.stderr.contains("`-s ort` merges it as git does"), "{told:?}");
    let merged = clone.git(["merge", "-q", "-s", "ort", "--no-edit", "more"]).ok();
    assert_eq!(merged.stderr, "");
    clone.is_sound();
    let alone = clone.annals(["merge-driver", "a", "b", "c", "7", "sessions/x"]).code(3);
    assert!(alone.stderr.contains("a session is merged whole"), "{alone:?}");
    clone.annals(["hooks", "run", "git", "update"]).code(2);
}

/// What is done to a file's text.
type Change<'c> = Box<dyn FnOnce(String) -> String + 'c>;

#[test]
fn what_breaks_the_form_or_holds_a_secret_is_not_committed() {
    let world = World::new();
    let [a, _] = world.machines();
    said(begun(a, 1), 3, "said").write();
    a.capture();
    let clone = world.clone_of(a, "clone", true);
    let (head, chunk) = (clone.file("*/session.yaml"), clone.file("*/messages/*"));
    let text = fs::read_to_string(clone.folder.join(&chunk)).expect("it is there");
    let line = |piece: &str| 1 + text.lines().position(|line| line.contains(piece)).expect("one");
    let (said, user) = (line("content: said 1"), line("message: user"));
    let put = |from: &str, to: &str| {
        let text = text.replacen(from, to, 1);
        move |_: String| text
    };
    let stories: Vec<(&str, Change<'_>, String)> = vec![
        (
            &chunk,
            Box::new(put("content: said 1", &format!("content: use {SECRET} for it"))),
            format!("{chunk}:{said}: holds a secret (github-token)"),
        ),
        (
            &chunk,
            Box::new(put("content: said 1", &format!("content: \"use\\t{SECRET}\""))),
            format!("{chunk}:{said}: holds a secret"),
        ),
        (
            &chunk,
            Box::new(put("message: user", "massage: user")),
            format!("{chunk}:{}: no record", user - 1),
        ),
        (&chunk, Box::new(put("content: said 1", "content: [said")), format!("{chunk}:")),
        (&head, Box::new(|it| it.replace("agent:", "agent: x")), format!("{head}:")),
        (
            &head,
            Box::new(|it| it.replace("records: 5", "records: 6")),
            format!("{head}: it does not tell of the records"),
        ),
        (
            &head,
            Box::new(|it| it + &format!("title: \"{SECRET}\"\n")),
            format!(
                "{head}:{}: holds",
                fs::read_to_string(clone.folder.join(&head)).expect("it").lines().count() + 1
            ),
        ),
        (
            "annals.yaml",
            Box::new(|it| it.replace("schema: 4", "schema: 5")),
            "annals.yaml: the store has schema 5".into(),
        ),
        ("annals.yaml", Box::new(|_| "schema: four\n".into()), "annals.yaml:1: ".into()),
        (
            "README.md",
            Box::new(|_| format!("hello\n{SECRET}\n")),
            "README.md:2: holds a secret".into(),
        ),
        ("notes/x", Box::new(|_| "x".into()), "notes: it has no place".into()),
        ("sessions/zz/x", Box::new(|_| "x".into()), "sessions/zz: it has no place".into()),
    ];
    let before = clone.git(["rev-parse", "HEAD"]).ok().stdout;
    for (name, change, told) in stories {
        for folder in ["notes", "sessions/zz"] {
            fs::create_dir_all(clone.folder.join(folder)).expect("made");
        }
        clone.edit(name, change);
        let refused = clone.git(["commit", "-q", "-m", "x"]).code(1);
        assert!(refused.stderr.contains(&format!("refused: {told}")), "{told}: {refused:?}");
        assert!(refused.stderr.contains("Nothing was committed."), "{refused:?}");
        assert!(!refused.stderr.contains(SECRET), "a secret is never told: {refused:?}");
        assert_eq!(clone.git(["rev-parse", "HEAD"]).ok().stdout, before);
        clone.git(["reset", "-q", "--hard"]).ok();
    }
    clone.git(["rm", "-q", "annals.yaml"]).ok();
    let refused = clone.git(["commit", "-q", "-m", "x"]).code(1);
    assert!(refused.stderr.contains("refused: annals.yaml: it is missing"), "{refused:?}");
    clone.git(["reset", "-q", "--hard"]).ok();
    // What is right passes.
    clone.edit("README.md", |_| "ours\n".into());
    clone.git(["commit", "-q", "-m", "a file of ours"]).ok();
    clone.is_sound();
}

#[test]
fn a_secret_is_not_pushed_though_a_later_commit_takes_it_out() {
    let world = World::new();
    let [a, _] = world.machines();
    begun(a, 1).write();
    a.capture();
    let clone = world.clone_of(a, "clone", true);
    clone.git(["push", "-q", "hub", "main"]).ok();
    let pushed = clone.git(["rev-parse", "HEAD"]).ok().stdout;
    clone.edit("README.md", |_| format!("a\n\n{SECRET}\n"));
    clone.git(["commit", "-q", "--no-verify", "-m", "with it"]).ok();
    clone.git(["rm", "-q", "README.md"]).ok();
    clone.git(["commit", "-q", "-m", "without it"]).ok();
    let refused = clone.git(["push", "-q", "hub", "main"]).code(1);
    assert!(refused.stderr.contains("refused: README.md:3: holds a secret"), "{refused:?}");
    let there = Ran::of(a.plain_git(&world.remote(), true).args(["rev-parse", "main"])).ok();
    assert_eq!(there.stdout, pushed);
    clone.git(["reset", "-q", "--hard", pushed.trim()]).ok();
    clone.git(["commit", "-q", "--allow-empty", "-m", &format!("use {SECRET}")]).ok();
    let refused = clone.git(["push", "-q", "hub", "main"]).code(1);
    assert!(refused.stderr.contains("line 1 of its message: holds a secret"), "{refused:?}");
    // A branch that is only taken away holds nothing.
    clone.git(["reset", "-q", "--hard", pushed.trim()]).ok();
    clone.git(["push", "-q", "hub", "main:side"]).ok();
    clone.git(["push", "-q", "hub", ":side"]).ok();
}

#[test]
fn a_shared_server_takes_what_is_right_and_nothing_else() {
    let world = World::new();
    let [a, b] = world.machines();
    let remote = world.remote().display().to_string();
    a.run(["hooks", "install", "git", "--repo", &remote]).ok();
    said(begun(a, 1), 3, "said").write();
    a.capture();
    a.run(["sync"]).ok();
    // The clone has no hooks of its own.
    let clone = world.clone_of(a, "clone", true);
    clone.annals(["hooks", "remove", "git"]).ok();
    let base = clone.git(["rev-parse", "HEAD"]).ok().stdout;
    let tip =
        || Ran::of(a.plain_git(&world.remote(), true).args(["rev-parse", "main"])).ok().stdout;
    let refused = |told: &str, args: &[&str]| {
        let ran = Ran::of(a.plain_git(&clone.folder, true).args(args)).code(1);
        assert!(ran.stderr.contains(&format!("remote: refused: {told}")), "{told}: {ran:?}");
        assert_eq!(tip(), base, "nothing moved: {told}");
        clone.git(["reset", "-q", "--hard", base.trim()]).ok();
    };
    let chunk = clone.file("*/messages/*");
    clone.edit(&chunk, |it| it.replace("content: said 1", &format!("content: {SECRET}")));
    clone.git(["commit", "-q", "-m", "x"]).ok();
    clone.git(["revert", "--no-edit", "HEAD"]).ok();
    refused(&format!("{chunk}:"), &["push", "hub", "main"]);
    clone.edit(&chunk, |it| it.replacen("message: user", "massage: user", 1));
    clone.git(["commit", "-q", "-m", "x"]).ok();
    refused(&format!("{chunk}:"), &["push", "hub", "main"]);
    clone.git(["commit", "-q", "--amend", "--allow-empty", "-m", "another past"]).ok();
    refused("refs/heads/main: history must not be rewritten", &["push", "-f", "hub", "main"]);
    refused(
        "refs/heads/main: the branch of the store must not be deleted",
        &["push", "hub", ":main"],
    );
    clone.git(["tag", "-m", &format!("with {SECRET}"), "v1"]).ok();
    refused("line 6 of refs/tags/v1: holds a secret", &["push", "hub", "v1"]);
    clone.git(["tag", "v2", "HEAD:annals.yaml"]).ok();
    refused("refs/tags/v2: it leads to no commit", &["push", "hub", "v2"]);
    // What is right comes through, also many objects at once, and a scrub.
    for number in 10..40 {
        said(begun(b, number), 4, "more").write();
    }
    b.capture();
    b.run(["sync"]).ok();
    a.run(["sync"]).ok();
    a.run_with(["scrub", "--value", "--yes"], "not much").ok();
    a.run(["sync"]).ok();
    assert_eq!(tip().trim(), a.tip());
    let said =
        Ran::of(a.plain_git(&world.remote(), true).args(["fsck", "--strict", "--no-dangling"]))
            .ok();
    assert_eq!(said.stdout, "");
}

/// All files below a folder, with bytes and modes, and where links lead.
fn snapshot(folder: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut all = Vec::new();
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("readable").map(|it| it.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let found = path.symlink_metadata().expect("it is there");
        let mode = found.permissions().mode();
        if found.is_dir() {
            all.push((path.clone(), mode, Vec::new()));
            all.extend(snapshot(&path));
        } else if found.is_symlink() {
            let target = fs::read_link(&path).expect("a link");
            all.push((path, mode, target.into_os_string().into_encoded_bytes()));
        } else {
            all.push((path.clone(), mode, fs::read(&path).unwrap_or_default()));
        }
    }
    all
}

fn hook(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours");
}

#[test]
fn installing_twice_changes_nothing_and_removing_leaves_what_was_there() {
    for story in ["plain", "hooks there", "no folders", "attributes", "no line end"] {
        let world = World::new();
        let [a, _] = world.machines();
        begun(a, 1).write();
        a.capture();
        let clone = world.clone_of(a, "a clone's \u{e9} \"%A\"\nfolder", true);
        clone.annals(["hooks", "remove", "git"]).ok();
        let git = clone.folder.join(".git");
        match story {
            "hooks there" => {
                hook(&git.join("hooks/pre-commit"), "exit 0");
                hook(&git.join("hooks/pre-push"), "exit 0");
                fs::set_permissions(git.join("hooks/pre-push"), fs::Permissions::from_mode(0o644))
                    .expect("ours");
                std::os::unix::fs::symlink("/nowhere", git.join("hooks/post-merge")).expect("made");
            }
            "no folders" => {
                fs::remove_dir_all(git.join("hooks")).expect("it is there");
                fs::remove_dir_all(git.join("info")).expect("it is there");
            }
            "attributes" => {
                fs::create_dir_all(git.join("info")).expect("made");
                fs::write(git.join("info/attributes"), "").expect("written");
            }
            "no line end" => {
                let config = fs::read_to_string(git.join("config")).expect("it is there");
                fs::write(git.join("config"), config.trim_end()).expect("written");
                fs::create_dir_all(git.join("info")).expect("made");
                fs::write(git.join("info/attributes"), "* text=auto").expect("written");
            }
            _ => {}
        }
        let before = snapshot(&git);
        clone.install().ok();
        let installed = snapshot(&git);
        assert_ne!(installed, before, "{story}");
        assert_eq!(clone.install().ok().stderr, "Nothing to change for git.\n", "{story}");
        assert_eq!(snapshot(&git), installed, "{story}");
        clone.annals(["hooks", "remove", "git", "--dry-run"]).ok();
        assert_eq!(snapshot(&git), installed, "{story}");
        clone.git(["config", "user.email", "kim@localhost"]).ok();
        clone.git(["config", "--unset", "user.email"]).ok();
        clone.git(["config", "--remove-section", "user"]);
        let listed = clone.annals(["hooks", "list", "git"]).ok().stdout;
        assert!(listed.starts_with("git  installed"), "{listed}");
        clone.annals(["hooks", "remove", "git"]).ok();
        assert_eq!(snapshot(&git), before, "byte for byte: {story}");
        assert_eq!(
            clone.annals(["hooks", "remove", "git"]).ok().stderr,
            "Nothing to change for git.\n"
        );
        let listed = clone.annals(["hooks", "list", "git"]).ok().stdout;
        assert!(listed.starts_with("git  not installed"), "{listed}");
    }
}

#[test]
fn a_hook_that_was_there_goes_first_with_what_git_gives_it() {
    let world = World::new();
    let [a, _] = world.machines();
    begun(a, 1).write();
    a.capture();
    let clone = world.clone_of(a, "with spaces", true);
    clone.annals(["hooks", "remove", "git"]).ok();
    let log = world.folder.path().join("log");
    let hooks = clone.folder.join(".git/hooks");
    let tell = format!("echo \"$(basename \"$0\") $*\" >> '{0}'; cat >> '{0}'", log.display());
    for name in ["pre-commit", "pre-push", "post-merge"] {
        hook(&hooks.join(name), &format!("{tell}\n[ ! -e '{}.no' ] || exit 7", log.display()));
    }
    clone.install().ok();
    clone.git(["commit", "-q", "--allow-empty", "-m", "x"]).ok();
    clone.git(["push", "-q", "hub", "main"]).ok();
    let head = clone.git(["rev-parse", "HEAD"]).ok().stdout;
    let zeros = "0".repeat(40);
    let (url, head) = (world.remote(), head.trim());
    let expected = format!(
        "pre-commit.before-annals \npre-push.before-annals hub {}\n\
         refs/heads/main {head} refs/heads/main {zeros}\n",
        url.display()
    );
    assert_eq!(fs::read_to_string(&log).expect("they ran"), expected);
    // It is refused before ours looks at it, with its own code.
    fs::write(world.folder.path().join("log.no"), "").expect("written");
    clone.git(["commit", "-q", "--allow-empty", "-m", "x"]).code(1);
    let mut called = a.program();
    called.env_clear().env("PATH", "/usr/bin:/bin");
    let ran = Ran::of(Command::new(hooks.join("pre-commit")).current_dir(&clone.folder));
    assert_eq!(ran.code, 7, "{ran:?}");
    let ran = Ran::of(Command::new(hooks.join("pre-push")).current_dir(&clone.folder));
    assert_eq!(ran.code, 7, "{ran:?}");
}

#[test]
fn without_annals_nothing_is_committed_pushed_or_taken_but_merges_go_on() {
    let world = World::new();
    let [a, _] = world.machines();
    begun(a, 1).write();
    a.capture();
    let clone = world.clone_of(a, "clone", false);
    let remote = world.remote();
    a.run(["hooks", "install", "git", "--repo", &remote.display().to_string()]).ok();
    let lose = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("it is there");
        let own = format!("annals='{}'", env!("CARGO_BIN_EXE_annals"));
        assert!(text.contains(&own), "{text}");
        fs::write(&path, text.replace(&own, "annals='/nowhere/annals'")).expect("written");
    };
    for name in ["pre-commit", "pre-push", "post-merge"] {
        lose(clone.folder.join(".git/hooks").join(name));
    }
    let refused = clone.git(["commit", "-q", "--allow-empty", "-m", "x"]).code(1);
    assert_eq!(
        refused.stderr,
        "annals is not found, so nothing is committed: install it, or `git commit --no-verify`\n"
    );
    let refused = clone.git(["push", "-q", "hub", "main"]).code(1);
    assert!(
        refused.stderr.starts_with("annals is not found, so nothing is pushed: "),
        "{refused:?}"
    );
    lose(remote.join("hooks/pre-receive"));
    let refused = clone.git(["push", "-q", "--no-verify", "hub", "main"]).code(1);
    assert!(refused.stderr.contains("annals is not found on the server"), "{refused:?}");
    clone.git(["branch", "side"]).ok();
    clone.git(["commit", "-q", "--no-verify", "--allow-empty", "-m", "x"]).ok();
    clone.git(["switch", "-q", "side"]).ok();
    clone.git(["merge", "-q", "main"]).ok();
}

#[test]
fn a_folder_of_hooks_that_others_share_is_left_alone_and_ones_own_is_used() {
    let world = World::new();
    let [a, _] = world.machines();
    begun(a, 1).write();
    a.capture();
    let clone = world.clone_of(a, "clone", true);
    clone.annals(["hooks", "remove", "git"]).ok();
    let shared = world.folder.path().join("shared");
    hook(&shared.join("pre-commit"), "exit 0");
    clone.git(["config", "core.hooksPath", &shared.display().to_string()]).ok();
    let (there, own) = (snapshot(&shared), snapshot(&clone.folder.join(".git")));
    let refused = clone.install().code(3);
    assert!(
        refused.stderr.contains("where others find theirs too (core.hooksPath)"),
        "{refused:?}"
    );
    assert!(
        refused.stderr.contains("Nothing was changed. `git config core.hooksPath"),
        "{refused:?}"
    );
    assert_eq!((snapshot(&shared), snapshot(&clone.folder.join(".git"))), (there, own));
    // A link leads there too.
    std::os::unix::fs::symlink(&shared, clone.folder.join(".git/linked")).expect("made");
    clone.git(["config", "core.hooksPath", ".git/linked"]).ok();
    clone.install().code(3);
    // One in the clone itself is its own, and is found from any folder in it.
    clone.git(["config", "core.hooksPath", "my hooks"]).ok();
    let inner = clone.folder.join("sessions");
    let mut program = a.program();
    Ran::of(program.args(["hooks", "install", "git"]).current_dir(&inner)).ok();
    assert!(clone.folder.join("my hooks/pre-commit").is_file());
    assert!(!clone.folder.join(".git/hooks/pre-commit").exists());
    clone.edit("README.md", |_| SECRET.to_owned());
    clone.git(["commit", "-q", "-m", "x"]).code(1);
    clone.annals(["hooks", "remove", "git"]).ok();
    assert!(!clone.folder.join("my hooks").exists());
    // They go too when git was told to look elsewhere meanwhile.
    clone.git(["config", "--unset", "core.hooksPath"]).ok();
    clone.install().ok();
    let installed = clone.folder.join(".git/hooks/pre-commit");
    assert!(installed.is_file());
    clone.git(["config", "core.hooksPath", &shared.display().to_string()]).ok();
    clone.annals(["hooks", "remove", "git"]).ok();
    assert!(!installed.exists());
}

#[test]
fn a_linked_work_tree_shares_hooks_and_merge_with_its_repository() {
    let world = World::new();
    let [a, b] = world.machines();
    begun(a, 1).write();
    a.capture();
    world.settle();
    begun(a, 1).by(1).user("of a").write();
    begun(b, 1).by(2).user("of b").write();
    a.capture();
    b.capture();
    a.run(["sync"]).ok();
    let clone = world.clone_of(b, "clone", true);
    clone.annals(["hooks", "remove", "git"]).ok();
    clone.git(["worktree", "add", "-q", "../linked", "-b", "linked"]).ok();
    let linked = Clone { folder: world.folder.path().join("linked"), ..clone };
    linked.install().ok();
    assert!(world.folder.path().join("clone/.git/hooks/pre-commit").is_file());
    linked.git(["pull", "--no-edit", "hub", "main"]).ok();
    b.run(["sync"]).ok();
    assert_eq!(linked.tree(), tree_of(b));
    linked.edit("README.md", |_| SECRET.to_owned());
    linked.git(["commit", "-q", "-m", "x"]).code(1);
}

#[test]
fn the_store_itself_takes_pushes_and_keeps_its_hooks_apart() {
    let world = World::new();
    let [a, _] = world.machines();
    begun(a, 1).write();
    a.capture();
    let store = a.store().display().to_string();
    let before = snapshot(&a.store());
    a.run(["hooks", "install", "git", "--repo", &store]).ok();
    assert_eq!(a.json(["doctor"])["verdict"], "fine");
    let clone = world.clone_of(a, "clone", true);
    clone.edit("README.md", |_| "ours\n".to_owned());
    clone.git(["commit", "-q", "-m", "a file of ours"]).ok();
    clone.git(["push", "-q", "origin", "main"]).ok();
    assert_eq!(a.json(["list"])["total"], 1);
    clone.edit("README.md", |_| SECRET.to_owned());
    clone.git(["commit", "-q", "--no-verify", "-m", "x"]).ok();
    let refused = clone.git(["push", "-q", "--no-verify", "origin", "main"]).code(1);
    assert!(refused.stderr.contains("remote: refused: README.md:1"), "{refused:?}");
    a.run(["hooks", "remove", "git", "--repo", &store]).ok();
    let own = |all: Vec<(PathBuf, u32, Vec<u8>)>| {
        let is_own = |path: &Path| {
            let inner = path.strip_prefix(a.store()).expect("below it");
            ["config", "hooks", "info"].iter().any(|name| inner.starts_with(name))
        };
        all.into_iter().filter(|it| is_own(&it.0)).collect::<Vec<_>>()
    };
    assert_eq!(own(snapshot(&a.store())), own(before));
    a.fsck();
}

#[test]
fn what_cannot_be_used_is_refused_in_words() {
    let world = World::new();
    let [a, _] = world.machines();
    begun(a, 1).write();
    a.capture();
    let nowhere = world.folder.path().join("nowhere");
    let told = a.run(["hooks", "install", "git", "--repo", &nowhere.display().to_string()]).code(3);
    assert!(told.stderr.starts_with("not found: looking for a repository at"), "{told:?}");
    let empty = world.folder.path().join("empty");
    fs::create_dir(&empty).expect("made");
    a.run(["hooks", "remove", "git", "--repo", &empty.display().to_string()]).code(3);
    let other = world.folder.path().join("other");
    let mut git = a.plain_git(world.folder.path(), true);
    Ran::of(git.args(["init", "-q", "other"])).ok();
    let mut git = a.plain_git(&other, true);
    Ran::of(git.args(["commit", "-q", "--allow-empty", "-m", "x"])).ok();
    let told = a.run(["hooks", "install", "git", "--repo", &other.display().to_string()]).code(3);
    assert!(told.stderr.contains("is no clone of a store"), "{told:?}");
    let inside = world.clone_of(a, "inside", true).folder.join(".git").display().to_string();
    let told = a.run(["hooks", "install", "git", "--repo", &inside]).code(3);
    assert!(
        told.stderr.contains("it is the inside of a git folder; name the work tree"),
        "{told:?}"
    );
    a.run(["hooks", "install", "claude-code", "--repo", &other.display().to_string()]).code(2);
    a.run(["hooks", "install", "git", "--home", &other.display().to_string()]).code(2);
    let clone = world.clone_of(a, "clone", true);
    clone.annals(["hooks", "remove", "git"]).ok();
    let hooks = clone.folder.join(".git/hooks");
    fs::create_dir(hooks.join("pre-push")).expect("made");
    let told = clone.install().code(3);
    assert!(told.stderr.contains("pre-push is a folder, and no hook"), "{told:?}");
    fs::remove_dir(hooks.join("pre-push")).expect("made above");
    hook(&hooks.join("pre-commit"), "exit 0");
    clone.install().ok();
    hook(&hooks.join("pre-commit"), "exit 1");
    let told = clone.install().code(3);
    assert!(told.stderr.contains("was put in the place of the hook of annals"), "{told:?}");
    clone.annals(["hooks", "remove", "git"]).ok();
    let left = fs::read_to_string(hooks.join("pre-commit")).expect("theirs stays");
    assert!(left.contains("exit 1"));
    fs::write(clone.folder.join(".git/config.lock"), "").expect("written");
    fs::remove_file(hooks.join("pre-commit")).expect("it is there");
    fs::remove_file(hooks.join("pre-commit.before-annals")).expect("it is there");
    clone.install().code(4);
}
