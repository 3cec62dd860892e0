//! `annals remote`: which other repositories hold this store too.

use clap::Args;
use clap::Subcommand;

use crate::cli::brief;
use crate::cli::context::Context;
use crate::cli::exit::ExitCode;
use crate::cli::exit::Result;
use crate::cli::filters::values_without_sessions;
use crate::cli::json::RemotesView;
use crate::cli::plain::line;
use crate::cli::plain::plain;
use crate::cli::query;
use crate::repository::Remote;
use crate::repository::RemoteFilter;
use crate::repository::RemoteOptions;
use crate::repository::Repository;
use crate::repository::told_without_secrets;

/// Say which repositories this store is synced with
///
/// A remote is any git repository: an empty one on a server or on a disk will do. It is reached as
/// git reaches it, with your ssh settings and credential helpers. Addresses: https, ssh, a path, or
/// `gcrypt::` before one of them, for a remote that nobody else can read (needs git-remote-gcrypt).
///
/// With `--only FILTER` it gets the sessions that match, with those of their sub-agents, and nothing
/// of any other: the filters are those of a query, docs/search.md lists them. What others gave the
/// remote comes here all the same.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  annals remote add origin git@example.org:me/annals.git
  annals remote add disk /media/stick/annals.git
  annals remote add work git@example.org:team/annals.git --only 'tag:work in:~/src/shop'
  annals remote add home ssh://home/annals.git --auto
  annals remote test origin
  annals sync")]
pub(crate) struct RemoteArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

/// What to do with remotes.
#[derive(Debug, Subcommand)]
enum Action {
    /// Add one
    Add {
        /// What to call it
        name: String,
        /// Where it is
        url: String,
        /// Give it only the sessions that match: tag:work, in:~/src/shop, agent:codex,
        /// author:kim …, or do not: -tag:private; of what else is here nothing ever leaves
        #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
        only: Option<String>,
        /// Sync with it by itself after captures and saves, in the background, at most every
        /// `sync.interval` minutes
        #[arg(long)]
        auto: bool,
    },
    /// List them
    List,
    /// Remove one; what was synced stays, here and there
    Remove {
        /// Its name
        name: String,
    },
    /// Ask one whether it can be reached
    Test {
        /// Its name
        name: String,
    },
}

/// Runs it.
pub(crate) fn run(args: &RemoteArgs, context: &mut Context) -> Result<ExitCode> {
    let mut repository = context.open()?;
    match args.action.as_ref().unwrap_or(&Action::List) {
        Action::Add { name, url, only, auto } => {
            add((name, url), only.as_deref(), *auto, &mut repository, context)?;
        }
        Action::Remove { name } => {
            let remote = repository.remove_remote(name)?;
            let hint = format!("To add it again: annals remote add {name} {}", shown(&remote));
            tell(&[remote], &format!("Removed the remote {name}."), &hint, context)?;
        }
        Action::Test { name } => test(&repository, name, context)?,
        Action::List => {
            let remotes = repository.remotes()?;
            if context.output.is_json() {
                context.output.json(&RemotesView::known(&repository.remote_states()?))?;
            } else if remotes.is_empty() {
                context.output.status("There is no remote.")?;
                context.output.hint("To add one: annals remote add NAME URL")?;
            }
            let rows: String = remotes.iter().map(row).collect();
            if !context.output.is_json() {
                context.output.data(&rows)?;
            }
        }
    }
    Ok(ExitCode::Done)
}

/// Adds one, and says what goes there and what does not.
fn add(
    (name, url): (&str, &str),
    only: Option<&str>,
    is_auto: bool,
    repository: &mut Repository,
    context: &mut Context,
) -> Result<()> {
    let typed = |text| RemoteFilter::typed(text, &context.environment);
    let only = match only.map(|text| typed(text).map_err(|error| (text, error))).transpose() {
        Ok(only) => only,
        Err((text, error)) => return Err(query::refused(text, &error)),
    };
    let options = RemoteOptions { only, is_auto };
    let remote = repository.add_remote(name, url, &options)?;
    let said = format!("Added the remote {name} at {}", shown(&remote));
    tell(&[remote], &said, &format!("To sync with it: annals sync {name}"), context)?;
    let Some(only) = options.only.filter(|_| !context.output.is_json()) else { return Ok(()) };
    // What is not to go and is not there is a slip of the finger more than anything.
    for filter in std::iter::once(only.filter()).chain(only.filter().without.as_deref()) {
        if let Some(why) = values_without_sessions(filter, repository)? {
            context.output.warning(&plain(&why))?;
        }
    }
    let share = repository.remote_share(only.filter())?;
    let (goes, stays) = (brief::count(share.goes, "session"), share.stays);
    context.output.hint(&format!(
        "It gets only what matches {}: {goes} as things are, {stays} stay here. What it once got \
         cannot be called back: a session that matches no longer stays there as it was.",
        plain(only.as_str())
    ))
}

/// A remote in a list.
fn row(remote: &Remote) -> String {
    let only = remote.only.as_ref().map(|only| format!("  only {}", line(only)));
    let auto = if remote.is_auto { "  by itself" } else { "" };
    format!("{}  {}{}{auto}\n", remote.name, shown(remote), only.unwrap_or_default())
}

/// Its address; whoever wrote a setting by hand may have put a secret into it.
fn shown(remote: &Remote) -> String {
    told_without_secrets(remote.address.as_str())
}

fn tell(remotes: &[Remote], said: &str, hint: &str, context: &mut Context) -> Result<()> {
    if context.output.is_json() {
        return context.output.json(&RemotesView::of(remotes));
    }
    context.output.status(said)?;
    context.output.hint(hint)
}

fn test(repository: &Repository, name: &str, context: &mut Context) -> Result<()> {
    let (remote, tip) = repository.test_remote(name)?;
    if context.output.is_json() {
        return context.output.json(&RemotesView::tested(&remote, tip.as_ref()));
    }
    let has =
        tip.map_or_else(|| "it is empty.".to_owned(), |tip| format!("its main is {}", tip.short()));
    context.output.status(&format!("The remote {name} answers; {has}"))
}
