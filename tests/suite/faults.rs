//! Calls to the system that fail, under a program that holds a session: what it was told is saved is
//! there, in order, once, and the store is whole; what is not is told.
//!
//! `ANNALS_FAULTS=all` goes through every call that changes a file; else it is a sample.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Command;
use std::process::Stdio;

use annals::repository::LiveOptions;
use annals::repository::LiveSession;
use annals::repository::OpenOptions;
use annals::repository::Repository;
use annals::session::Content;
use annals::session::Message;
use annals::session::Record;
use rustix::io::Errno;

use crate::support::Mount;
use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::fault::CALLS;
use crate::support::fault::Fault;
use crate::support::fault::Lasts;
use crate::support::fault::WAYS;
use crate::support::fault::Wrong;
use crate::support::fault::sample;
use crate::support::say;

/// Says which store the child of a test writes to, and how many messages it has.
const CHILD: (&str, &str) = ("ANNALS_FAULTS_STORE", "ANNALS_FAULTS_MESSAGES");

/// How many calls go wrong in each way, where not all do.
const USUAL: usize = 4;

/// No test by itself: the program that the tests below run. It holds a session, says numbers, saves in
/// between, and tells what it was told.
#[test]
fn holds_a_session() {
    let Some(store) = std::env::var_os(CHILD.0) else { return };
    let count: u32 = std::env::var(CHILD.1).expect("set").parse().expect("a number");
    let mut environment = annals::platform::Environment::from_process().expect("an environment");
    environment.store = Some(store.into());
    let options = OpenOptions { store: None, environment, create: true };
    let mut repository = match Repository::open(&options) {
        Ok(repository) => repository,
        Err(error) => return say(&format!("unopened {error}")),
    };
    let live = match repository.create("doomed", &LiveOptions::default()) {
        Ok(live) => live,
        Err(error) => return say(&format!("uncreated {error}")),
    };
    say(&format!("id {}", live.id()));
    let half = count / 2;
    (0..half).for_each(|number| tell(&live, number));
    match live.save() {
        Ok(_) => say("saved"),
        Err(error) => say(&format!("unsaved {error}")),
    }
    (half..count).for_each(|number| tell(&live, number));
    match live.close() {
        Ok(_) => say("closed"),
        Err(error) => say(&format!("unclosed {error}")),
    }
}

fn tell(live: &LiveSession, number: u32) {
    let text = format!("{number} {}", words(u64::from(number)));
    match live.append(vec![Message::new("user", &text).into()]) {
        Ok(()) => say(&format!("ack {number}")),
        Err(error) => say(&format!("refused {number}: {error}")),
    }
}

/// 2 KB that no deflating makes small.
fn words(seed: u64) -> String {
    let mut state = seed;
    let mut letter = |at: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1 + seed);
        let letter = u8::try_from((state >> 33) % 26).expect("a letter");
        if at % 5 == 4 { ' ' } else { char::from(b'a' + letter) }
    };
    (0..2_000).map(&mut letter).collect()
}

pub(crate) fn child(sandbox: &Sandbox, messages: u32) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["faults::holds_a_session", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD.0, sandbox.store())
        .env(CHILD.1, messages.to_string())
        .env("HOME", sandbox.home())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .current_dir(sandbox.home())
        .stdin(Stdio::null());
    command
}

/// What the child was told, by its output.
#[derive(Debug, Default)]
pub(crate) struct Told {
    id: Option<String>,
    pub(crate) acknowledged: Vec<u32>,
    refused: u32,
    is_closed: bool,
}

impl Told {
    pub(crate) fn of(stdout: &str) -> Self {
        let mut told = Self::default();
        for line in stdout.lines() {
            // The first line is behind what the test harness prints.
            let line = line.split_once("... ").map_or(line, |(_, rest)| rest);
            match line.split_once(' ') {
                Some(("id", id)) => told.id = Some(id.to_owned()),
                Some(("ack", number)) => {
                    told.acknowledged.push(number.parse().expect("a number"));
                }
                Some(("refused", _)) => told.refused += 1,
                None if line == "closed" => told.is_closed = true,
                _ => {}
            }
        }
        told
    }
}

/// As [`check_words`], and no journal is left.
fn check(sandbox: &Sandbox, told: &Told, when: &str) {
    check_words(sandbox, told, when);
    let journals = sandbox.store().join("annals/journal");
    let journals = fs::read_dir(journals).map_or(0, Iterator::count);
    assert_eq!(journals, 0, "{when}: no journal is left");
}

/// Nothing that was acknowledged is lost, nothing is doubled, and the store is whole.
pub(crate) fn check_words(sandbox: &Sandbox, told: &Told, when: &str) {
    let mut repository = sandbox.repository();
    let left = &repository.recovery().left;
    assert!(left.is_empty(), "{when}: every journal is committed: {left:?}");
    if let Some(id) = &told.id {
        let at = repository.resolve(id, None).expect("a created session is in the store");
        let said = numbers(&repository.load(&at).expect("it loads").records);
        assert!(said.is_sorted_by(|a, b| a < b), "{when}: in order, once: {said:?}");
        let lost: Vec<_> = told.acknowledged.iter().filter(|it| !said.contains(it)).collect();
        assert!(lost.is_empty(), "{when}: {lost:?} were acknowledged and are not there");
    }
    drop(repository);
    let doctor = sandbox.run(["doctor"]);
    assert_eq!(doctor.code, 0, "{when}: {doctor:?}");
}

fn numbers(records: &[Record]) -> Vec<u32> {
    let number = |record: &Record| match &record.as_message()?.content {
        Content::Text(text) => text.split(' ').next()?.parse().ok(),
        Content::Blocks(_) => None,
    };
    records.iter().filter_map(number).collect()
}

#[test]
fn a_held_session_survives_whatever_goes_wrong_at_any_call() {
    let Some(fault) = Fault::tool() else { return };
    let counted = Sandbox::new();
    drop(counted.repository());
    let whole = fault.count(&child(&counted, 6), CALLS);
    let told = Told::of(&whole.ran.stdout);
    assert!(told.is_closed && told.acknowledged.len() == 6, "{whole:?}");
    check(&counted, &told, "with nothing wrong");
    let mut runs = 0;
    for (way, wrong) in WAYS.into_iter().enumerate() {
        for nth in sample(whole.calls.len(), USUAL, way) {
            let sandbox = Sandbox::new();
            drop(sandbox.repository());
            let faulted = fault.run(&child(&sandbox, 6), CALLS, nth, wrong);
            let when = format!("{wrong:?} at {nth} ({:?})", faulted.at(nth));
            assert!(!faulted.ran.stderr.contains("panicked"), "{when}: {:?}", faulted.ran);
            let is_killed = matches!(wrong, Wrong::Killed | Wrong::Torn);
            assert!(is_killed || faulted.ran.code == 0, "{when}: {:?}", faulted.ran);
            check(&sandbox, &Told::of(&faulted.ran.stdout), &when);
            runs += 1;
        }
    }
    say(&format!("{runs} runs, {} calls each", whole.calls.len()));
}

#[test]
fn a_recovery_survives_whatever_goes_wrong_at_any_call() {
    let Some(fault) = Fault::tool() else { return };
    let died = Sandbox::new();
    drop(died.repository());
    // Killed while it appends what is saved by nobody else.
    let whole = fault.count(&child(&died, 6), CALLS);
    let died = Sandbox::new();
    drop(died.repository());
    let is_append = |call: &String| call.starts_with("write") && call.contains("/journal/");
    let last = 1 + whole.calls.iter().rposition(is_append).expect("one");
    let killed = fault.run(&child(&died, 6), CALLS, last, Wrong::Killed);
    let told = Told::of(&killed.ran.stdout);
    assert!(told.acknowledged.len() >= 4 && !told.is_closed, "{told:?}");
    let again = || {
        let sandbox = Sandbox::new();
        let (from, to) = (died.root().join("data"), sandbox.root().join("data"));
        let copied = Command::new("cp").arg("-a").args([&from, &to]).status();
        assert!(copied.expect("cp runs").success());
        sandbox
    };
    let command = |sandbox: &Sandbox| {
        let mut program = sandbox.program();
        program.arg("list");
        program
    };
    let counted = again();
    let whole = fault.count(&command(&counted), CALLS);
    assert!(whole.ran.stderr.contains("Recovered"), "{:?}", whole.ran);
    check(&counted, &told, "with nothing wrong");
    for (way, wrong) in WAYS.into_iter().enumerate() {
        for nth in sample(whole.calls.len(), USUAL, way) {
            let sandbox = again();
            let faulted = fault.run(&command(&sandbox), CALLS, nth, wrong);
            let when = format!("{wrong:?} at {nth} ({:?})", faulted.at(nth));
            assert!(!faulted.ran.stderr.contains("panicked"), "{when}: {:?}", faulted.ran);
            check(&sandbox, &told, &when);
        }
    }
}

#[test]
fn a_disk_that_fills_up_is_told_and_loses_nothing() {
    for (size, is_killed) in [("2m", false), ("3m", true)] {
        let sandbox = Sandbox::new();
        let folder = sandbox.root().join("data");
        fs::create_dir(&folder).expect("a folder is made");
        let Some(mount) = Mount::tmpfs(&folder, size) else {
            return say("skipped: no file system may be mounted here");
        };
        drop(sandbox.repository());
        let ballast = folder.join("ballast");
        fs::write(&ballast, vec![0; 1 << 20]).expect("there is room yet");
        let mut command = child(&sandbox, 2_000);
        let ran = if is_killed { killed_when_refused(&mut command) } else { Ran::of(&mut command) };
        let told = Told::of(&ran.stdout);
        assert!(told.refused > 0, "a full disk is told: {} acknowledged", told.acknowledged.len());
        assert!(told.acknowledged.len() > 100, "there was room for some");
        fs::remove_file(&ballast).expect("there is room again");
        check(&sandbox, &told, &format!("{size}, killed: {is_killed}"));
        drop(mount);
    }
}

/// Runs the command and kills it when a message is refused.
fn killed_when_refused(command: &mut Command) -> Ran {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut stdout = String::new();
    for line in lines.by_ref().map_while(Result::ok) {
        let is_refused = line.starts_with("refused");
        stdout += &format!("{line}\n");
        if is_refused {
            child.kill().expect("it can be killed");
        }
    }
    let status = child.wait().expect("it ends");
    assert!(status.code().is_none(), "it was killed: {status}");
    Ran { stdout, stderr: String::new(), code: 0 }
}

#[test]
fn r8_settings_that_cannot_be_written_are_told_and_stay_as_they_are() {
    let Some(fault) = Fault::tool() else { return };
    let sandbox = Sandbox::new();
    sandbox.run(["config", "set", "save.interval", "30"]).ok();
    let file = sandbox.root().join("config/annals/config.toml");
    let before = fs::read_to_string(&file).expect("there");
    let mut set = sandbox.program();
    set.args(["config", "set", "save.interval", "60"]);
    let calls = fault.count(&set, "all").calls.len();
    assert!(calls > 2, "it is written and renamed");
    for error in [Errno::NOSPC, Errno::ROFS, Errno::ACCESS, Errno::IO] {
        for nth in 1..=calls {
            fs::write(&file, &before).expect("it is as it was");
            let faulted = fault.run(&set, "all", nth, Wrong::Fails(error, Lasts::ForGood));
            let when = format!("{error:?} at {:?}: {:?}", faulted.at(nth), faulted.ran);
            let after = fs::read_to_string(&file).expect("there");
            let (is_done, new) = (faulted.ran.code == 0, before.replace("30", "60"));
            assert!(after == new || (after == before && !is_done), "{when}");
            // Whether it would last could not be made sure: that is no success.
            let told = faulted.ran.stderr.contains("config.toml cannot be written");
            assert!(is_done || (faulted.ran.code == 3 && told), "{when}");
        }
        // Whoever only reads needs nothing of that.
        let mut list = sandbox.program();
        list.args(["config", "list"]);
        let listed = fault.run(&list, "all", 1, Wrong::Fails(error, Lasts::ForGood));
        assert_eq!(listed.ran.code, 0, "{listed:?}");
    }
}

#[test]
fn a_hook_fails_no_agent_where_nothing_can_be_written() {
    let Some(fault) = Fault::tool() else { return };
    let sandbox = Sandbox::new();
    sandbox.transcript(1).user("hello").agent("hi").write();
    let mut hook = sandbox.program();
    hook.args(["hooks", "run", "claude-code"]);
    for error in [Errno::NOSPC, Errno::ROFS, Errno::ACCESS, Errno::IO] {
        // The tool waits for what goes on behind the hook.
        let faulted = fault.run(&hook, "all", 1, Wrong::Fails(error, Lasts::ForGood));
        let Ran { stdout, stderr, code } = &faulted.ran;
        assert_eq!((code, stdout.as_str(), stderr.as_str()), (&0, "", ""), "{error:?}");
        assert!(!faulted.calls.is_empty(), "something was tried");
    }
    assert!(fault.count(&hook, "all").ran.code == 0);
    assert_eq!(sandbox.json(["list"])["total"], 1, "the next one captures what they could not");
}
