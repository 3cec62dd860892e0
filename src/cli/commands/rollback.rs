//! `annals rollback`: takes a session back to an earlier revision.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::context::no_revision;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::repository::known_agents;

/// Take a session back to an earlier revision
///
/// Nothing is lost: the way back is a save of its own, and `annals rollback` can go forward again.
/// The agent's own file is left alone until `annals restore` writes it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals rollback 3f2a9c10 ~1            to what it was before the last save
  annals rollback 3f2a9c10 8d41c2aa      to a revision that `annals log` shows")]
pub(crate) struct RollbackArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: String,
    /// The revision: a commit, `~N` saves back, or a time
    #[arg(value_name = "REV")]
    revision: String,
}

/// Runs it.
pub(crate) fn run(args: &RollbackArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let at = context.resolve(&mut repository, &args.session)?;
    // `@~1` is how a revision is written behind an id; it means the same here.
    let revision = args.revision.trim_start_matches('@');
    let to =
        repository.resolve_revision(at.id, revision).map_err(|error| no_revision(error, at.id))?;
    let outcome = repository.rollback(at.id, &to)?;
    let done = format!("Rolled back to {}:", to.short());
    let code = context.edited("annals.rollback/1", &done, &outcome)?;
    // Some programs have no files but the store.
    let has_files = known_agents().contains(&outcome.head.agent.name.as_str());
    if outcome.revision.is_some() && has_files {
        let id = outcome.head.id.short();
        context.output.hint(&format!("To write the agent's file too: annals restore {id}"))?;
    }
    Ok(code)
}
