//! Each operation that changes a store, killed at a call that changes a file, or told no there: the
//! old state or the new one, no false success, and the same once more comes to the end.
//!
//! `ANNALS_FAULTS=all` goes through every call; else it is a sample.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::Sandbox;
use crate::support::fault::CALLS;
use crate::support::fault::Fault;
use crate::support::fault::WAYS;
use crate::support::fault::Wrong;
use crate::support::fault::sample;
use crate::support::say;

pub(crate) const VALUE: &str = "the plum tree behind the house";
/// How many calls go wrong in each way, where not all do.
const USUAL: usize = 1;

/// Three sessions: one that grew, one with a value that is to go, one that is deleted; beside them what
/// is not taken in yet.
pub(crate) struct Before {
    pub(crate) machine: Sandbox,
    pub(crate) ids: [String; 3],
    /// How the program is run each time: clock and ids begin anew, so that the same is the same.
    program: Command,
}

impl Before {
    pub(crate) fn new() -> Self {
        let machine = Sandbox::of_machine(1);
        let files = [1_u16, 2, 3].map(|number| {
            let begun = machine.transcript(number.into()).by(number);
            begun.user("what is up?").agent("not much").write()
        });
        machine.capture();
        let [grown, held, gone] = files;
        let ids = [grown.short(), held.short(), gone.short()];
        grown.user("and now?").agent("more").write();
        held.user(VALUE).write();
        machine.capture();
        machine.run(["delete", &ids[2], "--yes"]).ok();
        let bundle = machine.root().join("data/one.bundle").display().to_string();
        let colleague = Sandbox::of_machine(3);
        let shared = colleague.transcript(9).by(9).user("look at this").agent("I see").write();
        colleague.capture();
        colleague.run(["share", &shared.short(), "-o", &bundle]).ok();
        fs::write(machine.root().join("data/value"), VALUE).expect("written");
        machine.transcript(4).by(4).user("and here?").agent("fine").write();
        let document = "messages:\n- {role: user, text: Hi}\n";
        fs::write(machine.root().join("data/it.yaml"), document).expect("written");
        let program = machine.program();
        Self { machine, ids, program }
    }

    /// The same once more, elsewhere.
    fn again(&self) -> Self {
        let machine = Sandbox::of_machine(2);
        copy(self.machine.root(), machine.root());
        let program = machine.program();
        Self { machine, ids: self.ids.clone(), program }
    }

    /// Runs the program with these words, which the shell reads.
    fn command(&self, words: &str) -> Command {
        let program = &self.program;
        let mut command = Command::new("sh");
        let line = format!("exec \"{}\" {words}", program.get_program().display());
        command.args(["-c", &line]).env_clear();
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(self.machine.root().join("data"));
        command
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status();
    assert!(copied.expect("cp runs").success());
}

/// Puts a fault at calls of one operation. `words`: what is run, of the sessions' ids.
fn survives(operation: &str, words: &dyn Fn(&[String; 3]) -> String) {
    let Some(fault) = Fault::tool() else { return };
    let before = Before::new();
    let words = words(&before.ids);
    let counted = before.again();
    let whole = fault.count(&counted.command(&words), CALLS);
    assert_eq!(whole.ran.code, 0, "{operation}: {:?}", whole.ran);
    let (old, new) = (before.machine.tree(), counted.machine.tree());
    let mut runs = 0;
    for (way, wrong) in WAYS.into_iter().enumerate() {
        for nth in sample(whole.calls.len(), USUAL, way) {
            let it = before.again();
            let faulted = fault.run(&it.command(&words), CALLS, nth, wrong);
            let when = format!("{operation}: {wrong:?} at {nth} ({:?})", faulted.at(nth));
            assert!(!faulted.ran.stderr.contains("panicked"), "{when}: {:?}", faulted.ran);
            let doctor = it.machine.run(["doctor"]);
            assert_eq!(doctor.code, 0, "{when}: {doctor:?}");
            let found = it.machine.tree();
            let is_killed = matches!(wrong, Wrong::Killed | Wrong::Torn);
            let is_told = is_killed || faulted.ran.code != 0;
            assert!(found == new || found == old && is_told, "{when}: {:?}", faulted.ran);
            if found == old {
                let again = it.command(&words).output().expect("it starts");
                assert!(again.status.success(), "{when}: again: {again:?}");
            }
            assert!(it.machine.tree() == new, "{when}: the same once more comes to the end");
            it.machine.fsck();
            if operation == "scrub" {
                let objects = it.machine.every_object();
                let holds = objects.windows(VALUE.len()).any(|it| it == VALUE.as_bytes());
                assert!(!holds, "{when}: what was taken out is gone");
            }
            runs += 1;
        }
    }
    say(&format!("{operation}: {runs} runs, {} calls each", whole.calls.len()));
}

#[test]
fn a_capture_of_more_survives_whatever_goes_wrong_at_any_call() {
    if std::env::var_os("ANNALS_FAULTS").is_none() {
        return say("left out: `crash` samples it");
    }
    survives("capture", &|_| "capture".to_owned());
}

#[test]
fn a_save_survives_whatever_goes_wrong_at_any_call() {
    if std::env::var_os("ANNALS_FAULTS").is_none() {
        return say("left out: `crash` samples it");
    }
    survives("save", &|_| "save it.yaml".to_owned());
}

#[test]
fn a_rollback_survives_whatever_goes_wrong_at_any_call() {
    survives("rollback", &|ids| format!("rollback {} '~1'", ids[0]));
}

#[test]
fn a_deletion_survives_whatever_goes_wrong_at_any_call() {
    survives("delete", &|ids| format!("delete {} --yes", ids[0]));
}

#[test]
fn an_undeletion_survives_whatever_goes_wrong_at_any_call() {
    survives("undelete", &|ids| format!("undelete {}", ids[2]));
}

#[test]
fn an_edit_survives_whatever_goes_wrong_at_any_call() {
    survives("tag", &|ids| format!("tag {} fruit", ids[0]));
}

#[test]
fn a_purge_survives_whatever_goes_wrong_at_any_call() {
    survives("purge", &|ids| format!("purge {} --yes", ids[1]));
}

#[test]
fn a_scrub_survives_whatever_goes_wrong_at_any_call() {
    survives("scrub", &|_| "scrub --value --yes < value".to_owned());
}

#[test]
fn an_import_survives_whatever_goes_wrong_at_any_call() {
    survives("import", &|_| "import one.bundle".to_owned());
}

#[test]
fn packing_survives_whatever_goes_wrong_at_any_call() {
    survives("gc", &|_| "gc".to_owned());
}
