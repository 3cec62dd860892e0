//! `annals tour`: the main job, shown on small sessions of our own making.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::tour;

/// See what annals does, on small sessions that it brings along
///
/// Works in a temporary folder and leaves nothing behind. At the end it says what `annals capture`
/// would find on this machine; nothing of that is stored.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals tour
  annals tour --no-scan        without a look at this machine")]
pub(crate) struct TourArgs {
    /// Do not look at what there is on this machine
    #[arg(long)]
    no_scan: bool,
}

/// Runs it.
pub(crate) fn run(args: &TourArgs, context: &mut Context) -> Result<ExitCode> {
    if context.output.is_json() {
        let text = "The tour is for people; it has no --json.";
        return Err(Failure::Usage(text.to_owned()));
    }
    tour::walk(!args.no_scan, context)
}
