//! `annals resume`: puts a session back into its agent and starts it.

use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use crate::cli::commands::restore::ask_for_place;
use crate::cli::commands::restore::quoted;
use crate::cli::commands::restore::refused;
use crate::cli::commands::restore::shell_line;
use crate::cli::commands::restore::told;
use crate::cli::context::Context;
use crate::cli::conversation;
use crate::cli::conversation::Look;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::RestoreView;
use crate::cli::picker;
use crate::cli::picker::Choice;
use crate::cli::picker::PickerOptions;
use crate::cli::plain::line;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository::PlaceSource;
use crate::repository::Repository;
use crate::repository::RestoreOptions;
use crate::repository::RestoreOutcome;
use crate::repository::ResumeCommand;
use crate::repository::SessionAt;

/// Put a session back into its agent and start it
///
/// Shows what is known of the session and asks before it starts the agent in the session's
/// workspace; where that is not on this machine, in the folder where its repository lies here (see
/// `annals workspace`). Without an ID, a session is chosen on the full screen: type to filter, Ctrl-F searches
/// the texts, Enter resumes, `?` shows the keys. The screen is drawn on stderr, so `cd "$(…)"` and
/// pipes work. Exit code 130: none was chosen.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Examples:
  annals resume                    choose one on the full screen
  annals resume --plain            choose one from a numbered list, as a screen reader wants it
  annals resume @                  the newest one of this folder
  annals resume 3f2a9c10 --print   only print the command that starts the agent")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct ResumeArgs {
    /// The session, and its revision if not the latest [default: choose one]
    #[arg(value_name = "ID[@REV]")]
    session: Option<String>,
    /// The agent to resume it in [default: its own]
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// The folder to resume it in [default: the recorded workspace, or where that lies here]
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Write over a newer file of the agent's
    #[arg(long, short)]
    force: bool,
    /// Write the agent's files, and print the command instead of running it
    #[arg(long, short)]
    print: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Choose by number from a list, not on the full screen; for screen readers
    #[arg(long)]
    plain: bool,
}

/// Runs it.
pub(crate) fn run(args: ResumeArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    if let Some(text) = &args.session {
        let at = context.resolve(&mut repository, text)?;
        return resume(args, &at, repository, context);
    }
    if !context.output.can_ask() {
        let text = "Which session? Without a terminal, `annals resume` needs an ID.";
        return Err(Failure::Usage(text.to_owned()));
    }
    let options = PickerOptions { is_plain: args.plain, ..PickerOptions::default() };
    let choice = picker::pick(&options, &mut repository, context)?;
    resume_chosen(args, choice, repository, context)
}

/// Resumes what was chosen, if anything was.
pub(crate) fn resume_chosen(
    args: ResumeArgs,
    choice: Choice,
    mut repository: Repository,
    context: &mut Context,
) -> Result<ExitCode> {
    match choice {
        Choice::NoSessions => Ok(ExitCode::Done),
        Choice::Cancelled => Ok(ExitCode::Interrupted),
        Choice::Session { id, agent, is_seen } => {
            let at = context.resolve(&mut repository, &id.to_string())?;
            // Whoever chose it with its conversation in view knows what he starts.
            let args = ResumeArgs { agent: agent.or(args.agent), yes: args.yes || is_seen, ..args };
            resume(args, &at, repository, context)
        }
    }
}

fn resume(
    args: ResumeArgs,
    at: &SessionAt,
    mut repository: Repository,
    context: &mut Context,
) -> Result<ExitCode> {
    let is_started = !args.print && !context.output.is_json();
    let current = &context.environment.current;
    let mut options = RestoreOptions {
        agent: args.agent,
        workspace: args.workspace.map(|folder| current.join(folder)),
        force: args.force,
        dry_run: true,
        ..RestoreOptions::default()
    };
    if is_started || context.output.can_ask() {
        let plan = planned(at, &options, &mut repository, context)?;
        if is_started {
            // This process becomes the agent.
            context.tell_of_damage(None)?;
            if !plan.workspace_exists {
                return Err(no_workspace(&plan, context));
            }
            if !args.yes && !is_confirmed(&mut repository, at, &plan.command, context)? {
                return Err(Failure::Declined("Nothing was written.".to_owned()));
            }
        }
    }
    options.dry_run = false;
    let outcome =
        repository.restore(at, &options).map_err(|error| refused(error, at, &repository))?;
    if context.output.is_json() {
        let view = RestoreView::of("annals.resume/1", &outcome);
        context.output.json(&view)?;
        return Ok(ExitCode::Done);
    }
    told("Restored", &outcome, context)?;
    if !is_started {
        let command = shell_line(&outcome.command);
        context.output.data(&format!("{command}\n"))?;
        return Ok(ExitCode::Done);
    }
    drop(repository);
    start(&outcome.command)
}

/// What would be written, once it is known where, as far as somebody can tell.
fn planned(
    at: &SessionAt,
    options: &RestoreOptions,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<RestoreOutcome> {
    let plan = repository.restore(at, options).map_err(|error| refused(error, at, repository))?;
    if !ask_for_place(&plan, repository, context)? {
        return Ok(plan);
    }
    repository.restore(at, options).map_err(|error| refused(error, at, repository))
}

/// An agent can't be started in a folder that is not there.
fn no_workspace(plan: &RestoreOutcome, context: &Context) -> Failure {
    let folder = context.path(&plan.command.folder);
    let (id, program) = (plan.head.id.short(), &plan.command.program);
    let workspace = &plan.head.workspace;
    let repository = workspace.repository.as_ref().filter(|_| plan.place == PlaceSource::Recorded);
    let what = repository.map(|name| format!(", and {} was not seen here", line(name)));
    let what = what.unwrap_or_default();
    let name = workspace.repository.as_ref().or(workspace.root.as_ref());
    let name = name.map_or_else(String::new, |name| quoted(name));
    Failure::Declined(format!(
        "There is no folder {folder} to start {program} in{what}.\n\
         `annals resume {id} --workspace DIR` resumes the session in another; \
         `annals workspace map {name} DIR` says where it lies, for all its sessions."
    ))
}

/// Shows what is known of the session, and asks.
fn is_confirmed(
    repository: &mut Repository,
    at: &SessionAt,
    command: &ResumeCommand,
    context: &mut Context,
) -> Result<bool> {
    if !context.output.can_ask() {
        let text = "Without a terminal, `annals resume` needs --yes, or --print.";
        return Err(Failure::Declined(text.to_owned()));
    }
    let look = Look { paint: context.output.status_paint(), ..context.look() };
    let author = repository.author(at.id)?;
    let header = conversation::header(&repository.load(at)?.head(), author.as_deref(), look);
    context.output.status(&header)?;
    let folder = context.path(&command.folder);
    let question = format!("Start {} in {folder}? [Y/n]", command.program);
    let answer = context.output.ask(&question)?;
    Ok(answer.is_some_and(|it| it.is_empty() || it.eq_ignore_ascii_case("y") || it == "yes"))
}

/// Becomes the agent; where a process cannot, starts it and waits for its end.
fn start(command: &ResumeCommand) -> Result<ExitCode> {
    let mut agent = Command::new(&command.program);
    agent.args(&command.arguments).current_dir(&command.folder);
    #[cfg(unix)]
    let failed = std::os::unix::process::CommandExt::exec(&mut agent);
    #[cfg(not(unix))]
    let failed = match agent.status() {
        Ok(status) if status.success() => return Ok(ExitCode::Done),
        Ok(_) => return Ok(ExitCode::Failed),
        Err(error) => error,
    };
    let message = format!(
        "{} could not be started. The session is restored; to resume it by hand: {}",
        command.program,
        shell_line(command)
    );
    Err(Error::new(ErrorKind::Io, message).because(failed).into())
}
