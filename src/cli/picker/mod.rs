//! The picker: a session is chosen by a person, on the full screen or from a numbered list.
//!
//! On the full screen `state` is a pure machine from what happened to what is to be done, `draw` makes
//! a screen of it, `clerk` does what takes time in threads of its own, `stage` takes the terminal and
//! gives it back, and `screen` is the loop between them. Only what the first screen shows is read
//! before it is drawn: it opens as fast with many sessions as with few. All of the screen is the
//! feature `tui`; without it, where a screen cannot be drawn, or with `--plain`, there is `numbered`.

mod numbered;

#[cfg(feature = "tui")]
mod clerk;
#[cfg(feature = "tui")]
mod draw;
#[cfg(feature = "tui")]
mod finder;
#[cfg(feature = "tui")]
mod help;
#[cfg(feature = "tui")]
mod job;
#[cfg(feature = "tui")]
mod keys;
#[cfg(feature = "tui")]
mod panes;
#[cfg(feature = "tui")]
mod preview;
#[cfg(feature = "tui")]
mod row;
#[cfg(all(test, feature = "tui"))]
mod samples;
#[cfg(feature = "tui")]
mod screen;
#[cfg(feature = "tui")]
mod sieve;
#[cfg(feature = "tui")]
mod stage;
#[cfg(feature = "tui")]
mod state;
#[cfg(feature = "tui")]
mod text;

use crate::cli::context::Context;
use crate::cli::exit::Result;
use crate::cli::filters::why_nothing;
use crate::cli::plain::plain;
use crate::platform;
use crate::repository::Filter;
use crate::repository::Repository;
use crate::repository::SortKey;
use crate::session::SessionId;

/// What can be chosen from.
#[derive(Debug, Clone, Default)]
pub(crate) struct PickerOptions {
    /// Which sessions.
    pub(crate) filter: Filter,
    /// What they are sorted by.
    pub(crate) sort: SortKey,
    /// Whether the order is turned around.
    pub(crate) is_reversed: bool,
    /// Whether a numbered list is wanted.
    pub(crate) is_plain: bool,
    /// What it is chosen for.
    pub(crate) purpose: Purpose,
}

/// What a session is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Purpose {
    /// Its agent is started.
    #[default]
    Agent,
    /// The shell goes on with it.
    Shell,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Choice {
    /// There was nothing to choose from; that was said.
    NoSessions,
    /// None was chosen.
    Cancelled,
    /// A session is to be resumed.
    Session {
        /// Which.
        id: SessionId,
        /// In which other agent, if in another.
        agent: Option<String>,
        /// Whether its beginning was in view.
        is_seen: bool,
    },
}

/// Lets a session be chosen. Somebody must be there to answer.
pub(crate) fn pick(
    options: &PickerOptions,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<Choice> {
    let is_dumb = platform::variable("TERM").is_some_and(|term| term == "dumb");
    if options.is_plain || is_dumb {
        return numbered::choose(options, repository, context);
    }
    on_screen(options, repository, context)
}

/// There is no screen in this build.
#[cfg(not(feature = "tui"))]
fn on_screen(
    options: &PickerOptions,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<Choice> {
    numbered::choose(options, repository, context)
}

#[cfg(feature = "tui")]
fn on_screen(
    options: &PickerOptions,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<Choice> {
    let environment = &context.environment;
    let here = Filter::here(&environment.current).repositories.pop();
    let places = row::Places {
        home: &environment.home,
        current: &environment.current,
        repository: here.as_deref(),
    };
    let first = screen::first_rows(options, places, repository)?;
    if first.is_empty() {
        return nothing(options, repository, context);
    }
    Ok(match screen::choose(options, (first, here), repository.now(), context)? {
        job::Ending::Cancelled => Choice::Cancelled,
        job::Ending::Resume { id, agent } => Choice::Session { id, agent, is_seen: true },
    })
}

/// Says why there is nothing to choose from.
fn nothing(
    options: &PickerOptions,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<Choice> {
    let hint = if options.filter.is_open() {
        "No sessions yet. `annals capture` takes in what your agents wrote.".to_owned()
    } else {
        plain(&why_nothing(&options.filter, repository)?).into_owned()
    };
    context.output.hint(&hint)?;
    Ok(Choice::NoSessions)
}
