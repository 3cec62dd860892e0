//! `annals tag`: puts tags on a session, and takes them off.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::repository::Edit;

/// Tag a session
///
/// A tag is one word, without commas.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals tag 3f2a9c10 auth bug            put two tags on it
  annals tag 3f2a9c10 --remove bug        take one off
  annals list --tag auth                  find it again")]
pub(crate) struct TagArgs {
    /// The session
    #[arg(value_name = "ID")]
    session: String,
    /// Tags to put on it
    #[arg(value_name = "TAG", required_unless_present = "remove")]
    tags: Vec<String>,
    /// Tags to take off
    #[arg(long, short, value_name = "TAG", num_args = 1..)]
    remove: Vec<String>,
}

/// Runs it.
pub(crate) fn run(args: TagArgs, context: &mut Context) -> Result<ExitCode> {
    let (tags, removed) = (args.tags, args.remove);
    let mut repository = context.open()?;
    let at = context.resolve(&mut repository, &args.session)?;
    let done = if tags.is_empty() { "Took tags off" } else { "Tagged" };
    let mut edits = Vec::new();
    if !removed.is_empty() {
        edits.push(Edit::Untag(removed));
    }
    if !tags.is_empty() {
        edits.push(Edit::Tag(tags));
    }
    let outcome = repository.edit(at.id, &edits)?;
    context.edited("annals.tag/1", done, &outcome)
}
