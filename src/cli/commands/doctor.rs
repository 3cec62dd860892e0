//! `annals doctor`: checks the store and what is around it.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::DoctorView;
use crate::cli::mending;
use crate::cli::paint::Paint;
use crate::cli::plain::line;
use crate::error::ErrorKind;
use crate::repository::Check;
use crate::repository::OpenOptions;
use crate::repository::RepairOutcome;
use crate::repository::RepairPlan;
use crate::repository::RepairStep;
use crate::repository::Repository;
use crate::repository::Verdict;

/// How many damaged objects are shown that nobody has.
const SHOWN: usize = 20;

/// Check the store, its index and what is around them
///
/// Reads every object, so that any damage is found and the session it lies in is named. Looks at
/// refs, modes and owners, journals, locks, settings, the agents' folders and the room on the disk
/// too. Mends nothing. Ends with 5 when something is damaged.
///
/// With --repair it mends first what can be mended, and tells each step: takes objects that are
/// damaged or missing from the remotes, and from the folders that --from names (clones, backups),
/// makes again what git keeps beside objects (indexes of packs and the like) and the settings that it
/// needs, leads main to the newest revision that is there, takes away refs that lead nowhere and locks of
/// gits that died, closes what others could read, and makes an index anew that does not follow. A
/// session of which nobody has a sound copy is put together from what can be read of it and of its
/// older revisions, in a commit; what is lost is told, record by record. What was damaged is kept in
/// the store's folder annals/damaged, and nothing is ever thrown away.
///
/// Steps that give something up for lost are asked about first; without a terminal they need --yes,
/// and are left undone otherwise. With --dry-run the plan is shown, and nothing is changed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals doctor
  annals doctor --json
  annals doctor --repair --dry-run             what could be mended
  annals doctor --repair                       with what the remotes have
  annals doctor --repair --from ~/backup.git   and a clone or a backup")]
pub(crate) struct DoctorArgs {
    /// Mend what can be mended
    #[arg(long)]
    repair: bool,
    /// Only show what would be mended
    #[arg(long, short = 'n', requires = "repair")]
    dry_run: bool,
    /// Do not ask before something is given up for lost
    #[arg(long, short, requires = "repair")]
    yes: bool,
    /// Take what is missing from this repository too
    #[arg(long, value_name = "DIR", requires = "repair")]
    from: Vec<PathBuf>,
}

/// Runs it.
pub(crate) fn run(args: &DoctorArgs, context: &mut Context) -> Result<ExitCode> {
    if args.repair && args.dry_run {
        let lacking = Repository::lacking(&context.open_options(false))?;
        if !lacking.is_empty() {
            return show_opening(&lacking, context);
        }
    }
    let (mut repository, mended) = if args.repair {
        let plan = plan(args, context)?;
        if args.dry_run {
            show(&plan, context)?;
            let is_damaged = plan.has_damage();
            return Ok(if is_damaged { ExitCode::Damaged } else { ExitCode::Done });
        }
        let (repository, outcome) = mend(args, plan, context)?;
        (repository, Some(outcome))
    } else {
        (context.open().map_err(advised)?, None)
    };
    let mut meter = context.output.meter("Checking");
    let checks = repository.doctor(&mut |progress| meter.show(progress))?;
    drop(meter);
    if context.output.is_json() {
        context.output.json(&DoctorView::of(&checks, mended.as_ref()))?;
    } else {
        let text = findings(&checks, context.output.paint());
        context.output.data(&text)?;
    }
    let is_damaged = checks.iter().any(|check| check.verdict == Verdict::Damaged);
    Ok(if is_damaged { ExitCode::Damaged } else { ExitCode::Done })
}

/// A store that cannot even be opened can be mended.
fn advised(failure: Failure) -> Failure {
    match failure {
        // A folder that is no store any more may have been one.
        Failure::Library(error)
            if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Invalid) =>
        {
            let hint = "`annals doctor --repair` mends what can be mended.";
            Failure::Hinted(error, hint.into())
        }
        failure => failure,
    }
}

fn plan(args: &DoctorArgs, context: &mut Context) -> Result<RepairPlan> {
    let folders: Vec<&Path> = args.from.iter().map(PathBuf::as_path).collect();
    let options = context.open_options(false);
    let made = if args.dry_run { Vec::new() } else { Repository::make_openable(&options)? };
    for name in made {
        context.output.status(&format!("Made {name} again, without which it is no store"))?;
    }
    let mut meter = context.output.meter("Looking for damage");
    let plan = Repository::plan_repair(&options, &folders, &mut |progress| meter.show(progress))?;
    drop(meter);
    for notice in &plan.notices {
        context.output.warning(&line(notice))?;
    }
    Ok(plan)
}

/// Shows all that is known of a store that cannot be opened for what it lacks.
fn show_opening(lacking: &[&str], context: &mut Context) -> Result<ExitCode> {
    let made =
        lacking.iter().map(|it| format!("Would make {it} again, without which it is no store"));
    let notice = "What else there is to mend is known once the store can be opened.".to_owned();
    let notices: Vec<String> = made.chain([notice]).collect();
    if context.output.is_json() {
        context.output.json(&DoctorView::begun(&notices))?;
    } else {
        context.output.data(&format!("{}\n", notices.join("\n")))?;
    }
    Ok(ExitCode::Damaged)
}

/// Shows the plan, which is all that was asked for.
fn show(plan: &RepairPlan, context: &mut Context) -> Result<()> {
    if context.output.is_json() {
        return context.output.json(&DoctorView::planned(plan));
    }
    let steps = plan.steps.iter().map(|step| told(step, true));
    let lost = plan.lost.iter().map(|lost| format!("{}\n", line(&mending::lost(lost))));
    let damages = plan.damages.iter().take(SHOWN);
    let damages = damages.map(|damage| format!("Nobody has {}\n", line(&damage.to_string())));
    let more = plan.damages.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!("… and {more} more\n"));
    let text: String = steps.chain(lost).chain(damages).chain(more).collect();
    let nothing = "There is nothing to mend.\n";
    context.output.data(if text.is_empty() { nothing } else { &text })
}

fn mend(
    args: &DoctorArgs,
    plan: RepairPlan,
    context: &mut Context,
) -> Result<(Repository, RepairOutcome)> {
    let may_give_up = args.yes || plan.is_losing() && is_given_up(&plan, context)?;
    let (told_before, still) = (plan.notices.len(), plan.damages.len());
    let (mut told_of, output) = (Ok(()), &mut context.output);
    let options = OpenOptions {
        store: context.flags.store.clone(),
        environment: context.environment.clone(),
        create: false,
    };
    let mended = Repository::repair(&options, plan, may_give_up, &mut |step| {
        if told_of.is_ok() && !output.is_json() {
            told_of = output.status(told(step, false).trim_end());
        }
    });
    let (repository, outcome) = mended?;
    told_of?;
    if outcome.done.is_empty() && outcome.left.is_empty() {
        context.output.status("Nothing was mended.")?;
    }
    for notice in outcome.notices.iter().skip(told_before) {
        context.output.warning(&line(notice))?;
    }
    for lost in &outcome.lost {
        context.output.warning(&line(&mending::lost(lost)))?;
    }
    for step in &outcome.left {
        context.output.warning(told(step, true).trim_end())?;
    }
    if !outcome.left.is_empty() {
        let text =
            "That is left undone: --from names who may have what is lost, --yes gives it up.";
        context.output.hint(text)?;
    }
    if still > 0 {
        let objects = if still == 1 { "object" } else { "objects" };
        context.output.warning(&format!(
            "Nobody who was asked has {still} {objects} of the history, which stays damaged."
        ))?;
        context.output.hint("A clone or a backup may: `annals doctor --repair --from DIR`.")?;
    }
    Ok((repository, outcome))
}

/// Asks, where there is somebody to ask, about what would be given up.
fn is_given_up(plan: &RepairPlan, context: &mut Context) -> Result<bool> {
    if !context.output.can_ask() {
        return Ok(false);
    }
    for step in plan.steps.iter().filter(|step| step.is_losing()) {
        context.output.status(told(step, true).trim_end())?;
    }
    let question =
        "Nobody who was asked has the rest; a clone or a backup may (--from). Give it up? [y/N]";
    context.output.is_confirmed(question)
}

/// A step, with the places of its losses.
fn told(step: &RepairStep, would: bool) -> String {
    let places = mending::places(step);
    let places = places.iter().map(|place| format!("    {}\n", line(place)));
    std::iter::once(format!("{}\n", line(&mending::step(step, would)))).chain(places).collect()
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
