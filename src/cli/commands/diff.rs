//! `annals diff`: what differs between two revisions, or two sessions.

use clap::Args;

use crate::cli::brief;
use crate::cli::changes::Stat;
use crate::cli::changes::changes;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::DiffView;
use crate::repository::Difference;
use crate::repository::SessionAt;

/// Compare two revisions of a session, or two sessions
///
/// What people say of it, then message by message, and word by word within a message that changed.
/// With one ID: what its last save changed. What tools put out is cut to a few lines. Ends with 1 when something differs, and with 0 when nothing does.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals diff 3f2a9c10                       what the last save changed
  annals diff 3f2a9c10@~3 3f2a9c10           what the last three saves changed
  annals diff 3f2a9c10 77aa01be --stat       how far two sessions differ")]
pub(crate) struct DiffArgs {
    /// The left side; alone: the session whose last change is shown
    #[arg(value_name = "ID[@REV]")]
    left: String,
    /// The right side
    #[arg(value_name = "ID[@REV]")]
    right: Option<String>,
    /// Show only how many messages differ
    #[arg(long)]
    stat: bool,
    /// Show what tools put out in full
    #[arg(long, short)]
    tools: bool,
}

/// Runs it.
pub(crate) fn run(args: &DiffArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let left = context.resolve(&mut repository, &args.left)?;
    let (left, right) = match &args.right {
        Some(right) => (Some(left), context.resolve(&mut repository, right)?),
        None => repository.last_change(left.id)?,
    };
    let difference = repository.diff(left.as_ref(), &right)?;
    let stat = Stat::of(&difference);
    if context.output.is_json() {
        let view = DiffView::of(&difference, left.as_ref(), &right);
        context.output.json(&view)?;
    } else {
        let mut text = sides(&difference, left.as_ref(), &right, context);
        if !args.stat {
            text += &changes(&difference, args.tools, context.look());
        }
        text += &stat.line(context.output.paint());
        context.output.page(&text)?;
    }
    if stat.is_equal() { Ok(ExitCode::Done) } else { Ok(ExitCode::Negative) }
}

/// What is compared, one line a side.
fn sides(
    difference: &Difference,
    left: Option<&SessionAt>,
    right: &SessionAt,
    context: &Context,
) -> String {
    let paint = context.output.paint();
    let side = |sign: &str, name: String, at: &SessionAt| {
        let at = paint.faint(&format!("@ {}", at.revision.short()));
        format!("{sign} {name} {at}\n")
    };
    let first = match left {
        Some(left) => side("---", brief::name(&difference.left), left),
        None => format!("--- {}\n", paint.faint("nothing before")),
    };
    first + &side("+++", brief::name(&difference.right), right)
}
