//! `annals rename`: gives a session a title.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::repository::Edit;

/// Give a session a title
///
/// It outranks the agent's own title, and stays when the session grows.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals rename 3f2a9c10 Fix the login redirect
  annals rename 3f2a9c10 --clear                   back to the agent's title")]
pub(crate) struct RenameArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: String,
    /// The title; several words need no quotes
    #[arg(value_name = "TITLE", required_unless_present = "clear")]
    title: Vec<String>,
    /// Take the title back, so that the agent's shows again
    #[arg(long, conflicts_with = "title")]
    clear: bool,
}

/// Runs it.
pub(crate) fn run(args: &RenameArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let at = context.resolve(&mut repository, &args.session)?;
    let words: Vec<&str> = args.title.iter().flat_map(|it| it.split_whitespace()).collect();
    let outcome = repository.edit(at.id, &[Edit::Rename(words.join(" "))])?;
    let done = if words.is_empty() { "Took the title off" } else { "Renamed" };
    context.edited("annals.rename/1", done, &outcome)
}
