//! The full-text search of the picker: a query as it is typed, in, sessions with their hits, out.

use chrono::Local;

use crate::cli::exit;
use crate::cli::exit::Failure;
use crate::cli::picker::clerk::Desk;
use crate::cli::picker::job::Asked;
use crate::cli::picker::job::Found;
use crate::cli::picker::job::Input;
use crate::cli::picker::job::Refusal;
use crate::cli::picker::row::Row;
use crate::error::Error;
use crate::repository::Filter;
use crate::repository::FilterInput;
use crate::repository::FoundSession;
use crate::repository::Page;
use crate::repository::Query;
use crate::repository::QueryError;
use crate::repository::Repository;
use crate::repository::Scope;
use crate::repository::SearchOptions;

/// The sessions that are found at once; others follow when they are wanted.
const SESSIONS: u64 = 30;
/// The hits of a session that one can go through.
const HITS: usize = 9;

/// Searches, and tells what came of it.
pub(super) fn search(asked: &Asked, repository: &mut Repository, desk: &Desk) -> Input {
    match find(asked, repository, desk) {
        Ok((found, total)) => Input::Found(asked.clone(), found, total),
        Err(refusal) => Input::Refused(asked.clone(), refusal),
    }
}

fn find(
    asked: &Asked,
    repository: &mut Repository,
    desk: &Desk,
) -> Result<(Vec<Found>, u64), Refusal> {
    let query = Query::parse(&asked.query)?;
    let options = SearchOptions {
        scope: Scope::All,
        filter: filter(asked, &query, repository, desk)?,
        page: Page { offset: asked.offset, limit: SESSIONS },
        hits: HITS,
        now: repository.now(),
    };
    let mut told = None;
    let found = repository.search(&query, &options, &mut |progress| {
        let percent = progress.done * 100 / progress.total.max(1);
        if told.replace(percent) != Some(percent) {
            let said = format!("Indexing the texts, once: {percent} % …");
            // Whoever left wants to know nothing.
            desk.tell(Input::Searching(said));
        }
    })?;
    let sessions = found.sessions.into_iter().map(|session| with_row(session, desk));
    Ok((sessions.collect(), found.total))
}

/// The sessions that are searched. Of a kind that the query names, what it says counts; else what
/// the picker was opened with.
fn filter(
    asked: &Asked,
    query: &Query,
    repository: &mut Repository,
    desk: &Desk,
) -> Result<Filter, Refusal> {
    let environment = &desk.options.environment;
    let now = repository.now().with_timezone(&Local);
    let mut input = FilterInput::new(now, &environment.home, &environment.current);
    for field in &query.fields {
        input.take(field).map_err(|error| Refusal::from(field.refused(error.to_string())))?;
    }
    let typed = input.finish().map_err(|error| Refusal::whole(&error.to_string()))?;
    if let Some(error) = repository.unknown_agent(&typed)? {
        return Err(Refusal::whole(&error.to_string()));
    }
    let is_within = |root: &String| environment.current.starts_with(root);
    let opened_within = &desk.filter.workspaces;
    let is_within = opened_within.is_empty() || opened_within.iter().any(is_within);
    let is_one = is_within && typed.workspaces.is_empty();
    if asked.only_here && !is_one {
        let why = "Not only this folder was asked for, but another one too. ^L: everywhere";
        return Err(Refusal::whole(why));
    }
    let opened =
        if asked.only_here { desk.places().only_here(&desk.filter) } else { desk.filter.clone() };
    let is_elsewhere = !typed.workspaces.is_empty();
    let or = |typed: Vec<String>, opened| if typed.is_empty() { opened } else { typed };
    Ok(Filter {
        agents: or(typed.agents, opened.agents),
        models: or(typed.models, opened.models),
        // A folder and its repository go together.
        repositories: if is_elsewhere { typed.repositories } else { opened.repositories },
        workspaces: or(typed.workspaces, opened.workspaces),
        tags: or(typed.tags, opened.tags),
        branches: or(typed.branches, opened.branches),
        authors: or(typed.authors, opened.authors),
        without: typed.without.or(opened.without),
        spans: if typed.spans.is_empty() { opened.spans } else { typed.spans },
        with_subagents: true,
    })
}

fn with_row(session: FoundSession, desk: &Desk) -> Found {
    let row = Row::of(&session.summary, desk.places());
    let mut hits: Vec<_> = session.hits.into_iter().enumerate().collect();
    hits.sort_by_key(|(place, hit)| (hit.message, *place));
    let best = hits.iter().position(|(place, _)| *place == 0).unwrap_or(0);
    Found { row, hits: hits.into_iter().map(|(_, hit)| hit).collect(), best }
}

impl Refusal {
    /// It is about the whole query.
    fn whole(why: &str) -> Self {
        Self { why: why.to_owned(), span: 0..0 }
    }
}

impl From<QueryError> for Refusal {
    /// Where it is wrong comes first: the line may have no room for all.
    fn from(error: QueryError) -> Self {
        let why = format!("Character {}: {}", error.span.start + 1, error.problem);
        Self { why, span: error.span }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let report = exit::report(&Failure::Library(error));
        Self::whole(&report.map_or_else(String::new, |report| report.message))
    }
}
