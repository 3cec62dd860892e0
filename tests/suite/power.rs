//! The power goes while a store is changed, or right behind it: what was not flushed is lost, in part
//! or in whole, or came to the disk in another order. The old state or the new one is there, what was
//! said to be done is done, and the next command works.
//!
//! `ANNALS_POWER=<n>` goes through every moment, with n losses by chance beside the plain ones; else it
//! is a sample of some operations.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::faults;
use crate::faults::Told;
use crate::operations_faults::Before;
use crate::operations_faults::VALUE;
use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::fault::Fault;
use crate::support::power::Call;
use crate::support::power::Disk;
use crate::support::power::Loss;
use crate::support::power::Recording;
use crate::support::say;

/// Where the remote lies, of which nothing is lost: it is another machine.
const HUB: &str = "hub";

/// A command, and the machine that it is run on.
struct Story<'s> {
    operation: &'s str,
    before: &'s Sandbox,
    /// What is run, by the shell, in the sandbox's folder.
    words: &'s str,
    /// Whether it can be done again when it is done.
    is_repeatable: bool,
}

impl Story<'_> {
    fn command(&self, machine: &Sandbox) -> Command {
        let program = machine.program();
        let mut command = Command::new("sh");
        let line = format!("exec \"{}\" {}", program.get_program().display(), self.words);
        command.args(["-c", &line]).env_clear().current_dir(machine.root());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    fn survives(&self) {
        let Some(fault) = Fault::tool() else { return };
        let machine = Sandbox::of_machine(2);
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(self.before.root().join(".")).arg(machine.root());
        assert!(copy.status().expect("cp runs").success());
        settle(&machine);
        let command = self.command(&machine);
        let old = state(&machine);
        let recording = Recording::of(fault, machine.root(), Some(HUB), &command);
        assert_eq!(recording.ran.code, 0, "{}: {:?}", self.operation, recording.ran);
        let new = state(&machine);
        let mut looked = 0;
        each_state(&recording, &mut |disk, calls, loss| {
            let is_done = calls.iter().any(|call| matches!(call, Call::Ended));
            let when = format!("{}: {loss:?} behind {:?}", self.operation, calls.len());
            self.check(disk, loss, (&old, &new), is_done, &when);
            looked += 1;
        });
        say(&format!("{}: {looked} states, {} calls", self.operation, recording.calls.len()));
    }

    fn check(
        &self,
        disk: &Disk,
        loss: Loss,
        (old, new): (&Option<String>, &Option<String>),
        is_done: bool,
        when: &str,
    ) {
        let machine = Sandbox::of_machine(2);
        disk.left(loss).lay_down(machine.root(), self.before.root());
        // First of all: what it names is then the same each time.
        let mut command = self.command(&machine);
        settle(&machine);
        if machine.store().exists() {
            let doctor = machine.run(["doctor"]);
            assert_eq!(doctor.code, 0, "{when}: {doctor:?}");
        }
        whole(&machine, when);
        let found = state(&machine);
        let is_new = found == *new;
        // A new store may be there that nothing is in yet.
        let is_old = found == *old || old.is_none();
        assert!(is_new || is_old && !is_done, "{when}: {found:?}, {old:?} or {new:?}");
        let is_scrub = self.operation == "scrub";
        assert!(!(is_scrub && is_done && holds_value(&machine)), "{when}: what is gone is back");
        if !is_new || self.is_repeatable {
            let again = Ran::of(&mut command);
            assert_eq!(again.code, 0, "{when}: again: {again:?}");
            // Where a store was made already, another session of the same content gets another id.
            let is_there = || machine.json(["list"])["total"].as_u64() > Some(0);
            let is_done = state(&machine) == *new || old.is_none() && is_there();
            assert!(is_done, "{when}: the same once more comes to the end");
        }
        assert!(!is_scrub || !holds_value(&machine), "{when}: it was taken out");
        machine.save("title: Afterwards\nmessages:\n- {role: user, text: Hi}\n");
        whole(&machine, when);
    }
}

/// The store's content; none: there is no store.
fn state(machine: &Sandbox) -> Option<String> {
    machine.store().exists().then(|| machine.git(["rev-parse", "main^{tree}"]))
}

/// Git has nothing to say about the store.
fn whole(machine: &Sandbox, when: &str) {
    if machine.store().exists() {
        machine.wait_for_packing();
        let checked = Ran::of(
            machine
                .plain_git(&machine.store(), false)
                .args(["fsck", "--strict", "--full"])
                .arg("--no-dangling"),
        );
        let said = format!("{}{}", checked.stdout, checked.stderr);
        let complaint = said.lines().find(|line| !line.starts_with("notice"));
        assert!(checked.code == 0 && complaint.is_none(), "{when}: {said}");
    }
}

/// Whether what is scrubbed stands in an object, or in a file of the store.
fn holds_value(machine: &Sandbox) -> bool {
    let holds = |bytes: &[u8]| bytes.windows(VALUE.len()).any(|it| it == VALUE.as_bytes());
    let store = machine.store();
    let files = machine.every_file();
    let mut files = files.iter().filter(|(path, _)| path.starts_with(&store));
    holds(&machine.every_object()) || files.any(|(_, bytes)| holds(bytes))
}

/// The remote is where it is now, and its git came to its end.
fn settle(machine: &Sandbox) {
    let hub = machine.root().join(HUB);
    if hub.exists() {
        for lock in ["refs/heads/main.lock", "HEAD.lock"] {
            drop(fs::remove_file(hub.join(lock)));
        }
        machine.git(["config", "remote.hub.url", &hub.display().to_string()]);
    }
}

/// Shows what may be left at moments of a recording, each once.
pub(crate) fn each_state(recording: &Recording, look: &mut dyn FnMut(&Disk, &[Call], Loss)) {
    let (mut disk, mut seen) = (recording.disk.clone(), HashSet::new());
    let (calls, count) = (&recording.calls, recording.calls.len());
    for at in 0..=count {
        if at > 0 {
            disk.apply(&calls[at - 1]);
        }
        let is_done = calls[..at].iter().any(|call| matches!(call, Call::Ended));
        let said = calls[..at].iter().filter(|call| matches!(call, Call::Said(_))).count();
        for loss in losses(at, count) {
            if seen.insert((disk.left(loss).hash(), is_done, said)) {
                look(&disk, &calls[..at], loss);
            }
        }
    }
}

/// What is lost behind so many of all calls.
fn losses(at: usize, count: usize) -> Vec<Loss> {
    let Some(chances) = chances() else {
        return match at {
            _ if at == count => vec![Loss::All],
            _ if at == count * 2 / 3 => vec![Loss::Any(7)],
            _ => Vec::new(),
        };
    };
    let by_chance = (at as u64 * chances..).take(usize::try_from(chances).expect("few"));
    let by_chance =
        by_chance.map(|seed| if seed % 2 == 0 { Loss::Latest(seed) } else { Loss::Any(seed) });
    [Loss::All, Loss::Bytes, Loss::Zeroed].into_iter().chain(by_chance).collect()
}

/// Whether a test is for whole runs alone: others go the same ways, mostly.
pub(crate) fn is_left_out() -> bool {
    if chances().is_none() {
        say("left out: ANNALS_POWER is not set");
    }
    chances().is_none()
}

/// How many losses by chance there are at each moment; none: it is a sample.
fn chances() -> Option<u64> {
    Some(std::env::var("ANNALS_POWER").ok()?.parse().expect("a number"))
}

/// An operation on a store with three sessions.
fn operation_survives(
    operation: &str,
    is_repeatable: bool,
    words: &dyn Fn(&[String; 3]) -> String,
) {
    let before = Before::new();
    let words = words(&before.ids);
    Story { operation, before: &before.machine, words: &words, is_repeatable }.survives();
}

#[test]
fn a_first_capture_survives_a_loss_of_power() {
    let before = Sandbox::of_machine(1);
    before.transcript(1).user("what is up?").agent("not much").write();
    before.transcript(2).user("and here?").write();
    Story { operation: "first capture", before: &before, words: "capture", is_repeatable: true }
        .survives();
}

#[test]
fn a_large_capture_survives_a_loss_of_power() {
    if is_left_out() {
        return;
    }
    let before = Sandbox::of_machine(1);
    before.transcript(1).user("what is up?").agent("not much").write();
    before.capture();
    for number in 2..60 {
        before.transcript(number).user(&format!("what of {number}?")).write();
    }
    Story { operation: "large capture", before: &before, words: "capture", is_repeatable: true }
        .survives();
}

#[test]
fn a_capture_survives_a_loss_of_power() {
    let before = Sandbox::of_machine(1);
    let transcript = before.transcript(1).user("what is up?").agent("not much");
    transcript.write();
    before.capture();
    before.transcript(1).user("what is up?").agent("not much").user("and now?").write();
    before.transcript(2).user("and here?").write();
    Story { operation: "capture", before: &before, words: "capture", is_repeatable: true }
        .survives();
}

#[test]
fn saves_survive_a_loss_of_power() {
    if is_left_out() {
        return;
    }
    let before = Sandbox::of_machine(1);
    fs::write(before.root().join("it.yaml"), "messages:\n- {role: user, text: Hi}\n")
        .expect("written");
    Story { operation: "first save", before: &before, words: "save it.yaml", is_repeatable: false }
        .survives();
    before.run(["init"]).ok();
    Story { operation: "save", before: &before, words: "save it.yaml", is_repeatable: false }
        .survives();
}

#[test]
fn an_edit_survives_a_loss_of_power() {
    if is_left_out() {
        return;
    }
    operation_survives("tag", true, &|ids| format!("tag {} fruit", ids[0]));
}

#[test]
fn a_rollback_survives_a_loss_of_power() {
    if is_left_out() {
        return;
    }
    operation_survives("rollback", false, &|ids| format!("rollback {} '~1'", ids[0]));
}

#[test]
fn a_deletion_survives_a_loss_of_power() {
    if is_left_out() {
        return;
    }
    operation_survives("delete", false, &|ids| format!("delete {} --yes", ids[0]));
}

#[test]
fn a_purge_survives_a_loss_of_power() {
    if is_left_out() {
        return;
    }
    operation_survives("purge", false, &|ids| format!("purge {} --yes", ids[1]));
}

#[test]
fn a_scrub_survives_a_loss_of_power() {
    operation_survives("scrub", false, &|_| "scrub --value --yes < data/value".to_owned());
}

#[test]
fn an_import_survives_a_loss_of_power() {
    if is_left_out() {
        return;
    }
    operation_survives("import", false, &|_| "import data/one.bundle".to_owned());
}

#[test]
fn packing_survives_a_loss_of_power() {
    operation_survives("gc", true, &|_| "gc".to_owned());
}

#[test]
fn packing_behind_a_save_survives_a_loss_of_power() {
    if is_left_out() {
        return;
    }
    let before = Sandbox::of_machine(1);
    for number in 0..21 {
        before.save(&format!("messages:\n- {{role: user, text: Hi {number}}}\n"));
        before.git(["repack", "-q"]);
    }
    fs::write(before.root().join("it.yaml"), "messages:\n- {role: user, text: Ho}\n")
        .expect("written");
    Story { operation: "packing", before: &before, words: "save it.yaml", is_repeatable: false }
        .survives();
}

#[test]
fn a_migration_survives_a_loss_of_power() {
    if is_left_out() {
        return;
    }
    let before = Sandbox::of_machine(1);
    before.older_store("3");
    Story { operation: "migrate", before: &before, words: "migrate", is_repeatable: true }
        .survives();
}

#[test]
fn a_sync_survives_a_loss_of_power() {
    let before = Sandbox::of_machine(1);
    let hub = before.root().join(HUB).display().to_string();
    let mut git = before.plain_git(before.root(), false);
    Ran::of(git.args(["init", "-q", "--bare", "-b", "main", HUB])).ok();
    let other = Sandbox::of_machine(3);
    for (number, machine) in (1..).zip([&before, &other]) {
        let shared = machine.transcript(1).user("why?").agent("so that");
        shared.by(number).user(&format!("{number} asks on")).write();
        machine.transcript(10 + u32::from(number)).user("alone").write();
        machine.capture();
        machine.run(["remote", "add", "hub", &hub]).ok();
    }
    other.run(["sync"]).ok();
    Story { operation: "sync", before: &before, words: "sync", is_repeatable: true }.survives();
}

#[test]
fn p03_what_was_appended_survives_a_loss_of_power() {
    let Some(fault) = Fault::tool() else { return };
    let recorded = Sandbox::new();
    let command = faults::child(&recorded, 6);
    let recording = Recording::of(fault, recorded.root(), None, &command);
    assert_eq!(Told::of(&recording.ran.stdout).acknowledged.len(), 6, "{:?}", recording.ran);
    let mut looked = 0;
    each_state(&recording, &mut |disk, calls, loss| {
        let said = calls.iter().filter_map(|call| match call {
            Call::Said(text) => Some(text.as_str()),
            _ => None,
        });
        let told = Told::of(&said.collect::<String>());
        let sandbox = Sandbox::new();
        disk.left(loss).lay_down(sandbox.root(), Path::new(""));
        // A journal may be left whose last line has holes: nobody can say that it was not acknowledged.
        faults::check_words(&sandbox, &told, &format!("append: {loss:?} behind {}", calls.len()));
        sandbox.save("title: Afterwards\nmessages:\n- {role: user, text: Hi}\n");
        whole(&sandbox, "afterwards");
        looked += 1;
    });
    say(&format!("append: {looked} states, {} calls", recording.calls.len()));
}
