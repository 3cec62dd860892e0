//! `annals gc`: packs the store tightly.

use clap::Args;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::GcView;

/// Pack the store tightly
///
/// Saves pack by themselves when it is worth it; this packs all that there is. Nothing that any
/// revision holds goes away.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals gc")]
pub(crate) struct GcArgs {}

/// Runs it.
pub(crate) fn run(_: &GcArgs, context: &mut Context) -> Result<ExitCode> {
    let repository = context.open()?;
    let meter = context.output.meter("Packing the store");
    meter.turn();
    let outcome = repository.gc()?;
    drop(meter);
    let is_whole = outcome.is_whole;
    if context.output.is_json() {
        context.output.json(&GcView::of(outcome))?;
    } else {
        let (before, after) = (brief::bytes(outcome.before), brief::bytes(outcome.after));
        context.output.status(&format!("Packed the store: {before} → {after}."))?;
    }
    if !is_whole {
        context.output.warning("Something of the history is missing, or cannot be read.")?;
        context.output.hint("`annals doctor` says what it is.")?;
    }
    Ok(ExitCode::Done)
}
