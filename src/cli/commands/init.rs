//! `annals init`: makes an empty store.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::FolderView;
use crate::repository::Repository;

/// Make an empty store
///
/// Only needed for a store at a place of your own: `annals capture` makes the usual one by itself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals init                                  where annals looks for it by default
  annals --store ~/backup/sessions.git init    somewhere else")]
pub(crate) struct InitArgs {}

/// Runs it.
pub(crate) fn run(_: &InitArgs, context: &mut Context) -> Result<ExitCode> {
    let repository = Repository::init(&context.open_options(true))?;
    if context.output.is_json() {
        let view = FolderView::of("annals.init/1", repository.path());
        context.output.json(&view)?;
    } else {
        let path = context.path(repository.path());
        context.output.status(&format!("Made an empty store in {path}"))?;
    }
    Ok(ExitCode::Done)
}
