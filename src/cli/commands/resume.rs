//! `annals resume`: puts a session back into its agent and starts it.

use std::path::PathBuf;
use std::process::Command;

use clap::Args;

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
use crate::cli::listing::ListLook;
use crate::cli::listing::listing;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository::Filter;
use crate::repository::Page;
use crate::repository::Repository;
use crate::repository::RestoreOptions;
use crate::repository::RestoreOutcome;
use crate::repository::ResumeCommand;
use crate::repository::SessionAt;
use crate::repository::SortKey;

/// How many sessions can be chosen from.
const CHOICES: u64 = 15;

/// Put a session back into its agent and start it
///
/// Shows what is known of the session and asks before it starts the agent in the session's
/// workspace. Without an ID, the latest sessions can be chosen from.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals resume                    choose one of the latest
  annals resume @                  the newest one of this folder
  annals resume 3f2a9c10 --print   only print the command that starts the agent")]
pub(crate) struct ResumeArgs {
    /// The session, and its revision if not the latest [default: choose one]
    #[arg(value_name = "ID[@REV]")]
    session: Option<String>,
    /// The agent to resume it in [default: its own]
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// The folder to resume it in [default: the recorded workspace]
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
}

/// Runs it.
pub(crate) fn run(args: ResumeArgs, context: &mut Context) -> Result<ExitCode> {
    let is_started = !args.print && !context.output.is_json();
    let mut repository = context.open()?;
    let Some(at) = chosen(args.session.as_deref(), &mut repository, context)? else {
        return Ok(ExitCode::Done);
    };
    let current = &context.environment.current;
    let mut options = RestoreOptions {
        agent: args.agent,
        workspace: args.workspace.map(|folder| current.join(folder)),
        force: args.force,
        dry_run: is_started,
        ..RestoreOptions::default()
    };
    if is_started {
        let plan =
            repository.restore(&at, &options).map_err(|error| refused(error, &at, &repository))?;
        if !plan.workspace_exists {
            return Err(no_workspace(&plan, context));
        }
        if !args.yes && !is_confirmed(&repository, &at, &plan.command, context)? {
            return Err(Failure::Declined("Nothing was written.".to_owned()));
        }
        options.dry_run = false;
    }
    let outcome =
        repository.restore(&at, &options).map_err(|error| refused(error, &at, &repository))?;
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

/// The session that was typed, or is chosen from the latest; none: none was chosen.
fn chosen(
    typed: Option<&str>,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<Option<SessionAt>> {
    if let Some(text) = typed {
        return context.resolve(repository, text).map(Some);
    }
    if !context.output.can_ask() {
        let text = "Which session? Without a terminal, `annals resume` needs an ID.";
        return Err(Failure::Usage(text.to_owned()));
    }
    let page = Page { offset: 0, limit: CHOICES };
    let latest = repository.list(&Filter::default(), SortKey::Modified, false, page)?;
    if latest.sessions.is_empty() {
        let text = "No sessions yet. `annals capture` takes in what your agents wrote.";
        context.output.hint(text)?;
        return Ok(None);
    }
    let look = ListLook {
        paint: context.output.status_paint(),
        width: context.output.table_width(),
        home: &context.environment.home,
        now: repository.now(),
        is_numbered: true,
    };
    let text = listing(&latest.sessions, look);
    context.output.status(text.trim_end())?;
    loop {
        let question = "Resume which one? (number, or Enter for none)";
        let answer = context.output.ask(question)?.unwrap_or_default();
        if answer.is_empty() {
            return Ok(None);
        }
        let place = answer.parse::<usize>().ok().and_then(|it| it.checked_sub(1));
        if let Some(row) = place.and_then(|place| latest.sessions.get(place)) {
            return context.resolve(repository, &row.head.id.to_string()).map(Some);
        }
        context.output.status(&format!("There are {} to choose from.", latest.sessions.len()))?;
    }
}

/// An agent can't be started in a folder that is not there.
fn no_workspace(plan: &RestoreOutcome, context: &Context) -> Failure {
    let folder = context.path(&plan.command.folder);
    let (id, program) = (plan.head.id.short(), &plan.command.program);
    Failure::Declined(format!(
        "There is no folder {folder} to start {program} in.\n\
         `annals resume {id} --workspace DIR` resumes the session in another."
    ))
}

/// Shows what is known of the session, and asks.
fn is_confirmed(
    repository: &Repository,
    at: &SessionAt,
    command: &ResumeCommand,
    context: &mut Context,
) -> Result<bool> {
    if !context.output.can_ask() {
        let text = "Without a terminal, `annals resume` needs --yes, or --print.";
        return Err(Failure::Declined(text.to_owned()));
    }
    let look = Look { paint: context.output.status_paint(), ..context.look() };
    let header = conversation::header(&repository.load(at)?.head(), look);
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
