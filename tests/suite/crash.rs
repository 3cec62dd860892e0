//! The real binary, killed at any moment: what was acknowledged is there, what was not is there
//! whole or not at all, and the same command succeeds the next time.
//!
//! First the moments are spread over the time that the command takes; then, where `strace` is
//! there, they are exact: before the Nth call to the system that changes something.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use crate::support::Mount;
use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::say;

/// How long one test goes on killing: 2 seconds, or what `ANNALS_CRASH_SECONDS` says.
fn budget() -> Duration {
    let said = std::env::var("ANNALS_CRASH_SECONDS").ok();
    Duration::from_secs(said.map_or(2, |it| it.parse().expect("a number of seconds")))
}

/// Sessions in the home that is captured.
const SESSIONS: u32 = 60;

/// How far each session's transcript has come.
struct Story {
    sandbox: Sandbox,
    sessions: u32,
    messages: usize,
    /// How many of them a capture has acknowledged.
    acknowledged: usize,
}

impl Story {
    fn new(sessions: u32) -> Self {
        let story = Self { sandbox: Sandbox::new(), sessions, messages: 2, acknowledged: 0 };
        story.write();
        story
    }

    fn write(&self) {
        for number in 1..=self.sessions {
            let transcript = self.sandbox.transcript(number);
            let said = |transcript: crate::support::Transcript, it| {
                transcript.user(&format!("message {it} of session {number}"))
            };
            (0..self.messages).fold(transcript, said).write();
        }
    }

    fn grow(&mut self) {
        self.messages += 1;
        self.write();
    }

    fn capture(&mut self) {
        let ran = self.sandbox.run(["capture"]).ok();
        assert!(!ran.stderr.contains("Skipped"), "every file is read: {}", ran.stderr);
        self.acknowledged = self.messages;
    }

    fn id(&self, number: u32) -> String {
        self.sandbox.transcript(number).id()
    }

    /// Each session holds what was acknowledged, or what was just being captured, whole.
    fn check(&self, when: &str) {
        check_store(&self.sandbox, when);
        let mut repository = self.sandbox.repository();
        for number in 1..=self.sessions {
            let Ok(at) = repository.resolve(&self.id(number), None) else {
                assert_eq!(self.acknowledged, 0, "{when}: session {number} is not lost");
                continue;
            };
            let session = repository.load(&at).expect("each session can be read");
            let messages = session.head().counts.messages;
            let messages = usize::try_from(messages).expect("few");
            assert!(
                messages == self.acknowledged || messages == self.messages,
                "{when}: session {number} has {messages} messages, {} were acknowledged",
                self.acknowledged
            );
        }
    }
}

/// The store is whole for us and for git.
fn check_store(sandbox: &Sandbox, when: &str) {
    let ran = sandbox.run(["doctor"]);
    assert_eq!(ran.code, 0, "{when}: the store is whole: {}{}", ran.stdout, ran.stderr);
    sandbox.fsck();
}

/// Runs the program and kills it after a while; how it ended, none: it was killed.
fn run_for(sandbox: &Sandbox, args: &[&str], time: Duration) -> Option<i32> {
    let mut command = sandbox.program();
    let mut child = command
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let start = Instant::now();
    while start.elapsed() < time {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            return status.code();
        }
        std::thread::yield_now();
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends").code()
}

/// Moments spread over the time that a command takes: halves, then quarters between them, and so
/// on, until the time for the test is over.
fn moments(whole: Duration) -> impl Iterator<Item = Duration> {
    let start = Instant::now();
    let fractions = (1..).flat_map(|level: u32| {
        let parts = 1 << level;
        (1..parts).step_by(2).map(move |part| f64::from(part) / f64::from(parts))
    });
    fractions
        .take_while(move |_| start.elapsed() < budget())
        .map(move |fraction| whole.mul_f64(fraction * 1.1))
}

fn time_of(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

#[test]
fn a_first_capture_may_be_killed_at_any_moment() {
    let mut kills = 0;
    let whole = time_of(|| Story::new(8).capture());
    for moment in moments(whole) {
        let mut story = Story::new(8);
        if run_for(&story.sandbox, &["capture"], moment) == Some(0) {
            story.acknowledged = story.messages;
        } else {
            kills += 1;
        }
        if story.sandbox.store().exists() {
            story.check("after a kill");
        }
        story.capture();
        story.check("after the next capture");
    }
    assert!(kills > 0, "some runs were killed");
}

#[test]
fn a_capture_may_be_killed_at_any_moment() {
    let mut story = Story::new(SESSIONS);
    story.capture();
    story.grow();
    let whole = time_of(|| story.capture());
    let mut kills = 0;
    for moment in moments(whole) {
        story.grow();
        if run_for(&story.sandbox, &["capture"], moment) == Some(0) {
            story.acknowledged = story.messages;
        } else {
            kills += 1;
        }
        story.check("after a kill");
        story.capture();
        story.check("after the next capture");
    }
    assert!(kills > 0, "some runs were killed");
}

#[test]
fn a_save_may_be_killed_at_any_moment() {
    let sandbox = Sandbox::new();
    sandbox.run(["init"]).ok();
    let save = |number: u32| {
        let text = format!("messages:\n- role: user\n  content: saved {number}\n");
        let path = sandbox.root().join(format!("{number}.yaml"));
        fs::write(&path, text).expect("it is written");
        path.to_str().expect("a path in UTF-8").to_owned()
    };
    let file = save(0);
    let whole = time_of(|| drop(sandbox.run(["save", &file]).ok()));
    let (mut saved, mut kills) = (1, 0);
    for (number, moment) in (1..).zip(moments(whole)) {
        let file = save(number);
        let ended = run_for(&sandbox, &["save", &file], moment);
        kills += u32::from(ended.is_none());
        check_store(&sandbox, "after a kill");
        let total = total(&sandbox);
        let is_there = total == saved + 1;
        assert!(is_there || (total == saved && ended.is_none()), "a save is whole or is not");
        saved = total;
        sandbox.run(["save", &file]).ok();
        saved += 1;
        assert_eq!(self::total(&sandbox), saved, "the next save succeeds");
    }
    assert!(kills > 0, "some runs were killed");
}

#[test]
fn a_rollback_may_be_killed_at_any_moment() {
    let mut story = Story::new(3);
    story.capture();
    let first = revision(&story.sandbox, &story.id(1));
    story.grow();
    story.capture();
    let second = revision(&story.sandbox, &story.id(1));
    let id = story.id(1);
    let whole = time_of(|| drop(story.sandbox.run(["rollback", &id, &first]).ok()));
    let count = || {
        let document = story.sandbox.json(["show", &id]);
        document["messages"].as_array().map_or(0, Vec::len)
    };
    for (target, moment) in [&second, &first].into_iter().cycle().zip(moments(whole)) {
        let before = count();
        let after = if *target == first { 2 } else { 3 };
        let ended = run_for(&story.sandbox, &["rollback", &id, target], moment);
        check_store(&story.sandbox, "after a kill");
        let now = count();
        assert!(now == after || (now == before && ended != Some(0)), "before or after: {now}");
        story.sandbox.run(["rollback", &id, target]).ok();
        assert_eq!(count(), after, "the next one succeeds");
    }
}

#[test]
fn a_delete_may_be_killed_at_any_moment() {
    let mut story = Story::new(12);
    story.capture();
    let ids: Vec<String> = (1..=12).map(|number| story.id(number)).collect();
    let args: Vec<&str> =
        ["delete", "--yes"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    let delete = || Ran::of(story.sandbox.program().args(&args));
    let undelete = || {
        for id in &ids {
            story.sandbox.run(["undelete", id]).ok();
        }
    };
    let whole = time_of(|| drop(delete().ok()));
    undelete();
    for moment in moments(whole) {
        let ended = run_for(&story.sandbox, &args, moment);
        check_store(&story.sandbox, "after a kill");
        let left = total(&story.sandbox);
        assert!(left == 0 || (left == 12 && ended != Some(0)), "all or none are deleted: {left}");
        if left > 0 {
            delete().ok();
        }
        assert_eq!(total(&story.sandbox), 0, "the next one succeeds");
        undelete();
        story.check("after undelete");
    }
}

#[test]
fn a_gc_may_be_killed_at_any_moment() {
    let mut story = Story::new(20);
    story.capture();
    let whole = time_of(|| drop(story.sandbox.run(["gc"]).ok()));
    for moment in moments(whole) {
        story.grow();
        story.capture();
        run_for(&story.sandbox, &["gc"], moment);
        story.check("after a kill");
        story.sandbox.run(["gc"]).ok();
        story.check("after the next gc");
    }
}

/// The calls that change something on the disk.
const CHANGES: [&str; 8] = [
    "write",
    "pwrite64",
    "rename,renameat,renameat2",
    "unlink,unlinkat",
    "link,linkat",
    "fsync,fdatasync",
    "ftruncate",
    "mkdir,mkdirat",
];

/// Up to which call of a kind something is done to it.
const CALLS: usize = 16;

#[test]
fn a_capture_may_be_killed_before_any_call_that_changes_something() {
    let mut kills = 0;
    under_strace(&mut |story, calls, number| {
        let ran = strace(&story.sandbox, &format!("{calls}:signal=SIGKILL:when={number}"));
        kills += u32::from(ran.code != 0);
    });
    assert!(kills > 0 || !has_strace(), "some runs were killed");
}

#[test]
fn a_capture_survives_the_failure_of_any_call_that_changes_something() {
    under_strace(&mut |story, calls, number| {
        for error in ["ENOSPC", "EIO"] {
            let ran = strace(&story.sandbox, &format!("{calls}:error={error}:when={number}"));
            assert!(matches!(ran.code, 0 | 3 | 4 | 5), "{error} at {number} is no bug: {ran:?}");
            assert!(!ran.stderr.contains("panicked"), "{ran:?}");
            if ran.code == 0 && !ran.stderr.contains("Skipped") {
                story.check_acknowledged();
            }
        }
    });
}

impl Story {
    /// A capture said that it is done, so all of it must be there.
    fn check_acknowledged(&self) {
        let sandbox = &self.sandbox;
        let list = sandbox.json(["list", "-n", "1000"]);
        for session in list["sessions"].as_array().expect("a list") {
            let count =
                session["counts"]["messages"].as_u64().and_then(|it| usize::try_from(it).ok());
            assert_eq!(count, Some(self.messages), "exit 0 means that all is there");
        }
    }
}

/// Has something done to a capture again and again, each time to another of its calls, until the
/// time is over; checks the store after each.
fn under_strace(run: &mut dyn FnMut(&Story, &str, usize)) {
    if !has_strace() {
        say("skipped: there is no strace that may trace");
        return;
    }
    let mut story = Story::new(3);
    story.capture();
    let start = Instant::now();
    let all = CHANGES.len() * CALLS;
    // 37 has no factor in common with `all`: each comes once before one comes again.
    for place in (0..).map(|round| round * 37 % all) {
        let (calls, number) = (CHANGES[place % CHANGES.len()], 1 + place / CHANGES.len());
        if start.elapsed() > budget() {
            break;
        }
        story.grow();
        run(&story, calls, number);
        story.check(&format!("after {calls} {number}"));
        story.capture();
        story.check("after the next capture");
    }
}

fn has_strace() -> bool {
    let tried = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    tried.is_ok_and(|it| it.status.success())
}

fn strace(sandbox: &Sandbox, inject: &str) -> Ran {
    let program = sandbox.program();
    let mut command = Command::new("strace");
    let calls = inject.split(':').next().unwrap_or_default();
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    command.args(["-e", &format!("inject={inject}")]);
    command.arg(program.get_program()).arg("capture").env_clear();
    command.envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command.current_dir(sandbox.home()).stdin(Stdio::null());
    Ran::of(&mut command)
}

#[test]
fn what_dead_processes_leave_behind_is_in_nobodys_way() {
    let mut story = Story::new(3);
    story.capture();
    let store = story.sandbox.store();
    let tip = story.sandbox.git(["rev-parse", "main"]);
    let note = format!("{} refs/heads/main\n", tip.trim());
    let left: [(&str, &str); 8] = [
        ("annals/lock", ""),
        ("annals/index.db.lock", ""),
        ("annals/sources.db.lock", ""),
        // Ours, of a process that died while it moved main.
        ("annals/moving-ref", &note),
        ("refs/heads/main.lock", tip.trim()),
        ("objects/pack/tmp_pack_aBcDeF", "PACK"),
        ("objects/00/tmp_obj_aBcDeF", "x"),
        ("config.lock", ""),
    ];
    for (name, text) in left {
        let path = store.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        fs::write(path, text).expect("it is written");
    }
    story.grow();
    story.capture();
    story.check("with what dead processes left");
    story.sandbox.run(["gc"]).ok();
}

#[test]
fn a_lock_that_git_holds_is_never_broken() {
    let mut story = Story::new(1);
    story.capture();
    let lock = story.sandbox.store().join("refs/heads/main.lock");
    fs::write(&lock, "").expect("it is written");
    story.grow();
    let ran = story.sandbox.run(["capture"]).code(4);
    assert!(ran.stderr.contains("Try again"), "it says what to do: {}", ran.stderr);
    assert!(lock.exists(), "somebody else's lock is never broken");
    story.check("while git holds its lock");
    fs::remove_file(&lock).expect("it is removed");
    story.capture();
    story.check("afterwards");
}

#[test]
fn a_full_disk_loses_nothing() {
    let mut story = Story::new(20);
    story.capture();
    // A file may have so many blocks and no more: the next write fails, as on a full disk.
    for blocks in [0, 1, 2, 4, 8, 16, 32, 64, 128, 256] {
        story.grow();
        let ran = limited(&story.sandbox, &format!("ulimit -f {blocks}"), &["capture"]);
        assert!(matches!(ran.code, 0 | 3 | 4 | 5), "{blocks} blocks: {ran:?}");
        if ran.code == 0 && !ran.stderr.contains("Skipped") {
            story.acknowledged = story.messages;
        }
        story.check(&format!("after {blocks} blocks"));
        story.capture();
    }
    for command in [&["gc"][..], &["list"], &["doctor"], &["rename", "@", "x"]] {
        let ran = limited(&story.sandbox, "ulimit -f 1", command);
        assert!(matches!(ran.code, 0 | 3 | 4 | 5), "{command:?}: {ran:?}");
        story.check(&format!("after {command:?}"));
    }
}

#[test]
fn few_open_files_lose_nothing() {
    let mut story = Story::new(20);
    story.capture();
    story.sandbox.run(["gc"]).ok();
    for files in [4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24] {
        story.grow();
        let few = format!("ulimit -n {files}");
        // With too few to load the program itself it ends in other ways.
        let is_told =
            |ran: &Ran| ran.stderr.contains("shared libraries") || matches!(ran.code, 0 | 3 | 4);
        let ran = limited(&story.sandbox, &few, &["show", "@"]);
        assert!(is_told(&ran), "{files} files, and nothing is damaged: {ran:?}");
        let ran = limited(&story.sandbox, &few, &["capture"]);
        assert!(is_told(&ran), "{files} files, and nothing is damaged: {ran:?}");
        if ran.code == 0 && !ran.stderr.contains("Skipped") {
            story.acknowledged = story.messages;
        }
        story.check(&format!("after {files} files"));
        story.capture();
    }
}

#[test]
fn a_full_file_system_is_told_and_loses_nothing() {
    let mut story = Story::new(5);
    let folder = story.sandbox.root().join("data");
    fs::create_dir(&folder).expect("a folder is made");
    let Some(mount) = Mount::tmpfs(&folder, "8m") else {
        say("skipped: no file system may be mounted here");
        return;
    };
    story.capture();
    let free = story.sandbox.root().join("data/ballast");
    for left in [0, 4, 8, 16, 32, 64, 128] {
        fs::write(&free, vec![0; 9 << 20]).expect_err("it fills up");
        let length = fs::metadata(&free).map_or(0, |it| it.len());
        let ballast = fs::OpenOptions::new().write(true).open(&free).expect("it opens");
        ballast.set_len(length.saturating_sub(left * 1024)).expect("it gives room");
        drop(ballast);
        story.grow();
        let ran = story.sandbox.run(["capture"]);
        assert!(matches!(ran.code, 0 | 3 | 4 | 5), "{left} KiB left: {ran:?}");
        if ran.code == 0 && !ran.stderr.contains("Skipped") {
            story.acknowledged = story.messages;
        }
        fs::remove_file(&free).expect("it is removed");
        story.check(&format!("after {left} KiB"));
        story.capture();
    }
    drop(mount);
}

#[test]
fn a_store_that_may_not_be_written_can_be_read() {
    if is_root() {
        say("skipped: root may write everywhere");
        return;
    }
    let mut story = Story::new(2);
    story.capture();
    story.grow();
    let set = |mode: u32| {
        for path in all_folders(&story.sandbox.store()) {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
        }
    };
    set(0o500);
    let ran = story.sandbox.run(["capture"]);
    set(0o700);
    assert_eq!(ran.code, 3, "it says that it cannot write: {ran:?}");
    story.check("afterwards");
    story.capture();
}

/// Runs the program after a shell set limits.
fn limited(sandbox: &Sandbox, limit: &str, args: &[&str]) -> Ran {
    let program = sandbox.program();
    let script = format!("trap '' XFSZ; {limit}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(program.get_program()).args(args).env_clear();
    command.envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command.current_dir(sandbox.home()).stdin(Stdio::null());
    Ran::of(&mut command)
}

fn revision(sandbox: &Sandbox, id: &str) -> String {
    let log = sandbox.json(["log", id]);
    log["revisions"][0]["revision"].as_str().expect("a revision").to_owned()
}

fn total(sandbox: &Sandbox) -> u64 {
    sandbox.json(["list"])["total"].as_u64().expect("a number")
}

fn all_folders(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).expect("it is readable").map(|it| it.expect("one").path()) {
        if path.is_dir() {
            found.extend(all_folders(&path));
        }
    }
    found.push(folder.to_owned());
    found
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn the_doctor_tells_of_what_is_around_the_store_too() {
    let sandbox = Sandbox::new();
    sandbox.transcript(1).user("hello").agent("hi").write();
    sandbox.capture();
    let found = |name: &str| -> Vec<(String, String)> {
        let doctor = sandbox.json(["doctor"]);
        let checks = doctor["checks"].as_array().expect("checks").iter();
        let text =
            |it: &serde_json::Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
        let named = checks.filter(|it| it["name"] == name);
        named.map(|it| (text(it, "verdict"), text(it, "found"))).collect()
    };
    assert_eq!(found("agents")[0].0, "fine");
    assert!(found("agents")[0].1.starts_with("claude-code: 1 files in "));
    let lock = sandbox.store().join("refs/heads/main.lock");
    std::fs::write(&lock, "").expect("written");
    let [(verdict, told)] = &found("locks")[..] else { panic!("one lock is there") };
    assert_eq!(verdict, "warning");
    assert!(told.contains("main.lock") && told.contains("--repair removes it later"), "{told}");
    std::fs::remove_file(&lock).expect("removed");
    assert_eq!(found("locks")[0].0, "fine");
    let config = sandbox.root().join("config/annals");
    std::fs::create_dir_all(&config).expect("a folder");
    std::fs::write(config.join("config.toml"), "[save]\ninterval = 1\n").expect("written");
    let [(verdict, told)] = &found("config")[..] else { panic!("one fault") };
    assert_eq!(verdict, "warning");
    assert!(told.contains("line 2"), "{told}");
}
