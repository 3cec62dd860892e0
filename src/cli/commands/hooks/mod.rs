//! `annals hooks`: has agents capture their sessions by themselves, and git merge and check them.

mod git;

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command as Process;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::Args;
use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::HooksView;
use crate::repository::HookChange;
use crate::repository::HookPlan;
use crate::repository::Operation;
use crate::repository::record;
use crate::repository::transcripts_told;

use git::GitArgs;

/// The longest word of an agent to its hook, in bytes.
const WORD_LIMIT: u64 = 1 << 20;

/// How long an agent may take to say it: a hook returns within 50 ms.
const PATIENCE: Duration = Duration::from_millis(30);

/// Have agents and git call annals by themselves
///
/// Installed for Claude Code, a session is captured at the end of each turn, before a compaction and
/// at its end, behind the agent's back: the hook returns at once and never fails it. Two commands
/// come along: `/sessions` and `/recall QUERY`, which answer inside the agent. The settings are
/// edited in place, with a copy beside them; `remove` takes out what `install` put in.
///
/// Installed for git, in a clone of a store: `git pull` and `git merge` merge sessions as `annals
/// sync` does, and what is no store's file or holds a secret is neither committed nor pushed. In a
/// bare repository that others push to: it takes no such thing, and no rewritten history. Hooks that
/// are there already are kept, and go first; docs/plain-git.md has the details.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals hooks install claude-code
  annals hooks list
  annals hooks remove claude-code --dry-run
  annals hooks install git --repo ~/sessions")]
pub(crate) struct HooksArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Have an agent, or git, call annals
    Install(ChangeArgs),
    /// Have it do so no more
    Remove(ChangeArgs),
    /// Say which agents do, and whether git does here
    List(ListArgs),
    /// What a hook of an agent's, or of git's, calls
    #[command(hide = true)]
    Run(RunArgs),
    /// What an agent's commands call
    #[command(hide = true)]
    Answer(AnswerArgs),
}

#[derive(Debug, Args)]
struct ChangeArgs {
    /// The agent, or `git`
    #[arg(value_name = "AGENT")]
    agent: String,
    /// The home that it keeps its files in [default: yours]
    #[arg(long, value_name = "DIR", conflicts_with = "repo")]
    home: Option<PathBuf>,
    /// The repository, for git [default: the one that this folder lies in]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// The agent, or `git` [default: all]
    #[arg(value_name = "AGENT")]
    agent: Option<String>,
    /// The home to look in [default: yours]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// The repository to look in [default: the one that this folder lies in, if it is a store's]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RunArgs {
    #[arg(value_name = "AGENT")]
    agent: String,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    call: Vec<OsString>,
}

#[derive(Debug, Args)]
struct AnswerArgs {
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// Runs it.
pub(crate) fn run(args: HooksArgs, context: &mut Context) -> Result<ExitCode> {
    match args.action {
        Action::Install(args) => {
            let program = std::env::current_exe()?;
            match args.agent.as_str() {
                git::NAME => git::install(&args.of_git()?, &program, context),
                _ => change(&args.of_agent()?, Some(&program), context),
            }
        }
        Action::Remove(args) => match args.agent.as_str() {
            git::NAME => git::remove(&args.of_git()?, context),
            _ => change(&args.of_agent()?, None, context),
        },
        Action::List(args) => list(&args, context),
        Action::Run(args) if args.agent == git::NAME => git::answer(&args.call, context),
        Action::Run(args) => Ok(capture_behind(&args, context)),
        Action::Answer(args) => answer(args.words, context),
    }
}

impl ChangeArgs {
    fn of_git(self) -> Result<GitArgs> {
        if self.home.is_some() {
            return Err(Failure::Usage("--home is for agents; git takes --repo.".to_owned()));
        }
        Ok(GitArgs { repo: self.repo, dry_run: self.dry_run })
    }

    fn of_agent(self) -> Result<Self> {
        match self.repo {
            Some(_) => Err(Failure::Usage("--repo is for git; an agent takes --home.".to_owned())),
            None => Ok(self),
        }
    }
}

fn change(args: &ChangeArgs, program: Option<&Path>, context: &mut Context) -> Result<ExitCode> {
    let plan = HookPlan::of(&context.environment, &args.agent, args.home.as_deref(), program)?;
    if !args.dry_run {
        record(&context.open_options(false), Operation::Hooks, || plan.apply())?;
    }
    if context.output.is_json() {
        context.output.json(&HooksView::of(&plan, args.dry_run))?;
        return Ok(ExitCode::Done);
    }
    tell(plan.agent, plan.files(), args.dry_run, context)?;
    if program.is_some() && !args.dry_run {
        context.output.hint("Sessions that start from now on are captured by themselves.")?;
    }
    Ok(ExitCode::Done)
}

/// Says which files change.
fn tell<'p>(
    agent: &str,
    files: impl Iterator<Item = (&'p Path, HookChange)>,
    is_dry_run: bool,
    context: &mut Context,
) -> Result<()> {
    let mut lines: Vec<String> = Vec::new();
    for (path, change) in files {
        let verb = match (change, is_dry_run) {
            (HookChange::Made, false) => "Made",
            (HookChange::Changed, false) => "Changed",
            (HookChange::Removed, false) => "Removed",
            (HookChange::Made, true) => "Would make",
            (HookChange::Changed, true) => "Would change",
            (HookChange::Removed, true) => "Would remove",
        };
        lines.push(format!("{verb} {}", context.path(path)));
    }
    if lines.is_empty() {
        lines.push(format!("Nothing to change for {agent}."));
    }
    context.output.status(&lines.join("\n"))
}

fn list(args: &ListArgs, context: &mut Context) -> Result<ExitCode> {
    let home = args.home.as_deref();
    let is_git_only = args.agent.as_deref() == Some(git::NAME);
    let is_agent_only = args.agent.is_some() && !is_git_only;
    let in_git =
        if is_agent_only { None } else { git::state(args.repo.as_deref(), is_git_only, context)? };
    let of = |agent: &str| HookPlan::of(&context.environment, agent, home, None);
    let only =
        args.agent.as_deref().filter(|_| is_agent_only).map(of).transpose()?.map(|plan| plan.agent);
    let mut found = Vec::new();
    for agent in HookPlan::agents() {
        if is_git_only || only.is_some_and(|only| only != agent) {
            continue;
        }
        // They are in where there is something to take out.
        let plan = of(agent)?;
        found.push((agent, plan.folder.clone(), plan.files().next().is_some()));
    }
    found.extend(in_git.map(|state| (git::NAME, state.folder, state.is_installed)));
    if context.output.is_json() {
        context.output.json(&HooksView::of_agents(&found))?;
        return Ok(ExitCode::Done);
    }
    for (agent, folder, is_installed) in found {
        let state = if is_installed { "installed" } else { "not installed" };
        let folder = context.path(&folder);
        context.output.data(&format!("{agent}  {state}  {folder}\n"))?;
    }
    Ok(ExitCode::Done)
}

/// Starts a capture of what the agent names and does not wait for it. An agent must never fail for
/// its hook, so nothing is told and the code says that all is well.
fn capture_behind(args: &RunArgs, context: &Context) -> ExitCode {
    // What is not told in time names nothing; then all that is new is captured.
    let word = word_of_agent().unwrap_or_default();
    let mut arguments: Vec<PathBuf> = vec!["--quiet".into()];
    if let Some(store) = &context.flags.store {
        arguments.extend(["--store".into(), context.environment.current.join(store)]);
    }
    arguments.push("capture".into());
    let told = transcripts_told(&args.agent, &word);
    if told.is_empty() {
        arguments.push(args.agent.clone().into());
    }
    told.into_iter().for_each(|path| arguments.extend(["--path".into(), path]));
    if let Ok(program) = std::env::current_exe() {
        let mut capture = Process::new(program);
        capture.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // What is typed to the agent, Ctrl-C above all, is not for this one.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut capture, 0);
        drop(capture.spawn());
    }
    ExitCode::Done
}

/// What the agent tells the hook. It may leave the pipe open, so it is not waited for longer than
/// agents may wait for us.
fn word_of_agent() -> Option<String> {
    let (sender, word) = mpsc::channel();
    thread::spawn(move || {
        let mut word = String::new();
        drop(std::io::stdin().take(WORD_LIMIT).read_to_string(&mut word));
        sender.send(word)
    });
    word.recv_timeout(PATIENCE).ok()
}

/// Runs a command that only reads, for an agent's own command.
fn answer(words: Vec<String>, context: &mut Context) -> Result<ExitCode> {
    let words = if words.is_empty() { vec!["list".to_owned(), "--here".to_owned()] } else { words };
    match crate::cli::parse_command(&words)? {
        command if command.only_reads() => crate::cli::commands::run(command, context),
        _ => Err(Failure::Usage(
            "Inside an agent only these answer: list, search, show, log, diff.".to_owned(),
        )),
    }
}
