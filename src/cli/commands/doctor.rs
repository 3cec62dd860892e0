//! `annals doctor`: checks the store and what is around it.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::json::DoctorView;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::repository::Check;
use crate::repository::Verdict;

/// Check the store, its index and what is around them
///
/// Reads every object, so that any damage is found and the session it lies in is named. Looks at
/// journals, locks, settings, the agents' folders and the room on the disk too. Changes nothing. Ends with 5 when something is damaged.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals doctor
  annals doctor --json")]
pub(crate) struct DoctorArgs {}

/// Runs it.
pub(crate) fn run(_: &DoctorArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let mut meter = context.output.meter("Checking");
    let checks = repository.doctor(&mut |progress| meter.show(progress))?;
    drop(meter);
    if context.output.is_json() {
        context.output.json(&DoctorView::of(&checks))?;
    } else {
        let text = findings(&checks, context.output.paint());
        context.output.data(&text)?;
    }
    let is_damaged = checks.iter().any(|check| check.verdict == Verdict::Damaged);
    Ok(if is_damaged { ExitCode::Damaged } else { ExitCode::Done })
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
