//! `annals purge`: takes sessions out of all history.

use clap::Args;

use crate::cli::brief;
use crate::cli::commands::scan;
use crate::cli::commands::scrub::still_held;
use crate::cli::commands::scrub::tell_of_copies;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::PurgeView;
use crate::repository::PurgePlan;
use crate::session::SessionId;

/// Take sessions out of all history
///
/// They go from every revision, deleted or not, with their sub-agents' sessions, and from the disk.
/// What stays is a tombstone without content, so that capture does not bring them back. Revisions
/// that held them, and all that follow them, get new ids. Shows a plan and asks first; without a
/// terminal, --yes is needed. There is no way back.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals purge 3f2a9c10 --dry-run
  annals purge 3f2a9c10 77aa01be
  annals purge --deleted                 all that was deleted or pruned")]
pub(crate) struct PurgeArgs {
    /// The sessions
    #[arg(value_name = "ID", required_unless_present = "deleted")]
    sessions: Vec<String>,
    /// All sessions that are deleted
    #[arg(long, conflicts_with = "sessions")]
    deleted: bool,
    /// Only show the plan
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Runs it.
pub(crate) fn run(args: &PurgeArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let mut ids: Vec<SessionId> = Vec::new();
    for text in &args.sessions {
        let at = scan::resolve(text, true, &mut repository, context)?;
        if !ids.contains(&at.id) {
            ids.push(at.id);
        }
    }
    if args.deleted {
        ids = repository.deleted_sessions()?;
    }
    let plan = repository.plan_purge(&ids)?;
    if plan.sessions.is_empty() {
        context.output.status("No session is deleted.")?;
    } else if !context.output.is_json() {
        show(&plan, context)?;
    }
    let mut outcome = None;
    if !plan.sessions.is_empty() && !args.dry_run {
        if !args.yes && !context.output.can_ask() {
            let text = "Nothing was purged: without a terminal, `annals purge` needs --yes.";
            return Err(Failure::Declined(text.to_owned()));
        }
        let question = "Take them out of all history? There is no way back. [y/N]";
        if !args.yes && !context.output.is_confirmed(question)? {
            return Err(Failure::Declined("Nothing was purged.".to_owned()));
        }
        let meter = context.output.meter("Rewriting the history");
        meter.turn();
        outcome = Some(repository.purge(&plan).map_err(still_held)?);
        drop(meter);
    }
    if context.output.is_json() {
        context.output.json(&PurgeView::of(&plan, args.dry_run, outcome.as_ref()))?;
    } else if let Some(outcome) = &outcome {
        let sessions = brief::count(plan.sessions.len() as u64, "session");
        let (rewritten, revisions) = (outcome.rewritten, outcome.revisions);
        let text =
            format!("Purged {sessions}: {rewritten} of {revisions} revisions were rewritten.");
        context.output.status(&text)?;
    }
    Ok(ExitCode::Done)
}

fn show(plan: &PurgePlan, context: &mut Context) -> Result<()> {
    for session in &plan.sessions {
        let name = context.named(&session.head);
        let revisions = brief::count(session.revisions, "revision");
        context.output.status(&format!("  {name}  {revisions}"))?;
    }
    tell_of_copies(&plan.remotes, context)
}
