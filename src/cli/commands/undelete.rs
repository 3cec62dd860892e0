//! `annals undelete`: brings deleted sessions back.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::UndeletedView;

/// Bring deleted sessions back
///
/// With `--revision` all of those that one revision deleted: what a prune took.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals undelete 3f2a9c10
  annals undelete --revision 1f0c9a3e        all that one prune took")]
pub(crate) struct UndeleteArgs {
    /// The session, as it was called before it was deleted
    #[arg(value_name = "ID", required_unless_present = "revision")]
    session: Option<String>,
    /// All sessions that this revision deleted
    #[arg(long, value_name = "REV", conflicts_with = "session")]
    revision: Option<String>,
}

/// Runs it.
pub(crate) fn run(args: &UndeleteArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let Some(revision) = &args.revision else {
        let text = args.session.as_deref().unwrap_or_default();
        let id = repository.resolve_deleted(text)?;
        let outcome = repository.undelete(id)?;
        return context.edited("annals.undelete/1", "Brought back", &outcome);
    };
    let outcome = repository.undelete_revision(revision)?;
    if context.output.is_json() {
        context.output.json(&UndeletedView::of(&outcome))?;
        return Ok(ExitCode::Done);
    }
    for head in &outcome.sessions {
        let name = context.named(head);
        context.output.status(&format!("Brought back {name}"))?;
    }
    Ok(ExitCode::Done)
}
