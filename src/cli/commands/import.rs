//! `annals import`: sessions from bundles and exports.

use std::path::PathBuf;

use clap::Args;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::ImportView;
use crate::cli::plain::line;
use crate::error::ErrorKind;
use crate::platform;
use crate::repository::ImportOptions;
use crate::repository::ImportPlan;
use crate::repository::ImportedSession;
use crate::repository::Known;
use crate::session::RevisionId;

/// Take in sessions that others shared
///
/// Takes bundles of `annals share`, the JSON and YAML of `annals export`, and JSON sessions of the
/// program before annals. Every file is checked whole before anything is written, and one that is
/// not what it should be is refused whole. Each session gets a new id and remembers the one it had;
/// a session that was taken in before is left out. Secrets are redacted by the rules of today.
/// Paths in a session stay as they stand there: resume it with --workspace DIR. On a terminal, if a
/// session misses something here, it is asked first. The store is made if there is none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals import fix.bundle
  annals import fix.bundle --dry-run        check it, and say what would come
  annals import *.json *.yaml               what `annals export` wrote
  annals import fix.bundle --again          once more, as another session")]
pub(crate) struct ImportArgs {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Only check, and say what would come
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Take in what is here already once more, as another session
    #[arg(long)]
    again: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Runs it.
pub(crate) fn run(args: &ImportArgs, context: &mut Context) -> Result<ExitCode> {
    let files: Vec<PathBuf> =
        args.files.iter().map(|file| context.environment.current.join(file)).collect();
    let mut repository = context.open_or_make()?;
    let path = platform::variable("PATH").unwrap_or_default();
    let programs = std::env::split_paths(&path).collect();
    let options = ImportOptions { again: args.again, programs };
    let meter = context.output.meter("Checking");
    meter.turn();
    let plan = repository.plan_import(&files, &options).map_err(|error| match error.kind() {
        ErrorKind::Corrupt => {
            let hint = "Nothing was imported. Have it sent again: it was cut off or changed.";
            Failure::Hinted(error, hint.into())
        }
        ErrorKind::Invalid => Failure::Hinted(error, "Nothing was imported.".into()),
        _ => error.into(),
    })?;
    drop(meter);
    if !context.output.is_json() {
        warn(&plan, context)?;
    }
    let has_warnings = plan.wanted().any(|session| !session.warnings.is_empty());
    if has_warnings && !args.dry_run && !args.yes && context.output.can_ask() {
        let count = brief::count(plan.wanted().count() as u64, "session");
        if !context.output.is_confirmed(&format!("Import {count} all the same? [y/N]"))? {
            return Err(Failure::Declined("Nothing was imported.".to_owned()));
        }
    }
    let revision = if args.dry_run { None } else { repository.import(&plan)? };
    if context.output.is_json() {
        context.output.json(&ImportView::of(&plan, args.dry_run, revision.as_ref()))?;
    } else {
        tell(&plan, args.dry_run, revision.as_ref(), context)?;
    }
    if revision.is_some() {
        context.after_save(&mut repository)?;
    }
    Ok(ExitCode::Done)
}

fn warn(plan: &ImportPlan, context: &mut Context) -> Result<()> {
    for session in plan.wanted() {
        for warning in &session.warnings {
            let text = format!("{}: {}", session.head.id.short(), line(&warning.message));
            context.output.warning(&text)?;
        }
    }
    Ok(())
}

fn tell(
    plan: &ImportPlan,
    is_dry: bool,
    revision: Option<&RevisionId>,
    context: &mut Context,
) -> Result<()> {
    let wanted: Vec<&ImportedSession> = plan.wanted().collect();
    if !wanted.is_empty() {
        let did = if is_dry { "Would import" } else { "Imported" };
        let mut text = format!("{did} {}", brief::count(wanted.len() as u64, "session"));
        for session in &wanted {
            let head = &session.head;
            let count = head.counts.messages;
            let line = format!("\n  {}  {}  +{count}", head.id.short(), brief::title(head));
            text.push_str(&line);
        }
        context.output.status(&text)?;
    }
    for session in &plan.sessions {
        let here = match session.known {
            Some(Known::Here) => "was imported before",
            Some(Known::Deleted) => "was imported before, and deleted",
            None => continue,
        };
        let name = brief::title(&session.head);
        context.output.status(&format!("{} {here}: {name}", session.head.id.short()))?;
    }
    if plan.sessions.len() > wanted.len() {
        context.output.hint("--again takes it in once more, as another session.")?;
    }
    if !plan.redactions.is_empty() {
        context.output.status(&brief::rules(&plan.redactions))?;
    }
    match wanted.first().filter(|_| revision.is_some()) {
        Some(first) => {
            let short = first.head.id.short();
            let text = format!("`annals show {short}` reads it.");
            context.output.hint(&text)
        }
        None => Ok(()),
    }
}
