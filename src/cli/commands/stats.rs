//! `annals stats`: what the store holds and takes, how operations went, what to look at.

use std::path::PathBuf;

use chrono::DateTime;
use chrono::Local;
use chrono::NaiveDate;
use chrono::Utc;
use clap::Args;

use crate::cli::context::Context;
use crate::cli::dashboard;
use crate::cli::dashboard::DashboardLook;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::filters::FilterArgs;
use crate::cli::filters::why_nothing;
use crate::cli::json::StatsView;
use crate::cli::plain::plain;
use crate::repository::write_dashboard;

/// Show what the store holds and takes, how operations went, and what to look at
///
/// Sessions, messages and tokens by agent, model, workspace and day; the size of the store, its ratio to
/// what went in, and its growth; how often each operation was done, how long it took and how often it
/// failed, in the last one to two months. Filters choose the sessions that are summed up, those of
/// sub-agents included; days are those of your time zone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals stats                            the whole store
  annals stats --here --since 'last month'
  annals stats --model opus --json        for programs
  annals stats --html stats.html          as a page for the browser")]
pub(crate) struct StatsArgs {
    /// Write a page with charts to FILE instead
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write over FILE if it is there
    #[arg(long, short, requires = "html")]
    force: bool,
    #[command(flatten)]
    filters: FilterArgs,
}

/// Runs it.
pub(crate) fn run(args: &StatsArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    let filter = args.filters.filter(&mut repository, context)?;
    let mut meter = context.output.meter("Counting");
    let stats = repository.stats(&filter, &day_of, &mut |progress| meter.show(progress))?;
    drop(meter);
    let now = repository.now();
    let look = DashboardLook {
        paint: context.output.paint(),
        width: context.output.table_width().unwrap_or(100),
        home: &context.environment.home,
        today: day_of(now),
        now,
    };
    if let Some(path) = &args.html {
        let page = dashboard::page(&stats, look);
        let path = context.environment.current.join(path);
        write_dashboard(&page, &path, args.force)?;
        let shown = context.path(&path);
        context.output.status(&format!("Wrote {shown}"))?;
    }
    if context.output.is_json() {
        context.output.json(&StatsView::of(&stats))?;
    }
    if args.html.is_some() || context.output.is_json() {
        return Ok(ExitCode::Done);
    }
    let text = dashboard::text(&stats, look);
    context.output.page(&text)?;
    if stats.totals.sessions + stats.totals.subagents == 0 {
        let hint = if filter.is_open() {
            "No sessions yet. `annals capture` takes in what your agents wrote.".to_owned()
        } else {
            plain(&why_nothing(&filter, &mut repository)?).into_owned()
        };
        context.output.hint(&hint)?;
    }
    Ok(ExitCode::Done)
}

/// The day on which an instant falls, here.
fn day_of(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Local).date_naive()
}
