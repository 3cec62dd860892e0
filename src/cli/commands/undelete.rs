//! `annals undelete`: brings deleted sessions back.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;

/// Bring a deleted session back
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals undelete 3f2a9c10")]
pub(crate) struct UndeleteArgs {
    /// The session, as it was called before it was deleted
    #[arg(value_name = "ID")]
    session: String,
}

/// Runs it.
pub(crate) fn run(args: &UndeleteArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let id = repository.resolve_deleted(&args.session)?;
    let outcome = repository.undelete(id)?;
    context.edited("annals.undelete/1", "Brought back", &outcome)
}
