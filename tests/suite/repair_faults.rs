//! A repair, killed at a call that changes a file, or told no there, or the power goes: nothing more is
//! lost, no false success, and the same once more mends all that can be mended.
//!
//! `ANNALS_FAULTS=all` goes through every call; else it is a sample. `ANNALS_POWER=<n>` as for `power`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::power;
use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::fault::CALLS;
use crate::support::fault::Fault;
use crate::support::fault::WAYS;
use crate::support::fault::sample;
use crate::support::power::Call;
use crate::support::power::Recording;
use crate::support::say;

/// How many calls go wrong in each way, where not all do.
const USUAL: usize = 1;

/// Where a clone of the store lies, in the sandbox's folder.
const CLONE: &str = "clone.git";

/// A store with two sessions, a clone of it, and then one more revision of the first.
fn store() -> (Sandbox, [String; 2]) {
    let machine = Sandbox::of_machine(1);
    let files = [1_u16, 2].map(|number| {
        let mut transcript = machine.transcript(number.into()).by(number);
        for at in 0..35 {
            transcript = transcript.user(&format!("question {at}")).agent("answer");
        }
        transcript.write()
    });
    machine.capture();
    let clone = machine.root().join(CLONE);
    let mut git = machine.plain_git(machine.root(), false);
    git.args(["clone", "-q", "--bare", "--no-hardlinks"]).arg(machine.store()).arg(clone);
    Ran::of(&mut git).ok();
    let [first, second] = files;
    let ids = [&first, &second].map(|it| it.session().to_string());
    first.user("and now?").agent("more").write();
    machine.capture();
    // What the agent itself has is not there any more.
    fs::remove_dir_all(machine.home().join(".claude")).expect("removed");
    (machine, ids)
}

/// The same once more, elsewhere.
fn again(before: &Sandbox) -> Sandbox {
    let machine = Sandbox::of_machine(2);
    let copied =
        Command::new("cp").arg("-a").arg(before.root().join(".")).arg(machine.root()).status();
    assert!(copied.expect("cp runs").success());
    machine
}

fn repair(machine: &Sandbox) -> Command {
    let program = machine.program();
    let mut command = Command::new(program.get_program());
    command.args(["doctor", "--repair", "--yes", "--from", CLONE]).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(machine.root());
    command
}

fn object(store: &Sandbox, name: &str) -> std::path::PathBuf {
    let id = store.git(["rev-parse", name]);
    let (folder, rest) = id.trim().split_at(2);
    store.store().join("objects").join(folder).join(rest)
}

fn chunk(id: &str, number: u32) -> String {
    let (shard, short) = (&id[id.len() - 2..], &id[id.len() - 8..]);
    format!("main:sessions/{shard}/{id}/messages/{short}-{number:06}.yaml")
}

/// The newest revision, and what is said of it.
fn seen(machine: &Sandbox) -> [String; 3] {
    let listed = machine.run(["list", "--all"]).stdout;
    [machine.git(["rev-parse", "main^{tree}"]), listed, machine.run(["search", "question"]).stdout]
}

/// Takes the power away behind calls of the repair of a damaged store, which ends with `code`.
fn survives_power(what: &str, damaged: &Sandbox, code: i32) {
    let Some(fault) = Fault::tool().filter(|_| !power::is_left_out()) else { return };
    let recorded = again(damaged);
    let recording = Recording::of(fault, recorded.root(), Some(CLONE), &repair(&recorded));
    assert_eq!(recording.ran.code, code, "{what}: {:?}", recording.ran);
    let (mended, mut looked) = (seen(&recorded), 0);
    power::each_state(&recording, &mut |disk, calls, loss| {
        let when = format!("{what}: {loss:?} behind {}", calls.len());
        let machine = Sandbox::of_machine(2);
        disk.left(loss).lay_down(machine.root(), damaged.root());
        if calls.iter().any(|call| matches!(call, Call::Ended)) {
            assert_eq!(machine.run(["doctor"]).code, code, "{when}: what was mended is so");
            assert!(seen(&machine) == mended, "{when}: what was mended is so");
        }
        let again = Ran::of(&mut repair(&machine));
        assert_eq!(again.code, code, "{when}: again: {again:?}");
        assert!(seen(&machine) == mended, "{when}: the same once more comes to the end");
        machine.save("messages:\n- {role: user, text: Hi}\n");
        if code == 0 {
            machine.fsck();
        }
        looked += 1;
    });
    say(&format!("repair, {what}: {looked} states, {} calls", recording.calls.len()));
}

/// Puts a fault at calls of the repair of a damaged store, which ends with `code` when it is left
/// alone.
fn survives(what: &str, damaged: &Sandbox, code: i32) {
    let Some(fault) = Fault::tool() else { return };
    let counted = again(damaged);
    let whole = fault.count(&repair(&counted), CALLS);
    assert_eq!(whole.ran.code, code, "{what}: {:?}", whole.ran);
    let mended = seen(&counted);
    let mut runs = 0;
    for (way, wrong) in WAYS.into_iter().enumerate() {
        for nth in sample(whole.calls.len(), USUAL, way) {
            let machine = again(damaged);
            let faulted = fault.run(&repair(&machine), CALLS, nth, wrong);
            let when = format!("{what}: {wrong:?} at {nth} ({:?})", faulted.at(nth));
            assert!(!faulted.ran.stderr.contains("panicked"), "{when}: {:?}", faulted.ran);
            let doctor = machine.run(["doctor"]);
            let is_told = doctor.code == 0 || faulted.ran.code != 0;
            assert!(is_told, "{when}: a false success: {:?} {doctor:?}", faulted.ran);
            let again = Ran::of(&mut repair(&machine));
            assert_eq!(again.code, code, "{when}: again: {again:?}");
            assert!(seen(&machine) == mended, "{when}: the same once more comes to the end");
            if code == 0 {
                machine.fsck();
            }
            machine.save("messages:\n- {role: user, text: Hi}\n");
            runs += 1;
        }
    }
    say(&format!("repair, {what}: {runs} runs, {} calls each", whole.calls.len()));
}

/// Main, HEAD and objects are gone, which a clone or a log has, modes are open, the index is another's.
fn with_what_others_have() -> Sandbox {
    let (machine, [first, second]) = store();
    let shard = format!("main~1:sessions/{}", &first[first.len() - 2..]);
    let lost = [&chunk(&second, 1), "main~1", "main~1:sessions", &shard];
    let lost = lost.map(|name| object(&machine, name));
    lost.iter().for_each(|path| fs::remove_file(path).expect("removed"));
    fs::write(&lost[3], "torn").expect("written");
    let store = machine.store();
    fs::write(store.join("refs/heads/main"), "").expect("written");
    fs::write(store.join("HEAD"), "").expect("written");
    open_to_others(&store.join("annals/machine.toml"));
    spoil_index(&store);
    machine
}

/// The index of a pack is gone, a graph is torn, git's settings are zeros.
fn with_what_follows() -> Sandbox {
    let (machine, _) = store();
    machine.run(["gc"]).ok();
    let store = machine.store();
    let packs = fs::read_dir(store.join("objects/pack")).expect("packs");
    let mut paths = packs.map(|it| it.expect("an entry").path());
    let index = paths.find(|path| path.extension().is_some_and(|it| it == "idx"));
    fs::remove_file(index.expect("it is there")).expect("removed");
    for name in ["objects/info/commit-graph", "config"] {
        fs::remove_file(store.join(name)).expect("removed");
        fs::write(store.join(name), [0; 100]).expect("written");
    }
    machine
}

/// Files of messages are gone that nobody has.
fn with_what_is_lost() -> Sandbox {
    let (machine, [first, second]) = store();
    for name in [chunk(&first, 2), chunk(&second, 1)] {
        fs::remove_file(object(&machine, &name)).expect("removed");
    }
    machine
}

#[test]
fn what_others_have_is_mended_whatever_goes_wrong_at_any_call() {
    survives("what others have", &with_what_others_have(), 0);
}

#[test]
fn what_follows_from_the_rest_is_made_again_whatever_goes_wrong_at_any_call() {
    survives("what follows from the rest", &with_what_follows(), 0);
}

#[test]
fn what_is_lost_is_given_up_whatever_goes_wrong_at_any_call() {
    survives("what is lost", &with_what_is_lost(), 5);
}

#[test]
fn what_others_have_is_mended_whenever_the_power_goes() {
    survives_power("what others have", &with_what_others_have(), 0);
}

#[test]
fn what_follows_from_the_rest_is_made_again_whenever_the_power_goes() {
    survives_power("what follows from the rest", &with_what_follows(), 0);
}

#[test]
fn what_is_lost_is_given_up_whenever_the_power_goes() {
    survives_power("what is lost", &with_what_is_lost(), 5);
}

fn open_to_others(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("it is ours");
}

fn spoil_index(store: &Path) {
    let index = rusqlite::Connection::open(store.join("annals/index.db")).expect("it opens");
    index.execute_batch("DELETE FROM sessions WHERE key = 1").expect("it is spoiled");
}
