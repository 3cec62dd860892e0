//! The front end: arguments, one file per command, output layer, JSON views, exit codes.
//!
//! A command resolves what was typed, calls [`crate::repository::Repository`], and renders the
//! outcome; it has no logic of its own. `output` is the one place that prints, `exit` the one table
//! of failures, `json` the shapes of `--json`, `plain` what makes the text of sessions safe to
//! see. Nothing outside the crate uses more of it than [`run`].

mod behind;
mod brief;
mod changes;
mod commands;
mod context;
mod conversation;
mod dashboard;
mod editor;
mod exit;
mod filters;
mod hits;
mod interrupt;
mod json;
mod listing;
mod mending;
mod output;
mod paint;
mod picker;
mod query;
#[cfg(test)]
mod samples;
pub mod shell;
mod table;
mod tour;

use std::ffi::OsString;
use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use clap::CommandFactory as _;
use clap::Parser;
use clap::ValueEnum;

use crate::cli::commands::Command;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::output::Output;
use crate::cli::output::OutputOptions;
use crate::cli::plain::plain;
use crate::config::Color;
use crate::repository::told_without_secrets;
pub(crate) use crate::session::plain;

const AFTER_HELP: &str = "\
Examples:
  annals capture                take in what your agents wrote since last time
  annals list --here            the sessions of this folder
  annals show 3f2a9c10          read one; ids can be shortened, @ is the newest one here
  annals resume 3f2a9c10        put one back into its agent and start it

Exit codes: 0 done, 1 a negative answer, 2 wrong usage, 3 failed, 4 locked, 5 damaged or too new,
70 a bug, 130 interrupted.";

/// Keep, find and resume your conversations with AI agents
#[derive(Debug, Parser)]
#[command(name = "annals", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    /// Use the store in DIR [default: `ANNALS_STORE`, then `store.path` in config.toml, then the
    /// data folder]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    store: Option<PathBuf>,
    /// Print data as JSON; docs/json.md has the shapes
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// Print no status, progress or hints
    #[arg(long, short, global = true, help_heading = "Global options")]
    quiet: bool,
    /// Use colours [default: auto, or `output.color` in config.toml; `NO_COLOR` is heeded]
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Global options")]
    color: Option<ColorWhen>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorWhen {
    Auto,
    Always,
    Never,
}

impl From<ColorWhen> for Color {
    fn from(when: ColorWhen) -> Self {
        match when {
            ColorWhen::Auto => Self::Auto,
            ColorWhen::Always => Self::Always,
            ColorWhen::Never => Self::Never,
        }
    }
}

/// Runs annals with the arguments of a process, its name first, and says how the process ends.
pub fn run(args: impl IntoIterator<Item = OsString>) -> std::process::ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let code = match Cli::try_parse_from(&args) {
        Ok(cli) => run_parsed(cli),
        Err(error) => refuse_arguments(&args, &error),
    };
    std::process::ExitCode::from(code.number())
}

fn run_parsed(cli: Cli) -> ExitCode {
    let options = OutputOptions {
        is_quiet: cli.quiet,
        is_json: cli.json,
        color: match cli.color {
            Some(ColorWhen::Always) => Some(true),
            Some(ColorWhen::Never) => Some(false),
            Some(ColorWhen::Auto) | None => None,
        },
        ..OutputOptions::default()
    };
    let panic = keep_panics();
    let ended = catch_unwind(AssertUnwindSafe(|| dispatch(cli)));
    let failure = match ended {
        Ok(Ok(code)) => return code,
        Ok(Err(failure)) => failure,
        Err(_) => {
            let said = panic.lock().map(|said| said.clone());
            Failure::Panic(said.unwrap_or_default())
        }
    };
    tell(&mut Output::of_process(options), &failure)
}

fn dispatch(cli: Cli) -> Result<ExitCode> {
    let Some(command) = cli.command else {
        let mut out = anstream::stdout().lock();
        write!(out, "{}", Cli::command().render_help().ansi())?;
        return Ok(ExitCode::Done);
    };
    let flags = context::Flags {
        store: cli.store,
        is_json: cli.json,
        is_quiet: cli.quiet,
        color: cli.color.map(Color::from),
    };
    // These two must work where there is no home folder, and a broken configuration.
    match command {
        Command::Completions(args) => commands::completions::run(&args, &mut flags.plain_output()),
        Command::Man(args) => commands::man::run(&args, &mut flags.plain_output()),
        command => commands::run(command, &mut Context::of_process(flags)?),
    }
}

/// The command that these words are, as if they were typed behind `annals`.
pub(crate) fn parse_command(words: &[String]) -> Result<Command> {
    let parsed = parse(words).map_err(|error| Failure::Usage(usage(&error)))?;
    parsed.command.ok_or_else(|| Failure::Usage("There is no command.".to_owned()))
}

/// The help that these words ask for, if they do.
pub(crate) fn help_asked(words: &[String]) -> Option<String> {
    let help = parse(words).err().filter(|error| !error.use_stderr());
    help.map(|help| help.to_string())
}

fn parse(words: &[String]) -> clap::error::Result<Cli> {
    let typed = std::iter::once("annals").chain(words.iter().map(String::as_str));
    Cli::try_parse_from(typed)
}

/// Tells why it failed, and gives the code to end with.
fn tell(output: &mut Output, failure: &Failure) -> ExitCode {
    let Some(mut report) = exit::report(failure) else {
        return ExitCode::Done;
    };
    report.message = told_without_secrets(&report.message);
    match output.failure(&report) {
        // With stderr gone, the code is all that can be told.
        Ok(()) | Err(_) => report.code,
    }
}

/// Tells what is wrong with the arguments, or shows help or version.
fn refuse_arguments(args: &[OsString], error: &clap::Error) -> ExitCode {
    let is_json = args.iter().any(|arg| arg == "--json");
    if error.use_stderr() && is_json {
        let options = OutputOptions { is_json, ..OutputOptions::default() };
        return tell(&mut Output::of_process(options), &Failure::Usage(usage(error)));
    }
    let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Done };
    // What was typed stands in it, and our own styles.
    let text = error.render().to_string();
    let clean = if error.use_stderr() { told_without_secrets(&text) } else { text.clone() };
    let told = if error.use_stderr() && (clean != text || !is_harmless(args)) {
        write!(anstream::stderr(), "{}", plain(&clean))
    } else {
        error.print()
    };
    match told {
        Ok(()) | Err(_) => code,
    }
}

/// What is wrong with the arguments, without the help for people that follows.
fn usage(error: &clap::Error) -> String {
    let text = error.to_string();
    let message = text.split("\n\nUsage:").next().unwrap_or_default();
    let message = message.split("\n\nFor more").next().unwrap_or_default();
    message.trim_start_matches("error: ").trim_end().to_owned()
}

/// Whether nothing that was typed could steer a terminal.
fn is_harmless(args: &[OsString]) -> bool {
    args.iter().all(|arg| arg.to_str().is_some_and(|text| plain(text) == text))
}

/// Has panics keep what they say, so that it is told as one of our failures.
fn keep_panics() -> Arc<Mutex<String>> {
    let kept = Arc::new(Mutex::new(String::new()));
    let keeper = Arc::clone(&kept);
    std::panic::set_hook(Box::new(move |panic| {
        if let Ok(mut kept) = keeper.lock() {
            *kept = format!("annals {} {panic}", env!("CARGO_PKG_VERSION"));
        }
    }));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_and_a_title_without_full_stop() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            let title = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!title.is_empty() && !title.ends_with('.'), "{name}: {title}");
            let after = command.get_after_help().map(ToString::to_string);
            let after = after.unwrap_or_default();
            assert!(after.contains(&format!("annals {name}")), "{name}: {after}");
        }
    }

    #[test]
    fn a_wrong_command_suggests_the_right_one() {
        let error = Cli::try_parse_from(["annals", "lst"]).expect_err("no such command");
        assert!(error.to_string().contains("'list'"), "{error}");
        assert_eq!(error.exit_code(), i32::from(ExitCode::Usage.number()));
    }
}
