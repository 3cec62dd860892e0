//! `annals search`: what was said, found again.

use clap::Args;
use clap::ValueEnum;

use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::filters::FilterArgs;
use crate::cli::filters::values_without_sessions;
use crate::cli::hits;
use crate::cli::hits::HitLook;
use crate::cli::json::SearchView;
use crate::cli::plain::plain;
use crate::cli::query;
use crate::repository::Filter;
use crate::repository::Found;
use crate::repository::Page;
use crate::repository::Query;
use crate::repository::Scope;
use crate::repository::SearchOptions;

/// The most hits of a session that are shown where nothing else is asked for.
const HITS: usize = 3;

/// Search the text of sessions
///
/// Finds the sessions that hold every term of QUERY, wherever in them, and shows the best hits of
/// each with the number of their message: `annals show ID --messages N` opens there. Put the whole
/// query into quotes of your shell.
///
/// Searched are what was said and thought, the inputs and outputs of tools, titles, tags, notes,
/// workspace, model and file names.
///
/// A word matches the whole word; case and accents do not count, and `_` is no part of a word. A term
/// with punctuation in it matches the text as it stands, but for case. Exit code 1: nothing matches.
///
///   login redirect          both, anywhere in the session
///   "login redirect"        one behind the other
///   login OR signin         one of them
///   -logout                 without that
///   redirect*               words that begin so
///   src/main.rs "x = 1"     as it stands
///   "-v"                    in quotes a minus and a colon mean themselves
///   tag:bug model:opus agent:codex in:~/src/x branch:main author:kim since:"last week"
///                           filters, as the flags of the same names
///   -tag:private            not what the filter matches
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  annals search 'login redirect'             sessions with both words
  annals search '\"lost update\" -test'        a phrase, and a word that must not be there
  annals search 'src/store/mod.rs' --here    a path, in the sessions of this folder
  annals search migrate --in talk            not in what tools put out
  annals search --exact 'if (x == 1) {'      any piece of text, to the letter
  annals search --regex 'E0[0-9]{3}'         a regular expression"
)]
pub(crate) struct SearchArgs {
    /// What to look for
    #[arg(value_name = "QUERY", required = true, num_args = 1..)]
    query: Vec<String>,
    /// Look only into what was said (talk), or what tools were given and gave (tools)
    #[arg(long = "in", value_name = "PART", default_value = "all")]
    scope: Part,
    /// Take QUERY as a piece of text, to the letter; looks through every text
    #[arg(long, conflicts_with = "regex")]
    exact: bool,
    /// Take QUERY as a regular expression; looks through every text
    #[arg(long)]
    regex: bool,
    /// Show at most N sessions
    #[arg(short = 'n', long = "limit", value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Show the Nth page
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..))]
    page: u64,
    /// Show at most N hits of a session
    #[arg(long, value_name = "N", default_value_t = HITS)]
    hits: usize,
    #[command(flatten)]
    filters: FilterArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    All,
    Talk,
    Tools,
}

impl From<Part> for Scope {
    fn from(part: Part) -> Self {
        match part {
            Part::All => Self::All,
            Part::Talk => Self::Talk,
            Part::Tools => Self::Tools,
        }
    }
}

/// Runs it.
pub(crate) fn run(args: &SearchArgs, context: &mut Context) -> Result<ExitCode> {
    let text = args.query.join(" ");
    let query = match (args.exact, args.regex) {
        (true, _) => Query::exact(&text).map_err(|error| query::refused(&text, &error))?,
        (_, true) => Query::regex(&text).map_err(|error| query::refused(&text, &error))?,
        _ => query::parse(&text)?,
    };
    let page = Page { offset: (args.page - 1).saturating_mul(args.limit), limit: args.limit };
    let mut repository = context.open()?;
    let filter = query::filter(&args.filters, (&text, &query), &mut repository, context)?;
    let options = SearchOptions {
        scope: args.scope.into(),
        filter: Filter { with_subagents: true, ..filter },
        page,
        hits: args.hits.max(1),
        now: repository.now(),
    };
    let mut meter = context.output.meter("Indexing");
    let found = repository.search(&query, &options, &mut |progress| meter.show(progress))?;
    drop(meter);
    let is_found = found.total > 0;
    let code = if is_found { ExitCode::Done } else { ExitCode::Negative };
    if context.output.is_json() {
        context.output.json(&SearchView::of(&found))?;
        return Ok(code);
    }
    if !found.sessions.is_empty() {
        let look = HitLook {
            paint: context.output.paint(),
            width: context.output.table_width(),
            home: &context.environment.home,
            now: options.now,
        };
        let text = hits::hits(&found.sessions, look);
        context.output.page(&text)?;
    }
    if let Some(mut hint) = remark(&found, page, args.page) {
        if !is_found && let Some(why) = values_without_sessions(&options.filter, &mut repository)? {
            hint = format!("{hint} {}", plain(&why));
        }
        context.output.hint(&hint)?;
    }
    Ok(code)
}

/// What is to be said below, or instead of, the hits.
fn remark(found: &Found, page: Page, number: u64) -> Option<String> {
    let shown = found.sessions.len() as u64;
    if found.total == 0 {
        Some("Nothing matches.".to_owned())
    } else if shown == 0 {
        let pages = found.total.div_ceil(page.limit);
        Some(format!("That page is empty. The last: --page {pages}"))
    } else if page.offset + shown < found.total {
        let (first, last) = (page.offset + 1, page.offset + shown);
        Some(format!("{first}–{last} of {}. The next: --page {}", found.total, number + 1))
    } else {
        None
    }
}
