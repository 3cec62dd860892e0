//! `annals list`: sessions, filtered, sorted, paged.

use std::path::Path;

use chrono::Local;
use clap::Args;
use clap::ValueEnum;

use crate::cli::context::Context;
use crate::cli::date;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::cli::json::ListView;
use crate::cli::listing::ListLook;
use crate::cli::listing::listing;
use crate::repository::Filter;
use crate::repository::Listing;
use crate::repository::Page;
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
  annals list --sort tokens -n 10        the ten most expensive")]
pub(crate) struct ListArgs {
    /// Only sessions of this agent
    #[arg(long, value_name = "NAME")]
    agent: Vec<String>,
    /// Only sessions with a model whose name holds this text
    #[arg(long, value_name = "TEXT")]
    model: Vec<String>,
    /// Only sessions of this folder and those below it; a name without `/` is the folder's own
    #[arg(long, value_name = "DIR")]
    workspace: Vec<String>,
    /// Only sessions of the current folder and those below it
    #[arg(long)]
    here: bool,
    /// Only sessions with this tag
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only sessions on this git branch
    #[arg(long, value_name = "NAME")]
    branch: Vec<String>,
    /// Only sessions active in a year (2026), month (2026-11), day (2026-11-03), at an RFC 3339
    /// time, or in a range of these (2026-10..2026-11)
    #[arg(long, value_name = "DATE")]
    date: Vec<String>,
    /// Only sessions active on this date or later
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Only sessions active on this date or earlier
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
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
pub(crate) fn run(args: ListArgs, context: &mut Context) -> Result<ExitCode> {
    let page = Page { offset: (args.page - 1).saturating_mul(args.limit), limit: args.limit };
    let (sort, is_reversed, number) = (args.sort.into(), args.reverse, args.page);
    let filter = filter(args, &context.environment.current)?;
    let mut repository = context.open()?;
    let listing_page = repository.list(&filter, sort, is_reversed, page)?;
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
            is_numbered: false,
        };
        let text = listing(&listing_page.sessions, look);
        context.output.page(&text)?;
    }
    if let Some(hint) = remark(&listing_page, page, number, filter == Filter::default()) {
        context.output.hint(&hint)?;
    }
    Ok(ExitCode::Done)
}

fn filter(args: ListArgs, current: &Path) -> Result<Filter> {
    let (since, until) = (args.since.as_deref(), args.until.as_deref());
    let spans = date::spans(&args.date, since, until, &Local).map_err(Failure::Usage)?;
    let mut workspaces: Vec<String> =
        args.workspace.into_iter().map(|text| absolute(text, current)).collect();
    if args.here {
        workspaces.push(current.to_string_lossy().into_owned());
    }
    Ok(Filter {
        agents: args.agent,
        models: args.model,
        workspaces,
        tags: args.tag,
        branches: args.branch,
        spans,
        with_subagents: args.all,
    })
}

/// A folder as it is recorded: absolute, without dots. A bare name stays what it is.
fn absolute(text: String, current: &Path) -> String {
    let is_name = !text.contains('/') && text != "." && text != "..";
    if is_name {
        return text;
    }
    let mut folder = std::path::PathBuf::new();
    for part in current.join(text).components() {
        match part {
            std::path::Component::ParentDir => {
                folder.pop();
            }
            std::path::Component::CurDir => {}
            part => folder.push(part),
        }
    }
    folder.to_string_lossy().into_owned()
}

/// What is to be said below, or instead of, the rows.
fn remark(listing: &Listing, page: Page, number: u64, is_unfiltered: bool) -> Option<String> {
    let shown = listing.sessions.len() as u64;
    let total = listing.total;
    if total == 0 && is_unfiltered {
        Some("No sessions yet. `annals capture` takes in what your agents wrote.".to_owned())
    } else if total == 0 {
        Some("No session matches. `annals list` without filters shows all.".to_owned())
    } else if shown == 0 {
        let pages = total.div_ceil(page.limit);
        Some(format!("There are only {pages} pages. The last: --page {pages}"))
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
    fn folders_are_made_absolute_and_names_are_not() {
        let cases = [
            ("shop", "shop"),
            (".", "/home/dev/src"),
            ("..", "/home/dev"),
            ("../x/./y", "/home/dev/x/y"),
            ("/srv/../etc", "/etc"),
        ];
        for (text, expected) in cases {
            assert_eq!(absolute(text.to_owned(), Path::new("/home/dev/src")), expected);
        }
    }

    #[test]
    fn what_is_not_shown_is_said() {
        let page = |number: u64| Page { offset: (number - 1) * 30, limit: 30 };
        let listing = |total, rows| Listing { total, sessions: vec![samples::summary(); rows] };
        let said = |total, rows, number| remark(&listing(total, rows), page(number), number, false);
        assert!(said(0, 0, 1).is_some_and(|it| it.starts_with("No session matches")));
        assert_eq!(said(31, 30, 1).as_deref(), Some("1–30 of 31. The next: --page 2"));
        assert_eq!(said(31, 1, 2), None);
        let beyond = "There are only 2 pages. The last: --page 2";
        assert_eq!(said(31, 0, 3).as_deref(), Some(beyond));
    }
}
