//! `annals migrate`: brings a store of an older schema to the present one, and back.

use clap::Args;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::MigrationView;
use crate::cli::output::Output;
use crate::cli::plain::line;
use crate::repository::FailedMigration;
use crate::repository::MigrationOutcome;
use crate::repository::MigrationPlan;
use crate::repository::Repository;
use crate::repository::UndoneMigration;
use crate::session::SCHEMA_VERSION;

/// Bring the store to the present schema, or back
///
/// A store of an older schema is migrated by itself, before the first command that writes; commands
/// that only read need no migration. This does it now, tries again the sessions that could not be
/// migrated, and goes forward again after --undo.
///
/// It is one commit; what was there before is kept in history, and under refs/annals/backup/. A session
/// that cannot be migrated stays as it is, with the file and line that is wrong told, and the exit
/// code is 5; all others go on. What redaction finds in older sessions is taken out on the way.
///
/// With --undo the store is what it was before, as a new commit. What was saved since is in history, and
/// comes back with `annals migrate`; until then this program only reads the store.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals migrate --dry-run           what would change, session by session
  annals migrate
  annals migrate --undo              back to what an older program reads
  annals migrate --undo --dry-run    which sessions were saved since")]
pub(crate) struct MigrateArgs {
    /// Only show what would change
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Go back to what the store was before its last migration
    #[arg(long)]
    undo: bool,
}

/// Runs it.
pub(crate) fn run(args: &MigrateArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    if args.undo {
        return undo(args, &mut repository, context);
    }
    let mut meter = context.output.meter("Migrating");
    if args.dry_run {
        let plan = repository.plan_migration(&mut |progress| meter.show(progress))?;
        drop(meter);
        return told_plan(&plan, context);
    }
    let outcome = repository.migrate(&mut |progress| meter.show(progress))?;
    drop(meter);
    if context.output.is_json() {
        context.output.json(&MigrationView::of(&outcome))?;
        return Ok(code(&outcome.failed));
    }
    if outcome.revision.is_none() && outcome.failed.is_empty() {
        let text = format!("Nothing to migrate: the store has schema {SCHEMA_VERSION}.");
        context.output.status(&text)?;
    }
    tell(&outcome, &mut context.output)?;
    Ok(code(&outcome.failed))
}

/// Says what a migration did.
pub(crate) fn tell(outcome: &MigrationOutcome, output: &mut Output) -> Result<()> {
    for failed in &outcome.failed {
        output.warning(&reason(failed))?;
    }
    for name in &outcome.foreign {
        output.warning(&foreign(name))?;
    }
    if outcome.revision.is_some() {
        let (sessions, from) = (brief::count(outcome.sessions, "session"), outcome.from);
        let text = format!("Migrated {sessions} from schema {from} to {SCHEMA_VERSION}.");
        output.status(&text)?;
        output.hint("`annals migrate --undo` goes back.")?;
    }
    Ok(())
}

/// What annals does with what it did not make.
fn foreign(name: &str) -> String {
    format!("{} is no session's: it stays as it is, and is never read", line(name))
}

/// Why a session stays as it is.
fn reason(failed: &FailedMigration) -> String {
    format!("Session {} stays as it is: {}", failed.session.short(), line(&failed.reason))
}

fn code(failed: &[FailedMigration]) -> ExitCode {
    if failed.is_empty() { ExitCode::Done } else { ExitCode::Damaged }
}

fn told_plan(plan: &MigrationPlan, context: &mut Context) -> Result<ExitCode> {
    if context.output.is_json() {
        context.output.json(&MigrationView::planned(plan))?;
        return Ok(code(&plan.failed));
    }
    for session in &plan.sessions {
        let (name, counts) = (brief::name(&session.head), session.head.counts);
        let messages = brief::count(counts.messages, "message");
        let mut text = format!("{name}: schema {} → {SCHEMA_VERSION}, {messages}", session.from);
        let redactions = session.head.redactions.values().sum::<u64>();
        if redactions > 0 {
            text.extend([", ", &brief::count(redactions, "redaction")]);
        }
        text.push('\n');
        context.output.data(&text)?;
    }
    for failed in &plan.failed {
        context.output.warning(&reason(failed))?;
    }
    for name in &plan.foreign {
        context.output.warning(&foreign(name))?;
    }
    let status = match plan.sessions.len() as u64 {
        0 if plan.from == SCHEMA_VERSION => {
            format!("Nothing to migrate: the store has schema {SCHEMA_VERSION}.")
        }
        count => {
            let sessions = brief::count(count, "session");
            let from = plan.from;
            format!(
                "{sessions} would be migrated, the store from schema {from} to {SCHEMA_VERSION}."
            )
        }
    };
    context.output.status(&status)?;
    if plan.is_undone {
        let text = "It was brought back to that by `annals migrate --undo`: what it had then comes \
            back as it was.";
        context.output.hint(text)?;
    }
    Ok(code(&plan.failed))
}

fn undo(
    args: &MigrateArgs,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<ExitCode> {
    let outcome = repository.undo_migration(args.dry_run)?;
    if context.output.is_json() {
        context.output.json(&MigrationView::undone(&outcome))?;
        return Ok(ExitCode::Done);
    }
    let UndoneMigration { to, set_aside, state_of, .. } = &outcome;
    let verb = if args.dry_run { "would be" } else { "is" };
    let state = state_of.short();
    context.output.status(&format!("The store {verb} back at schema {to}, as in {state}."))?;
    if !set_aside.is_empty() {
        let sessions = brief::count(set_aside.len() as u64, "session");
        let text = format!(
            "{sessions} saved since the migration {verb} in history only; `annals migrate` brings \
             it all back."
        );
        context.output.warning(&text)?;
    }
    context.output.hint("Until `annals migrate`, this program only reads the store.")?;
    Ok(ExitCode::Done)
}
