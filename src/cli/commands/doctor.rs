//! `annals doctor`: checks the store and what is around it.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::DoctorView;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::repository::Check;
use crate::repository::RepairOutcome;
use crate::repository::Repository;
use crate::repository::Verdict;

/// Check the store, its index and what is around them
///
/// Reads every object, so that any damage is found and the session it lies in is named. Looks at
/// journals, locks, settings, the agents' folders and the room on the disk too. Changes nothing.
/// Ends with 5 when something is damaged.
///
/// With --repair it mends first what can be mended: takes objects that are damaged or missing from
/// the remotes, and from the folders that --from names (clones, backups), has main lead to the
/// newest revision that is there, and makes an index anew that does not follow. What was damaged is
/// kept in the store's folder annals/damaged.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals doctor
  annals doctor --json
  annals doctor --repair                       with what the remotes have
  annals doctor --repair --from ~/backup.git   and a clone or a backup")]
pub(crate) struct DoctorArgs {
    /// Mend what can be mended
    #[arg(long)]
    repair: bool,
    /// Take what is missing from this repository too
    #[arg(long, value_name = "DIR", requires = "repair")]
    from: Vec<PathBuf>,
}

/// Runs it.
pub(crate) fn run(args: &DoctorArgs, context: &mut Context) -> Result<ExitCode> {
    let (mut repository, mended) = if args.repair {
        let folders: Vec<&Path> = args.from.iter().map(PathBuf::as_path).collect();
        let mut meter = context.output.meter("Mending");
        let options = context.open_options(false);
        let (repository, outcome) =
            Repository::repair(&options, &folders, &mut |progress| meter.show(progress))?;
        drop(meter);
        (repository, Some(outcome))
    } else {
        (context.open()?, None)
    };
    for notice in mended.iter().flat_map(|it| &it.notices) {
        context.output.warning(&line(notice))?;
    }
    let mut meter = context.output.meter("Checking");
    let checks = repository.doctor(&mut |progress| meter.show(progress))?;
    drop(meter);
    if context.output.is_json() {
        context.output.json(&DoctorView::of(&checks, mended.as_ref()))?;
    } else {
        for step in mended.iter().flat_map(steps) {
            context.output.status(&step)?;
        }
        let text = findings(&checks, context.output.paint());
        context.output.data(&text)?;
    }
    let is_damaged = checks.iter().any(|check| check.verdict == Verdict::Damaged);
    Ok(if is_damaged { ExitCode::Damaged } else { ExitCode::Done })
}

/// What was mended, a line each.
fn steps(outcome: &RepairOutcome) -> Vec<String> {
    if outcome.is_nothing() {
        return vec!["Nothing was mended.".to_owned()];
    }
    let mut steps = Vec::new();
    if let Some(main) = &outcome.main {
        steps.push(format!("Main led nowhere; it leads to revision {} now.", main.short()));
    }
    for (name, count) in &outcome.objects {
        steps.push(format!("{} came from {}.", brief::count(*count, "object"), line(name)));
    }
    if outcome.is_index_new {
        steps.push("The index was made anew.".to_owned());
    }
    steps
}

fn findings(checks: &[Check], paint: Paint) -> String {
    let widest = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let row = |check: &Check| {
        let sign = match check.verdict {
            Verdict::Fine => paint.good("✓"),
            Verdict::Warning => paint.warning("!"),
            Verdict::Damaged => paint.bad("✗"),
        };
        format!("{sign} {:widest$}  {}\n", check.name, line(&check.found))
    };
    checks.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_is_a_line() {
        let check = |name, found: &str, verdict| Check { name, found: found.to_owned(), verdict };
        let checks = [
            check("objects", "All 120 are whole.", Verdict::Fine),
            check("index", "It was behind.\nBuilt anew.", Verdict::Warning),
            check("refs", "main is torn.", Verdict::Damaged),
        ];
        let text = findings(&checks, Paint::new(false));
        let expected = "✓ objects  All 120 are whole.\n! index    It was behind. Built anew.\n✗ refs     main is torn.\n";
        assert_eq!(text, expected);
    }
}
