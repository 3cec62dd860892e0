//! `annals sync`: brings this store and a remote to the same state.

use std::io::IsTerminal;

use clap::Args;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::RemotesView;
use crate::cli::json::SyncView;
use crate::cli::plain::plain;
use crate::platform;
use crate::repository::Repository;
use crate::repository::SyncOptions;
use crate::repository::SyncOutcome;
use crate::repository::told_without_secrets;
use crate::session::SessionId;

/// Bring this store and a remote to the same state
///
/// Takes in what other machines saved, merges what both sides continued, and gives the remote what
/// it lacks. Of a session that went on in two places no message is lost and none is doubled. What
/// was deleted on one side and went on on the other is kept. Names of revisions stay what they are:
/// history only grows.
///
/// What arrives is checked before any of it becomes part of the store. Interrupted, it leaves a
/// store that the next sync goes on with.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals remote add origin git@example.org:me/annals.git
  annals sync
  annals sync origin --dry-run       what would come and go
  annals sync --auto                 what is done by itself behind captures; for timers")]
pub(crate) struct SyncArgs {
    /// The remote [default: the only one]
    remote: Option<String>,
    /// Sync with the remotes that are synced with by themselves, if they are due; what is not reached
    /// is no error
    #[arg(long, conflicts_with_all = ["remote", "dry_run"])]
    auto: bool,
    /// Only show what would come and go
    #[arg(long, short = 'n')]
    dry_run: bool,
}

/// Runs it.
pub(crate) fn run(args: &SyncArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    if args.auto {
        return sync_due(&mut repository, context);
    }
    let options = SyncOptions { is_dry_run: args.dry_run };
    let outcome = {
        let mut meter = context.output.meter("Syncing");
        repository.sync(args.remote.as_deref(), options, &mut |step| meter.step(step))?
    };
    if context.output.is_json() {
        context.output.json(&SyncView::of(&outcome))?;
    } else {
        for line in told(&outcome) {
            context.output.status(&line)?;
        }
    }
    Ok(ExitCode::Done)
}

/// Syncs with what is due. Nobody may be there: nothing is asked, and what fails is told by `stats`.
fn sync_due(repository: &mut Repository, context: &mut Context) -> Result<ExitCode> {
    if !std::io::stdin().is_terminal() {
        platform::leave_terminal();
    }
    let done = {
        let mut meter = context.output.meter("Syncing");
        repository.sync_due(&mut |step| meter.step(step))?
    };
    for (remote, outcome) in &done {
        match outcome {
            Ok(outcome) => context.output.status(&told(outcome).join("\n"))?,
            Err(error) => {
                let text =
                    told_without_secrets(&format!("{} was not synced: {error}", remote.name));
                context.output.warning(&plain(&text))?;
            }
        }
    }
    if context.output.is_json() {
        let mut states = repository.remote_states()?;
        states.retain(|state| done.iter().any(|(remote, _)| remote.name == state.remote.name));
        context.output.json(&RemotesView::known(&states))?;
    } else if done.is_empty() {
        context.output.status("No remote is due.")?;
    }
    Ok(ExitCode::Done)
}

/// What happened, a line each.
fn told(outcome: &SyncOutcome) -> Vec<String> {
    let SyncOutcome { remote, came, merged, kept, went, is_scrubbed, is_dry_run, .. } = outcome;
    let SyncOutcome { held, stays, rewritten, .. } = outcome;
    let counted = |ids: &[SessionId]| brief::count(ids.len() as u64, "session");
    let (came_in, went_out, joined) = if *is_dry_run {
        ("would come from", "would go to", "would be merged")
    } else {
        ("came from", "went to", "merged: both sides had gone on")
    };
    let mut lines = Vec::new();
    if let Some(before) = rewritten {
        let verb = if *is_dry_run { "would be given" } else { "was given" };
        lines.push(format!(
            "Somebody rewrote the history of {remote} by force. What it had before ({}) is still \
             here, and {verb} back to it.",
            before.short()
        ));
    }
    if !came.is_empty() {
        lines.push(format!("{} {came_in} {remote}.", counted(came)));
    }
    if !merged.is_empty() {
        lines.push(format!("{} {joined}.", counted(merged)));
    }
    for id in kept {
        lines.push(format!(
            "Session {} was deleted on one side, but went on; it is kept.",
            id.short()
        ));
    }
    if !went.is_empty() {
        lines.push(format!("{} {went_out} {remote}.", counted(went)));
    }
    if !held.is_empty() {
        let (verb, them) = if held.len() == 1 { ("does", "it") } else { ("do", "them") };
        lines.push(format!(
            "{} of {remote} {verb} not match its filter: what changed in {them} here stays here.",
            counted(held)
        ));
    }
    if let Some(stays) = stays.filter(|_| *is_dry_run) {
        lines.push(format!("{} would stay here.", brief::count(stays, "session")));
    }
    if *is_scrubbed {
        let verb = if *is_dry_run { "would take" } else { "took" };
        lines.push(format!("The scrubbed history {verb} the place of the one before."));
    }
    if lines.is_empty() {
        lines.push(match stays {
            Some(_) => format!("Nothing to do: {remote} has all that it gets."),
            None => format!("Nothing to do: this store and {remote} are the same."),
        });
    }
    lines
}
