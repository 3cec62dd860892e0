//! The filters that commands share: flags, and what is said where they leave nothing.

use chrono::Local;
use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::exit::Result;
use crate::repository::Filter;
use crate::repository::FilterError;
use crate::repository::FilterInput;
use crate::repository::Repository;
use crate::repository::TimeSpan;
use crate::repository::told_without_secrets;

/// Which sessions are wanted.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filters, each may be repeated")]
pub(crate) struct FilterArgs {
    /// Only sessions of this agent; the beginning of its name is enough: claude
    #[arg(long, value_name = "NAME")]
    agent: Vec<String>,
    /// Only sessions with a model whose name holds this text
    #[arg(long, value_name = "TEXT")]
    model: Vec<String>,
    /// Only sessions of this folder and those below it; a name (shop, kim/shop) is that of any
    /// folder or repository
    #[arg(long, value_name = "DIR")]
    workspace: Vec<String>,
    /// Only sessions of the current folder and those below it, or of its repository
    #[arg(long)]
    here: bool,
    /// Only sessions with this tag
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only sessions on this git branch; `*` stands for any text: 'feature/*'
    #[arg(long, value_name = "NAME")]
    branch: Vec<String>,
    /// Only sessions that this person saved first: any part of the name or address that git has for
    /// him
    #[arg(long, value_name = "TEXT")]
    author: Vec<String>,
    /// Only sessions active then: 2026, 2026-11, 'last week', 'last 24 hours', yesterday,
    /// '3 days ago', 2026-11-03, or from one to another: 2026-10..2026-11
    #[arg(long, value_name = "DATE")]
    date: Vec<String>,
    /// Only sessions active on this date or later
    #[arg(long, value_name = "DATE")]
    since: Vec<String>,
    /// Only sessions active on this date or earlier
    #[arg(long, value_name = "DATE")]
    until: Vec<String>,
}

impl FilterArgs {
    /// Whether none was given.
    pub(crate) fn is_empty(&self) -> bool {
        !self.here && self.fields().iter().all(|(_, values)| values.is_empty())
    }

    /// What was typed, with room for more: the fields of a query, say.
    pub(crate) fn input(&self, context: &Context) -> Result<FilterInput<Local>> {
        let environment = &context.environment;
        let now = environment.clock.now().with_timezone(&Local);
        let mut input = FilterInput::new(now, &environment.home, &environment.current);
        if self.here {
            input.add("here", "").map_err(|error| refused(&error))?;
        }
        for (field, values) in self.fields() {
            for value in values {
                input.add(field, value).map_err(|error| refused(&error))?;
            }
        }
        Ok(input)
    }

    /// The filter that these flags are.
    pub(crate) fn filter(&self, repository: &mut Repository, context: &Context) -> Result<Filter> {
        finish(self.input(context)?, repository)
    }

    fn fields(&self) -> [(&'static str, &[String]); 9] {
        [
            ("agent", &self.agent),
            ("model", &self.model),
            ("workspace", &self.workspace),
            ("tag", &self.tag),
            ("branch", &self.branch),
            ("author", &self.author),
            ("date", &self.date),
            ("since", &self.since),
            ("until", &self.until),
        ]
    }
}

/// When something was done.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct DateArgs {
    /// Only what was done then: 2026, 2026-11, 'last week', yesterday, 2026-11-03..2026-11-05;
    /// may be repeated
    #[arg(long, value_name = "DATE")]
    date: Vec<String>,
    /// Only what was done on this date or later
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Only what was done on this date or earlier
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
}

impl DateArgs {
    /// The spans of time that these flags are; none: any time.
    pub(crate) fn spans(&self, context: &Context) -> Result<Vec<TimeSpan>> {
        let dates = FilterArgs {
            date: self.date.clone(),
            since: self.since.iter().cloned().collect(),
            until: self.until.iter().cloned().collect(),
            ..FilterArgs::default()
        };
        Ok(dates.input(context)?.finish().map_err(|error| refused(&error))?.spans)
    }
}

/// The filter that was typed; one that can match nothing is refused.
pub(crate) fn finish(input: FilterInput<Local>, repository: &mut Repository) -> Result<Filter> {
    let filter = input.finish().map_err(|error| refused(&error))?;
    match repository.unknown_agent(&filter)? {
        Some(error) => Err(refused(&error)),
        None => Ok(filter),
    }
}

/// A filter that is none is wrong usage.
pub(crate) fn refused(error: &FilterError) -> Failure {
    Failure::Usage(error.to_string())
}

/// Why nothing matches: the values that no session has, or none of them alone.
pub(crate) fn why_nothing(filter: &Filter, repository: &mut Repository) -> Result<String> {
    let why = values_without_sessions(filter, repository)?;
    Ok(why.unwrap_or_else(|| "No session matches.".to_owned()))
}

/// The values that no session has, a sentence each, without what is secret in them; none: each has
/// sessions.
pub(crate) fn values_without_sessions(
    filter: &Filter,
    repository: &mut Repository,
) -> Result<Option<String>> {
    let unmatched = repository.unmatched(filter)?;
    let sentences: Vec<String> = unmatched.iter().map(ToString::to_string).collect();
    Ok(if sentences.is_empty() { None } else { Some(told_without_secrets(&sentences.join("\n"))) })
}
