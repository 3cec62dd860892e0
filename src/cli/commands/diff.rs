//! `annals diff`: what differs between two revisions, or two sessions.

use clap::Args;

use crate::cli::brief;
use crate::cli::changes::Stat;
use crate::cli::changes::changes;
use crate::cli::commands::show::number;
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
  annals diff 3f2a9c10 77aa01be --stat       how far two sessions differ
  annals diff 3f2a9c10 --branches 1 2        two branches, as `annals show --tree` numbers them")]
pub(crate) struct DiffArgs {
    /// The left side; alone: the session whose last change is shown
    #[arg(value_name = "ID[@REV]")]
    left: String,
    /// The right side
    #[arg(value_name = "ID[@REV]")]
    right: Option<String>,
    /// Compare two branches of the session, as `annals show --tree` numbers them
    #[arg(long, num_args = 2, value_names = ["N", "M"], conflicts_with = "right", value_parser = number)]
    branches: Option<Vec<usize>>,
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
    let (left, right, difference) = match (&args.branches, &args.right) {
        (Some(branches), _) => {
            let numbers = (branches[0] - 1, branches[1] - 1);
            let difference = repository.diff_branches(&left, numbers)?;
            (Some(left.clone()), left, difference)
        }
        (None, right) => {
            let (left, right) = match right {
                Some(right) => (Some(left), context.resolve(&mut repository, right)?),
                None => repository.last_change(left.id)?,
            };
            let difference = repository.diff(left.as_ref(), &right)?;
            (left, right, difference)
        }
    };
    let stat = Stat::of(&difference);
    if context.output.is_json() {
        let view = DiffView::of(&difference, left.as_ref(), &right);
        context.output.json(&view)?;
    } else {
        let branches = args.branches.as_deref();
        let mut text = sides(&difference, branches, (left.as_ref(), &right), context);
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
    branches: Option<&[usize]>,
    (left, right): (Option<&SessionAt>, &SessionAt),
    context: &Context,
) -> String {
    let paint = context.output.paint();
    let side = |place: usize, name: String, at: &SessionAt| {
        let sign = ["---", "+++"][place];
        let branch = branches.map(|branches| format!("branch {} of ", branches[place]));
        let at = paint.faint(&format!("@ {}", at.revision.short()));
        format!("{sign} {}{name} {at}\n", branch.unwrap_or_default())
    };
    let first = match left {
        Some(left) => side(0, brief::name(&difference.left), left),
        None => format!("--- {}\n", paint.faint("nothing before")),
    };
    first + &side(1, brief::name(&difference.right), right)
}
