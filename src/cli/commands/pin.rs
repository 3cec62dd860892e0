//! `annals pin`: keeps a session from being let go.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::repository::Edit;

/// Pin a session, so that no rule lets it go
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals pin 3f2a9c10
  annals pin 3f2a9c10 --off")]
pub(crate) struct PinArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: String,
    /// Unpin it
    #[arg(long)]
    off: bool,
}

/// Runs it.
pub(crate) fn run(args: &PinArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let at = context.resolve(&mut repository, &args.session)?;
    let outcome = repository.edit(at.id, &[Edit::Pin(!args.off)])?;
    let done = if args.off { "Unpinned" } else { "Pinned" };
    context.edited("annals.pin/1", done, &outcome)
}
