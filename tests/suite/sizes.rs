//! A million messages in a session, a message of 100 MB, 100,000 sessions: what each command takes,
//! in time and memory. Minutes, so it is asked for with `ANNALS_SIZES=1`; a whole number there asks
//! for that part of it (10: a tenth).
//!
//! Memory is the resident peak of the program and of every git that it starts, as GNU time tells it.

use std::fs;
use std::io::BufWriter;
use std::io::Write as _;
use std::process::Command;

use crate::support::Ran;
use crate::support::Sandbox;
use crate::support::bare_remote;
use crate::support::say;

/// How much less than all is asked for; none: nothing is.
fn part() -> Option<u64> {
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

/// Writes a transcript of so many messages of so many bytes each.
fn transcript(sandbox: &Sandbox, number: u64, messages: u64, bytes: usize) {
    let folder = sandbox.home().join(format!(".claude/projects/-work-{}", number % 200));
    fs::create_dir_all(&folder).expect("a folder is made");
    let session = format!("{number:08x}-1111-4222-8333-444444444444");
    let file = fs::File::create(folder.join(format!("{session}.jsonl"))).expect("it is made");
    let mut file = BufWriter::new(file);
    let mut words = Words(number + 1);
    for at in 0..messages {
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
}

/// Runs commands, and says what each took. `mib`: the most memory that any may take, in MiB.
fn measure(what: &str, sandbox: &Sandbox, commands: &[(&[&str], u64)]) {
    let id = || {
        let list = sandbox.json(["list", "--limit", "1"]);
        list["sessions"][0]["id"].as_str().expect("an id").to_owned()
    };
    for (args, mib) in commands {
        let program = sandbox.program();
        let mut command = Command::new("/usr/bin/time");
        command.args(["-f", "%e s %M"]).arg(program.get_program());
        let args: Vec<String> =
            args.iter().map(|it| if *it == "ID" { id() } else { (*it).to_owned() }).collect();
        command.args(&args).env_clear();
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran = Ran::of(command.current_dir(sandbox.home()));
        assert!(matches!(ran.code, 0 | 1), "{what}, {args:?}: {}", ran.stderr);
        let told = ran.stderr.lines().last().unwrap_or_default().to_owned();
        let (seconds, kib) = told.split_once(" s ").expect("GNU time tells both");
        let used = kib.parse::<u64>().expect("a number") >> 10;
        let name: Vec<&str> = args.iter().map(String::as_str).filter(|it| it.len() < 30).collect();
        say(&format!("| {what} | `{}` | {seconds} s | {used} MiB |", name.join(" ")));
        assert!(used <= *mib, "{what}, {args:?}: {used} MiB, {mib} at most");
    }
}

#[test]
fn a_session_of_a_million_messages() {
    let Some(part) = part() else { return };
    let sandbox = Sandbox::new();
    transcript(&sandbox, 1, 1_000_000 / part, 70);
    // What needs the whole of a session holds it in memory: some 3 KiB a message, and some
    // commands hold it twice.
    let (held, twice) = (128 + 4_000 / part, 128 + 8_000 / part);
    measure(
        "1,000,000 messages",
        &sandbox,
        &[
            (&["capture"], 512),
            (&["capture"], 128),
            (&["list"], 128),
            (&["search", "aa"], 256),
            (&["stats"], held),
            (&["log", "ID"], held),
            (&["show", "ID"], held),
            (&["diff", "ID", "--stat"], twice),
            (&["export", "ID", "-o", "out.md"], held),
            (&["restore", "ID", "--home", "out"], twice),
            (&["rename", "ID", "named"], 128),
            (&["doctor"], held),
            (&["gc"], 2_048),
        ],
    );
}

#[test]
fn a_message_of_a_hundred_megabytes() {
    let Some(part) = part() else { return };
    let sandbox = Sandbox::new();
    let (_bare, address) = bare_remote();
    transcript(&sandbox, 1, 3, usize::try_from(100_000_000 / part).expect("it fits"));
    let most = 128 + 2_400 / part;
    measure(
        "3 messages of 100 MB",
        &sandbox,
        &[
            (&["capture"], most),
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
            (&["remote", "add", "origin", &address], 128),
            (&["sync"], most),
            (&["doctor"], most),
            (&["gc"], most),
        ],
    );
}

#[test]
fn a_hundred_thousand_sessions() {
    let Some(part) = part() else { return };
    let sandbox = Sandbox::new();
    let (_bare, address) = bare_remote();
    (0..100_000 / part).for_each(|number| transcript(&sandbox, number, 6, 70));
    let most = 1_024;
    measure(
        "100,000 sessions",
        &sandbox,
        &[
            (&["capture"], most),
            (&["capture"], most),
            (&["list"], 128),
            (&["list", "--all"], most),
            (&["list", "--here"], 128),
            (&["search", "aa"], most),
            (&["stats"], most),
            (&["log", "ID"], 128),
            (&["show", "ID"], 128),
            (&["diff", "ID"], 128),
            (&["export", "ID", "-o", "out.md"], 128),
            (&["restore", "ID", "--home", "out"], 128),
            (&["rename", "ID", "named"], 128),
            (&["remote", "add", "origin", &address], 128),
            (&["sync"], most),
            (&["doctor"], most),
            (&["gc"], most),
        ],
    );
}
