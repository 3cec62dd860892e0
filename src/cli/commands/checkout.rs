//! `annals checkout`: writes the store as a folder of readable files.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::FolderView;

/// Write the store as a folder of readable files
///
/// The folder is an ordinary git clone; `git pull` in it brings what is saved later.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals checkout ~/sessions
  git -C ~/sessions pull
  annals hooks install git --repo ~/sessions     git merges as `annals sync` does")]
pub(crate) struct CheckoutArgs {
    /// The folder, which must not be there yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs it.
pub(crate) fn run(args: &CheckoutArgs, context: &mut Context) -> Result<ExitCode> {
    let folder = context.environment.current.join(&args.folder);
    context.open()?.checkout(&folder)?;
    if context.output.is_json() {
        let view = FolderView::of("annals.checkout/1", &folder);
        context.output.json(&view)?;
    } else {
        let path = context.path(&folder);
        context.output.status(&format!("Wrote the store's files to {path}"))?;
    }
    Ok(ExitCode::Done)
}
