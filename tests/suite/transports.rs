//! The ways to a remote, with real git at both ends: a path, `file://`, ssh, https's protocol with a
//! password, and an encrypted remote. Two homes that know nothing of each other meet there.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::Terminal;
use crate::support::corpus;
use crate::support::folder;
use crate::support::lines;
use crate::support::say;
use crate::support::servers::SshServer;
use crate::support::servers::http_backend;

const PASSWORD: &str = "a-word-of-the-tests";

/// Two machines and a bare repository, in whose folder there is room for more.
struct Meeting {
    folder: TempDir,
    machines: [Sandbox; 2],
}

impl Meeting {
    fn new() -> Self {
        let folder = folder();
        let mut git = Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").args(["init", "-q", "--bare"]);
        Ran::of(git.arg(folder.path().join("remote.git"))).ok();
        let machines = [1, 2].map(Sandbox::of_machine);
        machines.iter().for_each(|it| drop(it.run(["init"]).ok()));
        Self { folder, machines }
    }

    fn remote(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    fn add(&self, address: &str) {
        self.machines.iter().for_each(|it| drop(it.run(["remote", "add", "hub", address]).ok()));
    }

    fn set(&self, key: &str, value: &str) {
        self.machines.iter().for_each(|machine| machine.set_git(key, value));
    }

    /// Both have a session of their own, and both go on with a third: in the end each has all three,
    /// and the third whole, in its store and as its agent's file.
    fn is_kept(&self, address: &str) {
        self.add(address);
        let [a, b] = &self.machines;
        let told = a.run(["remote", "test", "hub"]).ok().stderr;
        assert_eq!(told, "The remote hub answers; it is empty.\n");
        a.transcript(7).user("only a has this").write();
        b.transcript(8).user("only b has this").write();
        let shared = |machine: &Sandbox| machine.transcript(1).user("why?").agent("so that");
        shared(a).by(1).user("a asks on").agent("a is answered").write();
        shared(b).by(2).user("b asks on").agent("b is answered").write();
        let id = shared(a).short();
        self.meet();
        assert_eq!(a.json(["list"])["total"], 3);
        for machine in [a, b] {
            machine.run(["restore", &id, "--force", "--workspace", "/work/demo"]).ok();
            let lines = lines(&shared(machine).path());
            assert_eq!(lines.len(), 6, "what both wrote, in the file of each");
        }
        self.meet();
    }

    /// Captures and syncs until both are the same, and has git look at all three.
    fn meet(&self) {
        let [a, b] = &self.machines;
        for machine in [a, b] {
            machine.capture();
        }
        for machine in [a, b, a, b] {
            machine.run(["sync"]).ok();
        }
        assert_eq!(a.tree(), b.tree());
        assert_eq!(a.tip(), b.tip());
        for machine in [a, b] {
            let told = machine.run(["sync"]).ok().stderr;
            assert_eq!(told, "Nothing to do: this store and hub are the same.\n");
            machine.fsck();
            assert_eq!(machine.json(["doctor"])["verdict"], "fine");
        }
        if self.remote().join("refs").exists() {
            let mut git = Command::new("git");
            git.env("GIT_CONFIG_GLOBAL", "/dev/null").arg("-C").arg(self.remote());
            let checked = Ran::of(git.args(["fsck", "--strict", "--full"])).ok();
            assert_eq!(checked.stdout, "", "{checked:?}");
        }
    }
}

/// The machine fails at once, with one line that holds this, and asks nobody.
fn fails(machine: &Sandbox, why: &str) {
    let start = Instant::now();
    let tip = machine.tip();
    let ran = machine.run(["sync"]).code(3);
    assert!(start.elapsed() < Duration::from_secs(20), "{why}");
    assert!(ran.stderr.contains(why), "{why}: {}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(!ran.stderr.contains(PASSWORD), "{}", ran.stderr);
    assert_eq!(machine.tip(), tip);
    // Nor where there is a terminal, but nobody sits at it: in the background, from a script.
    let mut quiet = Command::new("sh");
    let program = machine.program();
    quiet.args(["-c", "exec \"$0\" sync </dev/null"]).arg(program.get_program());
    quiet.env_clear().current_dir(machine.home());
    quiet.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let left = Terminal::start(&quiet, 100, 20).end();
    assert_eq!(left.code, 3, "{}", left.screen);
}

#[test]
fn two_stores_meet_in_a_folder() {
    let meeting = Meeting::new();
    meeting.is_kept(&meeting.remote().display().to_string());
}

#[test]
fn two_stores_meet_at_a_file_url() {
    let meeting = Meeting::new();
    meeting.is_kept(&format!("file://{}", meeting.remote().display()));
    fs::remove_dir_all(meeting.remote()).expect("it is there");
    fails(&meeting.machines[0], "does not appear to be a git repository");
}

#[test]
fn two_stores_meet_over_ssh() {
    let meeting = Meeting::new();
    let server = match SshServer::start(meeting.folder.path()) {
        Ok(server) => server,
        Err(cause) => return say(&format!("skipped: ssh: {cause}")),
    };
    let address = format!("{}{}", server.address, meeting.remote().display());
    meeting.set("core.sshCommand", &server.client("user", "known"));
    meeting.is_kept(&address);
    let [a, b] = &meeting.machines;
    a.set_git("core.sshCommand", &server.client("stranger", "known"));
    fails(a, "Permission denied (publickey)");
    a.set_git("core.sshCommand", &server.client("user", "nobody"));
    fails(a, "Host key verification failed.");
    drop(server);
    fails(b, "Connection refused");
}

#[test]
fn two_stores_meet_over_http_with_a_password() {
    let meeting = Meeting::new();
    let Some(server) = http_backend(meeting.folder.path(), PASSWORD) else {
        return say("skipped: this git has no http-backend");
    };
    let store = |name: &str, password: &str| {
        let file = meeting.folder.path().join(name);
        let host = server.strip_prefix("http://").expect("http");
        fs::write(&file, format!("http://me:{password}@{host}\n")).expect("it is written");
        format!("store --file={}", file.display())
    };
    let (right, wrong) = (store("right", PASSWORD), store("wrong", "another"));
    meeting.set("credential.helper", &right);
    meeting.is_kept(&format!("{server}/remote.git"));
    let [a, b] = &meeting.machines;
    a.set_git("credential.helper", &wrong);
    fails(a, "Authentication failed");
    fs::remove_file(a.git_settings()).expect("there are settings");
    fails(a, "could not read Username");
    b.git(["config", "remote.hub.url", "http://127.0.0.1:1/remote.git"]);
    fails(b, "Failed to connect");
    b.git(["config", "remote.hub.url", &format!("{server}/nowhere.git")]);
    fails(b, "not found");
}

#[test]
fn who_sits_at_a_terminal_is_asked_for_the_password() {
    let meeting = Meeting::new();
    let Some(server) = http_backend(meeting.folder.path(), PASSWORD) else {
        return say("skipped: this git has no http-backend");
    };
    meeting.add(&format!("{server}/remote.git"));
    let mut program = meeting.machines[0].program();
    let terminal = Terminal::start(program.arg("sync"), 100, 20);
    // Each of git's programs asks anew: what it has, and what goes.
    for asked in 1..=2 {
        let is_asked = |what: &str| {
            let text = format!("{what} number {asked}");
            terminal.wait_until(&text, |screen| screen.matches(what).count() == asked);
        };
        is_asked("Username for");
        terminal.press("me\n");
        is_asked("Password for");
        terminal.press(&format!("{PASSWORD}\n"));
    }
    let left = terminal.end();
    assert_eq!(left.code, 0, "{}", left.screen);
    assert!(!left.screen.contains(PASSWORD), "{}", left.screen);
}

#[test]
fn two_stores_meet_in_an_encrypted_remote() {
    let meeting = Meeting::new();
    let is_there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !is_there("git-remote-gcrypt") || !is_there("gpg") {
        return say("skipped: there is no git-remote-gcrypt, or no gpg");
    }
    let keys = meeting.folder.path().join("keys");
    fs::create_dir(&keys).expect("a folder");
    Ran::of(Command::new("chmod").arg("700").arg(&keys)).ok();
    let gpg = |arguments: &[&str]| {
        let mut gpg = Command::new("gpg");
        Ran::of(gpg.arg("--homedir").arg(&keys).args(["--batch", "--quiet"]).args(arguments))
    };
    gpg(&["--passphrase", "", "--quick-gen-key", "annals@localhost", "default", "default"]).ok();
    // Gcrypt calls gpg as the store's settings say.
    let wrapper = meeting.folder.path().join("gpg");
    let script = format!("#!/bin/sh\nexec gpg --homedir {} \"$@\"\n", keys.display());
    fs::write(&wrapper, script).expect("it is written");
    Ran::of(Command::new("chmod").arg("755").arg(&wrapper)).ok();
    meeting.set("gpg.program", &wrapper.display().to_string());
    meeting.set("gcrypt.participants", "annals@localhost");
    meeting.set("user.signingkey", "annals@localhost");
    fs::remove_dir_all(meeting.remote()).expect("it is there");
    fs::create_dir(meeting.remote()).expect("a folder");
    meeting.is_kept(&format!("gcrypt::{}", meeting.remote().display()));
    let mut plain = Vec::new();
    for entry in fs::read_dir(meeting.remote()).expect("a folder") {
        plain.extend(fs::read(entry.expect("an entry").path()).unwrap_or_default());
    }
    assert!(!plain.is_empty());
    for word in ["sessions", "annals.yaml", "PACK"] {
        assert!(!plain.windows(word.len()).any(|it| it == word.as_bytes()), "{word} is not seen");
    }
    Ran::of(Command::new("gpgconf").arg("--homedir").arg(&keys).args(["--kill", "all"])).ok();
}

#[test]
fn real_transcripts_cut_in_two_are_whole_on_both_machines() {
    let Some(folder) = corpus() else {
        return say("skipped: ANNALS_CORPUS names no folder with transcripts");
    };
    let meeting = Meeting::new();
    let [a, b] = &meeting.machines;
    let mut files = Vec::new();
    find(&folder.join("home/.claude/projects"), &mut files);
    // The larger ones take minutes in the tests' own build.
    files.retain(|it| fs::metadata(it).is_ok_and(|it| (20_000..400_000).contains(&it.len())));
    files.truncate(6);
    assert!(!files.is_empty(), "the corpus has transcripts");
    let home = |machine: &Sandbox, file: &Path| {
        let below = file.strip_prefix(folder.join("home")).expect("it lies there");
        let path = machine.home().join(below);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        path
    };
    // One has the first two thirds of each, the other all but the middle third: as if both had gone
    // on after the first.
    for file in &files {
        let text = fs::read_to_string(file).expect("a transcript is text");
        let all: Vec<&str> = text.lines().collect();
        let third = all.len() / 3;
        let other = [&all[..third], &all[2 * third..]].concat();
        fs::write(home(a, file), all[..2 * third].join("\n") + "\n").expect("it is written");
        fs::write(home(b, file), other.join("\n") + "\n").expect("it is written");
    }
    meeting.add(&meeting.remote().display().to_string());
    meeting.meet();
    for file in &files {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let records = |machine: &Sandbox| {
            let shown = machine.json(["list", "-n", "1000"]);
            let found = shown["sessions"].as_array().expect("sessions").iter();
            let mut found = found.filter(|it| it["agent"]["session"] == name.as_str());
            found.next().map(|it| it["counts"]["records"].clone())
        };
        assert_eq!(records(a), records(b), "{name}");
        for machine in [a, b] {
            machine.run(["restore", &name, "--force", "--home", "."]).ok();
        }
        let [left, right] = [a, b].map(|it| fs::read(home(it, file)).expect("it is restored"));
        assert!(left == right, "{name} is the same file on both");
    }
    // Restored, nothing is new.
    meeting.meet();
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|end| end == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
}
