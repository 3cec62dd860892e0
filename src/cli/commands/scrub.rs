//! `annals scrub`: takes secrets out of all history.

use clap::Args;

use crate::cli::brief;
use crate::cli::commands::scan;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::ScrubView;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::cli::table;
use crate::cli::table::Column;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::repository::Repository;
use crate::repository::ScrubPlan;
use crate::repository::ScrubbedSession;
use crate::session::SessionId;

/// What helps while a program holds what is to be rewritten.
const STILL_HELD: &str =
    "A program saves what it holds within seconds, or when it ends. Then try again.";

/// Take secrets out of all history
///
/// Takes what `annals scan --history` finds out of every revision, or with --value one value that
/// is asked for, or read from stdin: never from an argument, which other users could see. Revisions
/// that hold it, and all that follow them, get new ids; the old ones are removed from the disk.
/// Shows a plan and asks first; without a terminal, --yes is needed. There is no way back.
/// What a running program holds of a session and has not saved yet would bring it back: while that is
/// so, nothing is rewritten, and the plan says which session it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals scrub --dry-run                  what would go, and from where
  annals scrub                            all that today's rules find
  annals scrub 3f2a9c10                   of one session only
  annals scrub --value                    a value that is asked for
  annals scrub --value --yes < leaked.txt")]
pub(crate) struct ScrubArgs {
    /// The sessions [default: all]
    #[arg(value_name = "ID")]
    sessions: Vec<String>,
    /// Take out one value, asked for or read from stdin
    #[arg(long)]
    value: bool,
    /// Only show the plan
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Runs it.
pub(crate) fn run(args: &ScrubArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let plan = plan(args, &mut repository, context)?;
    for (id, reason) in &plan.unreadable {
        context.output.warning(&format!("session {}: {}", id.short(), line(reason)))?;
    }
    let is_refused = !args.yes && !context.output.can_ask();
    if !context.output.is_json() {
        show(&plan, context)?;
    }
    if let Some(session) = plan.unsaved.first().filter(|_| plan.is_empty() && !args.dry_run) {
        let message = format!(
            "{} is held by a program that is running, and what that has not saved yet holds it",
            session.short()
        );
        return Err(still_held(Error::new(ErrorKind::Locked, message)));
    }
    let mut outcome = None;
    if !plan.is_empty() && !args.dry_run {
        if is_refused {
            let text = "Nothing was scrubbed: without a terminal, `annals scrub` needs --yes.";
            return Err(Failure::Declined(text.to_owned()));
        }
        let question = "Rewrite the history? There is no way back. [y/N]";
        if !args.yes && !context.output.is_confirmed(question)? {
            return Err(Failure::Declined("Nothing was scrubbed.".to_owned()));
        }
        let meter = context.output.meter("Rewriting the history");
        meter.turn();
        outcome = Some(repository.scrub(&plan).map_err(still_held)?);
        drop(meter);
    }
    if context.output.is_json() {
        context.output.json(&ScrubView::of(&plan, args.dry_run, outcome.as_ref()))?;
    } else if let Some(outcome) = &outcome {
        let (rewritten, revisions) = (outcome.rewritten, outcome.revisions);
        let text = format!("Scrubbed: {rewritten} of {revisions} revisions were rewritten.");
        context.output.status(&text)?;
    }
    Ok(if plan.unreadable.is_empty() { ExitCode::Done } else { ExitCode::Damaged })
}

fn plan(args: &ScrubArgs, repository: &mut Repository, context: &mut Context) -> Result<ScrubPlan> {
    let resolve = |text: &String, repository: &mut Repository| {
        scan::resolve(text, true, repository, context).map(|at| at.id)
    };
    let sessions: Vec<SessionId> =
        args.sessions.iter().map(|text| resolve(text, repository)).collect::<Result<_>>()?;
    let value = if args.value { Some(ask(context)?) } else { None };
    let mut meter = context.output.meter("Looking through the history");
    Ok(match value {
        Some(value) => {
            repository.plan_scrub_of(&value, &sessions, &mut |progress| meter.show(progress))?
        }
        None => repository.plan_scrub(&sessions, &mut |progress| meter.show(progress))?,
    })
}

/// Says what to do where somebody still holds what is to be rewritten.
pub(super) fn still_held(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::Locked => Failure::Hinted(error, STILL_HELD.into()),
        _ => error.into(),
    }
}

fn ask(context: &mut Context) -> Result<String> {
    let value = context.output.ask_hidden("The value that must go (it is not shown):")?;
    value.ok_or_else(|| Failure::Declined("Nothing was scrubbed: no value was given.".to_owned()))
}

fn show(plan: &ScrubPlan, context: &mut Context) -> Result<()> {
    for id in &plan.unsaved {
        let id = id.short();
        context.output.warning(&format!(
            "session {id} is held by a program that has not saved everything yet, and that holds \
             it: nothing is rewritten before it has saved, or ended"
        ))?;
    }
    if plan.is_empty() && !plan.unsaved.is_empty() {
        return Ok(());
    }
    if plan.is_empty() {
        return context.output.status("Nothing to scrub: no revision holds it.");
    }
    let width = context.output.table_width();
    let text = sessions(&plan.sessions, width, context.output.paint());
    context.output.data(&text)?;
    let revisions = brief::count(plan.revisions, "revision");
    let text = format!("Looked through {revisions}. Those that change get new ids.");
    context.output.status(&text)?;
    tell_of_copies(&plan.remotes, context)?;
    context.output.hint("Change the secrets where they are valid first: copies may be anywhere.")
}

/// Says where else what goes from the store may still be.
pub(super) fn tell_of_copies(remotes: &[(String, String)], context: &mut Context) -> Result<()> {
    for (name, url) in remotes {
        context.output.status(&format!(
            "Not touched: the remote {} ({})",
            line(name),
            line(url)
        ))?;
    }
    let text = "Not touched: clones, checkouts, exports, backups, and the agents' own files.";
    context.output.status(text)
}

fn sessions(sessions: &[ScrubbedSession], width: Option<usize>, paint: Paint) -> String {
    let columns = [
        Column { style: |paint, text| paint.id(text), ..Column::new("SESSION") },
        Column::number("VERSIONS"),
        Column::new("FOUND"),
    ];
    let row = |it: &ScrubbedSession| {
        let rules = it.rules.iter().map(|(rule, count)| format!("{rule} {count}"));
        let rules: Vec<String> = rules.collect();
        let found = if rules.is_empty() { "the value".to_owned() } else { rules.join(", ") };
        vec![it.id.short(), it.versions.to_string(), found]
    };
    let rows: Vec<Vec<String>> = sessions.iter().map(row).collect();
    table::render(&columns, &rows, width, paint)
}
