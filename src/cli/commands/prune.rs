//! `annals prune`: lets go what retention does not keep.

use chrono::TimeDelta;
use clap::Args;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::filters::FilterArgs;
use crate::cli::json::PruneView;
use crate::repository::DropReason;
use crate::repository::KeptSessions;
use crate::repository::PrunePlan;

/// Let go what retention does not keep
///
/// The limits stand in config.toml: `retention.count`, `retention.age`, `retention.size`, and
/// `[[retention.rules]]` for single agents or workspaces. As long as none is set, nothing is let go.
/// The oldest go first; what is pinned, or held by a program, stays. Saves do this by themselves, at
/// most once an hour.
///
/// It is one commit, and history keeps what went: `annals undelete --revision REV` brings all of it
/// back, `annals purge` takes it from the disk. With filters only sessions that match go. Shows a
/// plan and asks first; without a terminal, --yes is needed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals config set retention.age '180 days'
  annals prune --dry-run                     what would go, and why
  annals prune --agent claude
  annals undelete --revision 1f0c9a3e        bring back all that one prune took")]
pub(crate) struct PruneArgs {
    /// Only show the plan
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    filters: FilterArgs,
}

/// Runs it.
pub(crate) fn run(args: &PruneArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let mut filter = args.filters.filter(&mut repository, context)?;
    filter.with_subagents = true;
    let plan = repository.plan_prune(&filter)?;
    if !context.output.is_json() {
        show(&plan, context)?;
    }
    let mut outcome = None;
    if !args.dry_run && !plan.dropped.is_empty() {
        if !args.yes && !context.output.can_ask() {
            let text = "Nothing was pruned: without a terminal, `annals prune` needs --yes.";
            return Err(Failure::Declined(text.to_owned()));
        }
        if !args.yes && !context.output.is_confirmed("Let them go? History keeps them. [y/N]")? {
            return Err(Failure::Declined("Nothing was pruned.".to_owned()));
        }
        outcome = Some(repository.prune(&plan)?);
    }
    if context.output.is_json() {
        context.output.json(&PruneView::of(&plan, args.dry_run, outcome.as_ref()))?;
    } else if let Some(outcome) = &outcome {
        let sessions = brief::count(outcome.deleted.len() as u64, "session");
        context.output.status(&format!("Pruned {sessions}."))?;
        if let Some(revision) = &outcome.revision {
            let text =
                format!("To bring all back: annals undelete --revision {}", revision.short());
            context.output.hint(&text)?;
        }
    }
    Ok(ExitCode::Done)
}

fn show(plan: &PrunePlan, context: &mut Context) -> Result<()> {
    if !plan.has_limits {
        context.output.status("No limit is set, so nothing is let go.")?;
        let text = "To set one: annals config set retention.age '180 days'";
        return context.output.hint(text);
    }
    for session in &plan.dropped {
        let (name, why) = (context.named(&session.head), reason(session.reason));
        context.output.status(&format!("  {name}  {why}"))?;
    }
    let what = match plan.dropped.len() as u64 {
        0 => "Nothing goes".to_owned(),
        1 => "1 session goes".to_owned(),
        many => format!("{many} sessions go"),
    };
    context.output.status(&format!("{what}; {}.", kept(plan.kept)))
}

/// Why a session goes, in words.
fn reason(reason: DropReason) -> String {
    match reason {
        DropReason::Age(age) => format!("not changed for {}", span(age)),
        DropReason::Count(most) => format!("more than {}", brief::count(most, "session")),
        DropReason::Size(most) => format!("more than {} together", brief::bytes(most)),
    }
}

fn span(age: TimeDelta) -> String {
    match (age.num_days(), age.num_hours()) {
        (0, hours) => brief::count(hours.unsigned_abs(), "hour"),
        (days, _) => brief::count(days.unsigned_abs(), "day"),
    }
}

/// How many sessions stay, and why.
fn kept(kept: KeptSessions) -> String {
    let reasons = [(kept.pinned, "pinned"), (kept.live, "live"), (kept.undated, "without a date")];
    let all = kept.within + kept.pinned + kept.live + kept.undated;
    let guarded: Vec<String> = reasons
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let verb = if all == 1 { "stays" } else { "stay" };
    match guarded.as_slice() {
        [] => format!("{all} {verb}"),
        guarded => format!("{all} {verb}, {}", guarded.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_in_words() {
        assert_eq!(reason(DropReason::Age(TimeDelta::days(90))), "not changed for 90 days");
        assert_eq!(reason(DropReason::Age(TimeDelta::hours(1))), "not changed for 1 hour");
        assert_eq!(reason(DropReason::Count(1)), "more than 1 session");
        assert_eq!(reason(DropReason::Size(2_000_000)), "more than 2 MB together");
    }

    #[test]
    fn what_stays_is_counted() {
        let all = KeptSessions { within: 3, pinned: 1, live: 0, undated: 2 };
        assert_eq!(kept(all), "6 stay, 1 pinned, 2 without a date");
        assert_eq!(kept(KeptSessions { within: 1, ..KeptSessions::default() }), "1 stays");
    }
}
