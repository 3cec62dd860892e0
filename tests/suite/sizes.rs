//! A million messages in a session, a message of 100 MB, 100,000 sessions: what each command takes,
//! in time and memory. Minutes, so it is asked for with `ANNALS_SIZES=1`; a whole number there asks
//! for that part of it (10: a tenth).
//!
//! Memory is the resident peak of the program and of every git that it starts, as GNU time tells it.

use std::fs;
use std::fs::OpenOptions;
use std::io::BufWriter;
use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::process::Command;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::bare_remote;
use crate::support::say;

/// How much less than all is asked for; none: nothing is.
fn part() -> Option<u32> {
    let asked = std::env::var("ANNALS_SIZES").ok().and_then(|it| it.parse().ok());
    let has_time = Command::new("/usr/bin/time").arg("--version").output().is_ok();
    if asked.is_none() || !has_time {
        say("skipped: needs ANNALS_SIZES=1, and GNU time");
    }
    asked.filter(|_| has_time)
}

/// Words that look like a text, and do not repeat soon.
struct Words(u64);

impl Words {
    fn text(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 8);
        while text.len() < bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let length = 2 + usize::try_from(self.0 >> 61).expect("small");
            let letter =
                |at: usize| b'a' + u8::try_from((self.0 >> (20 + 4 * at)) % 16).expect("small");
            text.extend((0..length).map(|at| char::from(letter(at))));
            text.push(' ');
        }
        text
    }
}

/// Writes messages of so many bytes each to the transcript of that number, behind those before
/// them; returns where it is.
fn transcript(sandbox: &Sandbox, number: u32, messages: Range<u32>, bytes: usize) -> PathBuf {
    let folder = sandbox.home().join(format!(".claude/projects/-work-{}", number % 200));
    fs::create_dir_all(&folder).expect("a folder is made");
    let session = format!("{number:08x}-1111-4222-8333-444444444444");
    let path = folder.join(format!("{session}.jsonl"));
    let file = OpenOptions::new().create(true).append(true).open(&path).expect("it is made");
    let mut file = BufWriter::new(file);
    let mut words = Words(u64::from(number + messages.start + 1));
    for at in messages {
        let (role, text) = (["user", "assistant"][usize::from(at % 2 == 1)], words.text(bytes));
        let (second, minute, hour) = (at % 60, at / 60 % 60, at / 3600 % 24);
        let model =
            if role == "user" { "" } else { r#""model":"claude-opus-4","type":"message","# };
        writeln!(
            file,
            r#"{{"parentUuid":null,"isSidechain":false,"userType":"external","cwd":"/work/{}","sessionId":"{session}","version":"2.1.0","gitBranch":"main","type":"{role}","message":{{{model}"role":"{role}","content":[{{"type":"text","text":"{text}"}}]}},"uuid":"{at:08x}-0000-4000-8000-{number:012x}","timestamp":"2026-11-0{}T{hour:02}:{minute:02}:{second:02}.000Z"}}"#,
            number % 200,
            1 + at / 86_400 % 9,
        )
        .expect("it is written");
    }
    file.flush().expect("it is written");
    path
}

/// What is measured, and where.
struct Measuring<'s> {
    what: String,
    sandbox: &'s Sandbox,
}

impl<'s> Measuring<'s> {
    fn new(what: &str, sandbox: &'s Sandbox) -> Self {
        Self { what: what.to_owned(), sandbox }
    }

    /// Runs a command, and says what it took: time by the clock, of the processor, memory. `ID`
    /// stands for the session that changed last. `mib`: the most memory that it may take, in MiB.
    fn run(&self, args: &[&str], mib: u32) -> Ran {
        let id = || {
            let list = self.sandbox.json(["list", "--limit", "1"]);
            list["sessions"][0]["id"].as_str().expect("an id").to_owned()
        };
        let program = self.sandbox.program();
        let mut command = Command::new("/usr/bin/time");
        command.args(["-f", "%e %U %S %M"]).arg(program.get_program());
        let args: Vec<String> =
            args.iter().map(|it| if *it == "ID" { id() } else { (*it).to_owned() }).collect();
        command.args(&args).env_clear();
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran = Ran::of(command.current_dir(self.sandbox.home()));
        let told = ran.stderr.lines().last().unwrap_or_default();
        let told: Vec<f64> = told.split(' ').filter_map(|it| it.parse().ok()).collect();
        let [clock, user, system, kib] = told[..] else {
            panic!("GNU time tells four numbers: {}", ran.stderr);
        };
        let name: Vec<&str> = args.iter().map(String::as_str).filter(|it| it.len() < 30).collect();
        let (name, used, mib) = (name.join(" "), kib / 1024.0, f64::from(mib));
        let processor = user + system;
        let what = &self.what;
        say(&format!("| {what} | `{name}` | {clock:.2} s | {processor:.2} s | {used:.0} MiB |"));
        assert!(used <= mib, "{what}, {args:?}: {used:.0} MiB, {mib} at most");
        ran
    }

    /// As [`Self::run`], of commands that must succeed.
    fn each(&self, commands: &[(&[&str], u32)]) {
        for (args, mib) in commands {
            let ran = self.run(args, *mib);
            assert!(matches!(ran.code, 0 | 1), "{}, {args:?}: {}", self.what, ran.stderr);
        }
    }
}

#[test]
fn a_session_of_a_million_messages() {
    let Some(part) = part() else { return };
    let sandbox = Sandbox::new();
    transcript(&sandbox, 1, 0..1_000_000 / part, 70);
    // What needs the whole of a session holds it in memory: some 3 KiB a message, and some
    // commands hold it twice.
    let (held, twice) = (128 + 4_000 / part, 128 + 8_000 / part);
    // What passes it by, record for record, knows no more than a key of each.
    let passed = 128 + 512 / part;
    let measuring = Measuring::new(&format!("{} messages", 1_000_000 / part), &sandbox);
    measuring.each(&[
        (&["capture"], 512),
        (&["capture"], 128),
        (&["list"], 128),
        (&["search", "aa"], 256),
        (&["stats"], 128),
        (&["rename", "ID", "named"], 128),
        (&["log", "ID"], 128),
        (&["doctor"], passed),
        (&["show", "ID"], held),
        (&["diff", "ID", "--stat"], twice),
        (&["export", "ID", "-o", "out.md"], held),
        (&["export", "ID", "-o", "out.json"], twice),
        (&["restore", "ID", "--home", "out"], twice),
        (&["rollback", "ID", "~1"], twice),
        (&["scan"], 256),
    ]);
    // Nobody could take it in.
    let ran = measuring.run(&["share", "ID", "-o", "out.bundle"], twice);
    let is_refused = ran.code == 3 && ran.stderr.contains("more than 1000000 values");
    assert!(is_refused || part > 1, "{}", ran.stderr);
    measuring.each(&[(&["gc"], 512)]);
}

#[test]
fn a_message_of_a_hundred_megabytes() {
    let Some(part) = part() else { return };
    let sandbox = Sandbox::new();
    let (_bare, address) = bare_remote();
    transcript(&sandbox, 1, 0..3, usize::try_from(100_000_000 / part).expect("it fits"));
    let most = 128 + 2_400 / part;
    let measuring = Measuring::new(&format!("3 messages of {} MB", 100 / part), &sandbox);
    measuring.each(&[
        (&["capture"], 128 + 1_000 / part),
        (&["capture"], 128),
        (&["list"], 128),
        (&["search", "aa"], most),
        (&["stats"], most),
        (&["log", "ID"], most),
        (&["show", "ID"], most),
        (&["diff", "ID", "--stat"], most),
        (&["export", "ID", "-o", "out.md"], most),
        (&["restore", "ID", "--home", "out"], most),
        (&["rename", "ID", "named"], most),
        (&["share", "ID", "-o", "out.bundle"], most),
        (&["remote", "add", "origin", &address], 128),
        (&["sync"], most),
        (&["doctor"], most),
        (&["gc"], most),
    ]);
}

#[test]
fn a_hundred_thousand_sessions() {
    let Some(part) = part() else { return };
    let sandbox = Sandbox::new();
    let (_bare, address) = bare_remote();
    let many = 100_000 / part;
    for number in 0..many {
        transcript(&sandbox, number, 0..6, 70);
    }
    let measuring = Measuring::new(&format!("{many} sessions"), &sandbox);
    let (some, most) = (128 + 256 / part, 128 + 700 / part);
    measuring.each(&[(&["capture"], most), (&["capture"], some)]);
    let grown = transcript(&sandbox, 7, 6..8, 70);
    let grown = grown.to_str().expect("it is text");
    let given = r#"{"agent": "other", "messages": [{"role": "user", "text": "what was asked"}]}"#;
    fs::write(sandbox.home().join("given.json"), given).expect("it is written");
    measuring.each(&[
        (&["capture", "--path", grown], 128),
        (&["list"], 128),
        (&["list", "--all"], 128),
        (&["list", "--here"], 128),
        (&["search", "aa"], 256),
        (&["stats"], some),
        (&["stats"], some),
        (&["log", "ID"], 128),
        (&["show", "ID"], 128),
        (&["diff", "ID"], 128),
        (&["export", "ID", "-o", "out.md"], 128),
        (&["restore", "ID", "--home", "out"], 128),
        (&["rename", "ID", "named"], 128),
        (&["share", "ID", "-o", "out.bundle"], 128),
        (&["save", "given.json"], 128),
        (&["remote", "add", "origin", &address], 128),
        (&["sync"], most),
        (&["rename", "ID", "named again"], 128),
        (&["sync"], some),
        (&["sync"], 128),
        (&["doctor"], most),
        (&["gc"], most),
    ]);
}
