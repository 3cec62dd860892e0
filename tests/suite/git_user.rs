//! Somebody who knows git works in the store itself: nothing is lost, and annals goes on or says what
//! is to be done.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

use serde_json::Value;
use serde_json::json;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Transcript;

/// The lines that a restored transcript has.
fn restored(sandbox: &Sandbox, transcript: &Transcript) -> Vec<Value> {
    let home = sandbox.root().join("back");
    drop(fs::remove_dir_all(&home));
    let target = home.to_string_lossy().into_owned();
    sandbox.run(["restore", &transcript.short(), "--home", &target]).ok();
    let own = transcript.path();
    let file = home.join(own.strip_prefix(sandbox.home()).expect("it lies at home"));
    crate::support::lines(&file)
}

fn assert_whole(sandbox: &Sandbox, transcripts: &[&Transcript]) {
    assert_eq!(sandbox.json(["list"])["total"], transcripts.len());
    for transcript in transcripts {
        assert_eq!(restored(sandbox, transcript), transcript.lines(), "{}", transcript.short());
    }
    let doctor = sandbox.run(["doctor"]);
    assert_eq!(doctor.code, 0, "{doctor:?}");
    sandbox.fsck();
}

/// Git in the store, whatever comes of it.
fn git(sandbox: &Sandbox, args: &[&str]) -> Ran {
    Ran::of(sandbox.plain_git(&sandbox.store(), false).args(args))
}

/// A clone with files, of somebody who does not know annals.
fn cloned(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.root().join("clone");
    let store = sandbox.store().to_string_lossy().into_owned();
    let target = folder.to_string_lossy().into_owned();
    Ran::of(sandbox.plain_git(sandbox.root(), false).args(["clone", "-q", &store, &target])).ok();
    folder
}

fn git_at(sandbox: &Sandbox, folder: &Path, args: &[&str]) -> Ran {
    Ran::of(sandbox.plain_git(folder, false).args(args)).ok()
}

#[test]
fn git_gc_that_prunes_now_takes_nothing_from_those_who_save() {
    let sandbox = Sandbox::new();
    sandbox.run(["init"]).ok();
    let is_done = AtomicBool::new(false);
    let collected = thread::scope(|scope| {
        let collector = scope.spawn(|| {
            let mut count = 0;
            while !is_done.load(Ordering::Relaxed) {
                let ran = git(&sandbox, &["gc", "--prune=now", "--quiet"]);
                let is_refused = ran.stderr.contains("gc is already running");
                assert!(ran.code == 0 || is_refused, "{ran:?}");
                count += u32::from(ran.code == 0);
            }
            count
        });
        let workers: Vec<_> = (0..3_u32)
            .map(|worker| {
                let sandbox = &sandbox;
                scope.spawn(move || {
                    for number in 0..8 {
                        let message = format!("{worker} says {number}");
                        let document =
                            json!({"agent": "x", "messages": [{"role": "user", "text": message}]});
                        sandbox.run_with(["save", "-"], &document.to_string()).ok();
                    }
                })
            })
            .collect();
        let ended: Vec<bool> = workers.into_iter().map(|it| it.join().is_ok()).collect();
        is_done.store(true, Ordering::Relaxed);
        assert_eq!(ended, [true; 3], "no save fails");
        collector.join().expect("git is content")
    });
    assert!(collected > 0, "git came to its turn too");
    assert_eq!(sandbox.json(["list"])["total"], 24);
    assert_eq!(sandbox.json(["doctor"])["verdict"], "fine");
    sandbox.fsck();
    assert!(!sandbox.store().join("gc.pid").exists(), "whoever is done lets git in again");
}

#[test]
fn a_gc_that_died_is_no_hindrance_and_one_that_lives_is_waited_for() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("one").agent("two").write();
    sandbox.capture();
    let sign = sandbox.store().join("gc.pid");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    // No process has this number; and a writer was killed over its own sign.
    let torn = "17 (annals-is\0\0\0\0".to_owned();
    for left in
        [format!("4194999 {}", host.trim()), "17 (annals-is".to_owned(), torn, String::new()]
    {
        fs::write(&sign, &left).expect("it is written");
        sandbox.run(["rename", &transcript.short(), &format!("after {}", left.len())]).ok();
        assert!(!sign.exists(), "{left:?} is removed");
    }
    fs::write(&sign, format!("1 {}", host.trim())).expect("it is written");
    let waiting = sandbox
        .program()
        .args(["rename", &transcript.short(), "later"])
        .spawn()
        .expect("it starts");
    let titled = || sandbox.json(["list"])["sessions"][0]["title"].as_str().map(str::to_owned);
    for _ in 0..5 {
        assert_ne!(titled().as_deref(), Some("later"), "while git is at work nothing is written");
    }
    assert!(sign.exists(), "git's own sign is left alone");
    fs::remove_file(&sign).expect("git has ended");
    assert!(waiting.wait_with_output().expect("it ends").status.success());
    assert_eq!(titled().as_deref(), Some("later"));
}

#[test]
fn what_git_does_to_objects_and_refs_changes_nothing() {
    let sandbox = Sandbox::new();
    let mut first = sandbox.transcript(1).user("one").agent("two").write();
    let second = sandbox.transcript(2).user("other").agent("yes").write();
    sandbox.capture();
    let chores: [&[&str]; 12] = [
        &["pack-refs", "--all"],
        &["gc", "-q"],
        &["gc", "-q", "--aggressive", "--prune=now"],
        &["repack", "-a", "-d", "-f", "-q"],
        &["repack", "-q", "--cruft", "-d"],
        &["multi-pack-index", "write"],
        &["commit-graph", "write", "--reachable"],
        &["maintenance", "run", "--quiet"],
        &["prune", "--expire=now"],
        &["reflog", "expire", "--all", "--expire=now"],
        &["update-server-info"],
        &["worktree", "prune"],
    ];
    for (number, chore) in chores.iter().enumerate() {
        let ran = git(&sandbox, chore);
        assert_eq!(ran.code, 0, "{chore:?}: {ran:?}");
        first = first.user(&format!("after chore {number}")).write();
        sandbox.capture();
        sandbox.run(["rename", &second.short(), &format!("chore {number}")]).ok();
        let log = sandbox.json(["log", &second.short()]);
        assert_eq!(log["revisions"].as_array().map(Vec::len), Some(number + 2), "{chore:?}");
        assert_eq!(restored(&sandbox, &first), first.lines(), "{chore:?}");
    }
    assert_whole(&sandbox, &[&first, &second]);
}

#[test]
fn settings_of_the_store_that_somebody_changed_do_no_harm() {
    let sandbox = Sandbox::new();
    let mut transcript = sandbox.transcript(1).user("one").agent("two").write();
    sandbox.capture();
    for (name, value) in [
        ("core.bare", "false"),
        ("core.worktree", "/nowhere"),
        ("core.logAllRefUpdates", "false"),
        ("core.fsync", "none"),
        ("core.compression", "0"),
        ("gc.auto", "1"),
        ("user.name", "Kim"),
        ("user.email", ""),
        ("extensions.worktreeConfig", "true"),
        ("init.defaultBranch", "trunk"),
    ] {
        sandbox.git(["config", name, value]);
        transcript = transcript.user(name).write();
        let ran = sandbox.run(["capture"]);
        assert_eq!(ran.code, 0, "{name} = {value}: {ran:?}");
        assert_eq!(restored(&sandbox, &transcript), transcript.lines(), "{name} = {value}");
    }
    sandbox.git(["config", "core.bare", "true"]);
    sandbox.git(["config", "--unset", "core.worktree"]);
    assert_whole(&sandbox, &[&transcript]);
}

#[test]
fn after_main_was_moved_back_capture_takes_in_again_what_is_gone() {
    let sandbox = Sandbox::new();
    let first = sandbox.transcript(1).user("one").agent("two").write();
    sandbox.capture();
    let first = first.user("three").agent("four").write();
    let second = sandbox.transcript(2).user("other").agent("yes").write();
    sandbox.capture();
    let lost = sandbox.tip();
    git(&sandbox, &["reset", "--soft", "HEAD~1"]).ok();
    assert_ne!(sandbox.tip(), lost, "main was moved");
    assert_eq!(sandbox.json(["list"])["total"], 1, "it lists what main has");
    let doctor = sandbox.run(["doctor"]).ok();
    assert!(doctor.stdout.contains(&lost[..8]), "the revision is named: {doctor:?}");
    sandbox.capture();
    assert_whole(&sandbox, &[&first, &second]);
    // What no agent has any more can be had back too.
    git(&sandbox, &["gc", "--quiet", "--prune=now"]).ok();
    sandbox.git(["cat-file", "-e", &lost]);
}

#[test]
fn a_main_of_another_name_is_told_with_the_way_back() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("one").agent("two").write();
    sandbox.capture();
    let before = sandbox.tip();
    git(&sandbox, &["branch", "-m", "main", "trunk"]).ok();
    let more = transcript.user("three").write();
    for args in [&["list"][..], &["capture"], &["show", "@"], &["rename", "@", "x"], &["init"]] {
        let ran = Ran::of(sandbox.program().args(args));
        assert!(matches!(ran.code, 3 | 5), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("main"), "{args:?} says what is missing: {ran:?}");
        if args[0] != "init" {
            assert!(ran.stderr.contains("branch -m trunk main"), "{args:?}: the way back: {ran:?}");
        }
    }
    git(&sandbox, &["branch", "-m", "trunk", "main"]).ok();
    assert_eq!(sandbox.tip(), before, "nothing was written meanwhile");
    sandbox.capture();
    assert_whole(&sandbox, &[&more]);
}

#[test]
fn wherever_head_leads_saves_go_to_main() {
    let sandbox = Sandbox::new();
    let mut transcript = sandbox.transcript(1).user("one").agent("two").write();
    sandbox.capture();
    sandbox.git(["branch", "other", "main"]);
    let other = sandbox.git(["rev-parse", "other"]);
    for head in [
        &["symbolic-ref", "HEAD", "refs/heads/other"][..],
        &["symbolic-ref", "HEAD", "refs/heads/nothing"],
        &["update-ref", "--no-deref", "HEAD", "other"],
    ] {
        git(&sandbox, head).ok();
        transcript = transcript.user(&format!("{head:?}")).write();
        sandbox.capture();
        assert_whole(&sandbox, &[&transcript]);
    }
    assert_eq!(sandbox.git(["rev-parse", "other"]), other, "the other branch is left alone");
}

#[test]
fn sessions_that_were_removed_by_hand_come_back_whole() {
    let sandbox = Sandbox::new();
    let first = sandbox.transcript(1).user("one").agent("two").write();
    let second = sandbox.transcript(2).user("other").agent("yes").write();
    let third = sandbox.transcript(3).user("third").agent("no").write();
    sandbox.capture();
    sandbox.run(["delete", "--yes", &third.short()]).ok();
    let clone = cloned(&sandbox);
    for transcript in [&first, &second] {
        let id = transcript.session().to_string();
        let folder = format!("sessions/{}/{id}", &id[id.len() - 2..]);
        git_at(&sandbox, &clone, &["rm", "-r", "-q", &folder]);
    }
    git_at(&sandbox, &clone, &["commit", "-q", "-m", "away with them"]);
    git_at(&sandbox, &clone, &["push", "-q"]);
    assert_eq!(sandbox.json(["list"])["total"], 0, "it lists what main has");
    // One goes on, one is as it was, one was deleted in the right way.
    let first = first.user("three").write();
    sandbox.capture();
    assert_whole(&sandbox, &[&first, &second]);
}

#[test]
fn commits_by_hand_stand_and_annals_goes_on_from_them() {
    let sandbox = Sandbox::new();
    let mut first = sandbox.transcript(1).user("one").agent("two").write();
    let second = sandbox.transcript(2).user("other").agent("yes").write();
    sandbox.capture();
    sandbox.run(["rename", &second.short(), "a title"]).ok();
    let clone = cloned(&sandbox);
    fs::write(clone.join("README.md"), "our sessions\n").expect("it is written");
    let stories: [&[&[&str]]; 6] = [
        &[&["add", "-A"], &["commit", "-q", "-m", "a file of ours"], &["push", "-q"]],
        &[&["commit", "-q", "--amend", "-m", "in other words"], &["push", "-q", "--force"]],
        &[&["rm", "-q", "README.md"], &["commit", "-q", "-m", "x"], &["push", "-q"]],
        &[&["revert", "--no-edit", "HEAD~1"], &["push", "-q"]],
        &[&["commit", "-q", "--allow-empty", "-m", "nothing"], &["push", "-q"]],
        &[&["tag", "v1"], &["push", "-q", "--tags"]],
    ];
    for (number, story) in stories.iter().enumerate() {
        for args in *story {
            git_at(&sandbox, &clone, args);
        }
        first = first.user(&format!("after story {number}")).write();
        sandbox.capture();
        let id = &first.short();
        for args in [["log", id], ["show", id], ["diff", id], ["search", "story"]] {
            let ran = sandbox.run(args);
            assert!(matches!(ran.code, 0 | 1), "story {number}, {args:?}: {ran:?}");
        }
        assert_whole(&sandbox, &[&first, &second]);
        git_at(&sandbox, &clone, &["pull", "-q", "--ff-only"]);
    }
    assert_eq!(sandbox.git(["show", "main:README.md"]), "our sessions\n");
}

#[test]
fn pushes_from_a_clone_and_saves_lose_nothing_of_each_other() {
    let sandbox = Sandbox::new();
    sandbox.run(["init"]).ok();
    let clone = cloned(&sandbox);
    thread::scope(|scope| {
        let saver = scope.spawn(|| {
            for number in 0..12 {
                let document = json!({"agent": "x", "messages": [{"role": "user", "text": format!("number {number}")}]});
                sandbox.run_with(["save", "-"], &document.to_string()).ok();
            }
        });
        for number in 0..4 {
            fs::write(clone.join(format!("note-{number}")), "x").expect("it is written");
            git_at(&sandbox, &clone, &["add", "-A"]);
            git_at(&sandbox, &clone, &["commit", "-q", "-m", "a note"]);
            loop {
                git_at(&sandbox, &clone, &["pull", "-q", "--rebase"]);
                if Ran::of(sandbox.plain_git(&clone, false).args(["push", "-q"])).code == 0 {
                    break;
                }
            }
        }
        saver.join().expect("no save fails");
    });
    assert_eq!(sandbox.json(["list"])["total"], 12);
    for number in 0..4 {
        sandbox.git(["cat-file", "-e", &format!("main:note-{number}")]);
    }
    assert_eq!(sandbox.json(["doctor"])["verdict"], "fine");
    sandbox.fsck();
}

#[test]
fn main_moved_by_hand_again_and_again_while_annals_saves_loses_nothing_of_either() {
    let sandbox = Sandbox::new();
    sandbox.run(["init"]).ok();
    let is_done = AtomicBool::new(false);
    let (saves, by_hand) = thread::scope(|scope| {
        let mover = scope.spawn(|| {
            let mut moves = Vec::new();
            while !is_done.load(Ordering::Relaxed) {
                let tip = sandbox.tip();
                let tree = format!("{tip}^{{tree}}");
                let made = git(&sandbox, &["commit-tree", "-p", &tip, "-m", "by hand", &tree]);
                let commit = made.ok().stdout.trim().to_owned();
                // Annals may have been quicker.
                if git(&sandbox, &["update-ref", "refs/heads/main", &commit, &tip]).code == 0 {
                    moves.push(commit);
                }
            }
            moves
        });
        let save = |number: u32| {
            let message = json!({"role": "user", "text": format!("number {number}")});
            let document = json!({"agent": "x", "messages": [message]}).to_string();
            sandbox.run_with(["save", "-"], &document)
        };
        let saves: Vec<Ran> = (0..10).map(save).collect();
        is_done.store(true, Ordering::Relaxed);
        (saves, mover.join().expect("git is content"))
    });
    assert!(saves.iter().all(|ran| ran.code == 0), "no save fails: {saves:?}");
    assert!(!by_hand.is_empty(), "git came to its turn too");
    assert_eq!(sandbox.json(["list"])["total"], 10);
    for commit in by_hand {
        sandbox.git(["merge-base", "--is-ancestor", &commit, "main"]);
    }
    sandbox.fsck();
}

#[test]
fn what_is_no_store_of_ours_any_more_is_refused_and_left_alone() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.transcript(1).user("one").agent("two").write();
    sandbox.capture();
    let good = sandbox.tip();
    // A main of somebody else's, without any session.
    let tree = sandbox.git(["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let foreign = git(&sandbox, &["commit-tree", "-m", "x", tree.trim()]).ok().stdout;
    sandbox.git(["update-ref", "refs/heads/main", foreign.trim()]);
    for args in [&["list"][..], &["capture"], &["save", "-"], &["doctor"]] {
        let ran = Ran::of(sandbox.program().args(args));
        assert!(matches!(ran.code, 3 | 5), "{args:?}: {ran:?}");
    }
    assert_eq!(sandbox.tip(), foreign.trim(), "nothing was written");
    sandbox.git(["update-ref", "refs/heads/main", &good]);
    let transcript = transcript.user("three").write();
    sandbox.capture();
    assert_whole(&sandbox, &[&transcript]);
    // Refs in a form that is not known here.
    if git(&sandbox, &["refs", "migrate", "--ref-format=reftable"]).code == 0 {
        let ran = sandbox.run(["list"]).code(3);
        assert!(ran.stderr.contains("reftable"), "{ran:?}");
        git(&sandbox, &["refs", "migrate", "--ref-format=files"]).ok();
        let transcript = transcript.user("four").write();
        sandbox.capture();
        assert_whole(&sandbox, &[&transcript]);
    }
}
