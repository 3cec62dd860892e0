//! `annals list`: sessions, filtered, sorted, paged.

use clap::Args;
use clap::ValueEnum;

use crate::cli::commands::resume::ResumeArgs;
use crate::cli::commands::resume::resume_chosen;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::filters::FilterArgs;
use crate::cli::filters::why_nothing;
use crate::cli::json::ListView;
use crate::cli::listing::ListLook;
use crate::cli::listing::listing;
use crate::cli::picker;
use crate::cli::picker::PickerOptions;
use crate::cli::plain::plain;
use crate::cli::query;
use crate::repository::Filter;
use crate::repository::Listing;
use crate::repository::Page;
use crate::repository::Repository;
use crate::repository::SortKey;

/// List sessions
///
/// Newest first, 30 at a time. Values of one filter are alternatives; different filters must all
/// hold. Sub-agents' sessions are folded into the session that started them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals list                            the latest 30
  annals list --here                     of this folder and those below it
  annals list --model opus --tag bug     by model and tag
  annals list --date 2026-11             of November 2026
  annals list --since 'last week'        of last week and this one
  annals list --text 'lost update'       whose text has these words
  annals list --sort tokens -n 10        the ten most expensive
  annals list -i --tag bug               choose one of them on the full screen")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct ListArgs {
    /// Show at most N
    #[arg(short = 'n', long = "limit", value_name = "N", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Show the Nth page
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..))]
    page: u64,
    /// Sort by KEY, the latest, largest or first in the alphabet first
    #[arg(long, value_name = "KEY", default_value = "modified")]
    sort: SortBy,
    /// Turn the order around
    #[arg(long, short)]
    reverse: bool,
    /// Show sub-agents' sessions too
    #[arg(long, short)]
    all: bool,
    /// Only sessions whose text matches QUERY, as in `annals search`
    #[arg(long, value_name = "QUERY")]
    text: Option<String>,
    /// Choose one of them on the full screen, to resume, compare, tag, delete or export it
    #[arg(long, short, conflicts_with_all = ["limit", "page", "text"])]
    interactive: bool,
    /// With -i: choose by number from a list, not on the full screen; for screen readers
    #[arg(long, requires = "interactive")]
    plain: bool,
    #[command(flatten)]
    filters: FilterArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SortBy {
    Modified,
    Created,
    Messages,
    Tokens,
    Size,
    Title,
}

impl From<SortBy> for SortKey {
    fn from(key: SortBy) -> Self {
        match key {
            SortBy::Modified => Self::Modified,
            SortBy::Created => Self::Created,
            SortBy::Messages => Self::Messages,
            SortBy::Tokens => Self::Tokens,
            SortBy::Size => Self::Size,
            SortBy::Title => Self::Title,
        }
    }
}

/// Runs it.
pub(crate) fn run(args: &ListArgs, context: &mut Context) -> Result<ExitCode> {
    let page = Page { offset: (args.page - 1).saturating_mul(args.limit), limit: args.limit };
    let mut repository = context.open()?;
    if args.interactive {
        let mut filter = args.filters.filter(&mut repository, context)?;
        filter.with_subagents = args.all;
        return choose(args, filter, repository, context);
    }
    let (filter, listing_page) = listed(args, page, &mut repository, context)?;
    if context.output.is_json() {
        context.output.json(&ListView::of(&listing_page))?;
        return Ok(ExitCode::Done);
    }
    if !listing_page.sessions.is_empty() {
        let look = ListLook {
            paint: context.output.paint(),
            width: context.output.table_width(),
            home: &context.environment.home,
            now: repository.now(),
            first_number: None,
        };
        let text = listing(&listing_page.sessions, look);
        context.output.page(&text)?;
    }
    if listing_page.total == 0 && args.text.is_some() {
        let why = why_nothing(&filter, &mut repository)?;
        let hint = format!("{} `annals list` without --text shows more.", plain(&why));
        context.output.hint(&hint)?;
    } else if listing_page.total == 0 && !filter.is_open() {
        let why = why_nothing(&filter, &mut repository)?;
        let hint = format!("{} `annals list` without filters shows all.", plain(&why));
        context.output.hint(&hint)?;
    } else if let Some(hint) = remark(&listing_page, page, args.page) {
        context.output.hint(&hint)?;
    }
    Ok(ExitCode::Done)
}

/// The page, and the filter it was read by.
fn listed(
    args: &ListArgs,
    page: Page,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<(Filter, Listing)> {
    let query = args.text.as_deref().map(query::parse).transpose()?;
    let typed = args.text.as_deref().zip(query.as_ref());
    let mut filter = match typed {
        Some(typed) => query::filter(&args.filters, typed, repository, context)?,
        None => args.filters.filter(repository, context)?,
    };
    filter.with_subagents = args.all;
    let order = (args.sort.into(), args.reverse);
    let listing = match &query {
        Some(query) => {
            let mut meter = context.output.meter("Indexing");
            let mut progress = |progress| meter.show(progress);
            repository.list_matching(query, &filter, order, page, &mut progress)?
        }
        None => repository.list(&filter, order.0, order.1, page)?,
    };
    Ok((filter, listing))
}

/// Lets one of the sessions be chosen, and resumes it.
fn choose(
    args: &ListArgs,
    filter: Filter,
    mut repository: Repository,
    context: &mut Context,
) -> Result<ExitCode> {
    if !context.output.can_ask() {
        let text = "Without a terminal nothing can be chosen: `annals list` without -i lists.";
        return Err(Failure::Usage(text.to_owned()));
    }
    let options = PickerOptions {
        filter,
        sort: args.sort.into(),
        is_reversed: args.reverse,
        is_plain: args.plain,
        ..PickerOptions::default()
    };
    let choice = picker::pick(&options, &mut repository, context)?;
    resume_chosen(ResumeArgs::default(), choice, repository, context)
}

/// What is to be said below, or instead of, the rows.
fn remark(listing: &Listing, page: Page, number: u64) -> Option<String> {
    let shown = listing.sessions.len() as u64;
    let total = listing.total;
    if total == 0 {
        Some("No sessions yet. `annals capture` takes in what your agents wrote.".to_owned())
    } else if shown == 0 {
        let pages = total.div_ceil(page.limit);
        Some(format!("That page is empty. The last: --page {pages}"))
    } else if page.offset + shown < total {
        let (first, last) = (page.offset + 1, page.offset + shown);
        Some(format!("{first}–{last} of {total}. The next: --page {}", number + 1))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    #[test]
    fn what_is_not_shown_is_said() {
        let page = |number: u64| Page { offset: (number - 1) * 30, limit: 30 };
        let listing = |total, rows| Listing { total, sessions: vec![samples::summary(); rows] };
        let said = |total, rows, number| remark(&listing(total, rows), page(number), number);
        assert!(said(0, 0, 1).is_some_and(|it| it.starts_with("No sessions yet")));
        assert_eq!(said(31, 30, 1).as_deref(), Some("1–30 of 31. The next: --page 2"));
        assert_eq!(said(31, 1, 2), None);
        let beyond = "That page is empty. The last: --page 2";
        assert_eq!(said(31, 0, 3).as_deref(), Some(beyond));
    }
}
