//! A sync that is killed, or to which the system says no, at any call that changes a file: nothing
//! is lost, nothing is stuck, and the next sync comes to the same end.
//!
//! `ANNALS_FAULTS=all` goes through every call; else it is a sample.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::fault::CALLS;
use crate::support::fault::Fault;
use crate::support::fault::WAYS;
use crate::support::fault::Wrong;
use crate::support::fault::sample;
use crate::support::folder;
use crate::support::say;

/// How many calls go wrong in each way, where not all do.
const USUAL: usize = 4;

/// A machine and its remote, as they were before a sync.
struct Before {
    machine: Sandbox,
    folder: TempDir,
}

impl Before {
    /// Each side has gone on with a session that both had, and has one of its own.
    fn new() -> Self {
        let it = Self { machine: Sandbox::of_machine(1), folder: folder() };
        let mut git = Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").args(["init", "-q", "--bare", "-b", "main"]);
        Ran::of(git.arg(it.remote())).ok();
        let other = Sandbox::of_machine(2);
        for (number, machine) in (1..).zip([&it.machine, &other]) {
            let shared = machine.transcript(1).user("why?").agent("so that");
            shared.by(number).user(&format!("{number} asks on")).write();
            machine.transcript(10 + u32::from(number)).user("alone").write();
            machine.capture();
            machine.run(["remote", "add", "hub", &it.remote().display().to_string()]).ok();
        }
        other.run(["sync"]).ok();
        it
    }

    fn remote(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    /// The same once more, elsewhere.
    fn again(&self) -> Self {
        let it = Self { machine: Sandbox::of_machine(3), folder: folder() };
        copy(&self.machine.root().join("data"), &it.machine.root().join("data"));
        copy(&self.remote(), &it.remote());
        it.machine.git(["config", "remote.hub.url", &it.remote().display().to_string()]);
        it
    }

    fn sync(&self) -> Command {
        let mut program = self.machine.program();
        program.arg("sync");
        program
    }

    /// What is here and there is whole now, and the next sync comes to `end`.
    fn comes_to(&self, end: &str, when: &str) {
        let doctor = self.machine.run(["doctor"]);
        assert_eq!(doctor.code, 0, "{when}: {doctor:?}");
        let mut synced = self.machine.run(["sync"]);
        if synced.code != 0 {
            // The remote's own git was killed while it moved main: that is told, with what to do.
            let locks = ["refs/heads/main.lock", "HEAD.lock"].map(|it| self.remote().join(it));
            assert!(locks.iter().any(|it| it.exists()), "{when}: {synced:?}");
            assert!(synced.stderr.contains(".lock': File exists"), "{when}: {synced:?}");
            locks.iter().for_each(|it| drop(fs::remove_file(it)));
            synced = self.machine.run(["sync"]);
        }
        assert_eq!(synced.code, 0, "{when}: {synced:?}");
        assert_eq!(self.machine.tip(), end, "{when}");
        let told = self.machine.run(["sync"]).ok().stderr;
        assert_eq!(told, "Nothing to do: this store and hub are the same.\n", "{when}");
        self.machine.fsck();
        let mut git = Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").arg("-C").arg(self.remote());
        let checked = Ran::of(git.args(["fsck", "--strict", "--full", "--no-dangling"]));
        assert_eq!((checked.code, checked.stdout.as_str()), (0, ""), "{when}: {checked:?}");
    }

    /// What lies where things arrive.
    fn left_over(&self) -> Vec<PathBuf> {
        let own = fs::read_dir(self.machine.store().join("annals")).expect("it is there");
        let paths = own.map(|it| it.expect("an entry").path());
        paths.filter(|it| it.to_string_lossy().contains("/arriving-")).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp runs").success());
}

#[test]
fn a_sync_survives_whatever_goes_wrong_at_any_call() {
    let Some(fault) = Fault::tool() else { return };
    let before = Before::new();
    let counted = before.again();
    let whole = fault.count(&counted.sync(), CALLS);
    assert_eq!(whole.ran.code, 0, "{whole:?}");
    let end = counted.machine.tip();
    counted.comes_to(&end, "with nothing wrong");
    let mut runs = 0;
    for (way, wrong) in WAYS.into_iter().enumerate() {
        for nth in sample(whole.calls.len(), USUAL, way) {
            let it = before.again();
            let faulted = fault.run(&it.sync(), CALLS, nth, wrong);
            let when = format!("{wrong:?} at {nth} ({:?})", faulted.at(nth));
            assert!(!faulted.ran.stderr.contains("panicked"), "{when}: {:?}", faulted.ran);
            if faulted.ran.code == 0 {
                assert_eq!(it.machine.tip(), end, "{when}: exit 0 means done: {:?}", faulted.ran);
            }
            it.comes_to(&end, &when);
            let left = it.left_over();
            let is_killed = matches!(wrong, Wrong::Killed | Wrong::Torn);
            // What could not be removed goes with the next fetch.
            assert!(!is_killed || left.is_empty(), "{when}: {left:?}");
            runs += 1;
        }
    }
    say(&format!("{runs} runs, {} calls each", whole.calls.len()));
}
