//! The tour: the main job, walked through on small sessions of our own making.
//!
//! Each step is a real command line, printed and then run in this process with the same output; the
//! store, the home and all else of the tour lie in one temporary folder, which goes with it. The
//! sessions are compiled in, in Claude Code's own format; the "secret" in one of them is made up
//! when the tour starts.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use clap::Parser as _;

use crate::cli::Cli;
use crate::cli::brief;
use crate::cli::commands;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::platform;
use crate::platform::Environment;
use crate::repository::CaptureOptions;
use crate::repository::CaptureOutcome;
use crate::repository::OpenOptions;
use crate::repository::Repository;
use crate::session::SessionId;

/// The agent of the tour's sessions.
const AGENT: &str = "claude-code";

/// A session, as it lies in the agent's folder, that the tour follows.
const LOGIN: Sample =
    Sample { native_id: "260ec36d-2559-54c2-a176-833de83e3617", text: include_str!("login.jsonl") };

/// What the agent adds to it while the tour goes on.
const LOGIN_LATER: &str = include_str!("login_later.jsonl");

/// A session into which a secret was pasted.
const RELEASE: Sample = Sample {
    native_id: "9c0e663e-b1cc-52b0-b3f2-0a845a26e88e",
    text: include_str!("release.jsonl"),
};

struct Sample {
    native_id: &'static str,
    text: &'static str,
}

impl Sample {
    fn short(&self) -> String {
        SessionId::captured(AGENT, self.native_id).short()
    }
}

/// Walks through the main job, and leaves nothing behind.
pub(crate) fn walk(is_scanning: bool, context: &mut Context) -> Result<ExitCode> {
    let folder = tempfile::Builder::new()
        .prefix("annals-tour-")
        .tempdir()
        .map_err(|error| failed("No temporary folder can be made", error))?;
    // Ctrl-C must not leave the folder behind.
    context.interrupt.hold(true);
    let real = context.environment.clone();
    let stage =
        Stage::build(folder.path()).map_err(|error| failed("The tour cannot start", error))?;
    context.environment = stage.environment(&real);
    context.flags.store = None;
    context.output.without_pager();
    let walked = steps(&stage, context);
    context.environment = real;
    walked?;
    if is_scanning {
        scan(folder.path(), context)?;
    }
    context.interrupt.hold(false);
    Ok(ExitCode::Done)
}

/// The folders in which the tour takes place.
struct Stage {
    root: PathBuf,
    home: PathBuf,
    workspace: PathBuf,
}

impl Stage {
    fn build(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let home = root.join("home");
        let stage = Self { workspace: home.join("shop"), root, home };
        std::fs::create_dir_all(&stage.workspace)?;
        std::fs::create_dir_all(stage.root.join("laptop"))?;
        stage.write(&LOGIN, LOGIN.text)?;
        stage.write(&RELEASE, RELEASE.text)?;
        Ok(stage)
    }

    /// Writes an agent's file, as it would stand there.
    fn write(&self, sample: &Sample, text: &str) -> io::Result<()> {
        let workspace = self.workspace.to_string_lossy();
        // Claude Code names the folder after the workspace, with all else than letters and digits
        // as hyphens.
        let slug: String = workspace
            .encode_utf16()
            .map(|unit| char::from_u32(u32::from(unit)).filter(char::is_ascii_alphanumeric))
            .map(|character| character.unwrap_or('-'))
            .collect();
        let folder = self.home.join(".claude/projects").join(slug);
        std::fs::create_dir_all(&folder)?;
        let in_json = serde_json::Value::from(workspace.as_ref()).to_string();
        let text = text
            .replace("{{workspace}}", in_json.trim_matches('"'))
            .replace("{{token}}", &made_up_token());
        let file = folder.join(format!("{}.jsonl", sample.native_id));
        platform::write_atomic(&file, text.as_bytes())
    }

    /// The environment of a person who has only this home.
    fn environment(&self, real: &Environment) -> Environment {
        Environment {
            home: self.home.clone(),
            data: self.root.join("data"),
            config: self.root.join("config"),
            store: Some(self.root.join("store.git")),
            claude_config_dir: None,
            codex_home: None,
            current: self.workspace.clone(),
            ..real.clone()
        }
    }
}

fn steps(stage: &Stage, context: &mut Context) -> Result<()> {
    let login = LOGIN.short();
    let home = stage.home.to_string_lossy().into_owned();
    let laptop = stage.root.join("laptop").to_string_lossy().into_owned();
    let mut tour = Tour { context };
    tour.say("A developer has worked with Claude Code in ~/shop. annals takes in the sessions")?;
    tour.say("and takes secrets out of them on the way.")?;
    tour.run(&["capture", "--home", &home])?;
    tour.say("They are in the store now, a git repository, as YAML that anybody can read.")?;
    tour.run(&["list"])?;
    tour.say("A token was pasted into one of them. The store never saw it.")?;
    tour.run(&["show", &RELEASE.short()])?;
    tour.say("Meanwhile the other session went on. Capture takes in what is new, and only that.")?;
    let grown = format!("{}{LOGIN_LATER}", LOGIN.text);
    let write = stage.write(&LOGIN, &grown);
    write.map_err(|error| failed("The tour cannot go on", error))?;
    tour.run(&["capture", "--home", &home])?;
    tour.say("Every save is a revision of the session.")?;
    tour.run(&["log", &login])?;
    tour.say("What did the last one bring?")?;
    tour.run(&["diff", &login])?;
    tour.say("Back to before that. Nothing is lost: the way back is a revision too.")?;
    tour.run(&["rollback", &login, "~1"])?;
    tour.run(&["log", &login])?;
    tour.say("And out again, into the empty home of another machine. `annals resume` would")?;
    tour.say("start the agent there with it.")?;
    tour.run(&["restore", &login, "--home", &laptop])?;
    tour.say("That was the tour. Its store and its homes are gone now.")
}

/// Says and runs the steps.
struct Tour<'a> {
    context: &'a mut Context,
}

impl Tour<'_> {
    fn say(&mut self, text: &str) -> Result<()> {
        let paint = self.context.output.paint();
        self.context.output.data(&format!("{}\n", paint.faint(&format!("# {text}"))))
    }

    /// Prints a command line and runs it, as if it had been typed.
    fn run(&mut self, words: &[&str]) -> Result<()> {
        self.context.interrupt.check()?;
        let paint = self.context.output.paint();
        let line = format!("annals {}", words.join(" "));
        let line = format!("{} {}\n", paint.faint("$"), paint.strong(&line));
        self.context.output.data(&line)?;
        let words = std::iter::once("annals").chain(words.iter().copied());
        let cli = Cli::try_parse_from(words).map_err(|error| Failure::Usage(error.to_string()))?;
        if let Some(command) = cli.command {
            commands::run(command, self.context)?;
        }
        self.context.output.data("\n")?;
        self.context.interrupt.check()
    }
}

/// Says what a capture would find on this machine.
fn scan(folder: &Path, context: &mut Context) -> Result<()> {
    let options = OpenOptions {
        store: Some(folder.join("scan.git")),
        environment: context.environment.clone(),
        create: true,
    };
    let capture = CaptureOptions { dry_run: true, ..CaptureOptions::default() };
    let mut meter = context.output.meter("Looking at this machine:");
    let interrupt = context.interrupt.clone();
    let found = Repository::init(&options).and_then(|mut repository| {
        repository.capture(&capture, &mut |progress| {
            meter.show(progress);
            // A large home takes long, and nothing of it is needed any more.
            interrupt.end_if_pressed(folder);
        })
    });
    drop(meter);
    let text = match found {
        Ok(outcome) => found_text(&outcome),
        Err(error) => format!("What there is on this machine could not be read: {error}"),
    };
    context.output.data(&format!("\n{text}\n"))
}

fn found_text(outcome: &CaptureOutcome) -> String {
    let sessions = outcome.captured.len() as u64;
    if sessions == 0 {
        return "On this machine `annals capture` would find no sessions yet.".to_owned();
    }
    let messages: u64 = outcome.captured.iter().map(|it| it.added).sum();
    let found = format!(
        "On this machine `annals capture` would find {} with {}",
        brief::count(sessions, "session"),
        brief::count(messages, "message"),
    );
    match outcome.redactions.values().sum() {
        0 => format!("{found}."),
        secrets => format!("{found}, and take out {}.", brief::count(secrets, "secret")),
    }
}

/// A token in the form of GitHub's, the same every time, and never anybody's.
fn made_up_token() -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut state: usize = 2026;
    let digits = (0..36).map(|_| {
        state = (state * 1_103 + 12_345) % 65_521;
        char::from(DIGITS[state % 36])
    });
    ["gh", "p_"].concat() + &digits.collect::<String>()
}

fn failed(what: &str, error: io::Error) -> Failure {
    Error::new(ErrorKind::Io, what).because(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_are_whole() {
        for (text, native_id) in [
            (LOGIN.text, LOGIN.native_id),
            (LOGIN_LATER, LOGIN.native_id),
            (RELEASE.text, RELEASE.native_id),
        ] {
            assert!(text.ends_with("}\n"));
            for line in text.lines() {
                let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
                assert_eq!(value["sessionId"], native_id);
            }
        }
        assert!(RELEASE.text.contains("{{token}}"));
    }

    #[test]
    fn the_token_has_the_form_of_one() {
        let token = made_up_token();
        assert_eq!(token.len(), 40);
        let different: std::collections::HashSet<char> = token.chars().collect();
        assert!(different.len() > 15, "{token}");
    }

    #[test]
    fn the_stage_is_a_home() {
        let folder = tempfile::tempdir().expect("a folder");
        let stage = Stage {
            root: folder.path().to_owned(),
            home: folder.path().join("home"),
            workspace: folder.path().join("home/shop"),
        };
        assert!(stage.workspace.starts_with(&stage.home));
        assert_eq!(LOGIN.short().len(), 8);
        assert_ne!(LOGIN.short(), RELEASE.short());
    }

    #[test]
    fn what_would_be_found_is_said() {
        let nothing = found_text(&CaptureOutcome::default());
        assert!(nothing.contains("no sessions yet"), "{nothing}");
        let outcome = CaptureOutcome {
            captured: vec![crate::repository::CapturedSession {
                head: crate::cli::samples::head(),
                added: 42,
                removed: 0,
            }],
            redactions: [("github-token".to_owned(), 1)].into(),
            ..CaptureOutcome::default()
        };
        assert_eq!(
            found_text(&outcome),
            "On this machine `annals capture` would find 1 session with 42 messages, and take out 1 \
             secret."
        );
    }
}
